"""Run the jobs of a sweep, wherever its workers are (see `enu_lib.study.executors`).

A run folder holds the whole state of its job, so any worker that can access the folder can continue what another one began.  A
job is locked while it runs; a worker that finds it locked puts it off.  The sweep holds a lock, too.  As soon as that is
released, because the sweep has ended, was interrupted or was killed, all its workers save and stop.
"""

from __future__ import annotations

import concurrent.futures as cf
import time
import traceback
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from enu_lib.evolve import evolve
from enu_lib.experiments import Experiment
from enu_lib.faults import explain
from enu_lib.interrupt import as_interrupts
from enu_lib.progress import bar
from enu_lib.storage import folder as files
from enu_lib.storage.run import load_run
from enu_lib.study.design import Job
from enu_lib.study.executors import cluster, gpus, local
from enu_lib.study.results import Record, check_settings, read_evaluation, write_evaluation

FINISHED, LOCKED = ("finished", "target"), "locked"  # why a job stopped
BEGINNING = 60.0  # seconds for which a new sweep may have created its lock without holding it yet


@dataclass(frozen=True)
class Work:
    """What all workers know about a sweep.  Its functions are pickled for other processes, so modules must define them."""

    out: Path  # folder of the run folders, absolute, the same for all workers
    build: Callable[[str, str], Experiment]  # from the experiment and the model of a job
    after: Mapping[str, str]  # experiment: the one whose evolved genome (same model and seed) it starts from
    record: Callable[..., Record]  # evaluates a finished run: record(run, model, processor=device)
    device: str = "cpu"
    sweep: str = field(default_factory=lambda: f".sweep-{uuid.uuid4().hex[:8]}")

    def before(self, job: Job) -> Job | None:
        """The job whose evolved genome a job starts from, or None."""
        return replace(job, experiment=self.after[job.experiment]) if job.experiment in self.after else None

    def is_done(self, job: Job) -> bool:
        """Whether a job is evaluated.  Raises RunFolderError if its folder has a run with other settings."""
        folder = self.out / job.name
        check_settings(folder, self.build(job.experiment, job.model))
        return read_evaluation(folder) is not None

    def lock(self, job: Job | None = None) -> Path:
        """The file that is locked while a job runs (None: the sweep)."""
        return self.out / ".locks" / (job.name if job else self.sweep)

    def goes_on(self, job: Job | None = None) -> bool:
        """Whether a process runs a job (None: the sweep)."""
        lock: AbstractContextManager[object] = FileLock(self.lock(job), timeout=0) if self.lock(job).exists() else nullcontext()
        with suppress(Timeout), lock:
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
    left, begun, errors = [job for job in todo if not work.is_done(job)], time.monotonic(), list[str]()
    first = {work.before(job) for job in left}  # they run as part of those that start from them
    with ExitStack() as stack:
        submit = stack.enter_context(cluster(scheduler) if scheduler else local(gpus(work.device, per_device, jobs)))
        try:
            work.lock().parent.mkdir(parents=True, exist_ok=True)
            _remove_locks_of_killed_sweeps(work)
            lock = stack.enter_context(FileLock(work.lock()))
        except OSError as error:
            raise files.cannot("write in", work.out, error, files.CHOOSE_ANOTHER_OUT) from None
        stack.callback(work.lock().unlink, missing_ok=True)
        shown = stack.enter_context(bar(len(todo), len(todo) - len(left), "sweep", progress, "run"))
        stack.enter_context(as_interrupts())
        running = {submit(_evolve, work, job): job for job in left if job not in first}
        while running:
            try:
                if time_limit is not None and time.monotonic() - begun >= time_limit:
                    lock.release()
                if not lock.is_locked:  # wait only for jobs that have begun: they save
                    running = {future: job for future, job in running.items() if work.goes_on(job)}
                for future in cf.wait(running, max(1.0, len(running) / 50), cf.FIRST_COMPLETED).done:
                    job = running.pop(future)
                    try:
                        if future.result() == LOCKED and lock.is_locked:
                            running[submit(_evolve, work, job)] = job
                    except cf.CancelledError:
                        raise ValueError("lost the Dask scheduler: run the same command again to resume") from None
                    except Exception as error:
                        if (line := explain(error)) is None:
                            traceback.print_exception(error)
                        errors.append(f"{job.name}: {line or f'{type(error).__name__}: {error}'}")
                    shown.update(sum((work.out / job.name / files.EVALUATION).exists() for job in todo) - shown.n)
            except KeyboardInterrupt:  # let the workers save and stop; a second Ctrl-C stops at once
                if not lock.is_locked:
                    raise
                lock.release()
    return errors


def _remove_locks_of_killed_sweeps(work: Work) -> None:
    for left in work.lock().parent.glob(".sweep-*"):
        with suppress(FileNotFoundError):  # another sweep has just deleted it
            if time.time() - left.stat().st_mtime > BEGINNING and not replace(work, sweep=left.name).goes_on():
                left.unlink()


def _evolve(work: Work, job: Job) -> str:
    """Run a job after the one that it starts from, unless they are done; returns why it stopped (see `Run.stopped`)."""
    if not work.lock().parent.is_dir():
        raise files.RunFolderError(f"a worker cannot see {work.out}: give --out a folder that all workers share")
    torch.set_num_threads(1)
    with suppress(Timeout), FileLock(work.lock(job), timeout=1):
        if work.is_done(job):
            return "finished"
        if not work.goes_on():
            return "interrupted"
        if (before := work.before(job)) and (stopped := _evolve(work, before)) not in FINISHED:
            return stopped
        run = evolve(
            work.build(job.experiment, job.model), seed=job.seed, out=work.out / job.name, threads=1, device=work.device,
            parent=load_run(work.out / before.name).genome if before else None, progress=False,
            each=lambda _: not work.goes_on(),
        )  # fmt: skip
        if run.stopped in FINISHED:
            write_evaluation(work.out / job.name, work.record(run, job.model, processor=work.device))
        return run.stopped
    return LOCKED
