"""Runs as evolution returns them, and the provenance of genomes."""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from enu_lib.base.kinds import Json, Seed
from enu_lib.config import library_version, to_config
from enu_lib.storage.folder import (
    CONFIG,
    GENOME,
    RunFolderError,
    read_experiment,
    read_record,
    read_tensors,
    user_path,
    write_tensors,
)
from enu_lib.storage.seal import mention

if TYPE_CHECKING:  # functions that need more import it, so that the zoo can be listed without torch
    from torch import Tensor

    from enu_lib.experiments import Experiment
    from enu_lib.storage.checkpoint import Progress
    from enu_lib.storage.log import Row


# Why a run has ended: after its last generation, at its target, by a signal, at its time limit, or by the caller's `each`.
# It is "running" while `evolve` runs, and "unfinished" when read from the folder of a run that has not ended.
Stopped = Literal["finished", "target", "interrupted", "time limit", "stopped", "running", "unfinished"]


class FromExperiment:
    """Base of classes that hold an experiment and a genome: the experiment's model and task as attributes."""

    experiment: Experiment
    genome: Tensor  # (D,)

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
    score: float  # held-out fitness of `genome`; -inf as long as none was finite
    parent: Tensor  # (D,) latest parent
    generation: int  # generations completed
    seconds: float
    log: list[Row]
    stopped: Stopped
    folder: Path | None = None
    stage_ends: tuple[int, ...] = ()  # generations at which the stages of the curriculum completed so far ended
    restarts: tuple[int, ...] = ()  # those of them at which evolution restarted
    begun_from: str | None = None  # fingerprint of the initial genome if one was given; None: random

    def column(self, name: str) -> tuple[list[float], list[float]]:
        """(generations, values) of one column of the log, without rows in which it is empty."""
        rows = [row for row in self.log if name in row]
        return [row["generation"] for row in rows], [row[name] for row in rows]


def load_run(folder: str | Path) -> Run:
    """The run stored in a folder, up to its newest intact checkpoint.  Raises RunFolderError if there is none."""
    folder = user_path(folder)
    path = folder / CONFIG
    if not os.path.exists(path):
        raise RunFolderError(f"{folder} is not a run folder: it has no {CONFIG}")
    from enu_lib.storage.checkpoint import load_checkpoint

    config = read_record(path, {"seed": Seed, "parent": str | None})
    experiment = read_experiment(config, path)
    now, log = load_checkpoint(folder, experiment, write=False)
    mention(path, config)
    stopped: Stopped = reached(experiment, now) or "unfinished"
    return as_run(experiment, config["seed"], now, log, stopped, folder, config["parent"])


def reached(experiment: Experiment, now: Progress) -> Literal["finished", "target"] | None:
    """Why a run has ended, or None if it has not."""
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
    stopped: Stopped,
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
        tuple(now.restarts),
        begun_from,
    )


def provenance(run: Run, processor: str) -> Json:
    """A genome's provenance: experiment, seed, generations, processor, version and date, as JSON-compatible values."""
    import torch

    return {
        "format": 1,
        "experiment": to_config(run.experiment),
        "seed": run.seed,
        "begun_from": run.begun_from,
        "generations": run.generation,
        "seconds": round(run.seconds, 1),
        "stage_ends": list(run.stage_ends),
        "restarts": list(run.restarts),
        "processor": f"{processor} ({platform.machine()}), torch {torch.__version__}",
        "version": library_version(),
        "date": datetime.date.today().isoformat(),
    }


def save_genome(folder: Path, run: Run, processor: str) -> None:
    """Store a run's best genome in its folder, with its provenance."""
    write_tensors(folder / GENOME, {"genome": run.genome}, {**provenance(run, processor), "score": run.score})


def evolved_on(run: Run) -> Json:
    """Processor, version and date as recorded in the run's folder by the machine that evolved it; {} without a record."""
    if run.folder is None or not (run.folder / GENOME).exists():
        return {}
    _, meta = read_tensors(run.folder / GENOME)
    mention(run.folder / GENOME, meta)
    return {key: meta[key] for key in ("processor", "version", "date") if key in meta}


def fingerprint(genome: Tensor) -> str:
    """SHA-256 of a genome's bytes."""
    return hashlib.sha256(genome.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
