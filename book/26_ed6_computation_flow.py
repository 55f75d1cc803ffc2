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
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.network import Network

use_style()
network = Network(((0, 2), (1, 1)), n_inputs=1, n_outputs=1, channels=3, hidden=8, noise=0.0)
inputs = torch.tensor([[0.9], [0.0], [0.4], [1.0], [0.6]])


NEURONS = ["neuron 1", "neuron 2"]
SYNAPSES = ["input to 1", "2 to 1", "1 to 2, first", "1 to 2, second"]


def steps_of(genome_seed=4, step=3):
    genome = 0.4 * torch.randn(network.n_params, generator=enu.stream(int(genome_seed), "worked"))
    return enu.analysis.computation_flow(network, genome, inputs)[int(step)]


def draw(flow):
    fig, axes = plt.subplots(1, 5, figsize=(PAGE, 2.5), width_ratios=[3, 6, 3, 3, 3])
    figures.networks.table(axes[0], flow.sources, ["input", *NEURONS], "outputs of the\nprevious step")
    figures.networks.table(axes[1], flow.gathered, SYNAPSES, "what each synapse\nreceives", ("presynaptic", "postsynaptic"))
    figures.networks.table(axes[2], flow.transmitted, [""] * 4, "outputs of\nthe synapses")
    figures.networks.table(axes[3], flow.mean, NEURONS, "mean of each\nneuron's synapses")
    figures.networks.table(axes[4], flow.output, ["", ""], "outputs of\nthe neurons")
    panel_letters(axes)
    figures.networks.flow_arrows(axes, ["by the connection table", "synapse unit", "mean", "neuron unit"])
    return fig


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
    draw(flow), "ed6_computation_flow", figures_dir, data=figures.data.panels(numbers(flow)),
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
widgets.explorer(
    lambda genome_seed, step: draw(steps_of(genome_seed, step)),
    step=widgets.slider("step", 3, 0, 4), genome_seed=widgets.slider("genome number", 4, 1, 30),
)  # fmt: skip
