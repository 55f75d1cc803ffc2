"""Runs as evolution returns them, their checkpoints, and the provenance of genomes."""

from __future__ import annotations

import datetime
import hashlib
import math
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from enu_lib import es
from enu_lib.config import library_version, to_config
from enu_lib.experiments import Experiment, Stage
from enu_lib.kinds import Seed
from enu_lib.storage.folder import (
    ANEW,
    CHECKPOINT,
    CONFIG,
    FORMAT,
    GENOME,
    Row,
    RunFolderError,
    append_log,
    read_checkpoint,
    read_experiment,
    read_log,
    read_record,
    read_tensors,
    user_path,
    write_tensors,
)


class FromExperiment:
    """Base of classes that hold an experiment: its model and task as attributes."""

    experiment: Experiment

    @property
    def model(self) -> Any:
        return self.experiment.model

    @property
    def task(self) -> Any:
        return self.experiment.task


@dataclass(frozen=True)
class Run(FromExperiment):
    """A finished or unfinished run: its best parent so far on held-out environments, its latest parent and its log."""

    experiment: Experiment
    seed: int
    genome: Tensor  # (D,) parent with the best held-out fitness so far
    score: float  # held-out fitness of `genome`
    parent: Tensor  # (D,) latest parent
    generation: int  # generations completed
    seconds: float
    log: list[Row]
    stopped: str  # "finished", "target", "interrupted", "time limit"
    folder: Path | None = None
    stage_ends: tuple[int, ...] = ()  # generations at which the stages of the curriculum completed so far ended
    begun_from: str | None = None  # fingerprint of the initial genome if one was given; None: random

    def column(self, name: str) -> tuple[list[float], list[float]]:
        """(generations, values) of one column of the log, without rows in which it is empty."""
        rows = [row for row in self.log if name in row]
        return [row["generation"] for row in rows], [row[name] for row in rows]


@dataclass
class Progress:
    """The state of a run that a checkpoint stores."""

    state: es.ESState
    best: Tensor
    score: float
    seconds: float
    ends: list[int] = field(default_factory=list)  # generations at which the completed stages ended

    def stage(self, experiment: Experiment) -> Stage:
        """The stage of the next generation, after ending stages whose generations are over."""
        while len(self.ends) < len(experiment.stages) and experiment.stages[len(self.ends)].until <= self.state.generation:
            self.ends.append(experiment.stages[len(self.ends)].until)
        return experiment.stage(len(self.ends))


def load_run(folder: str | Path) -> Run:
    """The run stored in a folder, up to its last checkpoint.  Raises RunFolderError if it is not a run folder."""
    folder = user_path(folder)
    path = folder / CONFIG
    if not os.path.exists(path):
        raise RunFolderError(f"{folder} is not a run folder: it has no {CONFIG}")
    config = read_record(path, {"seed": Seed, "parent": str | None})
    experiment = read_experiment(config, path)
    now, log = load_checkpoint(folder, experiment, write=False)
    stopped = reached(experiment, now) or "unfinished"
    return as_run(experiment, config["seed"], now, log, stopped, folder, config["parent"])


def reached(experiment: Experiment, now: Progress) -> str | None:
    """Why a run has ended ("finished" or "target"), or None if it has not."""
    if now.state.generation >= experiment.generations:
        return "finished"
    if experiment.target is not None and now.score >= experiment.target:
        return "target"
    return None


def as_run(
    experiment: Experiment,
    seed: int,
    now: Progress,
    log: list[Row],
    stopped: str,
    folder: Path | None,
    begun_from: str | None,
) -> Run:
    """The current state of a run as a `Run`."""
    return Run(
        experiment,
        seed,
        now.best.cpu(),
        now.score,
        now.state.parent.cpu(),
        now.state.generation,
        now.seconds,
        list(log),
        stopped,
        folder,
        tuple(now.ends),
        begun_from,
    )


def save_checkpoint(folder: Path, now: Progress, rows: list[Row]) -> None:
    """Write log rows, then the checkpoint: resuming drops any log rows beyond the checkpoint's generation."""
    append_log(folder, rows)
    state = now.state
    tensors = {"parent": state.parent, "velocity": state.velocity, "variance": state.variance, "best": now.best}
    meta = {
        "format": FORMAT,
        "generation": now.state.generation,
        "score": None if math.isinf(now.score) else now.score,
        "seconds": now.seconds,
        "stage_ends": now.ends,
    }
    write_tensors(folder / CHECKPOINT, tensors, meta)


def load_checkpoint(folder: Path, experiment: Experiment, write: bool = True) -> tuple[Progress, list[Row]]:
    """The checkpoint, and the log up to it.  `write`: also truncate the log file, to resume from there."""
    t, meta = read_checkpoint(folder)
    if any(v.shape != (experiment.model.n_params,) for v in t.values()):
        raise RunFolderError(f"{folder / CHECKPOINT} does not match {folder / CONFIG}: {ANEW}")
    state = es.ESState(t["parent"], t["velocity"], t["variance"], meta["generation"])
    score = -math.inf if meta["score"] is None else meta["score"]
    if write:
        append_log(folder, [], keep_below=state.generation)
    log = [row for row in read_log(folder) if row["generation"] < state.generation]
    return Progress(state, t["best"], score, meta["seconds"], list(meta["stage_ends"])), log


def provenance(run: Run, processor: str) -> dict[str, Any]:
    """A genome's provenance: experiment, seed, generations, processor, version and date, as JSON-compatible values."""
    return {
        "format": 1,
        "experiment": to_config(run.experiment),
        "seed": run.seed,
        "begun_from": run.begun_from,
        "generations": run.generation,
        "seconds": round(run.seconds, 1),
        "stage_ends": list(run.stage_ends),
        "processor": f"{processor} ({platform.machine()}), torch {torch.__version__}",
        "version": library_version(),
        "date": datetime.date.today().isoformat(),
    }


def evolved_on(run: Run) -> dict[str, Any]:
    """Processor, version and date as recorded in the run's folder by the machine that evolved it; {} without a record."""
    if run.folder is None or not (run.folder / GENOME).exists():
        return {}
    _, meta = read_tensors(run.folder / GENOME)
    return {key: meta[key] for key in ("processor", "version", "date") if key in meta}


def fingerprint(genome: Tensor) -> str:
    """SHA-256 of a genome's bytes."""
    return hashlib.sha256(genome.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
