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
# # The single-unit tasks (extended data Fig. 7)
#
# ## Question
#
# [Later](13_single_units.py) one unit is evolved to be a neuron and another to be a synapse. What are the inputs of these two
# tasks, and which outputs are asked for?
#
# ## Approach
#
# **Integrate and fire.** A model neuron adds up its input current; when the sum, its potential, exceeds a threshold, it spikes
# and starts again from zero. The unit receives the current and should spike when the model neuron does.
#
# **Spike-timing-dependent plasticity (STDP).** A synapse transmits a graded input. It becomes stronger if a presynaptic spike
# comes shortly before a postsynaptic one, and weaker if it comes shortly after: the closer the two spikes, the larger the
# change. Here it changes only while a **neuromodulator** is present. The unit receives the graded input, both spikes and the
# neuromodulator, and its output should be that of the changing synapse.
#
# We show one random sequence of each task, without any unit, drawn by the code that evolution uses (`enu_lib/tasks/`).
# Equations and losses are on the page of [Fig. 3](13_single_units.py).

# %% tags=["parameters"]
profile = "zoo"  # this page evolves nothing and loads nothing
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import ipywidgets as w
import matplotlib.pyplot as plt

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()


def draw_neuron(axes, task, seed):
    table = figures.data.iaf_sequence(task, task.sample(1, enu.stream(seed, "page")))
    figures.units.iaf_sequence(axes, table, task.threshold)
    return table


def draw_synapse(axes, task, seed):
    batch = task.sample(64, enu.stream(seed, "page"))
    table = figures.data.stdp_sequence(batch, int(batch.modulator.argmax()))
    figures.units.stdp_sequence(axes, table)
    return table


# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
fig = plt.figure(figsize=(PAGE, 4.2))
left, right = fig.add_gridspec(1, 2)
a, b = left.subgridspec(3, 1).subplots(sharex=True), right.subgridspec(5, 1).subplots(sharex=True)
data = {"a": draw_neuron(a, enu.IAF(), seed), "b": draw_synapse(b, enu.STDP(), seed)}
panel_letters([a[0], b[0]])
files = save_figure(
    fig, "ed7_setup", figures_dir, data=data,
    caption="""One random sequence of each task; 100 steps. **a**, Integrate and fire: a current whose level changes every
    quarter of the sequence, the potential that integrates it up to the threshold (dotted), and the target spikes. **b**,
    Neuromodulated STDP: graded input, one presynaptic and one postsynaptic spike, the neuromodulator (in this sequence present
    throughout, at 1; in half of the sequences absent, at 0), and the graded target output, which changes after the later
    spike.""",
)  # fmt: skip

# %% [markdown]
# ## Try it
#
# Look at other sequences, and at the paper's [invented rule](23_ed3_complex_stdp.py).


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
