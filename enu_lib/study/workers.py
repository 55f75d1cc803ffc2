"""Run the jobs of a sweep, wherever its workers are (see `enu_lib.study.executors`).

A run folder holds the whole state of its job, so any worker that can access the folder can continue what another one began.  A
job is locked while it runs; a worker that finds it locked puts it off.  The sweep holds a lock, too.  As soon as that is
released, because the sweep has ended, was interrupted or was killed, all its workers save and stop.
"""

from __future__ import annotations

import concurrent.futures as cf
import math
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from enu_lib.base.faults import explain
from enu_lib.base.interrupt import SoftInterrupt
from enu_lib.base.progress import bar
from enu_lib.evolve import evolve
from enu_lib.experiments import Experiment
from enu_lib.storage import folder as files
from enu_lib.storage.run import load_run
from enu_lib.study.design import Job
from enu_lib.study.executors import cluster, gpus, local
from enu_lib.study.results import Record, read_evaluation, write_evaluation


@dataclass(frozen=True)
class Work:
    """What all workers know about a sweep.  Its functions are pickled for other processes, so modules must define them."""

    out: Path  # folder of the run folders, absolute, the same for all workers
    build: Callable[[str, str], Experiment]  # from the experiment and the model of a job
    after: Mapping[str, str]  # experiment: the one whose evolved genome (same model and seed) it starts from
    record: Callable[..., Record]  # evaluates a finished run: record(run, model, processor=device)
    device: str = "cpu"
    sweep: str = field(default_factory=lambda: f".sweep-{uuid.uuid4().hex[:8]}")

    @property
    def locks(self) -> Path:
        """The folder of lock files: one for each running job or sweep, named after it."""
        return self.out / ".locks"

    def is_done(self, job: Job) -> bool:
        """Whether a job is evaluated.  Raises RunFolderError if its folder has a run with other settings."""
        return read_evaluation(self.out / job.name, self.build(job.experiment, job.model)) is not None

    def runs(self, name: str) -> bool:
        """Whether some process is running the job or sweep of this name."""
        if not (self.locks / name).exists():
            return False
        with suppress(Timeout), FileLock(self.locks / name, timeout=0):
            return False
        return True


def run(
    work: Work, todo: Sequence[Job], *, jobs: int | None = None, per_device: int = 1, scheduler: str | None = None,
    time_limit: float | None = None, progress: bool = True,
) -> list[str]:  # fmt: skip
    """Run all unfinished jobs, each after the job that it starts from; returns one line per error.

    jobs, per_device: see `gpus`.  scheduler: address of a Dask scheduler whose workers, which must see `work.out`, run the jobs
    instead.  time_limit: seconds after which all runs stop, saved, at their next held-out evaluation, as after Ctrl-C.
    """
    if not todo:
        return []
    end = math.inf if time_limit is None else time.monotonic() + time_limit
    left = [job for job in todo if not work.is_done(job)]
    errors: list[str] = []
    first = {job.before(work.after) for job in left}  # they run as part of those that start from them
    with ExitStack() as stack:
        submit = stack.enter_context(cluster(scheduler) if scheduler else local(gpus(work.device, per_device, jobs)))
        try:
            work.locks.mkdir(parents=True, exist_ok=True)
            for old in work.locks.glob(".sweep-*"):
                with suppress(Timeout), FileLock(old, timeout=0):  # its sweep was killed
                    old.unlink(missing_ok=True)
            lock = stack.enter_context(FileLock(work.locks / work.sweep))
        except OSError as error:
            raise files.cannot("write in", work.out, error, files.CHOOSE_ANOTHER_OUT) from None
        stack.callback((work.locks / work.sweep).unlink, missing_ok=True)
        shown = stack.enter_context(bar(len(todo), len(todo) - len(left), "sweep", progress, "run"))
        interrupt = stack.enter_context(SoftInterrupt())
        running = {submit(_evolve, work, job): job for job in left if job not in first}
        while running:
            if interrupt.asked or time.monotonic() >= end:
                lock.release()
            if not lock.is_locked:  # wait only for jobs that have begun: they save
                running = {future: job for future, job in running.items() if work.runs(job.name)}
            for future in cf.wait(running, 1.0, cf.FIRST_COMPLETED).done:
                job = running.pop(future)
                try:
                    if future.result() is None and lock.is_locked:
                        running[submit(_evolve, work, job)] = job
                except cf.CancelledError:
                    raise ValueError("lost the Dask scheduler: run the same command again to resume") from None
                except Exception as error:
                    if (line := explain(error)) is None:
                        traceback.print_exception(error)
                    errors.append(f"{job.name}: {line or f'{type(error).__name__}: {error}'}")
            shown.update(sum((work.out / job.name / files.EVALUATION).exists() for job in todo) - shown.n)
    return errors


def _evolve(work: Work, job: Job) -> bool | None:
    """Run a job, after the one that it starts from; returns whether it is done, or None if another process is running it."""
    if not work.locks.is_dir():
        raise files.RunFolderError(f"a worker cannot see {work.out}: give --out a folder that all workers share")
    torch.set_num_threads(1)
    with suppress(Timeout), FileLock(work.locks / job.name, timeout=1):
        done: bool | None = work.is_done(job)
        if done or not work.runs(work.sweep):
            return done
        if (before := job.before(work.after)) and not (done := _evolve(work, before)):
            return done
        run = evolve(
            work.build(job.experiment, job.model), seed=job.seed, out=work.out / job.name, threads=1, device=work.device,
            parent=load_run(work.out / before.name).genome if before else None, progress=False,
            each=lambda _: not work.runs(work.sweep),
        )  # fmt: skip
        if done := run.stopped in ("finished", "target"):
            write_evaluation(work.out / job.name, work.record(run, job.model, processor=work.device))
        return done
    return None
