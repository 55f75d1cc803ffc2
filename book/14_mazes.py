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
# # The mazes
#
# ## Question
#
# A unit that imitates a known rule shows that evolution can find rules. The harder question is whether a network of such units
# *learns*: whether it acquires, within one episode and from a few events, what no genome can contain.
#
# ## Approach
#
# An agent starts in a corridor, facing a junction. One arm ends in food, the other in poison. The agent has three sensor
# neurons for the grid square ahead (wall, food, poison), a reward neuron, and three output neurons (go forward, turn left, turn
# right). **The meaning of the sensor neurons is shuffled for every agent**, and optionally the effect of the outputs as well,
# so that it can only be learnt from meals.
#
# The rules, with the published values:
#
# - a move is made every 4 network steps, by the output with the largest sum over these steps; an episode has 100 moves;
# - if all three sums are equal, nothing happens; if two tie for the largest, the first of them acts;
# - eating puts the agent back at the start and refills its energy (18; a network step costs 0.25); the agent dies when its
#   energy reaches zero or when it eats poison for the second time;
# - after every fifth food, food and poison swap places with probability 1/2;
# - the reward neuron signals what was eaten, food and poison on separate channels.
#
# With $f$ foods and $p$ poisons eaten, $a$ steps alive, and $e = 1$ if the first meal was poison, else 0, the fitness of an
# episode is
#
# $$
# f - p + 2e + 0.025\,a .
# $$ (eq-fitness)
#
# So the first meal raises fitness even if it is poison: this rewards exploration.
#
# Scripted agents serve as references. All know how to walk; they differ in how they choose an arm:
#
# - **omniscient**: knows where the food is;
# - **looking**: goes where food last was, and turns around in front of poison once a meal has taught it which sensor means
#   poison;
# - **looking-once**: goes where it last ate. From its first meal it learns, once and for all, which sensor means poison, and
#   turns around in front of that; or which means food, and turns around in front of anything else;
# - **memory-only**: goes where food last was; leaves an end with poison or nothing for the next one;
# - **latch**: goes to the first end and, after its first poison, to the second one for ever;
# - **once-bitten**: like the latch, but it remembers which sensor was active just before its first poison; whenever that sensor
#   is active again, it turns around and takes the other arm;
# - **alternating**: goes to a different end after every meal, whether food or poison. After poison this looks like learning;
#   after food it is a mistake;
# - **fixed-arm**: always goes to the same end by the shortest way. More *food* than this requires learning or switching; more
#   *fitness* does not, since an agent that loiters lives longer and is rewarded for it;
# - **random**: chooses each action at random.

# %% tags=["parameters"]
profile = "zoo"  # smoke: fewer episodes
seed = 0
figures_dir = None  # build/figures
episodes = 10_000

# %% tags=["hide-input"]
from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

from enu_lib import experiments, figures, live, widgets
from enu_lib.analysis import agents
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.study import tables
from enu_lib.tasks.maze import Maze, geometry

use_style()

# %% [markdown]
# ## Figure

# %%
n = 50 if profile == "smoke" else episodes
layouts = {"t": "T-maze", "double-t": "double T-maze"}
scores = {k: {a: agents.scores(Maze(k), a, n, seed=seed + 1) for a in agents.NAMES} for k in layouts}

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 2, figsize=(PAGE, 5.4), width_ratios=[1, 1.6])
for (left, right), (layout, name) in zip(axes, layouts.items(), strict=True):
    grid = geometry(Maze(layout))
    figures.mazes.maze(left, grid, food=grid.ends[0], poison=grid.ends[1])
    figures.mazes.agent(left, grid, grid.start, 0)
    figures.mazes.agents(right, scores[layout])
    left.set_title(name)
