"""The second study: run it, resume it, store its results, judge them (plan: `enu_lib.study.protocol`).

    python -m enu_lib sweep --study second                  # the experiments that come first; run again to resume
    python -m enu_lib sweep --study second --experiments E6 # a named one
    python -m enu_lib sweep --study second --collect        # store what is finished, for the ledger

An experiment has two parts: the search of a strategy for each model, and then the evolutions that are compared, each model's
under its own best strategy.  Both are jobs of `enu_lib.study.workers`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from enu_lib import zoo
from enu_lib.storage.folder import GENOME, RunFolderError, locked, read_tensors, write_tensors
from enu_lib.storage.run import fingerprint
from enu_lib.study import outcomes, protocol, results, workers
from enu_lib.study.design import LABEL, Job
from enu_lib.study.model_name import without_variant
from enu_lib.study.outcomes import Judged
from enu_lib.study.progress import estimate, matching
from enu_lib.study.protocol import PLANNED, Planned
from enu_lib.study.results import Record, Stored, read_evaluation

RESTARTS = tuple(f"tmaze-enu-seed{seed}" for seed in range(60, 65))  # zoo entries: the T-maze's curriculum with restarts


def name(profile: str) -> str:
    """The study's name in the names of its files."""
    return {"laptop": "second"}.get(protocol.checked(profile), f"second-{profile}")


def default_out(profile: str) -> Path:
    """The default folder of the run folders."""
    return Path("runs") / name(profile)


def finished(planned: Planned, stored: Stored, profile: str = "laptop", out: Path | None = None) -> dict[Job, Record]:
    """The finished jobs of an experiment: those stored, and those in the folder of runs `out`, if given.

    Raises RunFolderError if a run in `out` has other settings.
    """
    build = partial(protocol.build, profile=profile)
    records: dict[Job, Record] = {}
    for part in (search, comparison):
        jobs = part(planned, records, profile)
        records |= matching(stored, jobs, build)
        for job in jobs:
            if out is None or job in records:
                continue
            if record := read_evaluation(out / job.name, build(job.experiment, job.model)):
                records[job] = record
    return records


def run(
    experiments: Sequence[Planned], out: str | Path, profile: str = "laptop", folder: Path | None = None,
    time_limit: float | None = None, device: str = "cpu", **options: Any,
) -> list[str]:  # fmt: skip
    """Run what is left of these experiments, one after the other; returns one line per error.

    An experiment's evolutions are compared only under strategies from a complete search, so they begin after the search.
    options: as for `workers.run`.
    """
    out, begun = Path(out), time.monotonic()
    errors: list[str] = []
    build = partial(protocol.build, profile=profile)
    record = partial(results.record, quick=profile == "smoke", episodes=protocol.EPISODES)
    work, stored = workers.Work(out.absolute(), build, {}, record, device), results.load(name(profile), folder)
    for planned in experiments:
        for part in (search, comparison):
            known = finished(planned, stored, profile, out)
            left = [job for job in part(planned, known, profile) if job not in known]
            rest = None if time_limit is None else max(0.0, time_limit - (time.monotonic() - begun))
            failed = workers.run(work, left, time_limit=rest, **options)
            errors += failed
            if failed:
                break  # the other experiments do not depend on this one
            if any(read_evaluation(out / job.name) is None for job in left):
                return errors  # interrupted
    return errors


def search(planned: Planned, known: Mapping[Job, Record], profile: str = "laptop") -> list[Job]:
    """The jobs of the search of strategies."""
    return protocol.tuning(planned, profile)


def comparison(planned: Planned, known: Mapping[Job, Record], profile: str = "laptop") -> list[Job]:
    """The jobs of the evolutions that are compared, given the finished jobs; none before the search is complete."""
    best = outcomes.chosen(planned, known, profile)
    return [] if best is None else protocol.compared(planned, best, profile)


class Part(NamedTuple):
    """Progress and cost of one part of an experiment."""

    planned: Planned
    text: str
    done: int
    runs: int
    seconds: float  # core-seconds of all its runs, at most


