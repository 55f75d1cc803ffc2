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
# # The mazes
#
# **Asked.** A unit that imitates a known rule shows that evolution can find rules. The harder question is whether a network of
# such units *learns*: finds out, within one life and from a few events, what no genome can know.
#
# **The idea.** An agent starts in a corridor, facing a junction. At the end of one arm there is food, at the end of another
# poison. It has three sensor neurons for what lies in the cell ahead (wall, food, poison), a neuron for reward, and three
# output neurons (go forward, turn left, turn right). **Which sensor neuron means what is shuffled for every agent**, and so, if
# we wish, is what the outputs do. So the first meals have to teach it.
#
# ## The rules
#
# With the published values:
#
# - a move is made every 4 network steps, by the output with the largest sum over them; a tie does nothing; a life has 100;
# - eating puts the agent back at the start and refills its energy (18; a network step costs 0.25); at zero it is dead, and
#   the second poison kills it too;
# - after every fifth food, food and poison change places with probability 1/2;
# - the reward neuron shows what has been eaten, food and poison on channels of their own.
#
# With $f$ foods and $p$ poisons eaten, $a$ the steps alive, and $e = 1$ if the very first meal was poison, else 0, the fitness
# of a life is
#
# $$
# f - p + 2e + 0.025\,a .
# $$ (eq-fitness)
#
# The very first meal thus counts as good whichever it is, since finding out is good.
#
# **Reconstructions.** Whether the authors shuffled the outputs cannot be seen in what is public, so `shuffle` is a setting,
# and every result is named by it. The reward neuron shows a reward for the 4 steps of a move. A generation's batch holds
# shuffles and places as equally often as its size allows. The **double T-maze** is ours altogether: the paper describes it in
# a caption. We join two T's stem to stem with the start in the middle, facing one of them; of the four arm ends one has food,
# one poison, two nothing; a change draws both places anew. Its energy is 48 in the place of 18: in the T, 12 moves see both
# ends with half as much again to spare; in the double T, 32 moves see all four.

# %% tags=["parameters"]
profile = "zoo"  # smoke: fewer episodes
seed = 0
figures_dir = None  # build/figures
episodes = 10_000

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import pandas as pd

from enu_lib import live, figures, widgets
from enu_lib.analysis import agents
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.tasks.maze import Maze, geometry

use_style()

# %% [markdown]
# ## What can be earned
#
# What is a good score? Reference agents that know how to walk, and differ in how they choose where to:
#
# - **omniscient**: knows where the food is;
# - **looking**: goes where food last was, looks one cell ahead, and does not step on poison once it has learnt, by one meal,
#   which sensor is which;
# - **memory-only**: goes where food last was; an end with poison or nothing is left for the next one;
# - **latch**: the first end, and from its first poison on the second one for ever. It switches once and learns nothing more,
#   and in the T-maze it eats as much as memory: a second poison kills, so that nobody sees it fail to switch again;
# - **fixed-arm**: always the same end, by the shortest way. More *food* than this needs learning; more *fitness* does not,
#   since an agent that loiters lives longer and is paid for it;
# - **random**: as it says.

# %%
n = 50 if profile == "smoke" else episodes
layouts = {"t": "T-maze", "double-t": "double T-maze"}
scores = {k: {a: agents.scores(Maze(k), a, n, seed=seed + 1) for a in agents.NAMES} for k in layouts}

# %% tags=["hide-input"]
fig, axes = plt.subplots(2, 2, figsize=(PAGE, 3.6), width_ratios=[1, 1.6])
for (left, right), (layout, name) in zip(axes, layouts.items(), strict=True):
    grid = geometry(Maze(layout))
    figures.mazes.maze(left, grid, food=grid.ends[0], poison=grid.ends[1])
    figures.mazes.agent(left, grid, grid.start, 0)
    figures.mazes.agents(right, scores[layout])
    left.set_title(name)
panel_letters(axes.flat)
files = save_figure(
    fig, "mazes", figures_dir,
    caption=f"""**a**, **c**, The T-maze and our double T-maze: agent (triangle) at the start, food (plus), poison (cross).
    **b**, **d**, What reference agents eat in an episode, by what they know; mean of {n:,} episodes, largest standard error
    {max(v["food s.e."] for found in scores.values() for v in found.values()):.2f}.""",
)  # fmt: skip

# %%
table = pd.concat({layouts[k]: pd.DataFrame(v).T for k, v in scores.items()})
table[["food", "food s.e.", "poison", "steps alive", "fitness"]].round(3)

# %% [markdown]
# ## A life
#
# One life of the memory-only agent: of sixteen, the one with most food among those that met poison once. Follow the
# sensors: which of them means *wall*? And what does the agent do after the poison?

# %%
lives = agents.play(Maze(), "memory-only", 16, seed=seed + 1)
foods, poisons = (lives.task[name][0, :, -1] for name in ("foods", "poisons"))
live.maze(lives, Maze(), life=int((foods * (poisons == 1)).argmax()), text="A life of the memory-only agent in the T-maze")

# %% [markdown]
# In a notebook lives are simulated as you watch, and you may let food and poison change places whenever you like:

# %% tags=["explorer"]
widgets.MazeLife("memory-only", maze=Maze(), seed=seed)

# %% [markdown]
# ## Walk it yourself
#
# The buttons are the three outputs; what they do is shuffled, which most evolved agents of the next pages are spared, and so
# are the sensors. Can you find out before your energy is gone? The agent beside you has the same life, and knows its outputs.
# For equal terms, put the blindfold on.

# %% tags=["explorer"]
widgets.Duel("memory-only", maze=Maze(), seed=seed)
