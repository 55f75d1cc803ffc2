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

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import PAGE, PALETTE, panel_letters, save_figure, use_style

use_style()


def sequence_of(task, seed, environments=64):
    return task.sample(environments, enu.stream(seed, "page"))


def draw_neuron(axes, task, seed):
    batch = sequence_of(task, seed, 1)
    table = figures.data.long(
        {"time (steps)": range(task.steps)},
        {
            "input current (1/step)": batch.inputs[0, :, 0] / task.input_scale,
            "potential": batch.potential[0],
            "spike": batch.spikes[0].int(),
        },
    )
    t, current, potential, spike = table.to_numpy().T
    axes[0].step(t, current, where="mid", color=PALETTE["input"])
    axes[1].plot(t, potential, color=PALETTE["memory"])
    axes[1].axhline(task.threshold, color="0.4", lw=0.8, ls=":")
    axes[2].vlines(t[spike == 1], 0, 1, color=PALETTE["target"])
    axes[0].set(ylabel="input current\n(1 / step)")
    axes[1].set(ylabel="potential")
    axes[2].set(ylabel="target\nspikes", xlabel="time (steps)", yticks=[])
    return table


def draw_synapse(axes, task, seed):
    batch = sequence_of(task, seed)
    i = int(batch.modulator.argmax())
    names = {"graded input": "input", "presynaptic spike": "pre", "postsynaptic spike": "post", "neuromodulator": "modulator"}
    values = {name: batch.inputs[i, :, channel] for channel, name in enumerate(names)} | {"target output": batch.target[i]}
    table = figures.data.long({"time (steps)": range(task.steps)}, values)
    for ax, name in zip(axes, values, strict=True):
        color = PALETTE[names.get(name, "target")]
        ax.step(table["time (steps)"], table[name], where="mid", color=color)
        ax.set(ylabel=name.replace(" ", "\n"))
    for ax in axes[1:4]:
        ax.set(ylim=(-0.1, 1.1), yticks=[0, 1])
    axes[-1].set(xlabel="time (steps)")
    return table


# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
fig = plt.figure(figsize=(PAGE, 4.2))
left, right = fig.subfigures(1, 2)
a, b = left.subplots(3, 1, sharex=True), right.subplots(5, 1, sharex=True)
data = {"a": draw_neuron(a, enu.IAF(), seed), "b": draw_synapse(b, enu.STDP(), seed)}
panel_letters([a[0], b[0]])
files = save_figure(
    fig, "ed7_setup", figures_dir, data=data,
    caption="""One random sequence of each task; 100 steps. **a**, Integrate and fire: a current whose level changes every
    quarter of the sequence, the potential that integrates it up to the threshold (dotted), and the target spikes. **b**,
    Neuromodulated STDP: graded input, one presynaptic and one postsynaptic spike, the neuromodulator (here present, 1,
    throughout; absent, 0, in half of the sequences), and the graded target output, which changes after the later spike.""",
)  # fmt: skip

# %% [markdown]
# ## Try it
#
# Look at other sequences, and at the [invented rule](23_ed3_complex_stdp.py).


# %% tags=["explorer"]
def another(sequence=0, rule="neuromodulated"):
    fig = plt.figure(figsize=(6.5, 3.8))
    left, right = fig.subfigures(1, 2)
    draw_neuron(left.subplots(3, 1, sharex=True), enu.IAF(), sequence)
    draw_synapse(right.subplots(5, 1, sharex=True), enu.STDP(rule), sequence)
    return fig


widgets.explorer(
    another,
    sequence=widgets.slider("sequence", 0, 0, 100),
    rule=w.Dropdown(options=["neuromodulated", "complex"], description="rule"),
)