def parts(planned: Planned, stored: Stored, profile: str = "laptop", out: Path | None = None) -> list[Part]:
    """The parts of an experiment: the search, and the evolutions that are compared."""
    known = finished(planned, stored, profile, out)
    best = outcomes.chosen(planned, known, profile) or dict.fromkeys(planned.models, protocol.strategies(profile)[0])
    each = {"search": protocol.tuning(planned, profile), "compared": protocol.compared(planned, best, profile)}
    return [
        Part(planned, text, sum(job in known for job in jobs), len(jobs), sum(seconds(job, profile) for job in jobs))
        for text, jobs in each.items()
        if jobs
    ]


def seconds(job: Job, profile: str = "laptop") -> float:
    """Estimated core-seconds of a job, at most (`progress.estimate`).

    In the T-maze, whose curriculum is newer than the first sweep, an evaluation costs as much as in the evolutions `RESTARTS`,
    whatever the model.
    """
    e = protocol.build(job.experiment, job.model, profile)
    if job.experiment == "tmaze":
        return float(np.mean([_per_evaluation(zoo.load(name)) for name in RESTARTS])) * e.total_episodes
    return estimate(e)


def _per_evaluation(entry: zoo.Entry) -> float:
    generations = entry.provenance["generations"]
    total = entry.experiment.episodes(generations, entry.stage_ends, entry.restarts)
    return float(entry.provenance["progress"]["seconds"][-1]) / total


def collect(profile: str, out: str | Path, folder: Path | None = None) -> int:
    """Store the records of all finished runs, and the genomes of those that are compared; returns the number of records."""
    stored = results.collect(name(profile), out, folder)
    file = genome_file(profile, folder)
    with locked(file.parent, wait=True, remedy=results.CHOOSE_ANOTHER_RESULTS):
        kept = genomes(profile, folder)
        for r in stored.runs:
            job = Job(r.experiment, r.model, r.seed)
            source = Path(out) / job.name / GENOME
            if r.seed < protocol.FIRST_SEED or not source.exists():
                continue
            genome = read_tensors(source)[0]["genome"]
            if fingerprint(genome) != r.genome:
                raise RunFolderError(
                    f"{source} is not the genome by which {job.name} was judged: delete that folder and run it again"
                )
            kept[job.name] = genome
        if kept:
            write_tensors(file, {key: kept[key] for key in sorted(kept)}, {"format": 1}, results.CHOOSE_ANOTHER_RESULTS)
    return len(stored.runs)


def genome_file(profile: str = "laptop", folder: Path | None = None) -> Path:
    """The file with the evolved genomes."""
    return (folder or results.FOLDER) / f"{name(profile)}-genomes.safetensors"


def genomes(profile: str = "laptop", folder: Path | None = None) -> dict[str, Tensor]:
    """The stored genomes by the names of their jobs; none if the file does not exist."""
    file = genome_file(profile, folder)
    return read_tensors(file, results.RESTORE_OR_COLLECT)[0] if file.exists() else {}


def judge(level: Mapping[str, float], profile: str = "laptop", folder: Path | None = None) -> list[Judged]:
    """The verdicts on all planned comparisons, from stored results; empty if nothing is stored.

    level: fitness from which a task counts as learnt, by experiment.
    """
    stored = results.load(name(profile), folder)
    if not stored.runs:
        return []
    known = {planned: finished(planned, stored, profile) for planned in PLANNED}
    return [j for planned, records in known.items() for j in outcomes.judged(planned, records, level, profile)]


def evolutions(key: str, profile: str = "laptop", folder: Path | None = None) -> dict[str, list[Record]]:
    """The evolutions that an experiment compares, by model; the lists are empty until all evolutions are stored."""
    planned = next(planned for planned in PLANNED if planned.key == key)
    known = finished(planned, results.load(name(profile), folder), profile)
    jobs = comparison(planned, known, profile)
    complete = all(job in known for job in jobs)
    return {model: [known[job] for job in jobs if complete and without_variant(job.model) == model] for model in planned.models}


def table(
    experiments: Sequence[Planned], profile: str = "laptop", out: Path | None = None, folder: Path | None = None
) -> list[Part]:
    """The parts of several experiments."""
    stored = results.load(name(profile), folder)
    return [part for planned in experiments for part in parts(planned, stored, profile, out)]


def label(part: Part) -> tuple[str, str, str, str, str]:
    """A part as a row: experiment, task, part, evolutions done, core-hours at most."""
    return (
        part.planned.key,
        LABEL[part.planned.experiment],
        part.text,
        f"{part.done}/{part.runs}",
        f"{part.seconds / 3600:.1f}",
    )
