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
# # What kind of learner is it?
#
# ## Question
#
# The paper claims more of its agent in the T-maze than that it eats: once punished, it *detects* the poison, turns around and
# goes to the other arm, and after a swap it does so again. An agent can also eat well with simpler strategies. In the published
# maze a second poison kills. There, an agent that follows "left, and right for ever after the first poison" (a one-bit latch)
# eats as much as one that remembers which arm was good. Which kind of agent has evolved here?
#
# ## Approach
#
# We run a battery of tests on episodes that were not used in evolution (`enu_lib.analysis.battery`; on the command line:
# `python -m enu_lib evaluate tmaze-enu`). Only the maze is altered, never the agent.
#
# 1. **Switching.** Poison does not kill, and episodes last twice as long. How often does the visit right after the first,
#    second or third poison end with food? And how often does at least one of the two visits after the first, second or third
#    swap of food and poison?
# 2. **Use of the sensors.** Directly after a swap, remembering places does not help. In episodes in which poison was eaten
#    earlier, how often does the first visit after a swap end with food? As a causal test, the sensors for food and poison
#    exchange their meanings in mid-episode: an agent that uses them must fail, and one that does not use them is unaffected.
#    Our wirings treat all sensors alike until they have shown something, so any use of them has been learnt in the episode.
# 3. **Memory for places.** No sensor shows food or poison.
#
# [Scripted agents](14_mazes.py) with known abilities take the same tests. For each single test there is an agent that passes it
# although it has learnt little: an agent that *alternates* between the arms passes all tests of switching, but eats little; a
# *latch* passes the first. Only the results of all tests together show what kind of learner an agent is.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the networks that ship; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import PAGE, better, panel_letters, save_figure, use_style
from enu_lib.study import abilities, claims, evidence, ledger, tables

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
networks = abilities.of_networks(entry, profile)
scripted = ("looking", "looking-once", "once-bitten", "memory-only", "latch", "alternating", "fixed-arm")
agents = abilities.of_agents(scripted)
found = {**networks, **agents}
lives = abilities.episodes(profile)

# %% [markdown]
# ## Figure

# %%
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 4.4), width_ratios=[1.5, 1])
figures.abilities.measures(axes[0], found, abilities.SHARES)
axes[0].set(xlim=(-0.03, 1.03), xlabel="share of visits that end with food\n(better →, except for exchanged sensors)")
figures.abilities.measures(axes[1], found, abilities.FOOD)
axes[1].set(xlim=(-0.5, 16.5), xlabel=better("food per episode", up=True))
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5)
panel_letters(axes)
files = save_figure(
    fig, "what_kind_of_learner", figures_dir, zoo=[entry.name],
    data={"a": figures.abilities.table(found, abilities.SHARES), "b": figures.abilities.table(found, abilities.FOOD)},
    caption=f"""Test results of evolved networks (circles; filled: the network of Fig. 4; open: other networks of the zoo,
    among them a latch, one that switches after nearly every poison, all that were evolved by the curriculum for the T-maze
    and that of the double T-maze) and of scripted agents. **a**, Shares of visits that end with food, by what preceded the
    visit. **b**, Food per episode in four mazes. Values with 95% intervals, at least {lives:,} episodes in each maze. Further
    to the right is better, except where sensors are exchanged: there an agent that uses its sensors must fail. A mark is
    missing where an agent had no such visit.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# The network of Fig. 4 and the scripted agents; the other networks are in the figure's data. *none*: the agent had no such
# visit.

# %%
shown = {entry.name: networks[entry.name], **agents}
Markdown(tables.markdown(abilities.across(shown, {**abilities.FOOD, **abilities.SHARES})))

# %%
Markdown(abilities.in_words(networks[entry.name], agents))

# %% [markdown]
# ### Does it relearn what its sensors mean?
#
# An agent that relies on its sensors is wrong when those for food and poison exchange their meanings in mid-episode. It can be
# right again by chance, or by going to the other arm after poison; that alone makes no more than about two thirds of its visits
# right in the long run, as for *memory-only*. To be right at nearly all visits, it has to relearn.

# %%
around = abilities.around_exchange(entry, profile)
named = [name for name in (entry.name, abilities.RELEARNS) if name in around]
fig, ax = plt.subplots(figsize=(PAGE, 2.8))
figures.abilities.around(ax, around, named, "the exchange")
ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
files = save_figure(
    fig, "relearning", figures_dir, zoo=[name for name in around if name in enu.zoo.names()],
    data={"visits": figures.abilities.around_table(around)},
    caption=f"""Share of visits that end with food, before and after the sensors for food and poison exchange their meanings
    (dotted line), with 95% intervals, in up to {min(480, lives)} episodes: those in which the agent ate poison or starved
    before the exchange. Poison does not kill. Food and poison may swap after every food, so that remembering an arm does not
    help. An agent that starves misses all later visits; these count as wrong. Visit 1 is the first to end after the exchange;
    in some episodes it had begun before, and the agent had already turned away from one arm. Visits that the end of the episode
    cuts off are left out. Blue, filled: the network of Fig. 4; open, dashed (zoo only): one of the evolutions with restarts,
    continued to its target, shown because it relearns; thin, without intervals (zoo only): the {len(evidence.RESTARTS)}
    evolutions with restarts, where they were first stopped. Other colours: scripted agents. Higher is better; an agent that
    does not use these sensors is unaffected.""",
)  # fmt: skip

# %% [markdown]
# In the zoo, the network of Fig. 4 learns once in an episode, like *looking-once*: hardly any of its later visits ends with
# food, and in some episodes it starves. Some other networks relearn, most of them more slowly than *looking*, and some not in
# every episode. Relearning was not selected for: the sensors never changed their meaning within an episode. Our episodes
# contain one exchange, so we do not know whether a network could relearn twice.

# %%
text = "Shares of visits that end with food; visit -1 is the last before the exchange, visit 1 the first that ends after it"
Markdown(tables.folded(text, abilities.around_table(around, (-1, 1, 2, 3, 4, 6))))

# %% [markdown]
# ## Reconstruction
#
# All of these tests are ours; the paper shows single episodes. A visit ends with a meal or with starvation, which counts as
# wrong. The intervals of shares take into account that several visits come from the same episode. The mazes that tell the
# agents apart are described with the [other mazes](14_mazes.py). In three of them networks can also be evolved by
# name (`python -m enu_lib evolve tmaze-volatile`, `tmaze-harmless`, `tmaze-hidden`).
#
# ## Verdict
#
# In the [ledger](30_claims.py), the rule of the claim that a network learns the T-maze (C9) combines several of these tests:

# %% tags=["hide-input"]
Markdown(ledger.as_details(claims.judge(evidence.without_sweeps(), "C9")))

# %% [markdown]
# ## Try it
#
# Choose an agent, then swap food and poison or exchange the meanings of its sensors, and see what it does next.

# %% tags=["explorer"]
widgets.MazeLife(entry.model, entry.genome, entry.task, seed=seed, others=agents)
