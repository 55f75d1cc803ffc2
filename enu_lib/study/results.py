"""Stored results of sweeps: the fitness curve of each run, and trial runs and scores of its evolved parent.

    stored = results.load("laptop")                        # enu_lib/study/data/sweep-laptop.json.gz: .runs, .configs
    results.collect("laptop", "runs/sweep-laptop")         # adds newly finished runs

There is one compressed JSON file per profile, a few kilobytes per run.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from enu_lib import analysis
from enu_lib.analysis.generalise import time_constant
from enu_lib.base.kinds import Json, kinds, shown
from enu_lib.config import from_config, parse_json
from enu_lib.experiments import Experiment
from enu_lib.rollout import fitness
from enu_lib.storage.folder import (
    CHOOSE_ANOTHER_OUT,
    CONFIG,
    EVALUATION,
    LARGEST_JSON,
    RunFolderError,
    checked,
    locked,
    read_experiment,
    read_file,
    read_record,
    remove_leftovers,
    write_atomically,
)
from enu_lib.storage.run import Run, fingerprint, provenance
from enu_lib.storage.seal import mention, sealed, verify
from enu_lib.streams import stream
from enu_lib.tasks.stdp import STDP

FOLDER = Path(__file__).parent / "data"
FORMAT = 1
REFERENCES = "references.json"
CHOOSE_ANOTHER_RESULTS = "choose another folder with --results"
RESTORE_OR_COLLECT = "restore the file, or delete it and collect the runs again"
DELETE_TO_EVALUATE = "delete the file to evaluate the run again"
TRIALS = 30  # as in the paper; one trial is a batch of as many new environments as in a generation (reconstruction)


class Record(NamedTuple):
    """One evolution of a sweep."""

    experiment: str
    model: str
    seed: int
    hidden: int
    n_params: int
    generations: int
    evaluations: int  # episodes or sequences in total: generations x population x environments
    seconds: float  # wall clock on one core
    processor: str
    version: str
    date: str
    genome: str  # SHA-256 of the evolved parent
    generation: list[int]  # generations of the held-out evaluations
    held_out: list[float | None]  # held-out fitness of the parent at these generations
    trials: list[float | None]  # mean fitness of the evolved parent in each trial run; all runs share the environments
    scores: dict[str, float | None]  # `analysis.scores`; None for a missing value
    begun_from: str | None = None  # SHA-256 of the initial genome; None: random


def record(run: Run, model: str, quick: bool = False, processor: str = "cpu", episodes: int = 1024) -> Record:
    """Evaluate a finished run: its record.

    model: its name in the sweep.  quick: few trials, for smoke tests.  episodes: new sequences or episodes for its scores.
    """
    e, kept = run.experiment, provenance(run, processor)
    trials = 3 if quick else TRIALS
    live = [fitness(run.model, run.genome[None], run.task, e.environments, stream(9, "trial", k), 1) for k in range(trials)]
    scores = analysis.scores(run.model, run.genome, run.task, 32 if quick else episodes)
    if isinstance(run.task, STDP) and run.task.rule != "complex":
        reach = round(2 * run.task.tau)
        window = analysis.plasticity_window(run.model, run.genome, run.task, 1, reach)
        scores["time constant, steps"] = time_constant(window, 1, reach)
    generation, held_out = run.column("held_out")
    return Record(
        e.name, model, run.seed, e.model.hidden, e.model.n_params, run.generation,
        e.episodes(run.generation, run.stage_ends, run.restarts), round(run.seconds, 1), kept["processor"], kept["version"],
        kept["date"], fingerprint(run.genome), [int(g) + 1 for g in generation], [five_digits(v) for v in held_out],
        [five_digits(f.mean().item()) for f in live],
        {k: five_digits(v) for k, v in scores.items()},
        run.begun_from,
    )  # fmt: skip


def final_fitness(run: Record) -> float:
    """Mean fitness of the evolved parent over its trial runs; -inf if one of them was NaN."""
    values = [t for t in run.trials if t is not None]
    return sum(values) / len(values) if len(values) == len(run.trials) else -math.inf


def generations_to(run: Record, level: float) -> float:
    """Generations until the parent's held-out fitness first reached a level; inf if never."""
    there = (g for g, f in zip(run.generation, run.held_out, strict=True) if f is not None and f >= level)
    return next(there, math.inf)


