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
# # Appendix: how the networks were found
#
# ## Question
#
# Which evolutions led to the networks of this book, how often does evolution succeed, and which curriculum came of it?
#
# ## Approach
#
# All separate evolutions in the T-maze that were kept are listed, whether they learnt or not. The network of the T-maze with
# shuffled actions comes from a sequence of evolutions through easier mazes: the commands are given in full. Those for the
# double T-maze are on the [next page](62_what_was_tried_in_the_double_tmaze.py), those for networks from before the
# curriculum on the [page after that](63_earlier_networks.py). Attempts that led nowhere were noted by hand from logs
# (`enu_lib/study/data/attempts.json`).

# %% tags=["parameters"]
profile = "zoo"  # zoo: the networks that ship; smoke, laptop, paper: evolve afresh
seed = 0
figures_dir = None  # build/figures

# %%
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.figures import PAGE, better, panel_letters, save_figure, use_style
from enu_lib.study import abilities, evidence, mazes, results, sweep, tables

use_style()
entry = enu.zoo.obtain("tmaze-enu", profile, seed)
stored = sweep.obtain(profile)

# %% [markdown]
# ## Figure
#
# We compare our settings with the published ones (512 offspring, 8 environments, 32 memory values and 16 channels, mutations
# of s.d. 0.01, the published wiring; run on an NVIDIA H100). An evaluation is one offspring in one episode. Ours is the run
# of the curriculum that led to the network of Fig. 4, the first of ten seeds that was evolved to its target; the published
# settings, without a curriculum, had one run. The comparison shows what each led to; it is not a test of the settings. Food
# is counted in a different draw of episodes from that on [the previous page](60_wirings_and_shuffles.py).

# %%
pairs = {"ours": entry}
if profile == "zoo":
    pairs["published"] = enu.zoo.load("tmaze-enu-published")
