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
# An ENU is a gated recurrent unit with two additions: an **output gate** whose clipped output can be exactly zero, so that
# a unit can be silent, and the **feedback** of that output to its own input. With $x_t$ the input, $h_t$ the memory and
# $o_t$ the output,
#
# $$
# \begin{aligned}
# z_t &= \sigma\left(3\,[x_t, o_{t-1}, h_{t-1}, 1]\,W_z\right), &
# r_t &= \sigma\left(3\,([x_t, o_{t-1}, h_{t-1}, 1]\,W_r - 1)\right),\\
# c_t &= \tanh\left(3\,[x_t, o_{t-1}, r_t h_{t-1}, 1]\,W_c\right), &
# h_t &= (1 - z_t)\,h_{t-1} + z_t\,c_t,\\
# o_t &= \mathrm{clip}\left([h_t, 1]\,W_o,\,0,\,1\right).
# \end{aligned}
# $$
#
# $W_z, W_r, W_c, W_o$ are the genome. They never change within a life: all that a unit learns, it learns in $h$.
# In a neuron of the paper's network (a), each synapse is such a unit and so is the cell body; all synapses share one genome.

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = "figures"

# %%
import matplotlib.pyplot as plt
import torch

import enu_lib as enu
from enu_lib import plots, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.5), width_ratios=[1, 1.7])
plots.neuron_schematic(axes[0])
plots.enu_schematic(axes[1])
panel_letters(axes)
files = save_figure(
    fig, "fig1_enu", figures_dir,
    caption="""a, A neuron whose synapses and cell body are evolvable neural units; the neuron's output also reaches its own
    synapses. b, The unit: three gates see the input, the unit's last output and its memory; the output is clipped to
    [0, 1] and fed back.""",
)  # fmt: skip

# %% [markdown]
# ## Before evolution
#
# A genome at random gives a unit that does something, but nothing useful. The slider picks another random genome; the pulse
# is the only input.

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
    plots.memory(axes[1], trace.model["memory"][0, 0])
    return fig


widgets.explorer(
    random_unit, genome=widgets.slider("random genome", 0, 0, 50), width=widgets.slider("pulse width (steps)", 10, 1, 60)
)
