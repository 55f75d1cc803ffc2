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
# # The evolvable neural unit (Fig. 1)
#
# **Asked.** What is the least that a unit must have, so that evolution can make it a synapse or a neuron? It must remember,
# it must be able to decide what to remember, and it must be able to be *silent*: most neurons say nothing most of the time.
#
# **The idea.** A gated recurrent unit can remember and decide. The ENU adds two things to it: an **output gate**, clipped so
# that the output can be exactly zero, and **feedback** of that output to the unit's own input, since a neuron that has just
# fired is in another state than one that has not.
#
# With input $x_t$, memory $h_t$ and output $o_t$ (all [symbols](symbols.md)), one step is
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
# $[\cdot]$ puts row vectors side by side, products of two vectors are element by element, and a random genome has orthogonal
# matrices and biases of zero. The update gate $z$ says how much of the memory is replaced, the reset gate $r$ how much of it
# the replacement $c$ may see. The last input of each gate is a bias. The gain $g$ is 1; a unit that has to spike has 1000, so
# that its output is nearly a step. $W_z, W_r, W_c$ and $W_o$ together are the **genome**. They do not change within a life:
# all that a unit learns, it learns in $h$. At the start of a life $h$ and $o$ are zero.
#
# As code this is `ENU.step` in `enu_lib/cells.py`, line by line; `tests/test_cells.py` holds it to steps computed by hand.

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
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.5), width_ratios=[1, 1.7])
figures.networks.neuron_schematic(axes[0])
figures.networks.enu_schematic(axes[1])
panel_letters(axes)
files = save_figure(
    fig, "fig1_enu", figures_dir,
    caption="""A neuron made of evolvable neural units, and the unit (schematic). **a**, Three synapses and a cell body, each of
    them a unit with a memory of its own; the neuron's output also reaches its own synapses. **b**, The unit: three gates see
    the input, the unit's last output and its memory; the output is clipped to [0, 1] and fed back.""",
)  # fmt: skip

# %% [markdown]
# In a neuron of the paper's [network](12_network.py) (**a**), each synapse is such a unit and so is the cell body; all
# synapses share one genome, all cell bodies another.

# %% tags=["hide-input"]
unit = enu.ENU(n_in=4, n_out=1, hidden=32)
sizes = {kind: enu.make_cell(kind, 4, 1, 32).n_params for kind in ("enu", "nfenu", "gru", "lstm")}
Markdown(
    f"With {unit.n_in} inputs, one output and {unit.hidden} memory values, the published size, a genome has "
    f"{unit.n_params:,} numbers. The units it is compared with: without feedback (NFENU) {sizes['nfenu']:,}, a textbook GRU "
    f"{sizes['gru']:,}, a textbook LSTM {sizes['lstm']:,}."
)

# %% [markdown]
# **Reconstruction.** How the paper wired its GRU and LSTM is not public. Ours are the textbook cells (no factor 3, no shift of
# the reset gate) with as many memory values, a linear read-out of $h$ that is not clipped, and no feedback.
#
# ## Before evolution
#
# A random genome gives a unit that does something, but nothing useful. The only input here is one pulse; move the slider to
# see how differently random units take it.

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
