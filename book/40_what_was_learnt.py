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
# # What did it learn, and where is it kept?
#
# The paper shows *that* the network learns. This page takes it apart: do its units spike; where does a memory live; what does
# a single meal change; and how far does what evolved carry? All of it is ours, beyond the paper.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the network that ships; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 192  # lives in each condition
moment = 200  # network step of an intervention; a life has 400

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.analysis import interventions, learning, spiking
from enu_lib.analysis.conditioning import conditioning, repeated
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.rollout import record_episodes

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
network, maze, smoke = entry.model, entry.task, profile == "smoke"
n = 16 if smoke else episodes

# %% [markdown]
# ## Does it spike?
#
# Nobody told the units to spike: an output may be anything from 0 to 1. We look at the outputs of all neurons while the agent
# lives, and at those of the same network before evolution (the genome that the run began with). *Off* means below 0.05, *on*
# above 0.95; an event is a rise above 1/2 and lasts until the output falls below it. The ledger's C10 looks at channels in
# use only, and at eight random genomes.

# %%
before = network.init(enu.stream(entry.provenance["seed"], "genome"))
watched = {
    name: enu.rollout(network, genome, maze, min(n, 64), seed=seed + 600, memory=True)
    for name, genome in (("evolved", entry.genome), ("before evolution", before))
}
activity = {name: spiking.activity(lives) for name, lives in watched.items()}
names = [f"hidden {i + 1}" for i in range(network.neurons - 3)] + [f"output {i + 1}" for i in range(3)]
longest = int(watched["evolved"].task["alive"][0].sum(-1).argmax())

fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.4), width_ratios=[1, 1.6])
figures.learning.outputs(axes[0], {k: spiking.output_histogram(v) for k, v in watched.items()})
figures.learning.raster(axes[1], watched["evolved"].model["neuron_output"][0, longest, :200, :, 0], names)
panel_letters(axes)
files = save_figure(
    fig, "spiking", figures_dir, zoo=[entry.name],
    caption=f"""**a**, Outputs of all neurons, all channels, while the agent lives: evolved network and the same network before
    evolution, {min(n, 64)} lives each. **b**, First channel of each neuron in the first 200 steps of one life.""",
)  # fmt: skip

# %%
table = {
    k: {
        "exactly 0": a.zero.mean().item(), "off": a.off.mean().item(), "on": a.on.mean().item(),
        "in between": 1 - a.off.mean().item() - a.on.mean().item(),
        "events / 100 steps and output": a.events.mean().item(), "mean duration (steps)": a.duration.nanmean().item(),
    }
    for k, a in activity.items()
}  # fmt: skip
pd.DataFrame(table).T.round(3)

# %% [markdown]
# ## Where does a memory live?
#
# Both synapses and neurons have memory. Half-way through a life we **reset** the memory of one compartment to zero,
# **scramble** it (deal it out anew among the compartment's units), or **freeze** it (from then on every step begins with the
# memory of that moment), and look at the visits that come after. Outputs are left alone, only the memory $h$ is touched. If
# nothing is lost, what was learnt does not live there alone; if something is, it may be what was learnt, or the ability to
# walk. Control: the same lives, untouched. (Visits at which food and poison had just changed places are left out.)

# %%
synapses = network.neurons * network.synapses
conditions = {
    "untouched": None,
    "synapses reset": interventions.reset("synapses", moment),
    "synapses scrambled": interventions.scramble("synapses", moment, synapses),
    "synapses frozen": interventions.freeze("synapses", moment),
    "neurons reset": interventions.reset("neurons", moment),
    "neurons scrambled": interventions.scramble("neurons", moment, network.neurons),
    "neurons frozen": interventions.freeze("neurons", moment),
}
lived = {k: record_episodes(network, entry.genome, maze, n, seed=seed + 601, intervene=i) for k, i in conditions.items()}
after = {k: learning.recovery(learning.visits(lives), moment, visits=5) for k, lives in lived.items()}
alive = lived["untouched"].task["alive"][0, :, moment - 1]
eaten = {k: (v.task["foods"][0, :, -1] - v.task["foods"][0, :, moment - 1])[alive].float() for k, v in lived.items()}

# %%
fig, axes = plt.subplots(1, 3, figsize=(PAGE, 2.7), width_ratios=[1.1, 1, 1])
figures.learning.eaten(axes[0], eaten)
for ax, part in zip(axes[1:], ("synapses", "neurons"), strict=True):
    figures.learning.recovery(ax, {k: v for k, v in after.items() if k.startswith((part, "untouched"))})
    ax.legend(loc="lower left", fontsize=6)
panel_letters(axes)
files = save_figure(
    fig, "where_memory_lives", figures_dir, zoo=[entry.name],
    caption=f"""After an intervention at step {moment}: **a**, food eaten in the rest of the life, mean and 95% interval;
    **b**, synapses' memory, **c**, neurons' memory: share of visits that end with food, in the order of visits, 95% (Wilson)
    intervals, where there are at least 10 visits. {n} lives each, of which {int(alive.sum())} had not ended by then; visits at
    which the places had just changed are left out.""",
)  # fmt: skip

# %%
rows = {
    k: {
        "right at the first visit after": f"{after[k].right[0]} of {after[k].n[0]}",
        "visits in all after": int(after[k].n.sum()),
        "food after, mean": round(eaten[k].mean().item(), 2),
        "s.e.": round((eaten[k].std() / max(1, len(eaten[k])) ** 0.5).item(), 2),
    }
    for k in conditions
}
pd.DataFrame(rows).T

