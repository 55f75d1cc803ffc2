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
# # The ledger: what is reproduced, and by which rule
#
# ## Question
#
# Which of the paper's claims hold here?
#
# ## Approach
#
# The paper makes eleven claims. Each has a measure of ours and a rule that turns the measure into a verdict. The rules are in
# words in `enu_lib/study/claims.py` and in code in `enu_lib/study/rules.py`. They were committed before the sweep of models
# and the evolved networks that they judge existed (the single units of the zoo did exist); where a rule was changed later, the
# old one, the reason and what was known by then are given below. **C9 (a network learns the T-maze) is the weakest in this
# respect**: when its rule was written, the parent of the network that it judges had already been measured. Each claim is
# divided into parts, and each part holds, fails, is undecided or is not judged. **Reproduced** means that every part holds,
# **in part** that some do, **not** that none holds and at least one is refuted, **undecided** that none holds and none is
# refuted, so that the parts that can be judged do not settle it, and **not tested** that no part can be judged yet.
#
# Claims about evolved units (C1 to C4, C9, C11) are judged on one evolved genome each: the verdict says that such a unit can
# evolve, not how often. The last column of the table says how many independent evolutions pass the same rule, as far as it can
# be applied to them. For C1 to C4 and C11 these are the ENUs of the sweep, which are smaller and evolve for fewer generations
# than the unit or network in the zoo (C4 without its comparison of generations). For C9 and C10, these are networks of the
# T-maze in the zoo: earlier ones, with several settings; and those that evolved by the
# [curriculum](61_how_the_networks_were_found.py), five before evolution could restart, among them the one judged, and five
# since. C5 to C8 compare models, and their verdicts already rest on all evolutions: those of the [second
# study](31_second_study.py), whose protocol was committed before its runs, as soon as one of its experiments is complete; until
# then those of the first sweep, which could settle little (see below).
#
# This is the table in the README, and what `python -m enu_lib claims` prints. Where another page measures the same on episodes
# or sequences of its own, it says *different draw*, and its numbers differ a little.

# %% tags=["parameters"]
profile = "zoo"
seed = 0  # has no effect

# %%
from dataclasses import replace

from IPython.display import Markdown

import enu_lib as enu
from enu_lib import widgets
from enu_lib.study import claims, evidence, ledger, mazes, second_tables, sweep, tables
from enu_lib.figures import use_style

use_style()
stored = sweep.obtain(profile)
found = evidence.gather(stored=stored.runs)
findings = claims.judge(found)
Markdown(ledger.as_markdown(findings))

# %% [markdown]
# ## What we measured
#
# ### Rules and parts
#
# *A* is the probability that an evolution of the first model reaches a higher final fitness (or the level sooner) than one of
# the second, ties counting half, with its 95% bootstrap interval; *p* is of an exact Mann-Whitney test, corrected after Holm
# over the comparisons on a task that can be judged.

# %%
Markdown(ledger.as_details(findings))

# %% [markdown]
# ### How often does it evolve?
#
# The same rules, applied to every evolution of every model of the sweep instead of the unit that ships.

# %%
Markdown(tables.markdown(ledger.repeat_table(found)))

# %% [markdown]
# ### What the first sweep shows
#
# The verdicts on C5 to C8 from the first sweep alone:

# %%
first = claims.judge(replace(found, judged=()), "C5", "C6", "C7", "C8")
Markdown(ledger.as_markdown(first))

# %% [markdown]
# Fitness in a maze includes the steps that an agent lives; the level that says whether something was learnt is a level of
# fitness; and the rules were fixed before we saw how far survival alone carries. So here is what the networks of the sweep eat
# in each maze, median of the evolutions and best one, and what an agent eats that always takes the same arm. Where a model eats
# less than that agent, a difference in the model's favour is largely one of living longer, and a model that passes the level
# need not have learnt anything. For example, C8 (that a network with shared rules does not converge) gets the verdict *not*
# above, although in the T-maze no SHAREDENU evolution eats more than an agent that always takes the same arm, while some ENU
# evolutions do. In the double T-maze no ENU evolution eats as much as an agent that always goes to the same end, while some
# NFENU and SHAREDENU evolutions do.

# %%
Markdown(tables.markdown(mazes.model_table(stored.runs, found)))

# %% [markdown]
# Of the differences in final fitness (C5) and speed (C6) the only one that holds in the first sweep is that of ENU over LSTM in
# the double T-maze. Mean fitness, and how much of it is due to steps alive:

