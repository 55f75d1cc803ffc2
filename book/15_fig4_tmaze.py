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
# # A network in the T-maze (Fig. 4)
#
# ## Question
#
# The paper's main result: a network in which every synapse and every neuron is an evolved unit is placed in a T-maze. The
# meaning of its sensors is shuffled for each agent, so that nothing about them can be inherited. Does it learn, within one
# episode and from single meals? And what is it that it learns?
#
# ## Approach
#
# We record many episodes of the evolved network and compare it with [scripted agents](14_mazes.py) of known abilities. An agent
# can eat well in this maze without having learnt much; the tests that tell such agents apart are described on [a later
# page](17_what_kind_of_learner.py), and this page shows some of their results.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the network that ships; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 2048

# %%
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, live, widgets
from enu_lib.analysis import agents, learning
from enu_lib.analysis.phases import find_phases
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.rollout import record_episodes
from enu_lib.study import abilities, claims, evidence, ledger, mazes, tables

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
n = 60 if profile == "smoke" else episodes
lives = record_episodes(entry.model, entry.genome, entry.task, n, seed=seed + 500)
found = learning.measures(lives)
compared = ("looking", "memory-only", "latch", "fixed-arm")
references = {a: learning.measures(agents.play(entry.task, a, n, seed=seed + 500)) for a in compared}
rows = {"evolved network": found, **references}
able = {"evolved network": abilities.of_networks(entry, profile)[entry.name], **abilities.of_agents(compared)}
asked = ("switching.1", "swapped.2", "standard.no_mistake", "left_alone.first", "exchanged.first")

# %% [markdown]
# ## Figure
#
# All panels show the same network, the one in the zoo, our collection of evolved genomes. It evolved from a random genome by
# one command, `python -m enu_lib evolve tmaze --seed 51`, whose [curriculum](61_how_the_networks_were_found.py) leads through
# easier tasks. Each output is the first channel of an output neuron; at the end of each move of 4 steps, the output with the
# largest sum over these steps determines the action.