panel_letters(axes.flat)
measured = {layouts[k]: pd.DataFrame(found).T.rename_axis("agent").reset_index() for k, found in scores.items()}
files = save_figure(
    fig, "mazes", figures_dir, data=figures.data.panels(measured, "maze"),
    caption=f"""**a**, **c**, The T-maze and our double T-maze: agent (triangle) at the start, food (plus), poison (cross).
    **b**, **d**, Food and poison eaten per episode by scripted agents; mean of {n:,} episodes; more food (green)
    and less poison (red) are better. Largest standard error
    {max(v["food s.e."] for found in scores.values() for v in found.values()):.2f}.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
wanted = ("food", "food s.e.", "poison", "steps alive", "fitness")
table = {(layouts[k], agent): {key: row[key] for key in wanted} for k, v in scores.items() for agent, row in v.items()}
Markdown(tables.numbers(table, 3, ("maze", "agent")))

# %% [markdown]
# ### More demanding mazes
#
# In the published T-maze, an agent that remembers the good arm and a latch eat the same amount: a second poison kills, so a
# failure to switch again is never observed. Four variants show more of what an agent can do; the first three are also
# experiments, so that networks can be evolved in them:
#
# - `tmaze-volatile`: food and poison may swap places after *every* food, so that only an agent that knows what its sensors mean
#   eats well;
# - `tmaze-harmless`: poison never kills, so that an agent can switch many times;
# - `tmaze-hidden`: no sensor shows food or poison, which swap places with a probability of 1/5 after each food. Episodes have
#   600 steps, and the fourth poison kills, so an agent that eats more than one poison per swap dies early;
# - *swaps after every meal* (`Maze.count_poisons`): poison never kills, and food and poison may swap places after every meal,
#   food or poison. Neither memory of places nor switching after poison helps.
#
# Mean of food minus poison per episode, in up to two thousand episodes (more is better):

# %%
variants = {name: experiments.get(name).task for name in ("tmaze", "tmaze-volatile", "tmaze-harmless", "tmaze-hidden")}
variants["swaps after every meal"] = replace(variants["tmaze-harmless"], foods_per_period=1, count_poisons=True)
few = min(n, 2000)
scored = {name: {a: agents.scores(maze, a, few, seed=seed + 2) for a in agents.NAMES} for name, maze in variants.items()}
gained = {name: {a: v["food"] - v["poison"] for a, v in found.items()} for name, found in scored.items()}
Markdown(tables.numbers(gained, 2, "agent", upright=True))

# %% [markdown]
# ## Reconstruction
#
# The published material does not show whether the outputs were shuffled, so `shuffle` is a setting, and every result names it.
# The reward neuron signals a reward for the 4 steps of a move. The batch of a generation contains shuffles and placements as
# evenly as its size allows. The **double T-maze** is entirely ours: the paper only describes it in a caption. We join two T's
# stem to stem with the start in the middle, facing one of them; one of the four arm ends holds food and one poison; a change
# redraws both places. Its energy is 48 instead of 18, in each maze half as much again as is needed to see all ends (32 and 12
# moves).
#
# ## Verdict
#
# No claim rests on this page.
#
# ## Try it
#
# One episode of the memory-only agent: among sixteen, the one with the most food of those with exactly one poison. Follow the
# sensors: which of them means *wall*? And what does the agent do after the poison?

# %%
lives = agents.play(Maze(), "memory-only", 16, seed=seed + 1)
foods, poisons = (lives.task[name][0, :, -1] for name in ("foods", "poisons"))
live.maze(
    lives, Maze(), episode=int((foods * (poisons == 1)).argmax()), text="An episode of the memory-only agent in the T-maze"
)

# %% [markdown]
# In a notebook, episodes are simulated as you watch, and you can swap food and poison at any time:

# %% tags=["explorer"]
widgets.MazeLife("memory-only", maze=Maze(), seed=seed)

# %% [markdown]
# Or walk the maze yourself. The buttons are the three outputs, and so are the arrow keys up, left and right. Sensors and
# outputs are both shuffled. Can you work out what each does before your energy runs out? The agent beside you is in the same
# episode and knows its outputs. To compete on equal terms, use the blindfold.

# %% tags=["explorer"]
widgets.Duel("memory-only", maze=Maze(), seed=seed)