curves = mazes.costs_of(pairs)
labels = {k: f"{k} (seed {v.provenance['seed']})" for k, v in pairs.items()}
fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.5))
named = {labels[k]: v for k, v in curves.items()}
figures.learning.evolution(axes[0], named, "evaluations", "all evaluations so far (millions, log scale)")
axes[0].set(xscale="log")
axes[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
by_wall_n = 60 if profile == "smoke" else 1536
by_wall = mazes.by_wall(pairs, by_wall_n, seed + 502)
shown = pd.DataFrame(by_wall).drop(index="generations")
shown.index = ["sensor 1", "sensor 2", "sensor 3"]
shown.plot.bar(ax=axes[1], rot=0, legend=False, width=0.7)
for bars in axes[1].containers:  # an agent that eats nothing has a bar of no height: its number says so
    axes[1].bar_label(bars, fmt="%.1f")
axes[1].set(xlabel="the sensor that shows the wall", ylabel=better("food per episode", up=True), ylim=(0, 17))
panel_letters(axes)
last = list(pairs.values())[-1]
files = save_figure(
    fig, "published_settings", figures_dir, zoo=[e.name for e in pairs.values()],
    data={
        "a": figures.data.panels({k: pd.DataFrame(v).rename(columns=mazes.COSTS) for k, v in curves.items()}, "settings"),
        "b": shown.rename_axis("shows the wall").reset_index(),
    },
    caption=f"""The run by the curriculum that led to the network of Fig. 4, the first of ten seeds evolved to its target,
    and the only run with the published settings (seeds in the legend): it shows what each led to and is not a test of the
    settings. **a**, Held-out fitness of the parent in the plain T-maze against all evaluations so far (logarithmic axis),
    those in the easier tasks of the curriculum included; higher is better. **b**, Food per episode of the best parent, by
    which sensor shows the wall; {by_wall_n:,} episodes in all; more is better. The run with published settings had reached
    generation {last.provenance["generations"]:,} of {last.experiment.generations:,}; its fitness had long been flat, because
    its behaviour works only when one particular sensor shows the wall.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# ### Where evolution began, seed by seed
#
# A random network seldom finds food in the T-maze, and where no agent eats, selection has nothing to act on. Networks evolved
# in the whole maze from the first generation on differ in when they leave that plateau, if they do. The evolutions of the
# [sweep](21_ed1_comparison.py) spend their first generations in a smaller maze, in which a random walk finds food more often
# (`enu_lib.experiments.Stage`; ours), and are judged on held-out episodes of the whole maze throughout. The kinds also differ
# in environments per generation and in length, so this is not a test of the first stage. (For a network started from another
# run, only the generations of its last run are counted.) Evolutions that begin in discrimination follow the curriculum of the
# next section; their first generations are not in a maze and have fewer environments.

# %%
independent = mazes.independent_evolutions(entry, stored, from_zoo=profile == "zoo")
least, most = (f(row["food"] for row in independent.values()) for f in (min, max))
text = f"All {len(independent)} evolutions ({least:.1f} to {most:.1f} food per episode)"
Markdown(tables.under(text, tables.numbers(independent, 2, ("begins in", "run"))))

# %% [markdown]
# ### A curriculum from random genomes to networks that know their sensors
#
# The command `python -m enu_lib evolve tmaze` follows a curriculum, which is ours:
#
# 1. **Discrimination** (`enu_lib.tasks.discrimination`). An episode is a series of trials. In each, the agent is shown nothing,
#    then food or poison (the cue), whatever it does; after half of the cues, its reward neuron shows which of the two it was
#    (the outcome). Its output for moving forward should be low in front of poison and otherwise high, its output for turning
#    left high in front of poison and otherwise low, and that for turning right always low. All offspring get the same cues and
#    outcomes, so they differ only in how they respond. (It is not the conditioning of [another page](40_what_was_learnt.py).)
# 2. The T-maze in which food and poison may swap after every food, so that remembering an arm is useless. In every second
#    generation, a **teacher** moves in the network's place: a scripted agent that avoids poison once poison has been eaten.
#    Offspring then differ in fitness only by how well their outputs agree with the teacher's. The stage ends once the network
#    sometimes finds food without the teacher.
# 3. The same maze without a teacher.
# 4. The same with swaps after a quarter of foods instead of half, so that remembering the arm pays, too.
# 5. The T-maze as published. (None of the runs below reached this stage.)
#
# A stage ends at a target fitness (the fourth has none), or at a fixed generation at the latest. The run ends as soon as
# held-out fitness in the published maze reaches the target of the run, whatever the stage. If the third ends without reaching
# its target, evolution restarts from another random genome (`Stage.restart`).
#
# The networks are wired by the [chained table](12_network.py) (`enu_lib.network.CHAINED`). With our own table, all neurons
# receive the same input as long as their outputs are equal. So the outputs differ only by noise, which evolution must first
# amplify, and in most networks that learnt to discriminate this did not happen. In the chained table, only the first of the
# output neurons receives input directly from the sensors and the reward neuron; the second receives input from the hidden
# neurons and the first, the third from the second only (and both from themselves). We chose the table and the curriculum
# while looking at the results of these seeds:

# %%
text = "What was tried to find the curriculum, by seed (with the chained table unless another one is named)"
Markdown(tables.folded(text, results.attempts("tmaze-chained")))

# %% [markdown]
# Then we fixed all settings, without restarts, and ran the command once with each of five other seeds. The curriculum as a
# whole, in this form, had not been run before. Those of these runs that reached the target of the third stage did so soon after
# their first meals; the others had not reached it long after theirs. So we ended the third stage earlier, let evolution restart
# if it had not reached its target by then, doubled the number of generations, fixed all settings again, and ran the command
# once with each of five further seeds.
#
# By a rule fixed before all these runs, an agent *knows its sensors* if it passes two tests:

# %%
Markdown(
    f"""(1) Where food and poison may swap after every food, it makes no mistake after at least {abilities.NEARLY_ALWAYS:.0%}
of the swaps, once it has eaten poison. (2) Of the visits that follow, less than {abilities.MOSTLY:.0%} end with food if the
sensors for food and poison have exchanged their meanings, but more than {abilities.MOSTLY:.0%} if they have not. (For [earlier
networks](63_earlier_networks.py), the rule is another one.) By a rule fixed before
the runs with restarts, a seed counts if the third stage reached its target within {abilities.ALLOWED} minutes of one core, and
its network knows its sensors. The first five seeds are judged by it, too."""
)

# %% [markdown]
# The tables show, for each run, tests of the parent with the highest held-out fitness in the plain T-maze. *Stopped*: after how
# many generations. *Restarted*: the generations at which evolution restarted from another random genome. *Tested*: the
# generation of the tested parent, and its stage. *Food* is per episode, in the published T-maze; *with swaps* and *no mistake*:
# with swaps after every food. *Minutes to target 3*: until the third stage reached its target; *never*: the stage missed its
# target or was stopped first. *Exchange*: three shares of visits that end with food: the first visit after mid-episode if
# nothing is exchanged there; the first if the sensors for food and poison are exchanged; and the sixth and later visits after
# this exchange. At first, all runs were stopped by hand, at moments that we chose while watching them. So *no* means that the
# network did not know its sensors when we stopped. One was run again, with the command as it is now and to its target fitness:
# `tmaze-enu`, the network of [Fig. 4](15_fig4_tmaze.py). It never had to restart. The five seeds with restarts, and scripted
# agents:

# %%
passing = abilities.of_agents(("looking", "looking-once", "once-bitten", "latch", "memory-only", "alternating", "fixed-arm"))
Markdown(tables.markdown(abilities.of_curriculum(evidence.RESTARTS, passing)))

# %% [markdown]
# To pass this rule, it is enough to learn once and for all what poison or food looks like, as *once-bitten* and *looking-once*
# do. Whether a network relearns when its sensors change their meaning is not asked; the shares after the exchange show that
# some do. But an agent that starves makes no more visits, so the later shares are those of the episodes in which it survives.
# `tmaze-enu-seed63` eats poison once after the exchange and then starves, in most episodes; where the visits missed in this way
# [count as wrong](17_what_kind_of_learner.py), most of its visits are wrong. Continued later, to its target fitness, it
# relearns: `tmaze-enu-relearns` in the zoo. The five seeds without restarts:

# %%
Markdown(tables.folded("The five seeds without restarts", abilities.of_curriculum(evidence.CURRICULUM, {})))

# %% [markdown]
# ### The T-maze with shuffled actions
#
# A genome that always tries one output first is right in a third of the episodes and earns all its fitness there; trying
# another output costs moves in these episodes before it pays in the others. Evolution stayed at that point until a stage
# rewarded every grid square that an agent enters for the first time (`Maze.explore_bonus`, ours), so that each step of
# walking with another output pays. The commands, starting from a network that walks with its first output only:

# %%
Markdown(tables.commands("The commands that led to the network with shuffled actions", results.attempts("tmaze-actions-steps")))

# %% [markdown]
# Other attempts:

# %%
Markdown(tables.folded("What was tried, and what came of it", results.attempts("tmaze-actions")))

# %% [markdown]
# ## Reconstruction
#
# The smaller maze, discrimination, the teacher, the stages, their mazes and `explore_bonus` are ours.
#
# ## Verdict
#
# One command leads from a random genome to a network that knows its sensors. These runs are too few to show whether restarts
# help. `python -m enu_lib zoo show NAME` prints the history of an entry of the zoo.

# %% tags=["hide-input"]
(knows, many), (former, others) = (abilities.of_seeds(names) for names in (evidence.RESTARTS, evidence.CURRICULUM))
restarted = abilities.of_seeds([name for name in evidence.RESTARTS if enu.zoo.load(name).restarts])[0]
Markdown(
    f"With the present settings, {knows} of {many} seeds count, with the former ones {former} of {others}. Of those that "
    f"count, {restarted or 'none'} restarted."
)

# %% [markdown]
# ## Try it

# %% tags=["explorer"]
widgets.runs_explorer(stored.runs, evidence.without_sweeps().level, "tmaze")
