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
# # Does the ENU win? Training progress (extended data Fig. 1)
#
# The paper compares the evolvable neural unit with a standard GRU, a standard LSTM and with parts of itself: NFENU has no
# feedback of its output, SHAREDENU has one set of rules for synapses and neurons. In a network, the model compared takes
# the place of synapses and neurons alike. All models get the same task, the same environments, the same evolution strategy
# and as many evaluations. The paper shows one run of each; here every line is one evolution of its own, and the thick one
# is the median of a model.
#
# *Reconstructions.* The wiring of the baselines is not published: ours are the textbook cells with a linear read-out. Nor have
# they the ENU's gain of 3 and bias in its gates; and on the neuron the ENU's output is nearly a step (a gain of 1000, as in
# the public code), cut off at 1, while theirs is graded. Any of this may decide the comparison: a clipped read-out is tried in
# [the table](28_ed_table1.py), the others are not. Lines at the top of **a** are units that fire at every step. The sizes are
# those of the sweep's profile `laptop` (`enu_lib/study/design.py`): smaller than the published ones; all models have as many
# memory values (an LSTM two numbers for each), not as many parameters. In the mazes, sensors are shuffled and actions are not,
# and the evolution strategy ranks by breadth ({eq}`eq-breadth`). The T-maze begins with a lesson, a smaller maze, for all
# models alike, though it was chosen by watching ENUs; held-out fitness is always of the whole maze, so that the first part of
# a curve is not what selection saw. A **level** fixed beforehand says when something counts as learnt (dotted): a tenth of the
# loss of a unit that learns nothing (STDP: it passes its input on; integrate and fire: it fires at the best fixed interval);
# in a maze, the fitness of an agent that always takes the same arm. In a maze the level can be passed without learning, by
# living longer; look at food and second visits too.
#
# Nothing is evolved here: this page draws what `make sweep` has stored. What has not been run yet is named.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the runs that ship; smoke: a tiny sweep, made on the spot
seed = 0  # of no effect: the seeds are those of the sweep
figures_dir = None  # build/figures

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

from enu_lib import widgets
from enu_lib.study import design, tables, evidence, panels, sweep
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()
stored = sweep.obtain(profile)
found = evidence.gather(stored=stored.runs)
TASKS = ("iaf", "stdp", "tmaze")
NEURON = ("spikes, unit / target", "target spikes met within 1 step")
shown = {t: {m: tables.curves(stored.runs, t, m) for m in design.MAIN[t]} for t in TASKS}
fig, axes = plt.subplots(2, 3, figsize=(PAGE, 4), height_ratios=[1.8, 1])
for task, top, bottom in zip(TASKS, *axes, strict=True):
    loss = task in sweep.UNITS
    panels.progress(top, shown[task], found.level.get(task), loss)
    top.set_title(design.LABEL[task])
    panels.finals(bottom, {m: found.final.get((task, m), ()) for m in design.MAIN[task]}, loss)
panel_letters(axes.flat)
files = save_figure(
    fig, "ed1_comparison", figures_dir,
    caption=f"""Training progress (above) and what the evolved parents reach in 30 trial runs (below). Thin lines and dots:
    single evolutions; thick lines: medians; dotted: the level at which something counts as learnt. Evolutions:
    {tables.counts(found, TASKS)}.""",
)  # fmt: skip

# %% [markdown]
# ## Is the difference real?
#
# ENU against each other model. *A* is the probability that an evolution of the ENU ends better than one of the other model
# (1/2: no difference; from 0.71 on one speaks of a large one; ties count half); *p* is of an exact Mann-Whitney test, corrected
# after Holm within each task. Where neither of the two medians is at the level, the rules of [the ledger](30_claims.py) say
# nothing: the remark says so, and p is not corrected. Why these measures: `enu_lib/analysis/stats.py`.

# %%
columns = {"task": "task", "model": "ENU against", "A": "A", "p": "p", "remark": "remark"}
others = [tables.name(m) for m in design.MAIN["tmaze"] if m != "enu"]
rows = [row for row in tables.final_table(stored.runs, found, TASKS) if row["model"] in others]
Markdown(tables.markdown([{new: row[old] for old, new in columns.items()} for row in rows]))

# %% [markdown]
# ## What the evolved units do
#
# The neuron: how many times it fires for each spike of the model, and the share of the model's spikes that it meets within one
# step; every evolution by itself, the best first. Who fires at every step meets all.

# %%
Markdown(tables.markdown(tables.behaviour_table(stored.runs, "iaf", NEURON)))

# %% [markdown]
# The network in the T-maze: its fitness counts steps alive too, so here is what it eats on fresh lives (last line: an agent
# that always takes the same arm), and how often the second visit is right where the first one met poison.

# %%
Markdown(tables.markdown(tables.eaten_table(stored.runs, found, "tmaze")))

# %% [markdown]
# ## Look at any of it

# %% tags=["explorer"]
widgets.runs_explorer(stored.runs, found.level)
