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
# # Appendix: what was tried in the double T-maze
#
# ## Question
#
# The network of the [double T-maze](24_ed4_double_tmaze.py) comes from a long sequence of evolutions. Which ones, and what else
# was tried?
#
# ## Approach
#
# The commands that led to the network are given in full. Attempts were noted by hand from logs
# (`enu_lib/study/data/attempts.json`).

# %% tags=["parameters"]
profile = "zoo"  # the stored sweep, whatever the profile
seed = 0  # has no effect: this page evolves nothing

# %%
from IPython.display import Markdown

from enu_lib import widgets
from enu_lib.figures import use_style
from enu_lib.study import evidence, results, tables

use_style()
stored = results.load("laptop")

# %% [markdown]
# ## What we measured
#
# What taught the network to leave an empty side was a bonus for every grid square entered for the first time in an episode, in
# mazes where both food and poison lie on one side, with more energy for walking. In mazes of all kinds, with mutations half as
# large, the same bonus had brought no gain: most of those episodes can be solved without it.
#
# The steps that led to the network; the last command only restores the standard settings:

# %%
Markdown(tables.commands("The commands that led to double-tmaze-enu", results.attempts("double-tmaze-steps")))

# %% [markdown]
# Much else was tried.

# %%
Markdown(tables.folded("What was tried, and what came of it", results.attempts("double-tmaze")))

# %% [markdown]
# ## Reconstruction
#
# The layout of the double T-maze, the easier mazes and the bonus are ours.
#
# ## Verdict
#
# This is one sequence of evolutions; whether it succeeds with other seeds was not tested.
#
# ## Try it
#
# The evolutions of the sweep in the double T-maze.

# %% tags=["explorer"]
widgets.runs_explorer(stored.runs, evidence.without_sweeps().level, "double-tmaze")
