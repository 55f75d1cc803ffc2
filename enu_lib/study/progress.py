"""Progress of a sweep, and an estimate of the remaining time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from enu_lib.config import from_config
from enu_lib.experiments import Experiment
from enu_lib.study.design import Job, build
from enu_lib.study.model_name import ModelName
from enu_lib.study.results import Record, Stored, load, read_evaluation

LIKE = {"gru-gain": "gru", "enu-plain": "enu"}  # models that the first sweep lacks: those whose steps cost as much


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
    """Estimated core-seconds of a run: its evaluations, at the mean cost of one in the first sweep, scaled with memory size.

    The cost is that of the same model, or of one like it, or of all models.
    """
    runs, model = _first_sweep()[e.name], ModelName.parse(e.model_name).model
    each = runs.get(model) or runs.get(LIKE.get(model, "")) or sum(runs.values(), [])
    return float(np.mean(each)) * e.total_episodes * math.ceil(e.model.hidden / 16)  # there, models have 16 memory values


@lru_cache
def _first_sweep() -> dict[str, dict[str, list[float]]]:
    """Core-seconds of an evaluation in each run of the first sweep, by experiment and model."""
    each: dict[str, dict[str, list[float]]] = {}
    for r in load("laptop").runs:
        each.setdefault(r.experiment, {}).setdefault(r.model, []).append(r.seconds / r.evaluations)
    return each


def hours(plans: Sequence[Plan]) -> float:
    """Estimated core-hours of the remaining runs."""
    return sum(p.seconds * (p.runs - p.done) for p in plans) / 3600
