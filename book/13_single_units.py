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
# # A neuron and a synapse, evolved (Fig. 3)
#
# The paper's first test: can the same unit become a neuron and become a synapse, by nothing but a change of its genome? It
# is shown inputs and judged by its output; nobody tells it how. We measure on sequences that evolution never saw.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the units that ship; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = "figures"

# %%
import matplotlib.pyplot as plt
import pandas as pd

import enu_lib as enu
from enu_lib import live, plots, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()
iaf, stdp = (enu.zoo.obtain(name, profile, seed) for name in ("iaf-enu", "stdp-enu"))

# %% [markdown]
# ## Integrate and fire
#
# The model neuron sums its input, $v \leftarrow v + x$, fires where $v > 0.5$, and starts again from 0. The unit's loss is
# the squared difference of the times since the last spike, so that it is told *that* it fired too late, not why.
# *Reconstruction:* the unit sees the input times a constant (`input_scale` in its settings), since weights that begin
# orthogonal and mutate by hundredths feel an input of 0.01 hardly at all; and both neurons count as having last fired some
# steps before the start. Without either, many runs end in a unit that never fires.

# %%
trace = enu.rollout(iaf.model, iaf.genome, iaf.task, environments=6, seed=seed + 300, memory=True)
window = {m: enu.analysis.plasticity_window(stdp.model, stdp.genome, stdp.task, m) for m in (1, 0)}
pair = enu.rollout(stdp.model, stdp.genome, stdp.task, environments=64, seed=seed + 300)
shown = int(((pair.batch.modulator == 1) & (pair.batch.t_post > pair.batch.t_pre + 3)).nonzero()[0])

fig = plt.figure(figsize=(PAGE, 5.4))
grid = fig.add_gridspec(3, 2, height_ratios=[1, 1.3, 1.3])
axes = [
    fig.add_subplot(grid[0, 0]), fig.add_subplot(grid[0, 1]), fig.add_subplot(grid[1, :]),
    fig.add_subplot(grid[2, 0]), fig.add_subplot(grid[2, 1]),
]  # fmt: skip
plots.current(axes[0], trace.batch.inputs[0, :, 0], iaf.task.input_scale)
plots.memory(axes[1], trace.model["memory"][0, 0])
plots.spike_trains(axes[2], trace.batch.spikes, iaf.task.fired(trace.y[0]))
plots.synapse(axes[3], pair.batch, pair.y[0, shown, :, 0], shown)
for m in (1, 0):
    plots.window(axes[4], window[m])
axes[4].get_legend().remove()
for m, text in ((1, "with neuromodulator"), (0, "without")):
    axes[4].annotate(text, (6, float(window[m].evolved[window[m].distance == 6])), (11, 30 if m else -16), fontsize=6.5,
                     arrowprops={"arrowstyle": "-", "lw": 0.5})  # fmt: skip
panel_letters(axes)
files = save_figure(
    fig, "fig3_single_units", figures_dir, zoo=["iaf-enu", "stdp-enu"],
    caption=f"""a, Input current of a sequence. b, The evolved neuron's memory in it. c, Spikes of the model neuron (grey) and
    of the evolved unit (blue), six random sequences; the first is that of a and b. d, One sequence of the evolved synapse,
    neuromodulator present. e, Synaptic change against spike distance; dashed: the rule; mean and s.d. of {window[1].n}
    sequences a distance, with and without neuromodulator.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# On 2,048 fresh sequences each.

# %%
n = 2048 if profile != "smoke" else 64
scores = {e.name: enu.analysis.scores(e.model, e.genome, e.task, n, seed=seed + 400) for e in (iaf, stdp)}
pd.concat([pd.Series(v, name="value").to_frame().assign(unit=k) for k, v in scores.items()]).set_index(
    "unit", append=True
).round(4)

# %% [markdown]
# ## Neuromodulated STDP
#
# The synapse passes on $w x$. A pre- and a postsynaptic spike at distance $D = t_{post} - t_{pre}$ change $w$ by
# $0.5\,\mathrm{sign}(D)\,e^{-|D|/10}$ if the neuromodulator is present, and not at all if it is absent. Move the spikes: the
# unit's genome is in the page, and each curve is computed anew, step by step, where you read this.

# %%
live.window(stdp)

# %% [markdown]
# The same in a notebook, by the library itself:

# %% tags=["explorer"]
widgets.synapse_explorer(stdp)
