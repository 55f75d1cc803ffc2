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
# # The evolvable neural unit (Fig. 1)
#
# ## Question
#
# What is the least that a unit needs for evolution to turn it into a synapse or a neuron? It must be able to remember, to
# control what it remembers, and to stay *silent*: most neurons are silent most of the time.
#
# ## Approach
#
# A gated recurrent unit can remember and control its memory. The ENU adds two things: an **output gate**, clipped so that the
# output can be exactly zero, and **feedback** of the output to the unit's own input, because a neuron that has just fired is in
# a different state from one that has not.
#
# With input $x_t$, memory $h_t$ and output $o_t$ (see the list of [symbols](symbols.md)), one step is
#
# $$
# \begin{aligned}
# z_t &= \operatorname{sigmoid}\left(3\,[x_t, o_{t-1}, h_{t-1}, 1]\,W_z\right)\\
# r_t &= \operatorname{sigmoid}\left(3\,([x_t, o_{t-1}, h_{t-1}, 1]\,W_r - 1)\right)\\
# c_t &= \tanh\left(3\,[x_t, o_{t-1}, r_t h_{t-1}, 1]\,W_c\right)\\
# h_t &= (1 - z_t)\,h_{t-1} + z_t\,c_t\\
# o_t &= \operatorname{clip}\left(g\,[h_t, 1]\,W_o,\,0,\,1\right)
# \end{aligned}
# $$ (eq-enu)
#
# Here $[\cdot]$ concatenates row vectors, products of two vectors are element-wise, and a random genome has orthogonal matrices
# and zero biases. The update gate $z$ sets how much of the memory is replaced, and the reset gate $r$ how much of the memory
# enters the replacement $c$. The last input of each gate is the bias. The gain $g$ is 1, or 1000 for a unit that has to spike,
# which makes its output nearly a step function. $W_z, W_r, W_c$ and $W_o$ together are the **genome**. They do not change
# within an episode: whatever a unit learns is stored in $h$. At the start of an episode $h$ and $o$ are zero.
#
# In code this is `ENU.step` in `enu_lib/cells/enu.py`, line by line; `tests/test_cells.py` checks it against steps computed by
# hand.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the evolved units that ship with enu_lib; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import COLUMN, PAGE, panel_letters, save_figure, use_style

use_style()

# %% [markdown]
# ## Figure
#
# In a neuron of the paper's [network](12_network.py) (**a**), every synapse is such a unit and so is the cell body. All
# synapses share one genome, and all cell bodies another.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.5), width_ratios=[1, 2.4])
figures.networks.neuron_schematic(axes[0])
figures.networks.enu_schematic(axes[1])
panel_letters(axes)
tall, below = plt.subplots(2, 1, figsize=(COLUMN, 5.6), height_ratios=[1, 1.8])
figures.networks.neuron_schematic(below[0])
figures.networks.tall_enu_schematic(below[1])
panel_letters(below)
files = save_figure(
    fig, "fig1_enu", figures_dir, data=None, stacked=tall,
    caption="""A neuron made of evolvable neural units, and the unit itself (schematic, no data). **a**, Three synapses and a
    cell body, each a unit with its own memory; the neuron's output (orange) is fed back to all of its synapses. **b**, The
    unit: input, previous output, memory and a constant 1 (the bias) are concatenated into *a*, which enters all gates; for
    the cell gate, the memory is first scaled by the reset gate ($a_r$). The output is multiplied by the gain *g*, clipped to
    [0, 1] and fed back.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# The sizes of the units that this book compares.

# %% tags=["hide-input"]
unit = enu.ENU(n_in=4, n_out=1, hidden=32)
sizes = {kind: enu.make_cell(kind, 4, 1, 32).n_params for kind in ("enu", "nfenu", "gru", "lstm")}
Markdown(
    f"With {unit.n_in} inputs, one output and the published {unit.hidden} memory values, a genome has {unit.n_params:,} "
    f"parameters. The ENU without feedback (NFENU) has {sizes['nfenu']:,}, a textbook GRU {sizes['gru']:,} and a textbook LSTM "
    f"{sizes['lstm']:,}."
)

# %% [markdown]
# ## Reconstruction
#
# The paper does not publish how its GRU and LSTM were wired. Ours are the textbook cells (no gain of 3, no bias of the reset
# gate) with the same number of memory values, a linear readout of $h$ without clipping, and no feedback.
#
# ## Verdict
#
# No claim rests on this page. Whether such a unit can become a neuron or a synapse is judged on the page of
# [Fig. 3](13_single_units.py).
#
# ## Try it
#
# A unit with a random genome does something, but nothing useful. Its only input here is one pulse; the slider shows how
# differently random units respond to it.

# %% tags=["explorer"]
cell = enu.ENU(n_in=1, n_out=1, hidden=16)


def random_unit(genome=0, width=10):
    x = torch.zeros(1, 100, 1)
    x[:, 30 : 30 + width] = 1
    batch = enu.IAF().respond(x[..., 0])
    trace = enu.rollout(cell, cell.init(enu.stream(seed, "page", genome)), enu.IAF(), batch=batch, memory=True)
    fig, axes = plt.subplots(2, 1, figsize=(5, 2.8), sharex=True)
    axes[0].plot(x[0, :, 0], label="input")
    axes[0].plot(trace.y[0, 0, :, 0], label="output")
    axes[0].legend()
    axes[0].set(ylabel="value")
    figures.units.memory(axes[1], trace.model["memory"][0, 0])
    return fig


widgets.explorer(
    random_unit, genome=widgets.slider("random genome", 0, 0, 50), width=widgets.slider("pulse width (steps)", 10, 1, 60)
)
