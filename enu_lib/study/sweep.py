"""All models on all tasks with many seeds, on all cores; a sweep can be stopped and resumed at any time.

    python -m enu_lib sweep --profile laptop --time-limit 2h      # run again to resume

A **job** is one evolution (experiment, model, seed) and has one run folder.  Jobs come seed by seed, so that a sweep stopped
half way has complete seeds of all models; checks of our choices (matched parameter counts, clipped read-outs) and other
evolution strategies come after what the claims need.  A worker that dies loses only what it did since its last checkpoint.  A
job is done when its evaluation is written, or when its record is stored (`enu_lib.study.results`), on whatever machine.  A job
that is done does not run again, with one exception: a double T-maze starts from the genome of a T-maze, and where only the
T-maze's record is stored, its genome is evolved once more, with the same result.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock

from enu_lib import places
from enu_lib.storage.folder import RunFolderError
from enu_lib.study.design import GROUPS, MATCHED, ORDER, SMOKE_CHECKS, UNITS, Job, build, jobs, strategies
from enu_lib.study.progress import hours, plan, stored_jobs
from enu_lib.study.results import Stored, collect, load, path
from enu_lib.study.workers import run

__all__ = [
    "GROUPS", "MATCHED", "ORDER", "SMOKE_CHECKS", "UNITS", "Job", "build", "default_out", "hours",
    "jobs", "obtain", "plan", "run", "stored_jobs", "strategies",
]  # fmt: skip


def default_out(profile: str) -> Path:
    """The folder of a sweep's run folders, unless another is given."""
    return Path("runs") / f"sweep-{profile}"


def obtain(profile: str) -> Stored:
    """The runs that the pages draw: those stored, and those that a sweep on this machine has finished since.

    profile "zoo": the runs that ship (laptop sizes).  smoke: a tiny sweep, run on the spot and kept under build/.
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
