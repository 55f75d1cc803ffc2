"""What part of a sweep is done, and how long the rest will take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from enu_lib.config import from_config
from enu_lib.experiments import Experiment
from enu_lib.storage.folder import CHECKPOINT, read_checkpoint
from enu_lib.study.design import Job, build
from enu_lib.study.results import Record, load, read_evaluation

# Core-microseconds per offspring and environment, measured on one core of an AMD Zen 5 (AVX-512): for the estimate of --dry-run
# before anything has run.  In mazes, lives end early at first; this is close to the mean over a run.
COST = {"complex-stdp": 3.5, "stdp": 3.5, "iaf": 5.5, "tmaze": 140.0, "double-tmaze": 280.0}
SLOWER = {"lstm": 1.35}


def stored_jobs(profile: str, todo: Sequence[Job], folder: Path | None = None) -> dict[Job, Record]:
    """The jobs whose records are stored, of a run with the same settings."""
    known = load(profile, folder)
    records = {(r.experiment, r.model, r.seed): r for r in known.runs}
    return {
        job: records[job.experiment, job.model, job.seed]
        for job in todo
        if (job.experiment, job.model, job.seed) in records
        and from_config(known.configs[f"{job.experiment}-{job.model}"]) == build(job.experiment, job.model, profile)
    }


def generations_done(folder: Path) -> int:
    """Generations that a job has run so far, from its checkpoint."""
    return read_checkpoint(folder)[1]["generation"] if (folder / CHECKPOINT).exists() else 0


@dataclass(frozen=True)
class Plan:
    """The runs that the sweep asks for of one model on one experiment, and those that are done."""

    experiment: str
    model: str
    hidden: int
    n_params: int
    done: int
    runs: int
    generations: int
    seconds: float  # core-seconds per run: mean of the finished ones, else an estimate


def plan(profile: str, todo: Sequence[Job], out: str | Path, stored: Mapping[Job, Record] | None = None) -> list[Plan]:
    """One entry per (experiment, model), in order of first appearance; `stored` jobs count as done."""
    pairs = list(dict.fromkeys((job.experiment, job.model) for job in todo))
    return [
        _plan(profile, pair, [j for j in todo if (j.experiment, j.model) == pair], Path(out), stored or {}) for pair in pairs
    ]


def _plan(profile: str, pair: tuple[str, str], runs: Sequence[Job], out: Path, stored: Mapping[Job, Record]) -> Plan:
    e = build(*pair, profile)
    found = [stored[job] if job in stored else read_evaluation(out / job.name) for job in runs]
    records = [r for r in found if r]
    guess = estimate(e) if not records else sum(r.seconds for r in records) / len(records)
    return Plan(*pair, e.model.hidden, e.model.n_params, len(records), len(runs), e.generations, guess)


def estimate(e: Experiment) -> float:
    """Core-seconds of a run, from measurements on our machine with 16 memory values; larger units cost in proportion."""
    size = math.ceil(e.model.hidden / 16)
    return 1e-6 * COST[e.name] * e.lives * size * SLOWER.get(e.model_name.removesuffix("-clip"), 1.0)


def hours(plans: Sequence[Plan], jobs: int) -> float:
    """Wall-clock hours that the remaining runs take on `jobs` cores."""
    return sum(p.seconds * (p.runs - p.done) for p in plans) / jobs / 3600
