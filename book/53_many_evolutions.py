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
# # From a laptop to a cluster: many evolutions
#
# ## Question
#
# The [claims](30_claims.py) rest on hundreds of evolutions. How can they be run on two cores, on a cluster or on GPUs, and how
# much time would more machines save?
#
# ## Approach
#
# A **job** is one evolution: an experiment, a model and a seed. Its whole state is in its run folder, so that any machine with
# access to the folder can continue it, bit for bit on the same kind of processor. A **sweep** is a set of jobs; it hands them
# to **workers**, the processes that run them. Jobs are independent, except that some start from the genome evolved by another
# job.
#
# ### On one machine
#
# ```
# python -m enu_lib sweep --time-limit 2h        # one single-threaded process per core; repeat to resume
# python -m enu_lib sweep --jobs 4
# ```
#
# On Ctrl-C, SIGTERM or the time limit, the sweep saves all runs and stops. Each job has its own process; if that dies, a new
# one resumes the job. Two sweeps may share a folder: a job is locked while it runs, and other sweeps leave it until the end.
#
# ### On a cluster
#
# The workers may also be those of a [Dask](https://www.dask.org) cluster. All of them must have access to the folder of the
# runs under the same path, on a file system whose locks work across machines (NFS 4; Lustre mounted with `flock`).
#
# ```
# pip install '.[cluster]'
# dask scheduler                                                    # on one machine; prints its address and the dashboard's
# dask worker tcp://ADDRESS:8786 --nthreads 1 --nworkers 32         # on each other machine; --nworkers: its cores
# python -m enu_lib sweep --scheduler tcp://ADDRESS:8786 --out /shared/sweep
# ```
#
# If a worker is killed, Dask gives its job to another worker, which resumes it from the last checkpoint. Workers may join and
# leave while the sweep runs. A Dask scheduler executes any code that it receives: start it only in a network that you trust.
#
# Under SLURM, `dask-jobqueue` writes and submits the batch scripts. The following example is `book/static/slurm_sweep.py`:

# %% tags=["parameters"]
profile = "zoo"  # the stored sweep, whatever the profile
seed = 0
figures_dir = None  # build/figures

# %%
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.storage import places
from enu_lib.figures import PAGE, better, panel_letters, save_figure, use_style
from enu_lib.study import results, scaling, sweep, tables
from enu_lib.study.design import AFTER, Job
from enu_lib.study.scaling import chains, makespan

use_style()
example = places.root() / "book/static/slurm_sweep.py"
Markdown(f"```python\n{example.read_text(encoding='utf-8')}```")

# %% [markdown]
# ### On GPUs
#
# ```
# python -m enu_lib sweep --profile paper --experiments tmaze --device cuda                    # one process per GPU
# python -m enu_lib sweep --profile paper --experiments tmaze --device cuda --per-device 4     # four on each GPU
# ```
#
# Each process uses only one GPU. On a cluster, start one or several workers per GPU, and set `CUDA_VISIBLE_DEVICES` for each of
# them. Only networks run faster on a GPU. Memory does not limit the number of evolutions per GPU:

# %%
paper = enu.experiments.get("tmaze", profile="paper")
Markdown(
    f"At the published sizes, the genomes and mutations of a T-maze evolution take at least {paper.bytes / 2**20:.0f} MiB. The "
    "limit is computing time: evolutions that share a GPU take turns, which helps only if one alone leaves it partly idle."
)

# %% [markdown]
# ## Figure
#
# The time of a sweep on $W$ workers is at least
#
# $$c_0 + \max\left(\frac{1}{W}\sum_i (s_i + c),\; \max_{\text{chains}} \sum_{i \in \text{chain}} (s_i + c)\right),$$
#
# where $s_i$ is the duration of job $i$ in seconds, $c$ the additional cost of each job (handing it over and evaluating the
# evolved genome), and $c_0$ the time to start a worker. A chain is a job together with the job that it starts from. The curves
# simulate what the sweep does: a free worker takes the next chain. The $s_i$ are those of the stored sweep.

# %% tags=["hide-input"]
stored = {Job(r.experiment, r.model, r.seed): r.seconds for r in results.load("laptop").runs}
seconds = {job: stored[job] for job in sweep.jobs("laptop") if job in stored}
chain = chains(seconds, AFTER["laptop"])
more = {replace(job, seed=job.seed + 100 * k): s for k in range(10) for job, s in seconds.items()}
orders = {
    "as stored": seconds,
    "longest chain first": dict(sorted(seconds.items(), key=lambda pair: -chain[pair[0]])),
    "ten times as many seeds": more,
}
machines = np.unique(np.logspace(0, 3, 25).round().astype(int))


def hours(jobs, workers, each=0.0):
    return makespan(jobs, int(workers), each, AFTER["laptop"]) / 3600


