"""Runs: what evolution returns, what a run folder holds of it, and where a genome comes from."""

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
    Row,
    RunFolderError,
    append_log,
    read_checkpoint,
    read_experiment,
    read_log,
    read_record,
    user_path,
    write_tensors,
)


@dataclass(frozen=True)
class Run:
    """A run, finished or not: the best parent so far on held-out environments, and how it came about."""

    experiment: Experiment
    seed: int
    genome: Tensor  # (D,) the best parent on the held-out environments
    score: float  # its fitness there
    parent: Tensor  # (D,) the latest parent
    generation: int  # generations done
    seconds: float
    log: list[Row]
    stopped: str  # "finished", "target", "interrupted", "time limit"
    folder: Path | None = None
    stage_ends: tuple[int, ...] = ()  # the generation at which each stage of the curriculum ended, so far
    begun_from: str | None = None  # fingerprint of the genome it was given to begin from; None: a random one

    @property
    def model(self) -> Any:
        return self.experiment.model

    @property
    def task(self) -> Any:
        return self.experiment.task

    def column(self, name: str) -> tuple[list[float], list[float]]:
        """(generations, values) of one column of the log, where it has a value."""
        rows = [row for row in self.log if name in row]
        return [row["generation"] for row in rows], [row[name] for row in rows]


@dataclass
class Progress:
    """What a checkpoint holds."""

    state: es.ESState
    best: Tensor
    score: float
    seconds: float
    ends: list[int] = field(default_factory=list)  # the generation at which each stage ended

    def stage(self, experiment: Experiment) -> Stage:
        """The stage that the coming generation belongs to; those whose time is over are ended first."""
        while len(self.ends) < len(experiment.stages) and experiment.stages[len(self.ends)].until <= self.state.generation:
            self.ends.append(experiment.stages[len(self.ends)].until)
        return experiment.stage(len(self.ends))


def load_run(folder: str | Path) -> Run:
    """A run from its folder, as far as it got.  Raises RunFolderError for a folder that is none."""
    folder = user_path(folder)
    path = folder / CONFIG
    if not os.path.exists(path):
        raise RunFolderError(f"{folder} is no run folder: it holds no {CONFIG}")
    config = read_record(path, {"seed": Seed, "parent": str | None})
    experiment = read_experiment(config, path)
    now, log = load_checkpoint(folder, experiment, write=False)
    stopped = reached(experiment, now) or "unfinished"
    return as_run(experiment, config["seed"], now, log, stopped, folder, config["parent"])


def reached(experiment: Experiment, now: Progress) -> str | None:
    """Why a run has ended, or None."""
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
    """A run as it stands."""
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
    """The log first: rows beyond the checkpoint's generation are dropped when a run goes on."""
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
    """The checkpoint and the log up to it.  `write`: cut the log file too, to go on from there."""
    t, meta = read_checkpoint(folder)
    if any(v.shape != (experiment.model.n_params,) for v in t.values()):
        raise RunFolderError(f"{folder / CHECKPOINT} does not fit {folder / CONFIG}: {ANEW}")
    state = es.ESState(t["parent"], t["velocity"], t["variance"], meta["generation"])
    score = -math.inf if meta["score"] is None else meta["score"]
    if write:
        append_log(folder, [], keep_below=state.generation)
    log = [row for row in read_log(folder) if row["generation"] < state.generation]
    return Progress(state, t["best"], score, meta["seconds"], list(meta["stage_ends"])), log


def provenance(run: Run, processor: str) -> dict[str, Any]:
    """Where a genome comes from, JSON-able."""
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


def fingerprint(genome: Tensor) -> str:
    """SHA-256 of a genome's bytes."""
    return hashlib.sha256(genome.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
