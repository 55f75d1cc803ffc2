"""Faults at random moments of evolving, checkpointing, sweeping and writing the zoo; the work then goes on.

Each function takes a folder, the number of faults and a random generator, and returns how many of them hit the work.  It
raises AssertionError if anything is lost that had been saved, or if the result differs from that of undisturbed work.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import signal
import subprocess
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch

import enu_lib as enu
from enu_lib.storage.folder import RunFolderError
from enu_lib.study import sweep

EVOLVING = dict(generations=60, population=32, evaluate_every=1)
CHECKPOINTING = dict(generations=100, population=4, environments=1, evaluate_every=1)  # hardly anything but writing


def _child(work: Callable[[], object]) -> int:
    """The number of a child process that does this work and ends with 0, or prints the error and ends with 1."""
    if child := os.fork():
        return child
    code = 1
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        work()
        code = 0
    except BaseException:
        traceback.print_exc()  # the test itself will say only that the child failed
    finally:
        os._exit(code)


def _killed(child: int) -> bool:
    """Wait for a child process; whether a signal ended it."""
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work failed before or after the signal"
    return os.WIFSIGNALED(status)


def in_child(work: Callable[[], object], after: float, number: int = signal.SIGKILL) -> bool:
    """Send a signal to a child process that does this work, after some seconds; whether the signal ended it."""
    child = _child(work)
    time.sleep(after)
    os.kill(child, number)
    return _killed(child)


CALLS = ("open", "fdopen", "fsync", "chmod", "link", "unlink", "replace")  # those of `os` with which files are written


def at_call(work: Callable[[], object], k: int) -> bool:
    """Kill a child process that does this work just before its k-th call (from 0) of CALLS; False if it ended before that."""
    made = itertools.count()

    def counted(call: Callable[..., object]) -> Callable[..., object]:
        def counting(*given: Any, **named: Any) -> object:
            if next(made) == k:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)

        return counting

    def watched() -> None:
        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        work()

    return _killed(_child(watched))


class _Whole:
    """An undisturbed run, with its parent after each generation."""

    def __init__(self, settings: dict[str, int]) -> None:
        self.settings, self.parents = settings, list[torch.Tensor]()
        self.run = enu.evolve("stdp", profile="smoke", progress=False, each=self._keep, **settings)

    def _keep(self, run: enu.Run) -> None:
        self.parents.append(run.parent)

    def evolve(self, folder: Path) -> enu.Run:
        return enu.evolve("stdp", profile="smoke", out=folder, progress=False, checkpoint_every=0.0, **self.settings)

    def agrees(self, folder: Path) -> int:
        """The generation of a run folder, after comparing its state and its log with the undisturbed run's."""
        if not (folder / "checkpoint.safetensors").exists():
            assert not (folder / "checkpoint.previous.safetensors").exists()
            return 0
        run = enu.load_run(folder)
        assert torch.equal(run.parent, self.parents[run.generation - 1]) and len(run.log) == run.generation
        for found, right in zip(run.log, self.run.log, strict=False):
            assert all(abs(found[k] - right[k]) <= 1e-6 * abs(right[k]) for k in right if k != "seconds")
        return run.generation


def _runs(folder: Path, times: int, rng: random.Random, settings: dict[str, int], number: int = signal.SIGKILL) -> int:
    whole, hits, name, at = _Whole(settings), 0, 0, 0
    for _ in range(times):
        out = folder / str(name)
        hits += in_child(lambda out=out: whole.evolve(out), rng.uniform(0.0, 0.3), number)
        reached = whole.agrees(out)
        assert reached >= at, "a saved generation was lost"
        finished = reached == whole.run.generation
        name, at = (name + 1, 0) if finished else (name, reached)
    for out in folder.iterdir():
        run = whole.evolve(out)
        assert torch.equal(run.genome, whole.run.genome) and run.score == whole.run.score
        assert not [f.name for f in out.iterdir() if f.name.startswith(".") and f.name != ".lock"], "files were left behind"
    return hits


