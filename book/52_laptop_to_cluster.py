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
# # From a laptop to a cluster: one evolution, many processes
#
# ## Question
#
# Suppose that two cores are no longer enough for an evolution. How can many processes, on one machine or on several, share a
# single run, and which work must each process still do itself?
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
# On a machine with GPUs each process uses one GPU, so start as many processes as there are GPUs. Without GPUs, the processes
# divide the cores among them and use them as threads.
#
# **Only fitness is exchanged.** Mutations and environments are functions of the seed, which every process knows. So each
# process simulates its share of the offspring and sends their fitness, a few kilobytes, to all other processes; then every
# process ranks all offspring and computes the same next parent, bit for bit. Therefore, on one kind of processor, a run gives
# the same genomes with any number of processes: one process can finish what four began. A checksum of the parent is sent along
# with the fitness. A run whose processes differ in the kind of processor or in the version of the library is refused at the
# start. On one Linux machine, rank 0 collects the fitness and sends all of it to the others; otherwise, PyTorch's gloo passes
# it around a ring.
#
# **One process writes.** The process with rank 0 writes the run folder, evaluates the parent on the held-out environments, and
# tells the others when to stop. With several machines, the folder must be on a file system that they share, since torchrun may
# give rank 0 to a process on any of them, and to a different one after a restart.
#
# **A process can be lost.** If a process dies, hangs, or is slower than `--process-timeout` (ten minutes), the run ends with a
# one-line message that names its rank, machine and process number. Repeat the command to resume from the last checkpoint; with
# `--max-restarts`, torchrun does so automatically. Ctrl-C, or SIGTERM from a scheduler, sent to torchrun or to any process,
# saves the run and stops all processes.

# %% tags=["parameters"]
profile = "zoo"
seed = 0

# %%
import subprocess
import sys
import tempfile
from dataclasses import replace

import matplotlib.pyplot as plt
import torch
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import widgets
from enu_lib.bench import sharing
from enu_lib.figures import use_style
from enu_lib.streams import stream
from enu_lib.study import tables

use_style()

# %% [markdown]
# ## What we measured
#
# **Identical results.** We ran a small evolution once in this process, and once in two processes started by torchrun:

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
# **What a generation costs**, in milliseconds on one core of the machine that made this page, with an evolved genome of the zoo
# as the parent. Each process simulates whole offspring; the processes of one machine share the drawing of mutations; and every
# process draws the environments, computes the parent's step and waits for the held-out evaluation. From these costs we predict
# the speed of many processes, with one core each, eight per machine, and `50e-6` seconds for an exchange with a neighbour, as
# in a fast network. The last column has one process per offspring. To measure the efficiency directly, run
# `python -m enu_lib bench --processes 2`, which alternates between one and two processes.

# %% tags=["hide-input"]
numbers, speeds, costs, offspring = [], [], {}, {}
for name in ("stdp-enu", "tmaze-enu"):
    entry = enu.zoo.load(name)
    costs[name], offspring[name] = sharing.costs(entry.experiment, entry.genome), entry.experiment.es.population
    numbers.append({"genome": name, **{k.replace("_", "-"): f"{1000 * v:.2f}" for k, v in costs[name]._asdict().items()}})
    seconds = {n: sharing.predicted(costs[name], offspring[name], n) for n in (1, 2, 8, 64, offspring[name])}
    speeds.append({"genome": name, **{f"{n} processes": f"{seconds[1] / s:.1f}" for n, s in seconds.items()}})
Markdown(f"{tables.markdown(numbers)}\nPredicted speed, relative to one process:\n\n{tables.markdown(speeds)}")

# %% [markdown]
# **Mutations at 1,000 processes.** Every process needs all mutations for the parent's step, but can neither draw a part of
# them alone (the random numbers form one sequence) nor receive sums over parts (their bits would depend on the number of
# processes). In our solution, the processes of one machine take turns drawing them into shared memory.

# %% tags=["hide-input"]
paper = enu.experiments.get("tmaze", profile="smoke" if profile == "smoke" else "paper")
large = replace(paper, es=replace(paper.es, population=1000))
cost = sharing.costs(large, large.model.init(stream(seed, "genome")))
alone, beside = (sharing.predicted(cost, 1000, 1000, beside) for beside in (1, 8))
Markdown(
    f"With {large.es.population:,} offspring of {large.model.n_params:,} parameters, one per process, drawing the mutations of "
    f"a generation takes {1000 * cost.mutations:.0f} ms on one core, and an offspring's episodes take "
    f"{1000 * cost.episodes / large.es.population:.0f} ms. So each process spends {1000 * cost.mutations / 8:.1f} ms per "
    f"generation on mutations with eight processes per machine, and {1000 * cost.mutations:.0f} ms if it is alone on its "
    f"machine: {cost.mutations / 8 / beside:.0%} and {cost.mutations / alone:.0%} of the predicted time of a generation."
)

# %% [markdown]
# ## Reconstruction
#
# This division of the work is ours; the paper does not say on what hardware its evolutions ran, or how they were distributed.
#
# ## Verdict
#
# There cannot be more processes than offspring. Well before that, the work that is not divided
# dominates: the mutations, which every machine draws in full, because the random numbers form one sequence and the parent's
# step is a sum over all mutations; the held-out evaluation; and passing the fitness round all processes. A larger population,
# more environments or a larger task raises the limit, since episodes are divided. Thousands of machines would need a different
# random generator, one that can start anywhere in its sequence, and that would change the results of every run. For many
# *independent* evolutions none of this matters: [they need no exchange](53_many_evolutions.py).
#
# ## Try it
#
# Start the first command with `--profile smoke --out runs/shared`, and kill one process with `kill -9`. Then do the same with
# `--max-restarts=1`. To continue the evolution, run `python -m enu_lib evolve` with the same options and a larger
# `--generations`.
#
# Below: predicted speed of the T-maze evolution, relative to one process, against the number of processes (higher is better),
# for the population, the processes per machine and the network speed that you choose. Dashed: ideal, as many times faster as
# there are processes.


# %% tags=["explorer"]
def show_speed(larger=1, beside=8, message=50):
    scaled = costs["tmaze-enu"]._replace(
        **{k: larger * getattr(costs["tmaze-enu"], k) for k in ("episodes", "mutations", "step")}
    )
    counts = [2**n for n in range(11)]
    seconds = [sharing.predicted(scaled, larger * offspring["tmaze-enu"], n, beside, message / 1e6) for n in counts]
    fig, ax = plt.subplots(figsize=(5, 2.8))
    ax.loglog(counts, [seconds[0] / s for s in seconds], "o-")
    ax.loglog(counts, counts, "--", color="0.6")
    ax.set(xlabel="processes", ylabel="speed relative to one process")
    return fig


widgets.explorer(
    show_speed,
    larger=widgets.slider("offspring, multiplied by", 1, 1, 64, 1),
    beside=widgets.slider("processes per machine", 8, 1, 64, 1),
    message=widgets.slider("exchange with a neighbour (µs)", 50, 1, 500, 1),
)
