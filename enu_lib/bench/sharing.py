"""What one evolution costs in one process and in several: python -m enu_lib bench --processes 2.

Each round evolves with one process, then with several, one thread each, so that a change in the machine's load affects both.
Seconds per generation come from the runs' own logs, without the warm-up generations.  Efficiency is the time of one process
divided by N times that of N processes; the median over rounds is printed, with its range.  `costs` and `predicted`
give the expected time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from torch import Tensor

from enu_lib import es
from enu_lib.base.kinds import Json
from enu_lib.experiments import Experiment
from enu_lib.parallel.processes import shares
from enu_lib.rollout import draw, fitness, play
from enu_lib.storage.log import read_log
from enu_lib.streams import stream

WARM = 3  # generations not counted: the kernel is loaded, and processes meet
CASES = {"stdp": 60, "tmaze": 12}  # experiments of the laptop profile: number of generations that take a few seconds
ENOUGH = 0.1  # seconds; a shorter measurement would be inexact
QUICK = ("--profile", "smoke")
T = TypeVar("T")


class Costs(NamedTuple):
    """Seconds per generation on one core, grouped by how several processes share the work."""

    episodes: float  # divided among all processes, in whole offspring
    mutations: float  # divided among the processes of one machine
    step: float  # computed by every process: the environments and the parent's step
    held_out: float  # computed by rank 0, on average over generations


def costs(experiment: Experiment, parent: Tensor) -> Costs:
    """Measure the costs of one generation around this parent; long episodes are extrapolated from some offspring."""
    settings, state, model, task = experiment.es, es.init(parent), experiment.model, experiment.task
    mutations, drawing = _timed(es.sample_mutations, settings, len(parent), 0, 0)
    sample, episodes = 2, 0.0
    while episodes < ENOUGH and sample < settings.population:
        sample = min(4 * sample, settings.population)
        offspring = es.breed(settings, state, 0, mutations, (0, sample))
        drawn, environments = _timed(draw, model, offspring, task, experiment.environments, stream(0, "bench"))
        lived, episodes = _timed(partial(play, threads=1), model, drawn[0], task, drawn[1])
    aggregated = es.aggregate_fitness(settings, lived).repeat(settings.population // sample + 1)[: settings.population]
    _, step = _timed(es.tell, settings, state, mutations, aggregated)
    held_out = lambda: fitness(model, parent[None], task, experiment.evaluate_environments, stream(0, "bench"), threads=1)
    each = _timed(held_out)[1] / experiment.evaluate_every
    return Costs(episodes * settings.population / sample, drawing, environments + step, each)


def predicted(costs: Costs, population: int, processes: int, beside: int = 8, message: float = 50e-6) -> float:
    """Expected seconds per generation with one core per process.

    beside: processes per machine.  message: seconds to send fitness to the next process; it is passed around a ring.
    """
    most = max(end - first for first, end in shares(population, processes))
    machine = min(beside, processes)
    exchange = message * (processes - 1)
    return costs.episodes * most / population + costs.mutations / machine + costs.step + costs.held_out + exchange


def _timed(work: Callable[..., T], *arguments: Any) -> tuple[T, float]:
    """The result of `work` with these arguments, and the shortest of three run times (s)."""
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        result = work(*arguments)
        seconds.append(time.perf_counter() - begun)
    return result, min(seconds)


def seconds_per_generation(name: str, processes: int, generations: int, *options: str) -> float:
    """Seconds per generation of an evolution in this many processes, with one thread each."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
        run = ["evolve", name, "--generations", str(generations + WARM), "--threads", "1", "--device", "cpu", "--quiet"]
        command = [sys.executable, *launcher, "-m", "enu_lib", *run, "--out", str(out), *options]
        done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-500:]}")
        seconds = [row["seconds"] for row in read_log(out)]
    return (seconds[-1] - seconds[WARM - 1]) / generations


def measure(processes: int = 2, rounds: int = 5, quick: bool = False, say: Callable[[str], None] = print) -> Json:
    """Measure all cases and print them; returns seconds per generation and efficiency by round."""
    results: Json = {}
    for name, generations in CASES.items():
        times: list[tuple[float, float]] = []
        for _ in range(1 if quick else rounds):
            length, options = (3, QUICK) if quick else (generations, ())
            one, many = (seconds_per_generation(name, n, length, *options) for n in (1, processes))
            times.append((one, many))
        share = [one / (processes * many) for one, many in times]
        results[name] = {"seconds": times, "efficiency": share}
        alone, together = (statistics.median(column) for column in zip(*times, strict=True))
        say(
            f"{name:6s} {alone:8.4f} s in 1 process, {together:8.4f} s in {processes}; "
            f"efficiency {statistics.median(share):.0%} ({min(share):.0%} to {max(share):.0%})"
        )
    return results
