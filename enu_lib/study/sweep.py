"""All models on all tasks, many seeds: one run folder a cell, every core at work, stopped and resumed at will.

    python -m enu_lib sweep --profile laptop --time-limit 2h      # again to go on

A **cell** is (experiment, model, seed).  Cells come seed by seed, so that a sweep stopped half way has whole seeds of all
models; what checks our choices (matched parameter counts, clipped read-outs) and other evolution strategies come after
what the claims need.  A worker that dies loses what came after its last checkpoint, and nothing else.  A cell is done when
its evaluation is written, or its record is stored (`enu_lib.study.results`), on whatever machine that was; a done cell is not
run again, with one exception: a double T-maze goes on from a T-maze's genome, and where only that one's record is stored it is
evolved anew, to the same end.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from filelock import FileLock

from enu_lib import places
from enu_lib.storage.folder import RunFolderError
from enu_lib.study.design import GROUPS, MATCHED, ORDER, SMOKE_CHECKS, UNITS, Cell, build, cells, strategies
from enu_lib.study.progress import hours, plan, stored_cells
from enu_lib.study.results import Stored, collect, load, path
from enu_lib.study.workers import run

__all__ = [
    "GROUPS", "MATCHED", "ORDER", "SMOKE_CHECKS", "UNITS", "Cell", "build", "cells", "default_out", "hours",
    "obtain", "plan", "run", "stored_cells", "strategies",
]  # fmt: skip


def default_out(profile: str) -> Path:
    """Where the run folders of a sweep lie."""
    return Path("runs") / f"sweep-{profile}"


def obtain(profile: str) -> Stored:
    """What the pages draw: stored runs, with those that a sweep on this machine has done since.

    profile "zoo": the runs that ship (laptop sizes).  smoke: a tiny sweep, made on the spot, and kept under build/.
    """
    if profile == "zoo":
        return load("laptop")
    out = places.root() / default_out(profile) if profile != "smoke" else places.build("runs") / "sweep-smoke"
    kept = places.build("results")
    with FileLock(kept / f"{profile}.lock"):  # several pages may ask at once
        if path(profile).exists():
            shutil.copy(path(profile), path(profile, kept))
        if profile == "smoke":
            with places.kept_run(out):
                if errors := run(profile, [*cells(profile, checks=False), *SMOKE_CHECKS], out, jobs=1, progress=False):
                    raise RunFolderError(errors[0])
        return collect(profile, out, kept)