# %%
Markdown(
    f"""Of the {int(alive.sum())} lives that had not ended by then, untouched ones go on to eat
{eaten["untouched"].mean():.2f} food. With the synapses' memory reset it is {eaten["synapses reset"].mean():.2f}, scrambled
{eaten["synapses scrambled"].mean():.2f}, frozen {eaten["synapses frozen"].mean():.2f}; with the neurons' memory reset
{eaten["neurons reset"].mean():.2f}, scrambled {eaten["neurons scrambled"].mean():.2f}, frozen
{eaten["neurons frozen"].mean():.2f}. Scrambling keeps what all units of a compartment hold together, and only loses which unit
holds what: where it hurts, that matters."""
)

# %% [markdown]
# ## What does one meal change?
#
# The network in a dish (`enu_lib.analysis.conditioning`): no maze, only its inputs. One sensor is shown for long, as a wall
# is; then another sensor for the four steps of a move, and a reward or a punishment at some delay; later the first sensor
# again. We compare with the same network, with the same noise, that was shown neither the second sensor nor a reward, and
# so draw the learned rule as an STDP window is drawn. Then meals in a row: does a second punishment undo the first?

# %%
delays, lives = range(-16, 25, 8 if smoke else 4), 2 if smoke else 8
dish = conditioning(network, entry.genome, delays, lives=lives, seed=seed + 602)
rows = {reward: repeated(network, entry.genome, reward, 4, lives=lives, seed=seed + 605) for reward in ("food", "poison")}
fig, axes = plt.subplots(2, 2, figsize=(PAGE, 4.4))
figures.learning.conditioning(axes[0, 0], dish, dish.transmitted, "change of the\nprobed synapses")
right_left = dish.outputs[..., 2] - dish.outputs[..., 1]
figures.learning.conditioning(axes[0, 1], dish, right_left, "change of\noutput 3 - output 2")
axes[0, 1].get_legend().remove()
for ax, (reward, outputs) in zip(axes[1], rows.items(), strict=True):
    figures.learning.in_a_row(ax, outputs, names[-3:])
    ax.set(xlabel=f"{reward} in a row")
axes[1, 0].get_legend().remove()
panel_letters(axes.flat)
files = save_figure(
    fig, "conditioning", figures_dir, zoo=[entry.name],
    caption=f"""What single events change in a dish. **a**, **b**, A sensor paired with food, poison or nothing, against the
    delay from sensor to reward; difference to the same network without pairing. **a**, Mean output of the probed (wall)
    sensor's synapses onto output neurons. **b**, Preference for a right turn over a left turn at the wall (output 3 minus
    output 2). **c**, **d**, Outputs at the wall after 0 to 4 meals in a row. Mean and s.d. of {lives} noises.""",
)  # fmt: skip

# %%
turn = {reward: (y[..., 2] - y[..., 1]).mean(1).tolist() for reward, y in rows.items()}
late, bad = right_left[1].mean(-1), turn["poison"]
Markdown(
    f"""One poison moves the preference for the right turn from {bad[0]:+.2f} to {bad[1]:+.2f}, a second one to {bad[2]:+.2f}, a
fourth one to {bad[4]:+.2f}; one food moves it to {turn["food"][1]:+.2f}. When the poison
comes, its effect lies between {late.min():+.2f} and {late.max():+.2f}, over all delays from {min(delays)} to
{max(delays)} steps. By the maze's rules the second poison kills, so that no life ever asked for a second switch; what happens
where poison does not kill is in the table below."""
)

# %% [markdown]
# ## How far does it carry?
#
# Mazes and lives that evolution never met, scored like all others. *Silenced*: no other neuron hears it; an output neuron
# still acts.

# %%
m = 60 if smoke else 256
others = {
    "as evolved": (network, maze),
    "arms of 3": (network, replace(maze, arm=3)),
    "arms of 4": (network, replace(maze, arm=4)),
    "corridor of 5": (network, replace(maze, corridor=5)),
    "change after 10 foods": (network, replace(maze, foods_per_period=10)),
    "change after 2 foods": (network, replace(maze, foods_per_period=2)),
    "poison never deadly": (network, replace(maze, deadly_poisons=10**6)),
    "lives of 1,600 steps": (network, replace(maze, steps=1600)),
    "reward shown for 1 step": (network, replace(maze, reward_steps=1)),
    "no noise": (replace(network, noise=0.0), maze),
    "noise x 3": (replace(network, noise=3 * network.noise), maze),
    "noise x 10": (replace(network, noise=10 * network.noise), maze),
}
far = {
    k: learning.measures(record_episodes(net, entry.genome, where, m, seed=seed + 603)) for k, (net, where) in others.items()
}
for i, name in enumerate(names):
    lives = enu.rollout(network, entry.genome, maze, n // 3, seed=seed + 604, intervene=interventions.silence([i]))
    far[f"{name} silenced"] = learning.measures(lives)
wanted = ["n", "food", "food s.e.", "poison", "second visit right after poison", "right again after one mistake"]
pd.DataFrame(far).T[wanted].round(2)

# %% [markdown]
# ## Try it
#
# Freeze the synapses' memory, or the neurons', in the middle of a life; silence a neuron; let food and poison change places.

# %% tags=["explorer"]
widgets.MazeLife(network, entry.genome, maze, seed=seed)
