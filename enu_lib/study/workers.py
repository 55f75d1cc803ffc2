"""Run the jobs of a sweep, wherever its workers are (see `enu_lib.study.executors`).

A run folder holds the whole state of its job, so any worker that can access the folder can continue what another one began.  A
job is locked while it runs, and no other worker runs a locked job.  The sweep holds a lock, too.  As soon as that is released,
because the sweep has ended, was interrupted or was killed, all its workers save and stop.
"""

from __future__ import annotations

import concurrent.futures as cf
import math
import multiprocessing as mp
import os
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from enu_lib.evolve import evolve
from enu_lib.experiments import Experiment
from enu_lib.faults import explain
from enu_lib.interrupt import as_interrupts
from enu_lib.progress import bar
from enu_lib.storage import folder as files
from enu_lib.storage.checkpoint import generations_done
from enu_lib.storage.run import load_run
from enu_lib.study.design import Job
from enu_lib.study.executors import Place, cluster, gpus, local
from enu_lib.study.results import Record, read_evaluation, write_evaluation

AGAIN = "run the same command again to resume"
FINISHED = ("finished", "target")
ERROR, BUSY, HELD = "error", "busy", "held"  # BUSY: another sweep runs the job; HELD: it has to wait for another worker


@dataclass(frozen=True)
class Work:
    """What all workers know about a sweep.  Its functions are pickled for other processes, so modules must define them."""

    out: Path  # folder of the run folders, the same for all workers
    sweep: Path  # lock file, locked as long as the sweep goes on
    deadline: float  # in seconds since 1970
    device: str
    build: Callable[[str, str], Experiment]  # from the experiment and the model of a job
    after: Mapping[str, str]  # experiment: the one whose evolved genome (same model and seed) it starts from
    record: Callable[..., Record]  # evaluates a finished run: record(run, model, processor=device)

    def before(self, job: Job) -> Job | None:
        """The job whose evolved genome a job starts from, or None."""
        return replace(job, experiment=self.after[job.experiment]) if job.experiment in self.after else None

    def generations(self, job: Job) -> int:
        """Generations of a job that are done; all of them once it is evaluated.

        Raises RunFolderError if its folder has other settings.
        """
        e, folder = self.build(job.experiment, job.model), self.out / job.name
        check_settings(folder, e)
        return e.generations if read_evaluation(folder) else min(e.generations, generations_done(folder))

    @contextmanager
    def claimed(self, job: Job | None, seconds: float = 0.0) -> Iterator[bool]:
        """Lock a job (None: the sweep itself); yields False if another process still has the lock after `seconds`."""
        try:
            with FileLock(self.sweep.parent / job.name if job else self.sweep, timeout=seconds):
                yield True
        except Timeout:
            yield False

    def is_locked(self, job: Job | None) -> bool:
        """Whether a process runs a job (None: the sweep itself)."""
        with self.claimed(job) as free:
            return not free

    def over(self, _: Any = None) -> bool:
        """Whether runs have to save and stop."""
        return time.time() >= self.deadline or not self.sweep.exists() or not self.is_locked(None)


def check_settings(folder: Path, e: Experiment) -> None:
    """Raise RunFolderError if there is a run folder with other settings than these."""
    config = folder / files.CONFIG
    if config.exists() and files.read_experiment(files.read_record(config, {}), config) != e:
        raise files.RunFolderError(f"{folder} has a run with other settings: {files.ELSEWHERE}, or delete it")


def run(
    todo: Sequence[Job], out: Path, build: Callable[[str, str], Experiment], after: Mapping[str, str],
    record: Callable[..., Record], *, jobs: int | None = None, time_limit: float | None = None, progress: bool = True,
    scheduler: str | None = None, device: str = "cpu", per_device: int = 1,
) -> list[str]:  # fmt: skip
    """Run all unfinished jobs, each after the job that it starts from; returns one line per error.

    build, after, record: see `Work`.  jobs, device, per_device: see `gpus`.  scheduler: address of a Dask scheduler whose
    workers run the jobs instead; all of them must see the folder `out`.  time_limit: seconds after which all runs are saved
    and stopped; Ctrl-C does the same.
    """
    sweep = out.absolute() / ".locks" / f".sweep-{uuid.uuid4().hex[:8]}"
    deadline = math.inf if time_limit is None else time.time() + time_limit
    work = Work(out.absolute(), sweep, deadline, device, build, after, record)
    at = {job: work.generations(job) for job in todo}
    if not at:
        return []
    with ExitStack() as stack:
        place = stack.enter_context(cluster(scheduler) if scheduler else local(gpus(device, per_device, jobs)))
        sweep.parent.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context(FileLock(sweep))
        stack.callback(sweep.unlink, missing_ok=True)
        whole = sum(build(job.experiment, job.model).generations for job in at)
        shown = stack.enter_context(bar(whole, sum(at.values()), show=progress))
        stack.enter_context(as_interrupts())
        return _share(work, at, place, lock, shown)


