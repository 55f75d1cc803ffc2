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
seed = 0  # of no effect: the seeds are those of the sweep
figures_dir = None  # build/figures

# %%
import matplotlib.pyplot as plt
import pandas as pd

from enu_lib import widgets
from enu_lib.study import design, tables, evidence, panels, sweep
from enu_lib.figures import PAGE, panel_letters, save_figure, save_table, use_style

use_style()
stored = sweep.obtain(profile)
found = evidence.gather(stored=stored.runs)

# %% [markdown]
# ## Figure

# %%
fig, axes = plt.subplot_mosaic([["complex-stdp", "tmaze"], ["stdp", "tmaze"], ["iaf", "double-tmaze"]], figsize=(PAGE, 5))
for task, ax in axes.items():
    models = [*design.MAIN[task], *sweep.GROUPS["checks"].models.get(task, ())]
    panels.finals(ax, {m: found.final.get((task, m), ()) for m in models}, task in sweep.UNITS)
    ax.set_title(design.LABEL[task])
panel_letters(axes.values())
files = save_figure(
    fig, "ed_table1_values", figures_dir,
    caption=f"""The values behind the table: final loss (single units, log scale) or fitness (mazes) of each of the
    {sum("@" not in r.model for r in stored.runs)} evolutions; lines: medians.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
rows = tables.final_table(stored.runs, found)
caption = f"""Fitness of evolved parents in 30 trial runs (higher is better; single units: minus the loss),
{sum(row["evolutions"] for row in rows)} evolutions in all. A: probability that an evolution of the ENU ends better than one of
the model; p: exact Mann-Whitney test, Holm correction within the task unless the remark says otherwise."""
files += save_table("ed_table1", {"csv": tables.csv(rows), "md": tables.markdown(rows)}, figures_dir, caption=caption)
pd.DataFrame(rows).set_index(["task", "model"])

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
# The comparisons of claims C5, C7 and C8 are judged in the [ledger](30_claims.py).
#
# ## Try it
#
# Choose a task, a model and a measure.

# %% tags=["explorer"]
widgets.runs_explorer(stored.runs, found.level)
