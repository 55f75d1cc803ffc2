# ---
# jupyter:
#   jupytext:
#     notebook_metadata_filter: -jupytext.text_representation.format_version,-jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A rule that is in no textbook (extended data Fig. 3)
#
# ## Question
#
# Is a unit limited to rules like those we know? The paper evolves one for an invented rule: a symmetric window with the
# neuromodulator and quite a different one without it, largest at differences of 0 and 10 steps and almost zero at 5.
#
# ## Approach
#
# The task is that of [the evolved synapse](13_single_units.py) with another rule. For a spike-time difference $\Delta t$, the
# weight should change by
#
# $$
# \Delta w = \begin{cases}
# 0.5\,e^{-|\Delta t|/10} & \text{with neuromodulator}\\
# 0.5\,\cos^2(\pi\,\Delta t/10)\;e^{-(\Delta t/20)^2} & \text{without}
# \end{cases}
# $$ (eq-complex)

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.study import ledger, tables
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()

# %%
GENERATIONS = (1000, 3000)
units = [enu.zoo.obtain("complex-stdp-enu", profile, seed, generations=g) for g in GENERATIONS]

# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 2, figsize=(PAGE, 4), sharex=True, sharey=True)
correlation, windows = {}, {}
for row, unit, g in zip(axes, units, GENERATIONS, strict=True):
    for ax, modulator, text in zip(row, (1, 0), ("with neuromodulator", "without"), strict=True):
        found = enu.analysis.plasticity_window(unit.model, unit.genome, unit.task, modulator, seed=seed + 600)
        correlation[text, g] = torch.corrcoef(torch.stack([found.target, found.evolved]))[0, 1].item()
        figures.units.window(ax, found, title=f"{text}, generation {g:,}")
        windows["abcd"[len(windows)]] = figures.data.window(found).assign(generation=g, neuromodulator=modulator)
panel_letters(axes.flat)
files = save_figure(
    fig, "ed3_complex_stdp", figures_dir, zoo=[f"complex-stdp-enu-{g}" for g in GENERATIONS],
    data=figures.data.panels(windows),
    caption=f"""Synaptic change against spike-time difference after 1,000 (**a**, **b**) and 3,000 generations (**c**, **d**),
    with and without neuromodulator; the parent of one run; mean and s.d. of {found.n} sequences per difference; grey band:
    the rule to be met (our formula). The closer blue follows grey, the better.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# Correlation of the mean change with the rule, over the differences in the figure (the verdict below uses a different draw).
# Our mutations are annealed until the last generation, and the paper's were not: part of the gain after generation 1,000 may be
# due to that.

# %%
found = {text: {f"generation {g:,}": correlation[text, g] for g in GENERATIONS} for text, _ in correlation}
Markdown(tables.numbers(found, 4, "correlation with the rule"))

# %% [markdown]
# The run that the two parents come from:

# %%
made = {f"after {g:,} generations": u.made for u, g in zip(units, GENERATIONS, strict=True)}
Markdown(tables.markdown(tables.made(made)))

# %% [markdown]
# ## Reconstruction
#
# The paper shows this rule as a picture and describes it; the formula is ours, made to fit the description.
#
# ## Verdict

# %% tags=["hide-input"]
n = 2048 if profile != "smoke" else 64
scores = {
    f"complex-stdp-enu-{g}": enu.analysis.scores(u.model, u.genome, u.task, n, seed=seed + 601)
    for u, g in zip(units, GENERATIONS, strict=True)
}
Markdown(ledger.verdicts(scores, "C4"))

# %% [markdown]
# ## Try it
#
# The unit of the later generation. Remove the neuromodulator, and move the spikes from 5 to 10 steps apart.

# %% tags=["explorer"]
widgets.SynapseExplorer(units[-1])