def five_digits(value: float) -> float | None:
    """Round a number to five significant digits (integers stay exact); None for NaN, which JSON lacks."""
    if isinstance(value, int):
        return value
    return None if math.isnan(value) else float(f"{value:.5g}")


def path(profile: str, folder: str | Path | None = None) -> Path:
    """The file with a profile's results."""
    return Path(folder or FOLDER) / f"sweep-{profile}.json.gz"


class References(NamedTuple):
    """Reference measures, simulated once (`evidence.measure`)."""

    level: dict[str, float]  # fitness that counts as learnt, by experiment
    agents: dict[str, dict[str, dict[str, float]]]  # scores of reference agents: layout, agent, measure
    abilities: dict[str, Json]  # by scripted agent or zoo entry: "genome" (its SHA-256, or null), "measures"
    spiking: dict[str, Json]  # by zoo entry: "genome" (SHA-256), "measures"
    neutral: list[Json]  # spiking measures of genomes evolved without selection


def references(folder: Path | None = None) -> References:
    """The stored reference measures; empty if the file does not exist."""
    file = (folder or FOLDER) / REFERENCES
    if not file.exists():
        return References({}, {}, {}, {}, [])
    fields = {**dict.fromkeys(References._fields, dict), "neutral": list}
    values = read_record(file, fields, "measure it again with claims --measure")
    mention(file, values)
    return References(**{name: values[name] for name in fields})


def attempts(maze: str) -> list[Any]:
    """Manually recorded attempts at a maze that was hard to learn: from, changed, generations, found.

    "tmaze-seeds" and "tmaze-chained" (with `network.CHAINED` unless another wiring is named) say what became
    of each seed, from a random genome (seed, run, found).

    "tmaze-steps", "tmaze-reversal-steps", "tmaze-hidden-steps", "tmaze-reverses-steps", "double-tmaze-steps" and
    "tmaze-actions-steps" are the commands that produced the zoo entries tmaze-enu-three-runs, tmaze-harmless-enu-seed1,
    tmaze-hidden-enu-seed160, tmaze-hidden-enu-reverses, double-tmaze-enu and tmaze-actions-enu.
    """
    return read_record(FOLDER / "attempts.json", {maze: list}, "restore the file")[maze]


class Stored(NamedTuple):
    """All runs of a profile, sorted by experiment, model and seed, and the experiments' settings."""

    runs: list[Record]
    configs: dict[str, Json]  # by EXPERIMENT-MODEL, as `to_config` writes them


def load(profile: str, folder: str | Path | None = None) -> Stored:
    """Read a profile's stored results; empty if the file does not exist.  Raises RunFolderError for an invalid file."""
    file = path(profile, folder)
    if not file.exists():
        return Stored([], {})
    try:
        stored = parse_json(_unpacked(read_file(file, RESTORE_OR_COLLECT)), "its content")
    except RunFolderError:
        raise
    except (ValueError, zlib.error) as error:
        raise RunFolderError(f"{file} is damaged ({error}): {RESTORE_OR_COLLECT}") from None
    stored = checked(stored, {"format": int, "runs": list[dict], "configs": dict[str, dict]}, file, RESTORE_OR_COLLECT)
    if stored["format"] != FORMAT:
        raise RunFolderError(f"{file} has format {stored['format']}, this version reads {FORMAT}: {RESTORE_OR_COLLECT}")
    for k, run in enumerate(stored["runs"]):
        try:
            verify(run)
        except ValueError as error:
            raise RunFolderError(f"{file}: run {k} is damaged ({error}): {RESTORE_OR_COLLECT}") from None
    runs = [_as_record(run, f"{file}: run {k}", RESTORE_OR_COLLECT) for k, run in enumerate(stored["runs"])]
    for config in stored["configs"].values():
        read_experiment({"experiment": config}, file, RESTORE_OR_COLLECT)
    for name in {f"{run.experiment}-{run.model}" for run in runs} - set(stored["configs"]):
        raise RunFolderError(f"{file} lacks the settings of {shown(name)}: {RESTORE_OR_COLLECT}")
    return Stored(runs, stored["configs"])


