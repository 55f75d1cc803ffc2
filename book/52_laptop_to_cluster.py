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
# # From a laptop to a cluster: one evolution, many processes
#
# ## Question
#
# An evolution no longer fits two cores. How can many processes, on one machine or on several, share a single run, and what
# does each of them still have to do by itself?
#
# ## Approach
#
# PyTorch's launcher starts the processes, which then share the offspring of every generation:
#
# ```
# torchrun --nproc-per-node=2 -m enu_lib evolve tmaze                     # two processes on this machine
# torchrun --nnodes=4 --nproc-per-node=8 --rdzv-backend=c10d --rdzv-endpoint=first-machine:29500 \
#     --max-restarts=3 -m enu_lib evolve tmaze --profile paper            # the same command on each of four machines
# ```
#
# On a machine with GPUs each process takes one of them, so that the number of processes is that of the GPUs. Without them,
# each takes its share of the cores as threads.
#
# **Only fitness travels.** Mutations and environments are functions of the seed, which every process knows. So each process
# simulates its share of the offspring; all send one another the fitness of theirs, a few kilobytes; and all rank the offspring
# and compute the next parent, with the same bits. A run has therefore the same genomes with any number of processes, on one
# kind of processor: what four began, one can finish. A checksum of the parent travels with the fitness. Processors of two
# kinds, or two versions of the library, are refused at the start.
#
# **One process writes.** Rank 0 keeps the run folder, evaluates the parent on the held-out environments, and tells the others
# when to stop. On several machines the folder must be on a file system that they share, since torchrun may make any of them the
# first, and another one after a restart.
#
# **A process can be lost.** If one dies, hangs, or is slower than `--process-timeout` (ten minutes), the run ends with one line
# that names its rank, machine and process. The same command goes on from the last checkpoint; with `--max-restarts`, torchrun
# gives it by itself. Ctrl-C, or a scheduler's SIGTERM, to torchrun or to any process, saves and stops all of them.

# %% tags=["parameters"]
profile = "zoo"
seed = 0

# %%
import subprocess
import sys
import tempfile

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown
from tabulate import tabulate

import enu_lib as enu
from enu_lib import widgets
from enu_lib.bench import sharing
from enu_lib.figures import use_style

use_style()

# %% [markdown]
# ## What we measured
#
# **The same bits.** A small evolution, once in this process and once in two that torchrun starts:

# %%
one = enu.evolve("stdp", profile="smoke", seed=seed, progress=False)
with tempfile.TemporaryDirectory() as folder:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = ["-m", "enu_lib", "evolve", "stdp", "--profile", "smoke", "--seed", str(seed), "--quiet", "--out", folder]
    subprocess.run([*launcher, *command], check=True, capture_output=True)
    two = enu.load_run(folder)
same = torch.equal(one.genome, two.genome) and torch.equal(one.parent, two.parent)
Markdown(
    f"After {two.generation} generations, the best and the latest genome are {'' if same else '**not** '}equal in all "
    f"{one.genome.numel():,} values; the best held-out fitness is {one.score:.6g} and {two.score:.6g}."
)

# %% [markdown]
# **What a generation costs**, in milliseconds on one core of the machine that made this page, around an evolved parent of the
# zoo. Each process simulates whole offspring; the processes of a machine share the drawing of mutations; each computes the
# parent's step, and waits for the held-out evaluation. From these costs follows what speed many processes should
# reach, with one core each, eight on a machine, and `50e-6` seconds for an exchange with a neighbour, as in a good network. The
# last column has a process for every offspring. Efficiency itself is measured by `python -m enu_lib bench --processes 2`, which
# lets one and two processes take turns.

# %% tags=["hide-input"]
numbers, speeds = [], []
for name in ("stdp-enu", "tmaze-enu"):
    entry = enu.zoo.load(name)
    costs, population = sharing.costs(entry.experiment, entry.genome), entry.experiment.es.population
    numbers.append({"genome": name, **{k: f"{1000 * v:.2f}" for k, v in costs._asdict().items()}})
    seconds = {n: sharing.predicted(costs, population, n) for n in (1, 2, 8, 64, population)}
    speeds.append({"genome": name, **{f"{n} processes": f"{seconds[1] / s:.1f}" for n, s in seconds.items()}})
tables = [tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True) for rows in (numbers, speeds)]
Markdown("\n\n".join([tables[0].replace("_", "-"), "Predicted speed, relative to one process:", tables[1]]))

# %% [markdown]
# **Where it stops.** There are no more shares than offspring. Before that, what is not divided takes over: the mutations, which
# every machine draws in full, because the random numbers form one sequence and the parent's step is a sum over all of them; the
# held-out evaluation; and the way of the fitness round all processes. A larger population, more environments or a larger task
# moves the limit, since their episodes are divided. What would have to change for thousands of machines is the random stream
# (numbers that can be drawn from the middle), which would change every run. For many *independent* evolutions none of this
# matters: they need no exchange.
#
# ## Reconstruction
#
# How the work is divided is ours; the paper does not say on what, and how distributed, its evolutions ran.
#
# ## Try it
#
# Start the first command with `--profile smoke --out runs/shared`, and kill one process with `kill -9`. Then the same with
# `--max-restarts=1`. Evolve on with `python -m enu_lib evolve`, the same options and a larger `--generations`.
#
# Below: how much faster the T-maze's evolution should be with more processes, for a larger population, more processes on each
# machine or another network. Dashed: as many times as there are processes.


# %% tags=["explorer"]
def show_speed(larger=1, beside=8, message=50):
    scaled = costs._replace(episodes=larger * costs.episodes, mutations=larger * costs.mutations, step=larger * costs.step)
    counts = [2**n for n in range(11)]
    seconds = [sharing.predicted(scaled, larger * population, n, beside, message / 1e6) for n in counts]
    fig, ax = plt.subplots(figsize=(5, 2.8))
    ax.loglog(counts, [seconds[0] / s for s in seconds], "o-")
    ax.loglog(counts, counts, "--", color="0.6")
    ax.set(xlabel="processes", ylabel="speed (one process: 1)")
    return fig


widgets.explorer(
    show_speed,
    larger=widgets.slider("times as many offspring", 1, 1, 64, 1),
    beside=widgets.slider("processes a machine", 8, 1, 64, 1),
    message=widgets.slider("exchange with a neighbour (µs)", 50, 1, 500, 1),
)
