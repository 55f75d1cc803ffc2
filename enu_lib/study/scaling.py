"""How long a sweep takes on many workers, simulated from the seconds of its jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from heapq import heapify, heappop, heappush

from enu_lib.study.design import Job


def makespan(seconds: Mapping[Job, float], workers: int, each: float = 0.0, after: Mapping[str, str] | None = None) -> float:
    """Seconds until all jobs are done, if each free worker takes the first job that can start (as `workers.run` does).

    seconds: of each job, in order.  each: additional seconds per job, such as the start of a process.  after: as in
    `workers.Work`.  Raises ValueError if there is no worker.
    """
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    jobs, rank = list(seconds), {job: k for k, job in enumerate(seconds)}
    before = [rank.get(_before(job, after)) for job in jobs]
    unlocks: dict[int, list[int]] = {}
    for k, first in enumerate(before):
        if first is not None:
            unlocks.setdefault(first, []).append(k)
    ready, running, now = [k for k, first in enumerate(before) if first is None], list[tuple[float, int]](), 0.0
    heapify(ready)
    while ready or running:
        while ready and len(running) < workers:
            k = heappop(ready)
            heappush(running, (now + seconds[jobs[k]] + each, k))
        now, k = heappop(running)
        for follower in unlocks.get(k, ()):
            heappush(ready, follower)
    return now


def chains(seconds: Mapping[Job, float], after: Mapping[str, str]) -> dict[Job, float]:
    """Seconds from the begin of each job to the end of the last one that starts from it, directly or not."""
    length = dict(seconds)
    for job in seconds:
        total, first = seconds[job], _before(job, after)
        while first in seconds:
            total += seconds[first]
            length[first] = max(length[first], total)
            first = _before(first, after)
    return length


def _before(job: Job, after: Mapping[str, str] | None) -> Job:
    """The job that a job starts from; if it starts from none, one that does not exist."""
    return replace(job, experiment=(after or {}).get(job.experiment, ""))
