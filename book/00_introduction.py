# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A network in which every synapse and every neuron evolves
#
# Bertens and Lee (*Nature Machine Intelligence* 2, 791-799, 2020) ask whether the rules by which synapses change and
# neurons fire can be found by evolution, in the place of being written down. Their answer is the **evolvable neural unit**
# (ENU): a small recurrent unit that can stand in the place of a synapse or of a neuron. Its parameters are inherited; its
# memory belongs to a life.
#
# Here every figure comes from units that this code evolved. Nothing is replayed from the paper: where a claim does not
# reproduce, the page says so, with its numbers. Where the paper and its public code are silent we had to choose, and
# each such choice is named a *reconstruction*.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the evolved units that ship with enu_lib; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = "figures"

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import plots, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()
iaf, stdp = (enu.zoo.obtain(name, profile, seed) for name in ("iaf-enu", "stdp-enu"))

# %% [markdown]
# ## Two units that evolved
#
# On the left, a unit that evolution made into an integrate-and-fire neuron: it meets inputs it has never seen, and fires
# beside the model neuron. On the right, a unit that became a synapse: after a pair of spikes it passes on more, or less,
# of its input, as spike-timing-dependent plasticity says.

# %%
trace = enu.rollout(iaf.model, iaf.genome, iaf.task, environments=8, seed=seed + 100)
window = enu.analysis.plasticity_window(stdp.model, stdp.genome, stdp.task, modulator=1)
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.5), width_ratios=[1.4, 1])
plots.spike_trains(axes[0], trace.batch.spikes, iaf.task.fired(trace.y[0]))
plots.window(axes[1], window)
panel_letters(axes)
files = save_figure(
    fig, "overview", figures_dir, zoo=["iaf-enu", "stdp-enu"],
    caption=f"""Two evolved units on inputs that evolution never saw. a, Spikes of a model integrate-and-fire neuron and of
    the unit evolved to be one, eight random sequences. b, Synaptic change of the unit evolved to be a neuromodulated STDP
    synapse against spike distance; mean and s.d. of {window.n} sequences a distance; dashed: the rule.""",
)  # fmt: skip

# %% [markdown]
# ## The claims, so far
#
# Measured now, on sequences that evolution never saw. The verdict's rule stands in the last column.

# %%
a = enu.analysis.scores(iaf.model, iaf.genome, iaf.task, n=1024, seed=seed + 200)
b = enu.analysis.scores(stdp.model, stdp.genome, stdp.task, n=1024, seed=seed + 200)
met = min(a["target spikes met within 1 step"], a["unit spikes met within 1 step"])
rows = [
    ("C1 an evolved unit reproduces integrate-and-fire spikes", f"{met:.1%} of spikes coincide within one step",
     met >= 0.95, "at least 95%, counted both ways"),
    ("C2 its firing-frequency curve matches", f"mean deviation {a['f-I deviation, mean']:.1%}",
     a["f-I deviation, mean"] <= 0.03, "mean deviation at most 3%"),
    ("C3 an evolved unit reproduces neuromodulated STDP",
     f"correlation {b['window correlation with NT']:.4f}; without neuromodulator {b['mean |change| without NT, %']:.2f}%",
     b["window correlation with NT"] >= 0.999 and b["mean |change| without NT, %"] <= 0.5,
     "correlation at least 0.999, change without neuromodulator at most 0.5%"),
]  # fmt: skip
lines = ["| claim | measured | verdict | rule |", "|---|---|---|---|"]
lines += [f"| {c} | {m} | {'reproduced' if ok else 'in part'} | {rule} |" for c, m, ok, rule in rows]
Markdown("\n".join(lines))

# %% [markdown]
# ## Try it
#
# Change the input current: both neurons answer. (In a page without a running kernel, this is a picture.)

# %% tags=["explorer"]
widgets.neuron_explorer(iaf)
