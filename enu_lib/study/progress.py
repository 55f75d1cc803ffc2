"""Progress of a sweep, and an estimate of the remaining time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from enu_lib.config import from_config
from enu_lib.experiments import Experiment
from enu_lib.study.design import Job, build
from enu_lib.study.model_name import ModelName
from enu_lib.study.results import Record, Stored, load, read_evaluation

# Core-microseconds per offspring and environment, measured on one core of an AMD Zen 5 (AVX-512); used by --dry-run before any
# run has finished.  In mazes, episodes are short at first; the values are close to the mean over a run.
COST = {"complex-stdp": 3.5, "stdp": 3.5, "iaf": 5.5, "tmaze": 140.0, "double-tmaze": 280.0}
SLOWER = {"lstm": 1.35}


def stored_jobs(profile: str, todo: Sequence[Job], folder: Path | None = None) -> dict[Job, Record]:
    """The jobs with a stored record whose settings are the same."""
    return matching(load(profile, folder), todo, partial(build, profile=profile))


def matching(stored: Stored, todo: Sequence[Job], made: Callable[[str, str], Experiment]) -> dict[Job, Record]:
    """The jobs with a record among these whose settings are the same.  made: as `build`, for a profile."""
    records = {Job(r.experiment, r.model, r.seed): r for r in stored.runs}
    kept = {job: records[job] for job in todo if job in records}
    pairs = {(job.experiment, job.model) for job in kept}
    same = {pair for pair in pairs if from_config(stored.configs["-".join(pair)]) == made(*pair)}
    return {job: record for job, record in kept.items() if (job.experiment, job.model) in same}


@dataclass(frozen=True)
class Plan:
    """Planned and finished runs of one model on one experiment."""

    experiment: str
    model: str
    hidden: int
    n_params: int
    done: int
    runs: int
    generations: int
    seconds: float  # core-seconds per run: mean over finished runs, or an estimate


def plan(profile: str, todo: Sequence[Job], out: str | Path, stored: Mapping[Job, Record] | None = None) -> list[Plan]:
    """One entry per (experiment, model), in order of first appearance; `stored` jobs count as done."""
    pairs = list(dict.fromkeys((job.experiment, job.model) for job in todo))
    return [
        _plan(profile, pair, [j for j in todo if (j.experiment, j.model) == pair], Path(out), stored or {}) for pair in pairs
    ]


def _plan(profile: str, pair: tuple[str, str], runs: Sequence[Job], out: Path, stored: Mapping[Job, Record]) -> Plan:
    e = build(*pair, profile)
    finished = [stored[job] if job in stored else read_evaluation(out / job.name) for job in runs]
    records = [r for r in finished if r]
    guess = estimate(e) if not records else sum(r.seconds for r in records) / len(records)
    return Plan(*pair, e.model.hidden, e.model.n_params, len(records), len(runs), e.generations, guess)


def estimate(e: Experiment) -> float:
    """Estimated core-seconds of a run, from timings with 16 memory values, scaled in proportion to memory size."""
    size = math.ceil(e.model.hidden / 16)
    return 1e-6 * COST[e.name] * e.total_episodes * size * SLOWER.get(ModelName.parse(e.model_name).kind, 1.0)


def hours(plans: Sequence[Plan], jobs: int) -> float:
    """Estimated wall-clock hours of the remaining runs on `jobs` cores."""
    return sum(p.seconds * (p.runs - p.done) for p in plans) / jobs / 3600