# %%
bonus = enu.Maze("double-t").alive_bonus
Markdown(tables.numbers(mazes.survival_table(stored.runs, ("enu", "lstm"), "double-tmaze", bonus)))

# %% [markdown]
# So about half of the advantage behind C5 and C6 in the double T-maze is that networks of ENUs live longer than networks of
# LSTMs.
#
# ### What the rules do not ask
#
# **C9, a network learns the T-maze,** at first had an easier rule, which a latch passes; the network judged by it,
# `tmaze-enu-latch`, was a latch. The present rule requires what the paper says of its agent
# ([details](17_what_kind_of_learner.py)); the old rule is kept above. An agent that learns once, from its first meal, passes
# it (`looking-once`, [compared with the network](42_the_learned_rule.py)); relearning when the sensors change their meaning
# is not required, and neither that agent nor the network does it. The network was chosen: of [ten separate
# evolutions](61_how_the_networks_were_found.py), it was the first to be evolved to the target fitness. How many of the kept
# evolutions pass says more than the verdict.
#
# **C10, the units spike,** requires pulses, not information in them: a clock that is on for one step in every move meets its
# first three parts ([compared with the networks](43_does_it_spike.py)), and so do some networks evolved without selection, on
# which its fourth part rests.
#
# **C2, the firing frequency,** says nothing about timing: a unit that fires regularly at the right rate would pass; timing is
# tested by C1. **C4, the invented rule,** tests the shape of the change, not its size, which C3 tests for plain STDP; and
# "better" in C4 has no margin.
#
# **C7, feedback,** on the integrate-and-fire task of the [second study](31_second_study.py) tests how many spikes a unit fires,
# not when, so a metronome does well. The table shows how the evolved units fire: medians and ranges over evolutions. A pulse
# of two steps counts as two spikes, so a unit may have too many spikes because its pulses are too long, although it fires when
# the target does. The last column gives the share of a unit's spikes that come one step after another spike. These measures are
# secondary and have no verdict.

# %%
Markdown(tables.markdown(second_tables.spikes_table()))

# %% [markdown]
# **C11, a network learns the double T-maze,** is judged on one network, from one chain of evolutions through easier mazes that
# was not repeated with other seeds. What the network eats, here and in other new episodes (`zoo verify`), is more than three
# standard errors above the midpoint between the fixed-end and the memory-only agent ([details](24_ed4_double_tmaze.py)).
#
# **Below the level** from which a task counts as learnt, no result of the first sweep is judged. Yet on complex STDP every ENU
# ends with a lower loss than every LSTM; and on IAF the ENU ends with a lower loss than NFENU, GRU and LSTM, and it alone fires
# about as often as the model neuron ([details](21_ed1_comparison.py)).
#
# ## Reconstruction
#
# Several things on which verdicts depend are ours: the formula of the complex rule, the double T-maze, and the wiring of the
# baselines. A verdict is about the claim as it can be tested with these.
#
# Some settings of the sweep were changed after its first results, although no part of a claim became easier to show (the bounds
# of C1 to C3, on single units, were made stricter). Complex STDP was made twice as long, since under the rules the shorter runs
# could not be judged (they are kept, and [shown](25_ed5_convergence.py)). The longer runs have the seeds of the shorter ones
# and favour the other models: in the shorter ones, only ENUs ever reached the level. The T-maze got a first stage in a smaller
# maze, which was chosen by watching networks of ENUs with three of the sweep's seeds and may favour the ENU. In the double
# T-maze the sweep starts from the T-maze's parents of the same model and seed ([why](25_ed5_convergence.py)); that was decided
# before any of these runs was made.
#
# ## Verdict
#
# The verdicts are in the table at the top. Two cautions apply. The budget is a laptop's: a model that fails here might not
# fail with the published budget, and where no model learns enough for a difference to mean anything, nothing is said. And the
# strategy matters: on complex STDP, under [one found later](25_ed5_convergence.py), the ENU is ahead of GRU and LSTM, which it
# is not under that of the first sweep. So on single units, the second study searches for a strategy for each model; there, too,
# the ENU is ahead of both ([results](32_second_study_results.py)).
#
# ## Try it
#
# The evolutions on which the verdicts rest.

# %% tags=["explorer"]
widgets.runs_explorer(stored.runs, found.level, "complex-stdp")
