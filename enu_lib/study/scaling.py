"""How long a sweep takes on many workers, simulated from the duration of each job."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapreplace

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