def evolving(folder: Path, times: int, rng: random.Random) -> int:
    """SIGKILL while runs evolve, with a checkpoint after each generation."""
    return _runs(folder, times, rng, EVOLVING)


def checkpointing(folder: Path, times: int, rng: random.Random) -> int:
    """SIGKILL while logs and checkpoints are written, and hardly anything else happens."""
    return _runs(folder, times, rng, CHECKPOINTING)


def terminating(folder: Path, times: int, rng: random.Random) -> int:
    """SIGTERM or SIGHUP, as a scheduler or a closed terminal sends it; returns how many of them the run answered."""
    number = rng.choice([signal.SIGTERM, signal.SIGHUP])
    return times - _runs(folder, times, rng, EVOLVING, number)


def sweeping(folder: Path, times: int, rng: random.Random) -> int:
    """SIGKILL while a sweep works through its jobs."""
    jobs = sweep.jobs("smoke", ("complex-stdp",), seeds=1, checks=False)

    def work(out: Path) -> None:
        assert sweep.run("smoke", jobs, out, jobs=1, progress=False) == []

    work(folder / "whole")
    whole, hits, name = _records(folder / "whole"), 0, 0
    for _ in range(times):
        out = folder / str(name)
        hits += in_child(lambda out=out: work(out), rng.uniform(0.0, 0.6))
        found = _records(out)
        assert found.items() <= whole.items()
        name += found == whole
    for out in folder.iterdir():
        work(out)
        assert _records(out) == whole
    return hits


def _records(out: Path) -> dict[str, str]:
    found = {file.parent.name: json.loads(file.read_text()) for file in out.glob("*/evaluation.json")}
    same = lambda record: {k: v for k, v in record.items() if k not in ("seconds", "date", "checksum")}
    return {name: json.dumps(same(record)) for name, record in found.items()}


def writing_the_zoo(folder: Path, times: int, rng: random.Random) -> int:
    """SIGKILL while entries of the zoo are replaced by others."""
    runs = [enu.evolve("stdp", profile="smoke", seed=seed, progress=False) for seed in (0, 1)]
    hits = 0

    def work() -> None:
        while True:
            for run in runs:
                enu.zoo.add(run, "stdp-enu", n=2)

    with mock.patch.object(enu.zoo, "FOLDER", folder):
        enu.zoo.add(runs[0], "stdp-enu", n=2)
        for _ in range(times):
            hits += in_child(work, rng.uniform(0.0, 0.1))
            genome = enu.zoo.load("stdp-enu").genome
            assert any(torch.equal(genome, run.genome) for run in runs)
        enu.zoo.add(runs[1], "stdp-enu", n=2)
    assert {file.name for file in folder.iterdir()} == {"stdp-enu.safetensors", ".lock"}
    return hits


def full_disk(folder: Path, times: int, rng: random.Random) -> int:
    """A disk that fills up while a run evolves; then there is space again.  A small tmpfs, or else a limit on file sizes."""
    whole, hits = _Whole(CHECKPOINTING), 0
    for k in range(times):
        out = folder / str(k)
        out.mkdir()
        mounted = (
            k % 2 == 0
            and not subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={4096 * rng.randint(1, 16)}", "tmpfs", out], capture_output=True
            ).returncode
        )
        try:
            size = None if mounted else rng.randint(1, 8000)
            in_child(lambda out=out, size=size: _fill(whole, out / "run", size), after=0.0, number=0)
            hits += whole.agrees(out / "run") < whole.run.generation
            if mounted:
                subprocess.run(["mount", "-o", "remount,size=16m", out], check=True)
            run = whole.evolve(out / "run")
            assert torch.equal(run.genome, whole.run.genome) and whole.agrees(out / "run") == whole.run.generation
        finally:
            if mounted:
                subprocess.run(["umount", out], check=True)
    return hits


def _fill(whole: _Whole, out: Path, size: int | None) -> None:
    """Evolve until the disk is full, which must end in an error that names the folder and the remedy."""
    if size is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        whole.evolve(out)
    except RunFolderError as error:
        assert str(out) in str(error) and "space" in str(error)
