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
# # Does the ENU win? Training progress (extended data Fig. 1)
#
# ## Question
#
# Does the evolvable neural unit reach a higher final fitness than a standard GRU, a standard LSTM, and reduced versions of
# itself?
#
# ## Approach
#
# NFENU lacks the feedback of its output; SHAREDENU has one set of rules for synapses and neurons. In a network, the model under
# comparison takes the place of synapses and neurons alike. All models get the same task, the same environments, the same
# evolution strategy and the same number of evaluations. The paper shows one run of each; here every thin line is an independent
# evolution, and the thick line is the median of a model.
#
# A **level** fixed beforehand (dotted) says when something counts as learnt: a tenth of the loss of a unit that learns nothing
# (STDP: it transmits its input unchanged; integrate and fire: it fires at the best fixed interval); in a maze, the fitness of
# an agent that always takes the same arm. In a maze this level can be passed without learning, by living longer, so food and
# second visits should be considered too.
#
# Nothing is evolved on this page: it draws what `make sweep` has stored, and names what has not been run.

# %% tags=["parameters"]
profile = "zoo"  # zoo: the runs that ship; smoke: a tiny sweep, made on the spot
seed = 0  # has no effect: the seeds are those of the sweep
figures_dir = None  # build/figures

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

from enu_lib import widgets
from enu_lib.study import claims, design, evidence, ledger, panels, plotted, second_tables, sweep, tables
from enu_lib.figures import PAGE, panel_letters, save_figure, use_style

use_style()
stored = sweep.obtain(profile)
found = evidence.gather(stored=stored.runs)

# %% [markdown]
# ## Figure

# %%
TASKS = ("iaf", "stdp", "tmaze")
NEURON = ("spikes, unit / target", "target spikes met within 1 step")
shown = {t: {m: tables.curves(stored.runs, t, m) for m in design.MAIN[t]} for t in TASKS}
final = {t: {m: found.final.get((t, m), ()) for m in design.MAIN[t]} for t in TASKS}
fig, axes = plt.subplots(2, 3, figsize=(PAGE, 4.6), height_ratios=[1.6, 1])
for task, top, bottom in zip(TASKS, *axes, strict=True):
    level, loss = found.level.get(task), task in sweep.UNITS
    panels.progress(top, shown[task], level, loss, legend=False)
    top.set_title(design.LABEL[task])
    panels.finals(bottom, final[task], loss, level)
panels.shared_legend(fig, axes[0])
panel_letters(axes.flat)
data = {"progress": plotted.progress(shown), "final": plotted.finals(final), "level": plotted.levels(found.level, TASKS)}
files = save_figure(
    fig, "ed1_comparison", figures_dir, data=data,
    caption=f"""Training progress (top) and loss or fitness of the evolved parents in 30 trial runs (bottom). Thin lines and
    dots: single evolutions, their number in parentheses; thick lines: medians; dotted: the level from which the task counts as
    learnt. Arrows point towards better values: a low loss (log scale) or a high fitness; at the bottom, better is to the right.
    Evolutions: {tables.counts(found, TASKS)}.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# ### Final performance
#
# The ENU against each other model. *A* is the probability that an evolution of the ENU reaches a higher final fitness than one
# of the other model (1/2: no difference; 0.71 and above is commonly called a large effect; ties count half); *p* is from an
# exact Mann-Whitney test, corrected after Holm within each task. Where neither median reaches the level, the rules of [the
# ledger](30_claims.py) do not judge the comparison: the remark says so, and p is not corrected. `enu_lib/analysis/stats.py`
# explains the choice of these measures.

# %%
columns = {"task": "task", "model": "ENU against", "A": "A", "p": "p", "remark": "remark"}
others = [tables.name(m) for m in design.MAIN["tmaze"] if m != "enu"]
rows = [row for row in tables.final_table(stored.runs, found, TASKS) if row["model"] in others]
Markdown(tables.markdown([{new: row[old] for old, new in columns.items()} for row in rows]))

# %% [markdown]
# ### What the evolved units do
#
# The neuron: number of spikes per spike of the model, and share of the model's spikes that it meets within one step; one value
# per evolution, best first. A unit that fires at every step meets all of them.

# %%
Markdown(tables.markdown(tables.behaviour_table(stored.runs, "iaf", NEURON)))

# %% [markdown]
# The network in the T-maze: since fitness also counts steps alive, the table shows food eaten in fresh episodes (last row: an
# agent that always takes the same arm), and how often the second visit is right after poison at the first.

# %%
Markdown(tables.markdown(tables.eaten_table(stored.runs, found, "tmaze")))

# %% [markdown]
# ### The second study

# %%
brief = {
    "C7": "without feedback a unit does worse",
    "C8": "with one set of rules for synapses and neurons a network does not converge",
}
Markdown(second_tables.after_the_first(found.judged, brief))

# %% [markdown]
# ## Reconstruction
#
# The wiring of the baselines is not published: ours are the textbook cells with a linear readout. They lack the gain of 3 and
# the bias in the ENU's gates; and on the integrate-and-fire task the ENU's output is nearly a step (a gain of 1000, as in the
# public code), clipped at 1, while theirs is graded. Each of these could decide the comparison: a clipped readout is tested in
# [the table](28_ed_table1.py), gain and bias of the gates on complex STDP in the [second study](31_second_study.py). Lines at
# the top of **a** are units that fire at every step. Sizes are those of the sweep's profile `laptop`
# (`enu_lib/study/design.py`), smaller than the published ones; all models have the same number of memory values (an LSTM has
# two numbers for each), not of parameters. In the mazes, sensors are shuffled and actions are not, and the evolution strategy
# ranks by breadth ({eq}`eq-breadth`). The T-maze begins with a smaller maze for all models alike, although this stage was
# chosen by watching ENUs; held-out fitness is always that of the whole maze, so the first part of a curve is not what was
# selected for.
#
# ## Verdict
#
# Two claims concern these comparisons and those of [extended data Fig. 5](25_ed5_convergence.py). Their verdicts by the rules
# of the [ledger](30_claims.py), which says on which runs they rest:

# %% tags=["hide-input"]
Markdown(ledger.as_markdown(claims.judge(found, "C7", "C8")))

# %% [markdown]
# ## Try it
#
# Choose a task, a model and a measure.

# %% tags=["explorer"]
widgets.runs_explorer(stored.runs, found.level)