def _unpacked(data: bytes) -> bytes:
    """The content of a gzip file, of at most LARGEST_JSON bytes; gzip's own checksum of it is verified."""
    packed = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16)
    content = packed.decompress(data, LARGEST_JSON)
    if packed.unconsumed_tail:
        raise ValueError(f"its content has more than {LARGEST_JSON} bytes")
    if not packed.eof or packed.unused_data:
        raise ValueError("its end is missing, or something follows it")
    return content


def read_evaluation(folder: Path, e: Experiment | None = None) -> Record | None:
    """Read the record of a finished run from its folder; None if there is none.

    e: if given, raise RunFolderError if the folder has a run with other settings, finished or not.
    """
    config, file = folder / CONFIG, folder / EVALUATION
    if e is not None and config.exists() and read_experiment(read_record(config, {}), config) != e:
        raise RunFolderError(f"{folder} has a run with other settings: {CHOOSE_ANOTHER_OUT}, or delete it")
    if not file.exists():
        return None
    values = read_record(file, {}, DELETE_TO_EVALUATE)
    evaluation = _as_record(values, file, DELETE_TO_EVALUATE)
    mention(file, values)
    return evaluation


def write_evaluation(folder: Path, record: Record) -> None:
    """Store the record of a finished run in its folder."""
    with locked(folder):
        write_atomically(folder / EVALUATION, json.dumps(sealed(record._asdict())).encode())


def _as_record(values: Json, source: Path | str, remedy: str) -> Record:
    return Record(**checked({**Record._field_defaults, **values}, kinds(Record), source, remedy))


def collect(profile: str, runs: str | Path, folder: str | Path | None = None) -> Stored:
    """Add all evaluated runs in a sweep's folder to the stored results, and return the combined results.

    Records of the same job are replaced.  Raises RunFolderError if an experiment's settings differ from those of its stored
    runs.
    """
    file = path(profile, folder)
    with locked(file.parent, wait=True, remedy=CHOOSE_ANOTHER_RESULTS):
        remove_leftovers(file.parent, file.name)
        known = load(profile, folder)
        records, configs = {(r.experiment, r.model, r.seed): r for r in known.runs}, dict(known.configs)
        for where in sorted(file.parent for file in Path(runs).glob(f"*/{EVALUATION}")):
            run = read_evaluation(where)
            if run is None:  # deleted in the meantime
                continue
            config = read_record(where / CONFIG, {"experiment": dict})
            name, ours = f"{run.experiment}-{run.model}", read_experiment(config, where / CONFIG)
            if from_config(configs.setdefault(name, config["experiment"])) != ours:
                raise RunFolderError(
                    f"{where} has other settings than the stored runs of {name}: "
                    f"delete {file} to start over, or collect from another folder"
                )
            records[run.experiment, run.model, run.seed] = run
        stored = Stored([records[key] for key in sorted(records)], {key: configs[key] for key in sorted(configs)})
        each = [sealed(r._asdict()) for r in stored.runs]
        text = {"format": FORMAT, "profile": profile, "configs": stored.configs, "runs": each}
        write_atomically(file, gzip.compress(json.dumps(text).encode(), 9, mtime=0), CHOOSE_ANOTHER_RESULTS)
    return stored
