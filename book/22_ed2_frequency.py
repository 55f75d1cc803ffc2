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
# # Firing frequency against input current (extended data Fig. 2)
#
# ## Question
#
# A unit that fires with the model neuron on the inputs of its evolution may have learnt only those inputs. Does it fire as it
# should at currents in between?
#
# ## Approach
#
# A neuron is often described by its f-I curve: how fast it fires at a constant current. During evolution, the current was at
# one of nine mean levels, redrawn for each quarter of a sequence; here each level is held constant, and there are levels in
# between. The frequency is the inverse of the mean interval between spikes, because counting spikes in a fixed window would
# round.

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
from enu_lib.figures import COLUMN, panel_letters, save_figure, use_style

use_style()

# %%
iaf = enu.zoo.obtain("iaf-enu", profile, seed)
curve = enu.analysis.frequency_curve(iaf.model, iaf.genome, iaf.task, points, n, seed + 500)

# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 1, figsize=(COLUMN, 3.6), sharex=True, height_ratios=[2, 1])
figures.units.frequency(axes[0], curve)
figures.units.frequency_deviation(axes[1], curve)
axes[0].set(xlabel="")
panel_letters(axes)
files = save_figure(
    fig, "ed2_frequency", figures_dir, zoo=["iaf-enu"], data=figures.data.frequency(curve),
    caption=f"""**a**, Firing frequency against mean input current, for the model neuron (grey band) and the evolved unit
    (blue); mean and s.d. of {n} sequences of {iaf.task.steps} steps at each of {points} currents. **b**, Deviation of the
    unit's mean frequency from that of the model neuron; the closer to 0, the better.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %% tags=["hide-input"]
apart = curve.deviation.abs()
worst = int(apart.argmax())
Markdown(
    f"Along this curve the unit's frequency deviates from the model's by {apart.mean():.1%} on average and by "
    f"{apart.max():.1%} at most, at a current of {curve.current[worst]:.3f}."
)

# %% [markdown]
# ## Reconstruction
#
# The input levels between the nine used in evolution are ours, and so is the definition of frequency as the inverse of the
# mean interval.
#
# ## Verdict

# %% tags=["hide-input"]
scores = enu.analysis.scores(iaf.model, iaf.genome, iaf.task, 2048 if profile != "smoke" else 64, seed=seed + 501)
Markdown(ledger.verdicts({"iaf-enu": scores}, "C2"))

# %% [markdown]
# ## Try it
#
# Set two currents, one for each half of the sequence.

# %% tags=["explorer"]
widgets.neuron_explorer(iaf)
