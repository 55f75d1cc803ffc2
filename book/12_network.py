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
# # The network of ENUs (Fig. 2)
#
# ## Question
#
# Brains do not inherit the weight of each synapse. Can a whole network be built from two inherited sets of rules, one for
# neurons and one for synapses?
#
# ## Approach
#
# Every neuron is an [evolvable neural unit](10_enu.py) and so is every synapse. All neurons share one genome and all synapses
# another, however large the network, but each unit has its own memory and output, and therefore its own history. A connection
# table gives the presynaptic neuron of each synapse. Units transmit several **channels**, so that neurons can exchange more
# than one number, much as real neurons use several transmitters.
#
# Let $y_{n}$ be the last output of neuron $n$ (its $C$ channels; for an input neuron, the observation, padded with zeros to $C$
# channels), and $p(n, k)$ the presynaptic neuron of its $k$-th synapse. One step is
#
# $$
# \begin{aligned}
# q_{nk} &\leftarrow \mathrm{ENU}_\text{synapse}\left([y_{p(n,k)},\; y_n]\right)\\
# y_n &\leftarrow \mathrm{ENU}_\text{neuron}\left(\frac{1}{S}\sum_{k=1}^{S} q_{nk}\right)
# \end{aligned}
# $$ (eq-network)
#
# All synapses are updated first, then all neurons. A synapse receives the output of its **post**synaptic neuron in addition to
# the presynaptic one, so that rules like [STDP](27_ed7_setup.py) can evolve. The first channels of the last three neurons are
# the network's outputs. A [worked example](26_ed6_computation_flow.py) shows the numbers step by step.
#
# Gaussian noise of s.d. 0.01 is added to each output before clipping. Without it, units with the same genome and the same input
# would remain identical for ever.

# %% tags=["parameters"]
profile = "zoo"
seed = 0
figures_dir = None  # build/figures

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.network import CHAINED, ORDERED, PUBLISHED, Network

use_style()

# %% [markdown]
# ## Figure

# %% tags=["hide-input"]
published, ours, chained = Network(PUBLISHED), Network(ORDERED), Network(CHAINED)
fig, axes = plt.subplot_mosaic([["a", "b"], ["a", "c"], ["a", "d"]], figsize=(PAGE, 5.6), width_ratios=[1.4, 1])
figures.networks.network(axes["a"], published)
figures.networks.connections(axes["b"], published)
figures.networks.connections(axes["c"], ours)
axes["b"].set(xlabel="", title="published table")
figures.networks.connections(axes["d"], chained)
axes["c"].set(xlabel="", title="our table")
axes["d"].set(title="chained table")
counted = {
    letter: figures.data.long(
        {"postsynaptic neuron": names[net.n_inputs :], "presynaptic neuron": names},
        {"synapses": figures.networks.connection_counts(net)},
    )
    for letter, net in (("b", published), ("c", ours), ("d", chained))
    if (names := figures.networks.short_names(net))
}
panel_letters(axes.values())
files = save_figure(
    fig, "fig2_network", figures_dir, data=figures.data.panels(counted),
    caption=f"""The network for the T-maze. **a**, The published connection table as a graph: S, sensors; R, reward neuron; H,
    hidden and O, output neurons (circles). Each of the {published.neurons * published.synapses} small squares is a synapse, a
    unit with its own memory; it is drawn beside its postsynaptic neuron, and a grey line connects it to its presynaptic
    neuron. **b**, The same table: shaded where the neuron of the row has a synapse from the neuron of the column.
    **c**, Our own table, in which every neuron receives input from all sensors and the reward neuron (reconstruction); a number
    gives the count where there is more than one synapse. **d**, The chained table (reconstruction), that of the network of
    Fig. 4: of the output neurons, only the first receives input from sensors and reward neuron.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %% tags=["hide-input"]
genes = published.neuron_cell.n_params, published.synapse_cell.n_params
Markdown(
    f"The published network has {published.neurons} neurons and {published.neurons * published.synapses} synapses, each with "
    f"{published.channels} channels and {published.hidden} memory values. Its genome has {genes[0]:,} parameters for the "
    f"neurons and {genes[1]:,} for the synapses."
)

# %% [markdown]
# ## Reconstruction
#
# In the **published table**, each output neuron receives input from two of the three sensors, a different pair each. That
# alone makes the outputs distinguishable: evolution can find the rule "fall silent when one of your sensors is active", which
# suits some of the ways in which sensors and outputs may be shuffled, but not others. In **our own table**, every neuron
# receives input from every sensor and from the reward neuron, and output neurons differ in which hidden and output neurons
# project to them, so that nothing about a sensor follows from the wiring. In the **chained table**
# (`enu_lib.network.CHAINED`, also ours), the hidden neurons are wired as in our own table. Half of the first output neuron's
# synapses come from the sensors and the reward neuron, the others from the hidden neurons and itself; the second receives
# input from the hidden neurons, the first output neuron and itself, the third from the second and itself. There, too, all
# sensors are wired alike. Networks that follow the [curriculum for the T-maze](61_how_the_networks_were_found.py), among them
# that of [Fig. 4](15_fig4_tmaze.py), have the chained table in all stages, because with our own table the outputs of a random
# network are nearly equal. All other evolved networks of this book have our own table unless a page says *published table*.
#
# A variant, SHAREDENU, has *one* genome for neurons and synapses. Their inputs differ in width, so we pad those of the neurons
# with zeros.
#
# ## Verdict
#
# No claim rests on this page. The network is judged on the page of [Fig. 4](15_fig4_tmaze.py).
#
# ## Try it
#
# A network with a random genome and no noise: set the three sensors and the reward, and watch the outputs of the neurons over
# thirty steps. The network does nothing useful yet.

# %% tags=["explorer"]
small = Network(PUBLISHED, channels=4, hidden=16, noise=0.0)


def respond(one=1.0, two=0.0, three=0.0, reward=0.0, genome=1):
    genes = 1.5 * small.init(enu.stream(int(genome), "genome"))
    weights, state, outputs = small.unpack(genes[None]), small.reset(1, 1), []
    x = torch.zeros(1, 1, 4, 3)
    x[0, 0, :3, 0] = torch.tensor([one, two, three])
    x[0, 0, 3, 1] = reward
    for _ in range(30):
        state, _ = small.step(weights, state, x)
        outputs.append(state.output[0, 0, :, 0])
    fig, ax = plt.subplots(figsize=(5, 2.4))
    image = ax.imshow(torch.stack(outputs, 1), aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    ax.set_yticks(range(small.neurons), figures.networks.short_names(small)[small.n_inputs :])
    ax.set(xlabel="time (steps)")
    fig.colorbar(image, label="output, channel 1")
    return fig


widgets.explorer(
    respond,
    one=widgets.slider("sensor 1", 1.0, 0.0, 1.0, 0.1),
    two=widgets.slider("sensor 2", 0.0, 0.0, 1.0, 0.1),
    three=widgets.slider("sensor 3", 0.0, 0.0, 1.0, 0.1),
    reward=widgets.slider("reward", 0.0, 0.0, 1.0, 0.1),
    genome=widgets.slider("genome number", 1, 1, 20),
)
