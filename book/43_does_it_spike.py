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
# # Does it spike?
#
# ## Question
#
# The paper says that the units of its network spike, although spiking was not selected for (claim C10 of the
# [ledger](30_claims.py)). Do the units of our network spike? If so, is selection the cause? And do the pulses matter for what
# the agent does?
#
# ## Approach
#
# Selection does not require the units to spike: an output may be anything from 0 to 1. Like the paper's figure, we look at the
# first channel of the output neurons. A neuron may rest at any level, so we set its threshold midway between the 5th and the
# 99th percentile of its output; an event lasts from when the output rises above the threshold until it falls below. What would
# the outputs look like without selection? For comparison we use networks evolved for as many generations with the same
# strategy, but with the offspring ranked at random. The ledger's verdict rests on these numbers.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the network that ships; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 192  # in each condition

# %%
import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.analysis import drive, readout, spiking
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.study import claims, dissection, evidence, ledger, tables

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
network, maze, smoke = entry.model, entry.task, profile == "smoke"
n = 16 if smoke else episodes

# %% [markdown]
# ## Figure

# %%
outputs = slice(network.neurons - network.n_outputs, None)
without = evidence.neutral(entry, seed)
watched = {
    name: enu.rollout(network, genome, maze, min(n, 64), seed=seed + 600, memory=True)
    for name, genome in (("evolved", entry.genome), ("evolved without selection", without))
}
names = dissection.neuron_names(network)

drives = torch.linspace(0, 3, 241)
settled = drive.bifurcation(network, entry.genome, drive.mean_current(watched["evolved"]), drives)

histograms = {k: spiking.output_histogram(v) for k, v in watched.items()}
longest = {k: int(v.task["alive"][0].sum(-1).argmax()) for k, v in watched.items()}
traces = {k: v.model["neuron_output"][0, longest[k], :200, :, 0] for k, v in watched.items()}
fig, axes = plt.subplots(2, 2, figsize=(PAGE, 5), height_ratios=[1.3, 1])
for ax, (name, outputs_of), color in zip(axes[0], traces.items(), ("C0", "C1"), strict=True):
    figures.learning.traces(ax, outputs_of, names, color)
    ax.set_title(name)
figures.learning.outputs(axes[1, 0], histograms)
figures.learning.bifurcation(axes[1, 1], drives, settled)
panel_letters(axes.flat)
files = save_figure(
    fig, "spiking", figures_dir, zoo=[entry.name],
    data={
        "a_b": figures.data.series("network", traces, {"time (steps)": range(200), "neuron": names}, "output"),
        "c": figures.data.series("network", histograms, {"bin of the output": None}, "share of steps"),
        "d": figures.data.long({"drive": drives, "step after settling": None}, {"output": settled}),
    },
    caption=f"""**a**, **b**, Output (first channel) of every neuron in the first {len(traces["evolved"])} steps of one episode,
    of the evolved network and of one evolved for as long without selection; each trace from 0 (grey line) to 1. **c**,
    Distribution of the outputs of all their neurons and channels while the agent is alive, {min(n, 64)} episodes each (log
    scale). **d**, First channel of a single isolated neuron of the evolved network under constant drive, without noise, after
    it has settled: a single point at a drive means rest or steady activity, several points mean pulses. The drive is a multiple
    of the mean input current of all neurons in the network (dotted: that current). No direction is better: selection did not
    ask for spikes.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
Markdown(tables.markdown(dissection.pulse_table(watched, outputs, evidence.without_sweeps() if profile == "zoo" else None)))

# %% [markdown]
# Do the pulses matter for the agent's actions? We change how the maze reads the outputs, while the network itself still
# receives its original outputs: each output reduced to two values, its resting level or its peak; averaged over the four steps
# of a move; or delayed by a step.

# %%
read = readout.food(network, entry.genome, maze, n, seed=seed + 606)
Markdown(tables.markdown(dissection.reading_table(read)))

# %% [markdown]
# ## Reconstruction
#
# The threshold, the measures, the readings of the outputs and the comparison with evolution without selection are ours.
#
# ## Verdict
#
# The verdict by the rule of the [ledger](30_claims.py), for the networks in the zoo:

# %% tags=["hide-input"]
Markdown(ledger.as_details(claims.judge(evidence.without_sweeps(), "C10")))

# %% [markdown]
# ## Try it
#
# Drive a single neuron of the evolved network with a constant current, as in panel **d**: does it rest, stay active or pulse?


# %% tags=["explorer"]
def draw(strength):
    steps = 120
    current = drive.mean_current(watched["evolved"])
    y = drive.bifurcation(network, entry.genome, current, torch.tensor([strength]), steps=steps, keep=steps)[0]
    fig, ax = plt.subplots(figsize=(4.5, 2.2))
    ax.plot(y)
    late = y[-30:]
    ax.set(xlabel="time (steps)", ylabel="output", ylim=(-0.02, 1.02), title=f"settled: {late.min():.2f} to {late.max():.2f}")
    return fig


widgets.explorer(draw, strength=widgets.slider("drive (1: mean current)", 0.1, 0.0, 3.0, 0.05))
