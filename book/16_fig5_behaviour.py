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
# # Reversal in the T-maze (Fig. 5)
#
# ## Question
#
# The paper shows one episode in which the agent meets poison, goes to the other arm from then on, and changes again after food
# and poison have swapped places. Does [our network](15_fig4_tmaze.py) behave like this, visit by visit? And is it reversal
# learning: does it switch as often as the places do?
#
# ## Approach
#
# The phases of behaviour are found by code (`enu_lib.analysis.phases`) among many episodes, in the first episode that has them
# all; if none has, from the first episodes that have each of the two groups. The second group need not follow the first: an
# agent whose first meal is food can meet its first poison at the swap.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the network that ships; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures
episodes = 2048

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, live, widgets
from enu_lib.analysis import agents
from enu_lib.analysis.phases import find_phases
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style
from enu_lib.rollout import record_episodes
from enu_lib.study import abilities, tables
from enu_lib.tasks.maze import geometry

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
n = 60 if profile == "smoke" else episodes
lives = record_episodes(entry.model, entry.genome, entry.task, n, seed=seed + 500)
phases = find_phases(lives, entry.task)
who = "the evolved network"
if phases is None:  # said in the caption
    lives = agents.play(entry.task, "looking", 200, seed=seed)
    who = "the scripted agent that looks (no episode of the evolved network has all phases)"
    phases = find_phases(lives, entry.task)

# %% [markdown]
# ## Figure

# %%
grid = geometry(entry.task)
episodes_shown = sorted({p.episode for p in phases})
told = f"episode {' and '.join(map(str, episodes_shown))} of {lives.y.shape[1]:,}"
fig, axes = plt.subplots(2, 3, figsize=(PAGE, 5.2))
for ax, phase in zip(axes.flat, phases, strict=False):
    figures.learning.frame(ax, grid, lives, phase)
    ax.set_xlabel(f"{phase.name}\nepisode {phase.episode}, steps {phase.first} to {phase.last}")
figures.mazes.key(axes[1, 2])
panel_letters(axes.flat[: len(phases)])
files = save_figure(
    fig, "fig5_behaviour", figures_dir, zoo=[entry.name],
    data=figures.data.panels({k: figures.data.visit(grid, lives, p) for k, p in zip("abcdefgh", phases, strict=False)}),
    caption=f"""Visits of {who} in {told}, one panel each: {"; ".join(p.name for p in phases)}. Arrows: its path; numbers: the
    network step at which it begins, turns or ends (a move takes {entry.task.move_every} steps). An example, chosen as the
    first episode that has these phases; how often it happens is measured below.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
Markdown(tables.markdown([{"phase": p.name, "episode": p.episode, "network steps": f"{p.first} to {p.last}"} for p in phases]))

# %% [markdown]
# The figure shows single switches. Whether the network can switch again is not visible in the published T-maze, in which a
# second poison kills. So we made poison harmless, and let episodes last twice as long. The table gives, for the first, second
# and later poisons of an episode, the share of next visits that end with food (episodes with fewer poisons are left out). The
# episodes are those of the [ledger](30_claims.py) and of the next page:

# %%
switching = abilities.of_networks(entry, profile)[entry.name]
Markdown(tables.markdown(abilities.poison_table(switching)))

# %% [markdown]
# An agent that recognises poison on sight seldom eats it twice. So we also ask, in the same episodes, how often at least one of
# the two visits after a swap ends with food:

# %%
Markdown(tables.markdown(abilities.swap_table(switching)))

# %% [markdown]
# ## Reconstruction
#
# The paper shows one episode. Harmless poison, the longer episodes, both tables and the code that finds the phases are ours. An
# agent that eats poison once and then recognises it has no later rows in the first table; whether it relies on sight is tested
# where food and poison may swap after every food. We added this test after we had seen what the network does.
#
# ## Verdict
#
# An agent that learns to reverse has high shares in every row of both tables. A latch ("left, and right for ever after the
# first poison") finds food after its first poison, but not after later ones. An agent that alternates between the arms has high
# shares, too, but leaves an arm where it has just found food.

# %%
Markdown(abilities.reversal_in_words(switching, abilities.of_agents(("alternating",))["alternating"]))

# %% [markdown]
# Whether it relies on sight or on memory is tested [on the next page](17_what_kind_of_learner.py).
#
# ## Try it
#
# Trick the network, damage it, or move the agent yourself.

# %% tags=["hide-input"]
live.toy(entry.model, entry.genome, entry.task, seed)

# %% [markdown]
# Play against it: you and the evolved network walk the same maze with the same shuffle, move by move, with the buttons or
# the arrow keys. To compete on equal terms, use the blindfold.

# %% tags=["explorer"]
widgets.Duel(entry.model, entry.genome, entry.task, seed=seed)
