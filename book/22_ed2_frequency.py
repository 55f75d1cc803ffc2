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
# # Input current against firing frequency (extended data Fig. 2)
#
# **Asked.** A unit that fires with the model neuron on the inputs of its evolution may have learnt those inputs only. Does it
# fire as it should at currents in between?
#
# **The idea.** A neuron is often described by its f-I curve, how fast it fires on a constant current. In evolution the
# current was at one of nine mean levels, drawn anew for each quarter of a sequence; here each level is held, and there are
# levels between those too. The frequency is the inverse of the mean interval between spikes: counting spikes in a window of
# fixed length would round.

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = None  # build/figures
points = 33  # currents
n = 64  # sequences a current

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.study import ledger
from enu_lib.figures import COLUMN, save_figure, use_style

use_style()

# %%
iaf = enu.zoo.obtain("iaf-enu", profile, seed)
curve = enu.analysis.frequency_curve(iaf.model, iaf.genome, iaf.task, points, n, seed + 500)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(COLUMN, 2.5))
figures.units.frequency(ax, curve)
files = save_figure(
    fig, "ed2_frequency", figures_dir, zoo=["iaf-enu"],
    caption=f"""Firing frequency against mean input current of the model neuron (dashed) and the evolved unit; mean and s.d. of
    {n} sequences of {iaf.task.steps} steps at each of {points} currents.""",
)  # fmt: skip

# %% [markdown]
# ## Measured, and verdict

# %% tags=["hide-input"]
apart = (curve.evolved / curve.target - 1).abs()
worst = int(apart.argmax())
Markdown(
    f"On the curve above the unit's frequency is off by {apart.mean():.1%} on average and by {apart.max():.1%} at most, at a "
    f"current of {curve.current[worst]:.3f}."
)

# %% tags=["hide-input"]
scores = enu.analysis.scores(iaf.model, iaf.genome, iaf.task, 2048 if profile != "smoke" else 64, seed=seed + 501)
Markdown(ledger.verdicts({"iaf-enu": scores}, "C2"))

# %% [markdown]
# ## Try it
#
# Two currents, one in each half of the sequence.

# %% tags=["explorer"]
widgets.neuron_explorer(iaf)
