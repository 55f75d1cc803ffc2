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
# # Final performance of all models (extended data Table 1)
#
# ## Question
#
# How well do the models perform at the end of evolution, and how sure can we be that the next evolution would end the same way?
#
# ## Approach
#
# For each model, the paper's table gives the mean and standard deviation of the evolved parent's fitness over 30 trial runs,
# with tests over these runs. Its numbers are not on the public page; all numbers here are our own.
#
# Thirty runs of one evolved parent tell how well *that parent* is known. What matters is how the *next* evolution will end, and
# for that question the evolution is the unit of replication: we evolve each model from several seeds, average each over 30
# trial runs, and compare these means (`over seeds`, with 95% bootstrap intervals; A and p as on [extended data Fig.
# 1](21_ed1_comparison.py)). The paper's two columns are also given, for the first seed. The *evolved parent* is the one that
# was best in the held-out environments of its run; trials use others.

# %% tags=["parameters"]
profile = "zoo"
seed = 0  # has no effect: the seeds are those of the sweep
figures_dir = None  # build/figures

# %%
import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Markdown

from enu_lib import widgets
from enu_lib.study import claims, design, evidence, ledger, panels, plotted, second_tables, sweep, tables
from enu_lib.study.model_name import ModelName
from enu_lib.figures import PAGE, panel_letters, save_figure, save_table, use_style
from enu_lib.figures.data import as_csv

use_style()
stored = sweep.obtain(profile)
found = evidence.gather(stored=stored.runs)

# %% [markdown]
# ## Figure

# %%
fig, axes = plt.subplot_mosaic([["iaf", "tmaze"], ["stdp", "tmaze"], ["complex-stdp", "double-tmaze"]], figsize=(PAGE, 5.8))
final = {
    task: {m: found.final.get((task, m), ()) for m in (*design.MAIN[task], *sweep.GROUPS["checks"].models.get(task, ()))}
    for task in axes
}
for task, ax in axes.items():
    panels.finals(ax, final[task], task in sweep.UNITS, found.level.get(task))
    ax.set_title(design.LABEL[task])
panels.key(fig)
panel_letters(axes.values())
evolutions = sum(not ModelName.parse(run.model).variant for run in stored.runs)
files = save_figure(
    fig, "ed_table1_values", figures_dir,
    data={"final": plotted.finals(final), "level": plotted.levels(found.level, list(axes))},
    caption=f"""The values behind the table: final loss (single units, log scale, reversed) or fitness (mazes) of each of the
    {evolutions} evolutions (dots; their number in parentheses), each the mean of 30 trial
    runs; better is to the right in all panels. Lines: medians; dotted: the level from which the task counts as learnt.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
rows = tables.final_table(stored.runs, found)
caption = f"""Fitness of evolved parents in 30 trial runs (higher is better; single units: minus the loss),
{sum(row["evolutions"] for row in rows)} evolutions in all. A: probability that an evolution of the ENU ends better than one of
the model; p: exact Mann-Whitney test, Holm correction within the task unless a remark in the full table says otherwise. The
full table also gives memory sizes, parameter counts, the first seed's mean and s.d. as in the paper, medians and remarks."""
files += save_table(
    "ed_table1", {"csv": as_csv(pd.DataFrame(rows)), "md": tables.markdown(rows)}, figures_dir, caption=caption,
    summary=tables.markdown(tables.final_summary(rows)),
)  # fmt: skip

# %% [markdown]
# ### The second study

# %%
Markdown(second_tables.after_the_first(found.judged, {"C5": "the ENU reaches a higher final fitness than GRU, LSTM and NFENU"}))

# %% [markdown]
# ## Reconstruction
#
# A trial run is a batch of fresh environments of the same size as that of a generation; the 30 batches are the same for every
# evolved parent. Models marked `clipped` have a readout that is clipped like the ENU's, and those marked `matched size` have as
# many parameters as the ENU (or as close as whole numbers of memory values allow): they test two choices of ours that could
# decide the comparison, where they have been run. On single units, the GRU has exactly as many parameters as the ENU.
#
# ## Verdict
#
# The verdict by the rule of the [ledger](30_claims.py):

# %% tags=["hide-input"]
Markdown(ledger.as_markdown(claims.judge(found, "C5")))

# %% [markdown]
# ## Try it
#
# Choose a task, a model and a measure.

# %% tags=["explorer"]
widgets.runs_explorer(stored.runs, found.level)
