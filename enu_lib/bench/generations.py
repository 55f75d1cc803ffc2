"""Time whole generations of an evolution, with this library and with what a user would write instead.

A generation draws mutations and environments, computes the episodes and the fitness of all offspring, and takes the parent's
step.  Implementations (`path` in results): `cpp`, `torch` and `cuda` are this library's backends and `plain torch` is its
reference; `JAX` is written with care (`peer_jax`); `torch.compile` compiles the torch backend's steps (`peer_compile`); `copied
weights` follows the scheme of the authors' public code (`authors_scheme`).

Each implementation runs in its own process, limited to as many cores as it has threads (where the system can do this), so that
the limit is the same for every library, however many threads it starts.  `cores` is the processor time per second of wall time:
at most the number of threads.  In each round, every implementation computes one generation in turn, so that a change in the
machine's load affects all of them.  `seconds` is the median over rounds; `times` is the median over rounds of the seconds
divided by those of this library's fastest implementation in the same round.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor

from enu_lib import es, experiments, kernels
from enu_lib.base.kinds import Json
from enu_lib.base.names import Backend
from enu_lib.bench.authors_scheme import copied_weights_episodes
from enu_lib.cells import ENU
from enu_lib.contracts import Drawn, is_sequence
from enu_lib.es import ES
from enu_lib.experiments import Experiment
from enu_lib.kernels import build
from enu_lib.network import Network
from enu_lib.offspring import Offspring
from enu_lib.parallel.ahead import prepare
from enu_lib.parallel.processes import ALONE
from enu_lib.rollout import draw, play
from enu_lib.streams import stream
from enu_lib.tasks.maze import Maze
from enu_lib.tasks.stdp import STDP

T = TypeVar("T")

SEED = 0
OURS = ("cpp", "torch", "cuda")  # this library's implementations; all are compared with the first of these in a table
BACKENDS = {"plain torch": "reference"}
PARTS = ("mutations", "environments", "episodes", "scoring", "step")


@dataclass(frozen=True)
class Job:
    """One implementation to time."""

    experiment: Experiment
    path: str
    threads: int
    device: str = "cpu"


class Timed(NamedTuple):
    """One generation: wall time, processor time of all threads, and the seconds of each part, if they can be told apart."""

    seconds: float
    cpu: float
    parts: dict[str, float]


class Library:
    """An evolution by this library, on one of its backends or with another function for the episodes."""

    def __init__(self, job: Job, fitness: Callable[[Tensor, Drawn], Tensor] | None = None) -> None:
        """fitness: computes (P, B) for genomes (P, D) and what was drawn; None: the job's backend."""
        e = job.experiment
        self.job, self._other = job, fitness
        self.state = es.init(e.model.init(stream(SEED, "genome")).to(job.device))
        self._mutations = prepare(e, SEED, ALONE, torch.device(job.device))

    def generation(self) -> dict[str, float]:
        """Compute the next generation, as `enu_lib.evolve` does; returns the seconds of its parts (on a GPU, none)."""
        e, g = self.job.experiment, self.state.generation
        moments = [time.perf_counter()]
        lap = lambda: moments.append(time.perf_counter())
        offspring = es.breed(e.es, self.state, SEED, self._mutations.take(e.es, g))
        lap()
        genomes, drawn = draw(e.model, offspring, e.task, e.environments, stream(SEED, "environment", g))
        lap()
        scores = self._scores(genomes, drawn)
        lap()
        fitness = scores.mean(-1) if scores.dim() == 3 else scores
        if self.job.device != "cpu":
            self._mutations.draw(e.es, g)
        fitness = fitness.cpu()
        lap()
        self.state = es.tell(e.es, self.state, offspring.mutations, es.aggregate_fitness(e.es, fitness))
        lap()
        if self.job.device != "cpu":
            torch.cuda.synchronize()
            return {}
        return {name: b - a for name, (a, b) in zip(PARTS, pairwise(moments), strict=True)}

    def _scores(self, genomes: Tensor | Offspring, drawn: Drawn) -> Tensor:
        """Fitness (P, B), or of every step (P, B, T)."""
        e, threads = self.job.experiment, self.job.threads
        if self._other is not None:
            return self._other(genomes.genomes if isinstance(genomes, Offspring) else genomes, drawn)
        backend = cast(Backend, BACKENDS.get(self.job.path, self.job.path))
        if is_sequence(e.task):
            return kernels.unit_scores(e.model, genomes, e.task, drawn.start, drawn.noise, threads, backend)
        return play(e.model, genomes, e.task, drawn, threads=threads, backend=backend)


def make(job: Job) -> Any:
    """An object whose method `generation` computes the next generation of a job."""
    if job.path == "JAX":
        from enu_lib.bench.peer_jax import Generation

        return Generation(job.experiment, job.threads, SEED)
    if job.path == "torch.compile":
        from enu_lib.bench.peer_compile import Episodes

        return Library(job, Episodes(job.experiment).fitness)
    if job.path == "copied weights":
        e = job.experiment
        return Library(job, lambda genomes, drawn: copied_weights_episodes(e.model, genomes, e.task, drawn.start, drawn.noise))
    return Library(job)


def missing(path: str) -> str | None:
    """Why an implementation cannot be timed here, with the remedy; None if it can be."""
    if path == "JAX" and importlib.util.find_spec("jax") is None:
        return "JAX is not installed: pip install '.[peers]' to compare with it"
    if path == "torch.compile" and build.compiler() is None:
        return "torch.compile needs a C++ compiler: install g++ to compare with it"
    return None