def _share(work: Work, at: dict[Job, int], place: Place, lock: Any, shown: Any) -> list[str]:
    """Hand out all jobs and show their progress (`at`: generations done); returns one line per error."""
    waiting = [job for job in at if read_evaluation(work.out / job.name) is None]
    left, running, errors = len(waiting), dict[cf.Future[Any], Job](), list[str]()
    (room, submit), rank = place, {job: k for k, job in enumerate(at)}
    while waiting or running:
        try:
            if time.time() >= work.deadline or not lock.is_locked:
                lock.release()
                waiting.clear()
            unfinished = {*waiting, *running.values()}
            for job in [job for job in waiting if work.before(job) not in unfinished][: room - len(running)]:
                waiting.remove(job)
                running[submit(rank[job], _work, work, job)] = job
            shown.set_description(f"{len(at) - left} of {len(at)} runs")
            done, _ = cf.wait(running, max(1.0, len(running) / 50), cf.FIRST_COMPLETED)
            for future in done:
                job = running.pop(future)
                stopped, line = _result(future)
                if stopped in FINISHED:
                    left, at[job] = left - 1, work.build(job.experiment, job.model).generations
                elif stopped == HELD:
                    waiting.append(job)
                elif stopped == ERROR and lock.is_locked:
                    errors.append(f"{job.name}: {line}")
                if future.cancelled():  # by Dask, which has lost its scheduler
                    lock.release()
            if not done and lock.is_locked:
                for job in running.values():
                    with suppress(files.RunFolderError):
                        at[job] = max(at[job], generations_done(work.out / job.name))
            elif not done:  # the sweep is over: no worker will begin a job that none is running
                running = {future: job for future, job in running.items() if work.is_locked(job)}
            shown.update(max(0, sum(at.values()) - shown.n))
        except KeyboardInterrupt:  # let the workers save and stop; a second Ctrl-C stops at once
            if not lock.is_locked:
                raise
            lock.release()
    return errors


def _result(future: cf.Future[Any]) -> tuple[str, str]:
    """The result of `_work`, or an error if its worker was lost."""
    if future.cancelled():
        return ERROR, f"the connection to the Dask scheduler was lost: {AGAIN}"
    error = future.exception()
    return future.result() if error is None else (ERROR, f"{type(error).__name__}: {error}; {AGAIN}")


def _work(work: Work, job: Job) -> tuple[str, str]:
    """Run a job; returns why it stopped (see `Run.stopped`), and one line about the error, if any."""
    threads, parent = torch.get_num_threads(), mp.parent_process()
    torch.set_num_threads(1)
    try:
        return _evolve(work, job), ""
    except Exception as error:
        if (line := explain(error)) is None:
            traceback.print_exc()
        return ERROR, line or f"{type(error).__name__}: {error}"
    finally:
        torch.set_num_threads(threads)
        if parent is not None and not parent.is_alive():
            os._exit(1)  # nobody is left to take the result


def _evolve(work: Work, job: Job) -> str:
    """Run a job after the one that it starts from, unless they are done; returns why it stopped."""
    folder, parent = work.out / job.name, None
    if not work.sweep.parent.is_dir():
        raise files.RunFolderError(f"a worker cannot see {work.out}: give --out a folder that all workers share")
    owner = work.sweep.parent / f"{job.name}.owner"  # the sweep that began the job
    with work.claimed(job, seconds=1) as mine:
        if not mine:  # it is locked by a worker that Dask believes lost, or by another sweep
            return HELD if owner.exists() and owner.read_text(encoding="utf-8") == work.sweep.name else BUSY
        owner.write_text(work.sweep.name, encoding="utf-8")
        work.generations(job)  # raises an error if the run has other settings
        if read_evaluation(folder):
            return "finished"
        if work.over():
            return "interrupted"
        if before := work.before(job):
            stopped = _evolve(work, before)
            if stopped not in FINISHED:
                return HELD if stopped == BUSY else stopped
            parent = load_run(work.out / before.name).genome
        run = evolve(
            work.build(job.experiment, job.model), seed=job.seed, out=folder, parent=parent, threads=1, device=work.device,
            time_limit=max(0.0, work.deadline - time.time()), progress=False, each=work.over,
        )  # fmt: skip
        if run.stopped in FINISHED:
            kept = work.record(run, job.model, processor=work.device)
            with files.locked(folder):
                write_evaluation(folder, kept)
        return run.stopped