# %%
phases = find_phases(lives, entry.task)
episode = phases[-1].episode if phases else 0
ate = lives.task["ate"][0, episode]
fig = plt.figure(figsize=(PAGE, 6.6))
grid = fig.add_gridspec(3, 2, height_ratios=[1, 1.3, 1.6])
axes = [fig.add_subplot(grid[0, 0]), fig.add_subplot(grid[0, 1]), fig.add_subplot(grid[1, :]), fig.add_subplot(grid[2, :])]
figures.learning.stages(axes[0], entry.provenance["progress"], entry.provenance["stage_ends"])
always = references["fixed-arm"]["fitness"]
axes[0].axhline(always, ls="--", lw=0.8, color="0.4", label="an agent that always\ntakes the same arm")
axes[0].legend(loc="upper left")
food = pd.DataFrame(rows).T[["food", "poison"]]
food.plot.barh(ax=axes[1], color=[figures.PALETTE["food"], figures.PALETTE["poison"]])
axes[1].set(xlabel="meals per episode")
axes[1].legend(["food (more is better)", "poison (less is better)"], loc="lower right", borderaxespad=0)
axes[1].invert_yaxis()
figures.networks.episode(axes[2], lives.x[0, episode], lives.y[0, episode], ate, sensors=mazes.shown_by(lives, episode))
figures.abilities.measures(axes[3], able, {key: abilities.SHARES[key] for key in asked})
axes[3].set(
    xlim=(-0.02, 1.02), xlabel="share of visits that end with food (better \N{RIGHTWARDS ARROW}, except for exchanged sensors)"
)
axes[3].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(able))
panel_letters(axes)
files = save_figure(
    fig, "fig4_tmaze", figures_dir, zoo=[entry.name],
    data={
        "a": pd.DataFrame(entry.provenance["progress"]),
        "b": food.rename_axis("agent").reset_index(),
        "c": figures.data.episode(lives.x[0, episode], lives.y[0, episode], ate),
        "d": figures.abilities.table(able, asked),
    },
    caption=f"""One evolved network, {entry.name}, in all panels. **a**, Held-out fitness of the parent in the published maze
    during the evolution that led to this network; higher is better; numbers: stages of its curriculum, of which the first
    is not a maze and the others are mazes in which food and poison swap places more often than in the published one;
    dashed: an agent that always takes the same arm. **b**, Food (green) and poison (red)
    eaten per episode; mean of {n:,} episodes, largest standard error {max(row["food s.e."] for row in rows.values()):.2f}.
    **c**, Episode {episode}: sensors (in brackets, what they show in this episode), rewards and outputs, each from 0 (grey
    line) to 1; triangles: meals (up: food, down: poison). **d**, Shares of visits that end with food, by what preceded the
    visit (the full set of tests follows two pages on), for the network and scripted agents; at least
    {abilities.episodes(profile):,} episodes in each maze, 95% intervals. Further to the right is better, except where sensors
    are exchanged: there an agent that relies on its sensors must fail. A mark is missing where an agent had no such visit.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
Markdown(tables.numbers(rows, 3, "measure", upright=True))

# %%
task, fixed = entry.task, references["fixed-arm"]
generations = entry.provenance["generations"]
Markdown(
    f"""In {n:,} fresh episodes, shuffle *{task.shuffle}*, the network eats **{found["food"]:.2f} food** (standard error
{found["food s.e."]:.2f}) and {found["poison"]:.2f} poison; an agent that always goes to the same arm eats {fixed["food"]:.2f}
food. After poison at the first visit, the second visit ends with food in {found["second visit right after poison"]:.0%} of the
episodes; after food, in {found["second visit right after food"]:.0%}. After a swap, the first meal is food in
{found["no mistake after a change"]:.0%} of cases (an agent that recognises poison on sight can turn around in front of it; one
that only remembers an arm cannot). It was evolved for {generations:,} generations of {entry.experiment.es.population}
offspring."""
)

# %% [markdown]
# ## Reconstruction
#
# The paper's public code contains a connection table in which each output neuron receives input from two of the three
# sensors. With it, our evolution found a [shortcut that serves only some agents](60_wirings_and_shuffles.py). In the network
# of this page **all sensors are wired alike**, so that nothing about a sensor follows from the wiring, and the output neurons
# form a chain (`enu_lib.network.CHAINED`). Also ours: the curriculum; a reward is signalled for the 4 steps of a move;
# batches contain every shuffle and side equally often; in the mazes, selection by breadth ({eq}`eq-breadth`, $b_0 = 0$);
# mutations of another size, fewer offspring and smaller units than published. The profile `paper` has the published sizes,
# wiring, strategy and length, and no curriculum, but keeps the 4 steps of reward and the balanced batches.
#
# A caution: episodes in this maze differ in few respects, namely the shuffle, the first side, and whether places swap after
# each fifth food. Evolution met every shuffle and every first side many times; only the noise of a fresh episode is new. That
# the network adapts within an episode does not rest on unseen mazes, but on its not knowing beforehand which of them it is
# in.
#
# ## Verdict
#
# In the episodes of the [ledger](30_claims.py), a different draw from the one above:

# %%
Markdown(abilities.in_words(able["evolved network"], able))

# %% [markdown]
# The verdict by the rule of the ledger, on the same episodes:

# %% tags=["hide-input"]
Markdown(ledger.as_markdown(claims.judge(evidence.without_sweeps(), "C9")))

# %% [markdown]
# What the network does after one, two or three poisons, and what it relies on, is shown on the page [What kind of learner is
# it?](17_what_kind_of_learner.py); where it keeps its memory, on the page [Where does it
# store what it learnt?](40_what_was_learnt.py)
#
# ## Try it
#
# A fresh episode, step by step: of twelve, one with exactly one poison. Does the agent react when the poison sensor becomes
# active?

# %%
recorded = enu.rollout(entry.model, entry.genome, entry.task, 12, seed=seed + 501, memory=True)
foods, poisons = (recorded.task[name][0, :, -1] for name in ("foods", "poisons"))
best = int((foods * (poisons == 1)).argmax())
live.maze(recorded, entry.task, entry.model, episode=best, text="An episode of the evolved network in the T-maze")

# %% tags=["hide-input"]
live.toy(entry.model, entry.genome, entry.task, seed)

# %% [markdown]
# In a notebook the episode is simulated as you watch: swap food and poison, silence a neuron, freeze a memory.

# %% tags=["explorer"]
widgets.MazeLife(entry.model, entry.genome, entry.task, seed=seed)
