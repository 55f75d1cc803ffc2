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
# # Learning, and learning anew (Fig. 5)
#
# What the network of the last page does, visit by visit. The phases are found by code (`enu_lib.analysis.phases`) among many
# lives, in the first life that has them all; if none of these lives has (a second poison that is eaten kills), from the first
# lives that have each.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the network that ships; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 2048

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.analysis import agents
from enu_lib.analysis.phases import find_phases
from enu_lib.study import tables
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.tasks.maze import geometry
from enu_lib.rollout import record_episodes

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
n = 60 if profile == "smoke" else episodes
lives = record_episodes(entry.model, entry.genome, entry.task, n, seed=seed + 500)
phases = find_phases(lives, entry.task)
who = "the evolved network"
if phases is None:  # said in the caption
    lives, who = (
        agents.play(entry.task, "looking", 200, seed=seed),
        "the scripted agent that looks (no evolved life has all phases)",
    )
    phases = find_phases(lives, entry.task)

# %%
grid = geometry(entry.task)
fig, axes = plt.subplots(1, len(phases), figsize=(PAGE, 1.9))
for ax, phase in zip(axes, phases, strict=True):
    figures.learning.frame(ax, grid, lives, phase)
    ax.set_xlabel(f"steps {phase.first}-{phase.last}", fontsize=6.5)
    ax.text(0.5, -0.32, phase.name.replace(": ", ":\n"), transform=ax.transAxes, ha="center", va="top", fontsize=6.5)
panel_letters(axes)
files = save_figure(
    fig, "fig5_behaviour", figures_dir, zoo=[entry.name],
    caption=f"""Visits of {who}, from {len({p.life for p in phases})} of {lives.y.shape[1]:,} lives. Plus: food, cross:
    poison, triangle: the start; a ring marks what was eaten. {"; ".join(p.name for p in phases)}.""",
)  # fmt: skip

# %%
Markdown(tables.markdown([{"phase": p.name, "life": p.life, "network steps": f"{p.first} to {p.last}"} for p in phases]))

# %% [markdown]
# ## Play against it
#
# You and the evolved network walk the same maze with the same shuffle, move by move; put the blindfold on for equal terms.

# %% tags=["explorer"]
widgets.Duel(entry.model, entry.genome, entry.task, seed=seed)
