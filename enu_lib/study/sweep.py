"""The sweep: all models on all tasks with many seeds, on all cores or on a cluster; it can be stopped and resumed at any time.

    python -m enu_lib sweep --profile laptop --time-limit 2h      # run again to resume
    python -m enu_lib sweep --scheduler tcp://HOST:8786           # on the workers of a Dask cluster

A **job** is one evolution (experiment, model, seed), done when its evaluation or record is stored (`enu_lib.study.results`).
Jobs that the claims need come first, by seed, so that an interrupted sweep has complete seeds; then checks of our choices.  A
double T-maze job starts from the genome of a T-maze job, which is evolved again if only its record is stored.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from enu_lib.storage import places
from enu_lib.storage.folder import RunFolderError
from enu_lib.study import workers
from enu_lib.study.design import AFTER, GROUPS, SMOKE_CHECKS, UNITS, Job, build, jobs
from enu_lib.study.executors import gpus
from enu_lib.study.progress import hours, plan, stored_jobs
from enu_lib.study.results import Stored, collect, load, path, record

__all__ = ["GROUPS", "UNITS", "Job", "build", "default_out", "gpus", "hours", "jobs", "obtain", "plan", "run", "stored_jobs"]


def run(profile: str, todo: Sequence[Job], out: str | Path, device: str = "cpu", **options: Any) -> list[str]:
    """Run the unfinished jobs of a profile; returns one line per error.  options: as for `workers.run`."""
    known = partial(build, profile=profile), AFTER[profile], partial(record, quick=profile == "smoke")
    return workers.run(workers.Work(Path(out).absolute(), *known, device), todo, **options)


def default_out(profile: str) -> Path:
    """The default folder of a sweep's run folders."""
    return Path("runs") / f"sweep-{profile}"


def obtain(profile: str) -> Stored:
    """The runs shown by the pages: the stored ones and those finished by a sweep on this machine.

    profile "zoo": the shipped runs (laptop sizes) only.  smoke: first runs a tiny sweep, which is kept under build/.
    """
    if profile == "zoo":
        return load("laptop")
    out = places.root() / default_out(profile) if profile != "smoke" else places.build("runs") / "sweep-smoke"
    kept = places.build("results")
    with FileLock(kept / f"{profile}.lock"):  # several pages may call this at once
        if path(profile).exists():
            shutil.copy(path(profile), path(profile, kept))
        if profile == "smoke":
            with places.kept_run(out):
                if errors := run(profile, [*jobs(profile, checks=False), *SMOKE_CHECKS], out, jobs=1, progress=False):
                    raise RunFolderError(errors[0])
        return collect(profile, out, kept)
