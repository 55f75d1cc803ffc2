"""Where pages keep what they make: `build/` of the checkout, whatever the working directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enu_lib.storage.folder import RunFolderError


class PlaceError(RunFolderError):
    """A folder that pages cannot use; the message names it and a remedy that pages have."""


def root() -> Path:
    """The checkout whose pages run: the nearest folder with the book in it.

    Looked for from the working directory upwards, then from this package upwards; the working directory if there is none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / "book/run.py").is_file():
            return folder
    return here


def build(*parts: str) -> Path:
    """A folder below the checkout's build/, or below $ENU_BUILD if that is set; made if it is not there.

    Raises PlaceError where it cannot be written.
    """
    chosen = os.environ.get("ENU_BUILD")
    folder = (Path(chosen).expanduser() if chosen else root() / "build").joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "it is read-only"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise PlaceError(f"cannot write in {folder} ({reason}): set ENU_BUILD to a folder that can be written")
    return folder


@contextmanager
def kept_run(folder: Path) -> Iterator[None]:
    """Run folders that pages made: what is wrong with one, and what helps in a page, which has no option --out."""
    try:
        yield
    except PlaceError:
        raise
    except RunFolderError as error:
        problem = str(error).rpartition(": ")[0] or str(error)
        raise PlaceError(f"{problem}: move {folder} away, or set ENU_BUILD to another folder") from error
