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
# A neuron is often described by how fast it fires on a constant current. In evolution the current jumped four times a
# sequence, between nine levels; here it is held, at levels between those too.

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = "figures"
points = 33  # currents
n = 64  # sequences a current

# %%
import matplotlib.pyplot as plt

import enu_lib as enu
from enu_lib import plots, widgets
from enu_lib.figures import COLUMN, save_figure, use_style

use_style()
iaf = enu.zoo.obtain("iaf-enu", profile, seed)
curve = enu.analysis.frequency_curve(iaf.model, iaf.genome, iaf.task, points, n, seed + 500)
fig, ax = plt.subplots(figsize=(COLUMN, 2.5))
plots.frequency(ax, curve)
files = save_figure(
    fig, "ed2_frequency", figures_dir, zoo=["iaf-enu"],
    caption=f"""Firing frequency against mean input current of the model neuron (dashed) and the evolved unit; mean and s.d. of
    {n} sequences of {iaf.task.steps} steps at each of {points} currents.""",
)  # fmt: skip
apart = (curve.evolved / curve.target - 1).abs()
print(f"deviation from the model neuron: mean {apart.mean():.1%}, largest {apart.max():.1%}")

# %% [markdown]
# ## Try it

# %% tags=["explorer"]
widgets.neuron_explorer(iaf)
