"""Checkpoints: the state of a run, saved every few seconds so that a killed run loses only the time since then.

The checkpoint before the newest one is kept beside it.  It is used if the newest one is damaged, or if the log does not
match the newest one.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from enu_lib import es
from enu_lib.base.kinds import Between, Json, Measured, NotNegative, shown
from enu_lib.base.notices import tell
from enu_lib.experiments import Current, Experiment, attempt_began
from enu_lib.parallel.processes import Alone
from enu_lib.storage.folder import (
    CHECKPOINT,
    CONFIG,
    FILES,
    PREVIOUS,
    RESTORE_OR_RESTART,
    RunFolderError,
    checked,
    open_folder,
    read_file,
    read_tensors,
    remove_leftovers,
    write_atomically,
    write_config,
    write_tensors,
)
from enu_lib.storage.log import Checksum, Row, append_log, cut_log, read_log_until
from enu_lib.storage.seal import CHECKSUM, mention

FORMAT = 2  # version of the layout; 1 had no checksums
NAMES = ("parent", "velocity", "variance", "best")
WORDS = {
    "format": int,
    "generation": Annotated[int, Between(0, 10**9)],  # generations completed, which are rows of the log
    "score": Measured | None,
    "seconds": NotNegative,
    "stage_ends": tuple[Annotated[int, Between(0, 10**9)], ...],
    "restarts": tuple[Annotated[int, Between(0, 10**9)], ...],
    "log": str | None,  # SHA-256 of the log up to this generation
}


class NewerFormat(RunFolderError):
    """An intact checkpoint of a later version."""


@dataclass
class Progress:
    """The state of a run that a checkpoint stores."""

    state: es.ESState
    best: Tensor
    score: float
    seconds: float
    ends: list[int] = field(default_factory=list)  # generations at which stages ended
    restarts: list[int] = field(default_factory=list)  # those of them at which evolution restarted
    logged: Checksum = field(default_factory=hashlib.sha256)  # SHA-256 of the log so far

    def stage(self, experiment: Experiment) -> Current:
        """The stage of the next generation, after ending stages whose generations are over."""
        begun = attempt_began(self.restarts)
        ended = sum(end > begun for end in self.ends)
        while ended < len(experiment.stages) and (stage := experiment.stage(ended, begun)).until <= self.state.generation:
            self.ends.append(stage.until)
            ended += 1
        return experiment.stage(ended, begun)

    def restart(self, first: Tensor, state: es.ESState) -> es.ESState:
        """Note that evolution restarts, and return the state that it starts with: that of a first genome (D,)."""
        self.ends.append(state.generation)
        self.restarts.append(state.generation)
        return es.init(first.to(state.parent.device))._replace(generation=state.generation)

    def shared(self, processes: Alone, place: torch.device) -> Progress:
        """The first process's progress, in all processes, with the state on a device.

        The log's checksum stays with the first process, which writes the log.
        """
        words: Json = {key: getattr(self, key) for key in ("score", "seconds", "ends", "restarts")}
        tensors = torch.stack([*self.state[:3], self.best])
        tensors, words = processes.resume(tensors, {"generation": self.state.generation, **words})
        parent, velocity, variance, best = (v.clone() for v in tensors)
        state = es.ESState(parent.to(place), velocity.to(place), variance.to(place), words.pop("generation"))
        return Progress(state, best, **words, logged=self.logged)


class Stored(NamedTuple):
    """A checkpoint with the part of the log that it covers."""

    progress: Progress
    rows: list[Row]
    log_size: int  # bytes
    words: Json


def save_checkpoint(folder: Path, now: Progress, rows: list[Row]) -> None:
    """Write new log rows, then the checkpoint; the one that it replaces becomes the previous checkpoint."""
    append_log(folder, rows, now.logged)
    state = now.state
    tensors = {"parent": state.parent, "velocity": state.velocity, "variance": state.variance, "best": now.best}
    meta = {
        "format": FORMAT,
        "generation": now.state.generation,
        "score": None if math.isinf(now.score) else now.score,
        "seconds": now.seconds,
        "stage_ends": now.ends,
        "restarts": now.restarts,
        "log": now.logged.hexdigest(),
    }
    write_tensors(folder / CHECKPOINT, tensors, meta, previous=folder / PREVIOUS)


def resumed(folder: Path, experiment: Experiment, config: str) -> tuple[Progress, list[Row]] | None:
    """Open or create a run folder with this configuration (as JSON): the progress and log of the run in it, if there is one."""
    stored = load_checkpoint(folder, experiment) if open_folder(folder, config) else None
    if stored is not None:
        write_config(folder, config)  # the stopping point may differ
    remove_leftovers(folder, *FILES)
    return stored


def load_checkpoint(folder: Path, experiment: Experiment, write: bool = True) -> tuple[Progress, list[Row]]:
    """The newest intact checkpoint, and the log up to it.

    write: also cut the log there, and let a damaged checkpoint be replaced by the previous one, to resume the run.
    """
    path = folder / CHECKPOINT
    try:
        stored = _stored(path, experiment)
    except NewerFormat:
        raise
    except RunFolderError as error:
        try:
            stored = _stored(folder / PREVIOUS, experiment)
        except RunFolderError:
            raise error from None
        problem = str(error).removesuffix(f": {RESTORE_OR_RESTART}")
        path = folder / PREVIOUS
        tell(f"{problem}: going back to {path}, generation {stored.progress.state.generation}")
        if write:
            write_atomically(folder / CHECKPOINT, read_file(path, largest=None))
    if write:
        cut_log(folder, stored.log_size)
    mention(path, stored.words)
    return stored.progress, stored.rows


def read_checkpoint(path: Path, length: int) -> tuple[dict[str, Tensor], Json]:
    """A checkpoint's tensors NAMES, of `length` values each, and its metadata WORDS."""

    def newer(version: int) -> NewerFormat:
        return NewerFormat(f"{path} has format {version}, but this version reads up to format {FORMAT}: {RESTORE_OR_RESTART}")

    def fits(meta: Json, lengths: dict[str, int]) -> None:
        version = checked(meta, {"format": int}, path)["format"]
        later = version > FORMAT and CHECKSUM in meta
        if not later and (not 1 <= version <= FORMAT or (version == FORMAT and CHECKSUM not in meta)):
            raise RunFolderError(f"{path} is damaged (format {version}): {RESTORE_OR_RESTART}")
        if set(lengths) != set(NAMES) or len(set(lengths.values())) > 1:
            if later:
                raise newer(version)
            raise RunFolderError(
                f"{path} must hold the tensors of a checkpoint, not {shown(sorted(lengths))}: {RESTORE_OR_RESTART}"
            )
        if lengths["parent"] != length:
            config = path.parent / CONFIG
            raise RunFolderError(
                f"{path} does not match {config} ({lengths['parent']} values, not {length}): {RESTORE_OR_RESTART}"
            )

    tensors, meta = read_tensors(path, fits=fits)
    if meta["format"] > FORMAT:
        raise newer(meta["format"])
    former = {"stage_ends": meta.get("lesson_ends", []), "restarts": [], "log": None}  # renamed, or not in older files
    words = checked({**former, **meta}, WORDS, path)
    ends, restarts = list(words["stage_ends"]), list(words["restarts"])
    if ends != sorted(set(ends)) or any(end > words["generation"] for end in ends):
        raise RunFolderError(f"{path} is damaged (stage_ends is {shown(ends)}): {RESTORE_OR_RESTART}")
    if restarts != sorted(set(restarts) & set(ends)):
        raise RunFolderError(f"{path} is damaged (restarts is {shown(restarts)}): {RESTORE_OR_RESTART}")
    return tensors, {**meta, **words}


def _stored(path: Path, experiment: Experiment) -> Stored:
    """A checkpoint and its rows of the log.  Raises RunFolderError if either is damaged."""
    t, words = read_checkpoint(path, experiment.model.n_params)
    starts = (0, *words["restarts"], math.inf)
    ends, restarts = list(words["stage_ends"]), list(words["restarts"])
    if any(sum(a < end <= b for end in ends) > len(experiment.stages) for a, b in pairwise(starts)):
        raise RunFolderError(
            f"{path} does not match {path.parent / CONFIG} (stage_ends is {shown(ends)}): {RESTORE_OR_RESTART}"
        )
    rows, size, logged = read_log_until(path.parent, words["generation"], words["log"])
    state = es.ESState(t["parent"], t["velocity"], t["variance"], words["generation"])
    score = -math.inf if words["score"] is None else words["score"]
    return Stored(Progress(state, t["best"], score, words["seconds"], ends, restarts, logged), rows, size, words)
