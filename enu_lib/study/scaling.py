"""How long a sweep takes on many workers, simulated from the duration of each job, and what a job costs besides."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from heapq import heapreplace
from tempfile import TemporaryDirectory

from enu_lib.evolve import evolve
from enu_lib.study import executors, results, sweep
from enu_lib.study.design import Job


def makespan(seconds: Mapping[Job, float], workers: int, each: float = 0.0, after: Mapping[str, str] | None = None) -> float:
    """Seconds until all jobs are done, if each free worker takes the next chain of jobs (as `workers.run` does).

    seconds: duration of each job, in the order in which they are taken: a chain when it is its last job's turn.  each: overhead
    per job (s), such as the start of a process.  after: as in `workers.Work`.  Raises ValueError if there is no worker.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    length = chains({job: s + each for job, s in seconds.items()}, after or {})
    first = {job.before(after or {}) for job in seconds}
    busy = [0.0] * workers  # until then
    for job in seconds:
        if job not in first:
            heapreplace(busy, busy[0] + length[job])
    return max(busy)


def chains(seconds: Mapping[Job, float], after: Mapping[str, str]) -> dict[Job, float]:
    """Seconds that each job takes with all those that it starts from, directly or indirectly."""
    length = dict(seconds)
    for job in seconds:
        first = job.before(after)
        while first is not None and first in seconds:
            length[job] += seconds[first]
            first = first.before(after)
    return length


def predicted(
    seconds: Mapping[Job, float], workers: Iterable[int], start: float, after: Mapping[str, str]
) -> dict[int, dict[str, float]]:
    """Hours that a sweep takes, its speed-up, and the share of workers that are busy, by the number of workers.

    seconds: duration of each job, its additional cost included.  start: seconds until a worker has started.
    """
    total = sum(seconds.values())
    rows: dict[int, dict[str, float]] = {}
    for w in workers:
        needed = start + makespan(seconds, w, after=after)
        rows[w] = {"hours": needed / 3600, "speed-up": total / needed, "share of workers busy": total / needed / w}
    return rows


def additional_costs(profile: str, seed: int) -> dict[str, float]:
    """Seconds that a worker and a job cost besides the evolution, on this machine: see the page on many evolutions.

    profile: smoke measures with the smallest networks.
    """
    quick = profile == "smoke"
    costs: dict[str, float] = {}

    def timed(name: str, do: Callable[[], object], times: int = 1) -> None:
        begun = time.perf_counter()
        do()
        costs[name] = (time.perf_counter() - begun) / times

    with executors.local([None, None]) as submit:
        for name in ("starting a worker", "starting a process"):  # the first time, the library is imported
            timed(name, lambda: submit(sweep.default_out, "laptop").result())
    experiment = replace(sweep.build("tmaze", "enu", "smoke" if quick else "laptop"), generations=1, stages=())
    run = evolve(experiment, seed=seed, threads=1, progress=False)
    timed("evaluating", lambda: results.record(run, "enu", quick=quick))
    tiny = [Job("stdp", "enu", seed + k) for k in range(10)]
    with TemporaryDirectory() as folder:
        for name in ("handing over", "in the sweep's own process"):  # the second time all is done, and only looked at
            timed(name, lambda: sweep.run("smoke", tiny, folder, jobs=1, progress=False), len(tiny))
    return costs
