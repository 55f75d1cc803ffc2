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
# # The single-unit tasks (extended data Fig. 7)
#
# ## Question
#
# What are the inputs of the two tasks of [Fig. 3](13_single_units.py), and which outputs are asked for?
#
# ## Approach
#
# One random sequence of each task, without any unit, drawn by the code that evolution uses (`enu_lib/tasks/`). Equations and
# losses are on the page of Fig. 3.

# %% tags=["parameters"]
profile = "zoo"  # this page evolves nothing and loads nothing
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import ipywidgets as w
import matplotlib.pyplot as plt
import numpy as np

import enu_lib as enu
from enu_lib import widgets
from enu_lib.figures import PAGE, PALETTE, panel_letters, save_figure, use_style

use_style()


def draw_neuron(axes, task, seed):
    batch = task.sample(1, enu.stream(seed, "page"))
    t = np.arange(task.steps)
    axes[0].step(t, batch.inputs[0, :, 0] / task.input_scale, where="mid", color=PALETTE["input"])
    axes[0].set(ylabel="input current\n(1 / step)")
    axes[1].plot(t, batch.potential[0], color=PALETTE["memory"])
    axes[1].axhline(task.threshold, color="0.6", lw=0.6, ls=":")
    axes[1].set(ylabel="potential")
    axes[2].vlines(t[batch.spikes[0]], 0, 1, color=PALETTE["target"])
    axes[2].set(ylabel="spikes", xlabel="time (steps)", yticks=[])


def draw_synapse(axes, task, seed):
    batch = task.sample(64, enu.stream(seed, "page"))
    i = int(batch.modulator.argmax())
    t = np.arange(task.steps)
    for channel, name in ((0, "input"), (1, "pre"), (2, "post")):
        axes[channel].step(t, batch.inputs[i, :, channel], where="mid", color=PALETTE[name])
    axes[3].plot(t, batch.target[i], color=PALETTE["target"])
    for ax, text in zip(axes, ("graded input", "presynaptic\nspike", "postsynaptic\nspike", "target\noutput"), strict=True):
        ax.set(ylabel=text)
    axes[3].set(xlabel="time (steps)")


# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
fig = plt.figure(figsize=(PAGE, 3.6))
left, right = fig.subfigures(1, 2)
a, b = left.subplots(3, 1, sharex=True), right.subplots(4, 1, sharex=True)
draw_neuron(a, enu.IAF(), seed)
draw_synapse(b, enu.STDP(), seed)
panel_letters([a[0], b[0]])
files = save_figure(
    fig, "ed7_setup", figures_dir,
    caption="""One random sequence of each task. **a**, Integrate and fire: a current whose level changes every quarter of the
    sequence, the potential that integrates it up to the threshold (dotted), and the target spikes. **b**, Neuromodulated STDP
    (neuromodulator present): graded input, one presynaptic and one postsynaptic spike, and the graded target output.""",
)  # fmt: skip

# %% [markdown]
# ## Try it
#
# Look at other sequences, and at the [invented rule](23_ed3_complex_stdp.py).


# %% tags=["explorer"]
def another(sequence=0, rule="neuromodulated"):
    fig = plt.figure(figsize=(6.5, 3.2))
    left, right = fig.subfigures(1, 2)
    draw_neuron(left.subplots(3, 1, sharex=True), enu.IAF(), sequence)
    draw_synapse(right.subplots(4, 1, sharex=True), enu.STDP(rule), sequence)
    return fig


widgets.explorer(
    another,
    sequence=widgets.slider("sequence", 0, 0, 100),
    rule=w.Dropdown(options=["neuromodulated", "complex"], description="rule"),
)
