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
# # How fast is it, and why
#
# ## Question
#
# How long does a generation take, compared with what one would otherwise write in JAX or PyTorch? And how close does it come to
# what the processor can do?
#
# ## Approach
#
# One run of `make bench` times *whole generations*: drawing mutations and environments, the episodes of all offspring, their
# fitness, and the parent's step. There are three workloads: the plastic synapse at the published sizes (single unit), and
# networks in the T-maze whose units have 16 memory values and 4 channels (H16 C4), or 32 and 16 (H32 C16). Each has several
# implementations, which give the same fitness (`tests/test_peers.py`). So that all of them do the same work, agents cannot die
# in these mazes.
#
# - **This library**, with its compiled kernel, and with the torch backend that it uses if there is no compiler.
# - **JAX**, written with care (`enu_lib/bench/peer_jax.py`): everything in one jitted function; a scan over the steps;
#   offspring in blocks that fit in the cache; each presynaptic output projected through the synapses' weights only once.
# - **torch.compile** of the torch backend's steps, in blocks of offspring (`enu_lib/bench/peer_compile.py`).
# - **Plain torch**: the reference, one operation after another.
# - **Copied weights**: the scheme of the authors' public code, with one copy of the weights for each environment.
#
# Each implementation runs in a process of its own, limited to as many cores as it has threads. In each round, every
# implementation computes one generation in turn; we compare times within a round and take the median over rounds.
#
# **The peak** to compare with is the speed of a large matrix product in the same run, since a unit's step consists mainly of
# matrix products. We count only their operations, so the time spent on everything else lowers the share of the peak.
# The peak is a yardstick, not an upper bound.

# %% tags=["parameters"]
profile = "zoo"  # every profile shows the stored measurement
seed = 0  # has no effect
figures_dir = None

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown

from enu_lib import widgets
from enu_lib.figures import PAGE, better, panel_letters, save_figure, speed as panels, use_style
from enu_lib.study import gpu_speed, speed, tables

use_style()
measured = speed.load()
table, parts, growth = speed.generations(measured), speed.parts(measured), speed.growth(measured)
most = int(table["threads"].max())
Markdown(f"The stored measurement is from this machine: {speed.machine(measured)}.")

# %% [markdown]
# ## Figure

# %%
alike = table[table["threads"] == most]
fig, axes = plt.subplots(2, 2, figsize=(PAGE, 6.6))
a, b, c, d = axes.flat
limits = "lowest of the rounds", "highest of the rounds"
panels.paths(a, alike, "time relative to this library", speed.NAMES, limits, start=1)
a.set(xscale="log", xlabel=better("time relative to this library", up=False))
above = dict(fontsize=7, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.08))
a.legend(**above)
panels.paths(b, alike, "share of the matrix-product peak (%)", speed.NAMES)
b.set(xlabel=better("share of the matrix-product peak (%)", up=True))
panels.parts(c, parts)
c.legend(**above)
panels.growth(d, growth)
d.legend(fontsize=7)
panel_letters(axes.flat)
files = save_figure(
    fig, "how_fast", figures_dir,
    data={"generations": table, "parts": parts, "growth": growth},
    caption=f"""Speed of whole generations, on {speed.machine(measured)}. **a**, Time of a generation relative to this library,
    with {most} thread{'s' if most > 1 else ''} (log scale): median of at least {table["rounds"].min()} rounds; lines: lowest to
    highest. **b**, Speed as a share of that of a large matrix product. **c**, Parts of a generation of the laptop profile; the
    larger the share of the episodes, the better. **d**, Time of the episodes against size (P offspring, B environments, T
    steps, neurons, synapses), both relative to the smallest, with the exponents; dashed: time proportional to size; lower is
    better.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured

# %%
Markdown(speed.in_words(measured))

# %% [markdown]
# Time of a generation relative to this library (in parentheses, the time itself):

# %%
Markdown(tables.markdown(speed.ratios(measured)))

# %% [markdown]
# **Another processor.** How much faster than JAX this library is depends on the processor. At the published sizes, this
# library's kernel reaches most of the peak on both processors that we measured; JAX reaches a larger share of it on the AMD
# than on the Intel processor. At the smaller sizes, both this library and JAX come nearer to the peak on the AMD processor.

# %%
text = "This library and JAX on an Intel and an AMD processor, with one and two threads"
Markdown(tables.folded(text, speed.processors([measured, speed.load(speed.OTHER)])))

# %% [markdown]
# **Why the kernel is fast.**
#
# 1. Everything that belongs to one offspring stays in a core's cache for the whole episode; no intermediate result goes to main
#    memory. Offspring are independent, so each thread takes the next one, and threads never wait for one another.
# 2. Several units are stepped together, so that each row of weights is loaded once for all of them, and the sums fill the
#    processor's registers.
# 3. Each presynaptic and each postsynaptic output is projected through the synapses' input weights only once. A synapse then
#    adds two vectors, instead of multiplying its own copy of its input by the weights.
# 4. The hyperbolic tangent is approximated by a ratio of two polynomials, accurate to a few rounding errors, and the sigmoid is
#    computed from it.
# 5. Parent and mutation are added up, and outputs are scored, in the cache. So neither the offspring's genomes nor the units'
#    memory over time is ever written out.
# 6. An agent that has died is not simulated further. This saves much time in early generations; the comparison above leaves it
#    out.
#
# ### On a GPU
#
# On an Nvidia GPU, one launch of a kernel runs the episodes of all offspring to their end; meanwhile, the CPU draws the next
# mutations.

# %%
Markdown(gpu_speed.in_words(gpu_speed.load()))

# %% [markdown]
# ## Reconstruction
#
# The paper reports no times. "Copied weights" reimplements the scheme of the authors' public code.
#
# ## Verdict
#
# The tables above are the verdict, for the machines that were measured. To measure yours, run `make bench`, which writes
# `build/bench.json`; for a GPU, `python -m enu_lib bench --gpu`.
#
# ## Try it
#
# Choose a measure and the number of threads.


# %% tags=["explorer"]
TIME, SHARE, CORES = "generation (ms)", "share of the matrix-product peak (%)", "cores used"


def show(measure=TIME, threads=most):
    fig, ax = plt.subplots(figsize=(5.5, 3.4))
    panels.paths(ax, table[table["threads"] == threads], measure, speed.NAMES)
    better_side = {TIME: better(measure, up=False), SHARE: better(measure, up=True)}
    ax.set(xscale="log" if measure == TIME else "linear", xlabel=better_side.get(measure, measure))
    ax.legend(fontsize=7)
    return fig


widgets.explorer(
    show,
    measure=widgets.w.Dropdown(options=[TIME, SHARE, CORES], description="measure"),
    threads=widgets.w.Dropdown(options=sorted(map(int, set(table["threads"])))[::-1], description="threads"),
)
