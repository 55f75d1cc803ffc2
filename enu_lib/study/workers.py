"""Run the jobs of a sweep on all cores; each worker takes the first unfinished, unlocked job."""

from __future__ import annotations

import multiprocessing as mp
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

import torch
from filelock import FileLock, Timeout

from enu_lib.evolve import evolve
from enu_lib.faults import explain
from enu_lib.interrupt import as_interrupts
from enu_lib.kernels import default_threads
from enu_lib.progress import bar
from enu_lib.storage.checkpoint import generations_done
from enu_lib.storage.folder import (
    CONFIG,
    ELSEWHERE,
    RunFolderError,
    cannot,
    locked,
    read_experiment,
    read_record,
)
from enu_lib.storage.run import Run, load_run
from enu_lib.study.design import AFTER, Job, build
from enu_lib.study.results import read_evaluation, record, write_evaluation


def run(
    profile: str,
    todo: Sequence[Job],
    out: str | Path,
    jobs: int | None = None,
    time_limit: float | None = None,
    progress: bool = True,
) -> list[str]:
    """Run all unfinished jobs; returns one line per error.

    out: folder of the run folders.  jobs: number of single-threaded processes (None: one per core; 1: this process only).
    time_limit: seconds after which all runs are saved and stopped; Ctrl-C does the same.
    """
    out = Path(out)
    deadline = None if time_limit is None else time.time() + time_limit
    jobs = min(jobs or default_threads(), max(1, len(todo)))
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")
    before = {job.name: _progress(profile, job, out) for job in todo}
    total = sum(build(c.experiment, c.model, profile).generations for c in todo)
    with bar(total, sum(before.values()), show=progress) as shown:
        view = _View(shown, profile, todo, out, before)
        if jobs == 1:
            _work(profile, todo, out, deadline, view.take)
        else:
            with as_interrupts():
                _share(profile, todo, out, deadline, jobs, view)
    return view.errors


class _View:
    """A progress bar over the generations of all workers."""

    def __init__(self, bar: Any, profile: str, todo: Sequence[Job], out: Path, before: dict[str, int]) -> None:
        self.bar, self.at, self.errors = bar, dict(before), list[str]()
        self.left = sum(read_evaluation(out / job.name) is None for job in todo)
        self.many = len(todo)
        bar.set_description(f"{self.many - self.left} of {self.many} runs")

    def take(self, kind: str, name: str, value: Any) -> None:
        """Handle a message about a job: `at` a generation, `done` or `error`; prerequisite jobs may not be in the list."""
        if kind == "error":
            self.errors.append(f"{name}: {value}")
        if kind == "error" or name not in self.at:
            return
        if kind == "done":
            self.left -= 1
            self.bar.set_description(f"{self.many - self.left} of {self.many} runs")
        self.bar.update(max(0, value - self.at[name]))
        self.at[name] = max(value, self.at[name])


def _progress(profile: str, job: Job, out: Path) -> int:
    """Generations of a job that count as done.  Raises RunFolderError if its folder has other settings."""
    e, config = build(job.experiment, job.model, profile), out / job.name / CONFIG
    if config.exists() and read_experiment(read_record(config, {}), config) != e:
        raise RunFolderError(f"{config.parent} has a run with other settings: choose another folder with --out, or delete it")
    whole = e.generations
    return whole if read_evaluation(out / job.name) else min(whole, generations_done(out / job.name))


def _share(profile: str, todo: Sequence[Job], out: Path, deadline: float | None, jobs: int, view: _View) -> None:
    context = mp.get_context("spawn")
    news: Any = context.Queue()
    end = context.Event()
    arguments = (profile, tuple(todo), out, deadline, news, end)
    workers = [context.Process(target=_worker, args=arguments, daemon=True) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    interrupted = False
    while any(worker.is_alive() for worker in workers) or not news.empty():
        try:
            _drain(news, view)
        except KeyboardInterrupt:  # let the workers save and stop; a second Ctrl-C stops at once
            if interrupted:
                raise
            interrupted = True
            end.set()
    for worker in workers:
        worker.join()
        if worker.exitcode and not interrupted:
            view.errors.append(f"a worker ended with exit code {worker.exitcode}: run the same command again to resume")


def _drain(news: Any, view: _View) -> None:
    with suppress(Empty):
        view.take(*news.get(timeout=0.5))


def _worker(profile: str, todo: Sequence[Job], out: Path, deadline: float | None, news: Any, end: Any) -> None:
    parent = mp.parent_process()

    def tell(kind: str, name: str, value: Any) -> bool:
        news.put((kind, name, value))
        return end.is_set() or (parent is not None and not parent.is_alive())

    _work(profile, todo, out, deadline, tell)


def _work(profile: str, todo: Sequence[Job], out: Path, deadline: float | None, tell: Callable[[str, str, Any], Any]) -> None:
    """Run jobs until none is left, the deadline has passed, one was interrupted, or `tell` returns true."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        left = list(todo)
        while left:
            held = []
            for job in left:
                with _claimed(out, job) as mine:
                    if not mine or read_evaluation(out / job.name):
                        continue
                    if deadline is not None and time.time() >= deadline:
                        return
                    try:
                        stopped = _one(profile, job, out, deadline, tell)
                    except Exception as error:
                        if (line := explain(error)) is None:
                            raise
                        tell("error", job.name, line)
                        continue
                    if stopped == HELD:
                        held.append(job)
                    elif stopped not in ("finished", "target"):
                        return
            left = held
            if left and (_interrupted_in_a_second() or tell("at", left[0].name, 0)):
                return
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _claimed(out: Path, job: Job) -> Iterator[bool]:
    """Lock a job if no other process has; yields whether it is locked by this process."""
    try:
        (out / ".locks").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot("write in", out, error, ELSEWHERE) from None
    lock = FileLock(out / ".locks" / job.name)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _interrupted_in_a_second() -> bool:
    """Wait one second; return whether Ctrl-C was pressed."""
    try:
        time.sleep(1)
    except KeyboardInterrupt:
        return True
    return False


HELD = "held"  # waiting for the prerequisite job, which another process is running


def _one(profile: str, job: Job, out: Path, deadline: float | None, tell: Callable[[str, str, Any], Any]) -> str:
    """Run a job after its prerequisite job, if any; returns the stop reason as in `Run.stopped`, or HELD."""
    experiment, parent = build(job.experiment, job.model, profile), None
    if (name := AFTER[profile].get(job.experiment)) is not None:
        before = Job(name, job.model, job.seed)
        _progress(profile, before, out)  # raises RunFolderError for a run with other settings
        if not read_evaluation(out / before.name):
            with _claimed(out, before) as mine:
                stopped = _one(profile, before, out, deadline, tell) if mine else HELD
            if stopped not in ("finished", "target"):
                return stopped
        parent = load_run(out / before.name).genome

    def each(run: Run) -> bool:
        return bool(tell("at", job.name, run.generation))

    left = None if deadline is None else max(0.0, deadline - time.time())
    result = evolve(
        experiment, seed=job.seed, out=out / job.name, parent=parent, threads=1, device="cpu", time_limit=left,
        progress=False, each=each,
    )  # fmt: skip
    if result.stopped in ("finished", "target"):
        kept = record(result, job.model, quick=profile == "smoke")
        with locked(out / job.name):
            write_evaluation(out / job.name, kept)
        tell("done", job.name, experiment.generations)
    return result.stopped