fig, axes = plt.subplots(1, 2, figsize=(PAGE, 2.6))
axes[0].plot(machines, machines, ":", color="k", label="ideal")
gain = {name: [sum(jobs.values()) / 3600 / hours(jobs, w) for w in machines] for name, jobs in orders.items()}
taken = {each: [hours(seconds, w, each) for w in machines] for each in (0, 10, 100)}
for name, values in gain.items():
    axes[0].plot(machines, values, label=name)
axes[0].set(xscale="log", yscale="log", xlabel="workers", ylabel=better("speed-up", up=True))
axes[0].legend(loc="lower right")
for each, values in taken.items():
    axes[1].plot(machines, values, label=f"$c$ = {each} s")
axes[1].set(xscale="log", yscale="log", xlabel="workers", ylabel=better("time of the sweep (hours)", up=False))
axes[1].legend()
panel_letters(axes)
files = save_figure(
    fig, "many_evolutions", figures_dir,
    data={
        "a": figures.data.series("sweep", gain, {"workers": machines}, "speed-up"),
        "b": figures.data.series("cost of a job (s)", taken, {"workers": machines}, "time of the sweep (hours)"),
    },
    caption=f"""Predicted duration of a sweep of {len(seconds)} evolutions, simulated from the seconds that each took on one
    core. **a**, Speed-up over one worker, with $c$ = 0, for three orders or sizes of the sweep; higher is better; dotted:
    ideal. **b**, Duration of the stored sweep, for three costs $c$ per job; lower is better.""",
)  # fmt: skip

# %% [markdown]
# ## What we measured
#
# The table gives the costs per worker or job on the machine that made this page. *Starting a worker* is $c_0$. *Starting a
# process* is needed for each job, except on a Dask cluster. *Evaluating* is the time to evaluate an evolved T-maze network,
# which takes longest. *Handing over* is the total time for a job whose evolution takes almost no time. *In the sweep's own
# process* is the time to check a job that is already finished.

# %%
cost = scaling.additional_costs(profile, seed)
Markdown(tables.numbers({name: {"seconds": s} for name, s in cost.items()}, 3, "cost"))

# %% [markdown]
# With these costs, the prediction for the stored sweep, on workers of equal speed, is:

# %%
each = cost["starting a process"] + cost["evaluating"] + cost["handing over"]
whole = {job: s + each for job, s in seconds.items()}
total = sum(whole.values())
rows = scaling.predicted(whole, (1, 2, 8, 32, 100, 300, 1000), cost["starting a worker"], AFTER["laptop"])
Markdown(tables.numbers(rows, 2, "workers"))

# %%
ends = chains(whole, AFTER["laptop"])
longest = max(ends, key=ends.get)
bound, mean, own = total / ends[longest], total / len(whole), cost["in the sweep's own process"]
Markdown(
    f"**What limits the speed.** The longest chain ends with `{longest.name}` and takes {ends[longest] / 60:.0f} minutes, "
    f"the whole sweep {total / 3600:.1f} hours on one core. So a sweep cannot be more than {bound:.0f} times as fast as with "
    f"one worker; beyond about {bound:.0f} workers, most of them wait for the last chains, and beyond {len(whole)}, there are "
    "more workers than jobs. "
    f"The process that hands out the jobs could keep {mean / own:,.0f} workers busy, at "
    f"{mean:.0f} s per job."
)

# %% [markdown]
# ## Reconstruction
#
# The paper does not say on what hardware its evolutions ran. The durations of the stored runs were measured on one core each,
# on machines that were also doing other work; a faster core would shorten all of them by the same factor.
#
# ## Verdict
#
# The speed of a sweep grows in proportion to the number of workers until the longest chain takes as long as everything else.
# There are three ways to use more workers. Begin with the longest chains; the sweep does not do so, because an interrupted
# sweep should contain all models for its first seeds. Run more seeds, which takes no extra time as long as there are free
# workers. Or let several processes [share one evolution](52_laptop_to_cluster.py), which shortens the chain itself.
#
# ## Try it
#
# How many workers does a sweep need?


# %% tags=["explorer"]
drawn, ax = plt.subplots(figsize=(5, 2.6))
ax.set(xscale="log", yscale="log", xlabel="workers", ylabel="speed-up")
ax.minorticks_off()


def predict(doublings=6, each=5.0, seeds=1):
    jobs = {job: s for job, s in more.items() if job.seed < 100 * seeds}
    workers = 2 ** np.arange(11)
    speed = [sum(jobs.values()) / makespan(jobs, int(w), each, AFTER["laptop"]) for w in workers]
    ax.plot(workers, workers, ":", color="k", label="ideal")
    ax.plot(workers, speed, label=f"{len(jobs)} jobs")
    w, fast = workers[doublings], speed[doublings]
    ax.plot(w, fast, "o", label=f"{w} workers: {fast:.0f} times as fast")
    ax.legend()


widgets.explorer(
    predict,
    drawn,
    doublings=widgets.slider("workers, as a power of 2", 6, 0, 10),
    each=widgets.slider("cost per job c (s)", 5.0, 0.0, 100.0, 1.0),
    seeds=widgets.slider("seeds, multiplied by", 1, 1, 10),
)
