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
# # The learned rule, taken apart
#
# ## Question
#
# A single poison changes what the network does for the rest of its life. Which of its 48 synapses change, which of them carry
# what has been learnt, and what do they do? Can the rule be said in words, and does an agent that follows these words eat as
# the network does?
#
# ## Approach
#
# Each episode is interrupted as the agent starts its next visit after its first poison, and then goes on in many copies. In one
# copy a single synapse's memory is **set back** to what it was before the visit that ended with the poison; in another, all
# synapses *but* one are. If setting one synapse back makes the agent forget, the synapse is necessary; if the agent still knows
# with all others set back, it is sufficient. The same is done with all synapses of one neuron. The outputs of the synapses and
# the memories of the neurons are not touched. Two things may be known afterwards: which arm to take next, in the published
# maze; and what poison looks like, in a maze whose places may swap after every food.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the networks that ship; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 48

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.study import abilities, machine, tables

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
n = 12 if profile == "smoke" else episodes
subjects = {"the network of Fig. 4": entry}
if profile == "zoo":
    subjects["a latch"] = enu.zoo.load("tmaze-enu-latch")
found = {name: machine.dissect(e, n, seed + 700) for name, e in subjects.items()}

# %% [markdown]
# ## Figure

# %%
fig, axes = plt.subplots(len(found), 4, figsize=(PAGE, 1.9 * len(found) + 0.3), squeeze=False, width_ratios=[1, 1, 1, 1.1])
for row, (name, part) in zip(axes, found.items(), strict=True):
    network = subjects[name].model
    figures.synapses.table(row[0], network, part.one.changed, float(part.one.changed.max()), "moved by the poison")
    figures.synapses.table(row[1], network, 1 - part.one.forgets, 1, "next arm: forgets")
    figures.synapses.table(row[2], network, 1 - part.sight.forgets, 1, "poison on sight: forgets")
    figures.synapses.portrait(row[3], part.paths, part.events)
    row[3].set_title(f"memory of {part.carrier}", fontsize=7)
    row[0].set_ylabel(name)
panel_letters(axes.flat)
files = save_figure(
    fig, "learned_rule", figures_dir, zoo=[e.name for e in subjects.values()],
    data={
        "synapses": figures.data.panels({name: machine.table(subjects[name], part) for name, part in found.items()}, "network"),
        "memory": figures.data.panels({name: machine.paths_table(part) for name, part in found.items()}, "network"),
    },
    caption=f"""One row per network. Each square is a synapse: its row is the neuron that it belongs to, its label the source
    (S: sensors, R: reward, H: hidden, O: output neurons; O1 forward, O2 left, O3 right). First column: distance that the visit
    with the first poison moves the synapse's memory. Second and third: share of the following visits that become wrong if this
    synapse alone is set back to before that visit (dark: necessary), at the next visit in the published maze, and over the next
    four in a maze whose places may swap after every food. Fourth: the memory of the synapse that matters most, in the plane of
    its two main components, in up to eight episodes: grey before the first poison, red after it; dots: just before it, and at
    the end. Up to {n} episodes, those with a poison.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
rows = [row for name, part in found.items() for row in machine.summary(name, part)]
Markdown(tables.markdown(rows))

# %% [markdown]
# What the first poison has taught, and where it is kept:

# %%
Markdown("\n\n".join(f"**{name}**\n\n{machine.in_words(subjects[name], part)}" for name, part in found.items()))

# %% [markdown]
# ## Reconstruction
#
# All of this is ours. That a synapse is necessary or sufficient is said of what the first poison has taught, at the next
# visits, and not of walking: all synapses take part in that.
#
# ## Verdict
#
# In words, the rule of the network of Fig. 4 that ships is this. *Go left. When you have eaten poison for the first time,
# remember what you saw just before it, and from then on begin every visit with the right arm; where you see what you remember,
# turn around and take the other arm.* The reward neuron's synapse onto the neuron for right turns flips, once and for good, at
# the first poison; the sensors' synapses onto that same neuron hold what the poison looked like. The scripted agent
# `once-bitten` follows these words ([all scripted agents](14_mazes.py)). In the network's place:

# %%
able = abilities.of_networks(entry, profile)[entry.name]
rule = abilities.of_agents(("once-bitten",), profile)["once-bitten"]
Markdown(tables.markdown(machine.compared(able, rule)))

# %%
Markdown(
    f"""What the rule eats differs from what the network eats by at most {machine.misses(able, rule):.0%} in the three mazes.
Both learn once: when the sensors exchange their meanings in mid-episode, neither learns anew. So the memory that the paper's
claim needs is small: one bit, and which of three sensors was active."""
)

# %% [markdown]
# ## Try it
#
# Choose *once-bitten* or the network, swap the places, exchange the sensors: do they ever differ?

# %% tags=["explorer"]
widgets.MazeLife(entry.model, entry.genome, entry.task, seed=seed, others=("once-bitten", "looking", "latch"))
