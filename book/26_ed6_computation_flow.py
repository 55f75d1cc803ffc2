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
# # How a network computes a step (extended data Fig. 6)
#
# ## Question
#
# The [equations of the network](12_network.py) are short. What happens to the numbers?
#
# ## Approach
#
# The paper shows the flow of one step with four synapses, two neurons and three channels. Here is such a network with the
# numbers that it actually computes: one input neuron; neuron 1 with a synapse from the input and one from neuron 2; neuron 2
# with two synapses from neuron 1. The genome is random and there is no noise. `tests/test_network.py` computes the same step
# unit by unit in plain Python.

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = None  # build/figures
step = 3  # which step to show

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import COLUMN, PAGE, panel_letters, save_figure, use_style
from enu_lib.network import Network

use_style()
network = Network(((0, 2), (1, 1)), n_inputs=1, n_outputs=1, channels=3, hidden=8, noise=0.0)
inputs = torch.tensor([[0.9], [0.0], [0.4], [1.0], [0.6]])


NEURONS = ["neuron 1", "neuron 2"]
SYNAPSES = ["input to 1", "2 to 1", "1 to 2, first", "1 to 2, second"]


def steps_of(genome_seed=4, step=3):
    genome = 0.4 * torch.randn(network.n_params, generator=enu.stream(int(genome_seed), "worked"))
    return enu.analysis.computation_flow(network, genome, inputs)[int(step)]


OPERATIONS = ["by the connection table", "synapse unit", "mean", "neuron unit"]
TITLES = (
    "outputs of the\nprevious step", "what each synapse\nreceives", "outputs of\nthe synapses",
    "mean of each\nneuron's synapses", "outputs of\nthe neurons",
)  # fmt: skip


def draw(flow, arrows=True):
    fig, axes = plt.subplots(1, 5, figsize=(PAGE, 2.5), width_ratios=[3, 6, 3, 3, 3])
    tables_of(axes, flow, (["input", *NEURONS], SYNAPSES, [""] * 4, NEURONS, ["", ""]), TITLES)
    if arrows:
        figures.networks.flow_arrows(axes, OPERATIONS)
    return fig


def draw_stacked(flow):
    fig, axes = plt.subplots(5, 1, figsize=(COLUMN, 7.6), height_ratios=[3, 4, 4, 2, 2])
    arrows = [f"\n\N{DOWNWARDS ARROW} {text}" for text in OPERATIONS] + [""]
    titles = [title.replace("\n", " ") + arrow for title, arrow in zip(TITLES, arrows, strict=True)]
    tables_of(axes, flow, (["input", *NEURONS], SYNAPSES, SYNAPSES, NEURONS, NEURONS), titles)
    return fig


def tables_of(axes, flow, rows, titles):
    for ax, values, names, title in zip(axes, flow, rows, titles, strict=True):
        groups = ("presynaptic", "postsynaptic") if ax is axes[1] else ("channel",)
        figures.networks.table(ax, values, names, title, groups)
    panel_letters(axes)


def numbers(flow):
    rows = (["input", *NEURONS], SYNAPSES, SYNAPSES, NEURONS, NEURONS)
    parts = zip("abcde", rows, flow, strict=True)
    columns = {letter: {"row": names, "column": range(1, values.shape[1] + 1)} for letter, names, values in parts}
    return {letter: figures.data.long(columns[letter], {"value": v}) for letter, v in zip("abcde", flow, strict=True)}


# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
flow = steps_of(step=step)
files = save_figure(
    draw(flow), "ed6_computation_flow", figures_dir, stacked=draw_stacked(flow), data=figures.data.panels(numbers(flow)),
    caption=f"""Step {step} of a network of four synapses, two neurons and three channels with a random genome and no noise.
    Columns are channels; arrows show the order of the computation. **a**, Outputs of the input neuron and the neurons in the
    previous step. **b**, Input of each synapse: the channels of its presynaptic neuron (left of the line) and of its
    postsynaptic neuron. **c**, Outputs of the synapses, rows as in b. **d**, Their mean for each neuron. **e**, Outputs of the
    neurons, rows as in d; they enter panel a of the next step.""",
)  # fmt: skip

# %% [markdown]
# ## Try it
#
# Follow the numbers from step to step: the rightmost table of one step is the lower part of the leftmost table of the next.

# %% tags=["explorer"]
shown = draw(flow, arrows=False)  # only once: making axes, ticks and texts takes longer than changing numbers


def explore(genome_seed, step):
    for ax, values in zip(shown.axes, steps_of(genome_seed, step), strict=True):
        figures.networks.renumber(ax, values)
    return shown


widgets.explorer(
    explore,
    step=widgets.slider("step", 3, 0, 4), genome_seed=widgets.slider("genome number", 4, 1, 30),
)  # fmt: skip
