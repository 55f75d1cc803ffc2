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
# # Appendix: wirings and shuffles
#
# ## Question
#
# Which connection table does the network of [Fig. 4](15_fig4_tmaze.py) have, and why not the published one? And what happens
# when other things are shuffled: nothing, or the effect of the outputs as well?
#
# ## Approach
#
# With the published table, each output neuron receives input from two of the three sensors. We compare evolved networks with
# this table and with the chained one by which sensor shows the wall. Then we place networks in mazes in which nothing, the
# sensors, or the sensors and the actions are shuffled.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the networks that ship; smoke, laptop, paper: evolve afresh
seed = 0
episodes = 2048

# %%
from dataclasses import replace

from IPython.display import Markdown

import enu_lib as enu
from enu_lib import live, widgets
from enu_lib.analysis import learning
from enu_lib.figures import use_style
from enu_lib.rollout import record_episodes
from enu_lib.study import mazes, tables

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
n = 60 if profile == "smoke" else episodes

# %% [markdown]
# ## What we measured
#
# ### A shortcut in the published wiring
#
# Food, grouped by which sensor shows the wall, in fresh episodes (a different draw from that on the page of Fig. 4). With the
# published table, our evolution found a rule that serves only some agents: a neuron with an active sensor falls silent. If that
# sensor shows the wall and the neuron drives *forward*, the agent turns, and has not learnt anything.

# %%
wirings = {"chained table": entry}
if profile == "zoo":
    wirings["published table"] = enu.zoo.load("tmaze-enu-published-wiring")
    wirings["published table, sizes and strategy"] = enu.zoo.load("tmaze-enu-published")
Markdown(tables.numbers(mazes.by_wall(wirings, n, seed + 502), 2, "connection table"))

# %% [markdown]
# ### Other shuffles
#
# In our tables all sensors are wired alike, so shuffling them should make no difference to this network: compare the first two
# rows. Where the effect of the outputs is shuffled too (`tmaze-actions`), a network has to find out how to walk before it can
# learn where to go.

# %%
placed = {
    ("none", entry.name): (entry, replace(entry.task, shuffle="none")),
    (entry.task.shuffle, entry.name): (entry, entry.task),
}
if profile == "zoo":
    harder = enu.zoo.load("tmaze-actions-enu")
    placed[harder.task.shuffle, harder.name] = (harder, harder.task)
played = {k: record_episodes(e.model, e.genome, where, n, seed=seed + 503) for k, (e, where) in placed.items()}
Markdown(tables.numbers(mazes.by_shuffle(played), 2, ("shuffled", "network")))

# %% [markdown]
# The episodes of the last row, split by which of the network's outputs goes forward. The way to the end of an arm takes at
# least six moves. During its first visit the network tries its outputs one after another until one moves it; from the second
# visit on, once it has found that output, it takes the shortest way:

# %%
last = list(placed)[-1]
walks = learning.walking(played[last], placed[last][1])
outputs = {f"output {k + 1} goes forward": row for k, row in enumerate(walks)}
Markdown(tables.numbers(outputs, 2, f"shuffled: {last[0]}"))

# %% [markdown]
# ## Reconstruction
#
# Our connection tables are not the paper's. And it is not certain that the actions were shuffled: two permutations are drawn in
# the public code, but only that of the sensors can be seen to be applied. How the network of the last row was evolved is on
# the [next page](61_how_the_networks_were_found.py).
#
# ## Verdict
#
# The published table lets evolution solve part of the T-maze without learning, and none of our runs with it served all agents.
# Networks with our tables have no such shortcut; whether they *use* their sensors is a separate question, answered on the page
# of [Fig. 4](15_fig4_tmaze.py).
#
# ## Try it
#
# Among the episodes of the last row in which another output than the first goes forward, the one with the most food:

# %%
e, where = placed[last]
recorded = enu.rollout(e.model, e.genome, where, 36, seed=seed + 504, memory=True)
late = (recorded.task["action_of"][0, :, 0, 0] != 0) * recorded.task["foods"][0, :, -1]
live.maze(recorded, where, e.model, episode=int(late.argmax()), text="An episode in which the network finds out how to walk")

# %% tags=["explorer"]
widgets.MazeLife(e.model, e.genome, where, seed=seed)