def cores(n: int) -> set[int]:
    """n of the logical cores that this process may use, on different physical cores if there are enough."""
    mine = sorted(os.sched_getaffinity(0))
    shared = Path("/sys/devices/system/cpu")
    siblings: dict[str, list[int]] = {}
    for core in mine:
        file = shared / f"cpu{core}/topology/thread_siblings_list"
        siblings.setdefault(file.read_text(encoding="utf-8") if file.exists() else str(core), []).append(core)
    turns = sorted((i, core) for group in siblings.values() for i, core in enumerate(group))
    return {core for _, core in turns[:n]}


class Runner:
    """Computes a job's generations one by one and times them."""

    def __init__(self, job: Job) -> None:
        torch.set_num_threads(job.threads)
        self.job, self._before = job, peak_memory(job.device)
        self._work = make(job)
        self._work.generation()  # compiles, and fills caches

    def __call__(self) -> Timed:
        wall, cpu = time.perf_counter(), time.process_time()
        parts = self._work.generation()
        return Timed(time.perf_counter() - wall, time.process_time() - cpu, parts or {})

    def memory(self) -> float:
        """Memory that the implementation has taken so far, in MiB."""
        return (peak_memory(self.job.device) - self._before) / 2**20


def peak_memory(device: str) -> int:
    """Most memory that was in use so far on a device, in bytes."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


_runner: Runner | None = None  # in a process of its own


def _begin(job: Job) -> None:
    global _runner
    if job.device == "cpu" and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores(job.threads))
    _runner = Runner(job)


def _next() -> Timed:
    assert _runner is not None, "_begin comes first"
    return _runner()


def _taken() -> float:
    assert _runner is not None, "_begin comes first"
    return _runner.memory()


def _in(process: ProcessPoolExecutor, function: Callable[[], T]) -> T:
    return process.submit(function).result()


def measure(jobs: Sequence[Job], rounds: int, apart: bool = True) -> list[Json]:
    """Time all jobs in turn, `rounds` times; one row of results per job, in the same order.

    apart: run each in its own process, limited to as many cores as it has threads; else all in this process, as a trial.
    """
    with ExitStack() as stack:
        if apart:
            context = multiprocessing.get_context("spawn")
            alone = [stack.enter_context(ProcessPoolExecutor(1, mp_context=context)) for _ in jobs]
            for begun in [one.submit(_begin, job) for one, job in zip(alone, jobs, strict=True)]:
                begun.result()
            turns: list[Callable[[], Timed]] = [partial(_in, one, _next) for one in alone]
            taken: list[Callable[[], float]] = [partial(_in, one, _taken) for one in alone]
        else:
            runners = [Runner(job) for job in jobs]
            turns, taken = list(runners), [runner.memory for runner in runners]
        timed = [[turn() for turn in turns] for _ in range(rounds)]
        memory = [each() for each in taken]
    columns = list(zip(*timed, strict=True))
    ours = next((i for i, job in enumerate(jobs) if job.path in OURS), 0)
    return [_row(job, column, columns[ours], mb) for job, column, mb in zip(jobs, columns, memory, strict=True)]


def _row(job: Job, timed: Sequence[Timed], ours: Sequence[Timed], memory: float) -> Json:
    e, median = job.experiment, statistics.median
    ratios = [mine.seconds / theirs.seconds for mine, theirs in zip(timed, ours, strict=True)]
    parts = {name: median(t.parts[name] for t in timed) for name in PARTS if timed[0].parts}
    return {
        "experiment": e.name,
        "path": job.path,
        "device": job.device,
        "threads": job.threads,
        "population": e.es.population,
        "environments": e.environments,
        "steps": e.task.steps,
        "hidden": e.model.hidden,
        "seconds": median(t.seconds for t in timed),
        "rounds": [t.seconds for t in timed],
        "cores": median(t.cpu / t.seconds for t in timed),
        "times": median(ratios),
        "times_range": [min(ratios), max(ratios)],
        "parts": parts,
        "memory_mb": memory,
    }


ENDLESS = partial(Maze, energy=1e9, deadly_poisons=10**6)  # episodes that never end early, so that all do the same work


def network(hidden: int, channels: int, population: int = 128, steps: int = 100) -> Experiment:
    """A network in an endless T-maze, in 8 environments."""
    model = Network(channels=channels, hidden=hidden)
    name = f"network H{hidden} C{channels}"
    return Experiment(name, ENDLESS(steps=steps), model, ES(population, 0.03), environments=8)


def unit() -> Experiment:
    """The plastic synapse at the published sizes."""
    return Experiment("single unit", STDP(), ENU(4, 1, 32), ES(512, 0.03), environments=32)


def laptop() -> list[Experiment]:
    """Experiments of the laptop profile whose generations are timed part by part."""
    return [experiments.get(name, profile="laptop") for name in ("stdp", "iaf", "tmaze")]


def rounds(experiment: Experiment) -> int:
    """How many generations of an experiment of the laptop profile to time: more where they take milliseconds."""
    return 30 if is_sequence(experiment.task) else 5


def tiny(experiment: Experiment) -> Experiment:
    """The same experiment at a tiny size."""
    size = dict(steps=40) if is_sequence(experiment.task) else dict(steps=8)
    if isinstance(experiment.task, STDP):
        size |= dict(spike_mean=20)
    return replace(experiment, es=replace(experiment.es, population=4), environments=2, task=replace(experiment.task, **size))
