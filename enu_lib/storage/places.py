"""Folder for the files that pages write: `build/` in the checkout, independent of the working directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enu_lib.storage.folder import RunFolderError


class PlaceError(RunFolderError):
    """A folder that a page cannot use; the message names it and a remedy that works from a page."""


def root() -> Path:
    """The checkout: the nearest folder that contains the book.

    Searches upwards from the working directory, then upwards from this package; else the working directory.
    """
    here = Path.cwd()
    for folder in (here, *here.parents, *Path(__file__).resolve().parents):
        if (folder / "book/run.py").is_file():
            return folder
    return here


def build(*parts: str) -> Path:
    """A folder below $ENU_BUILD if that is set, else below the checkout's build/; created if absent.

    Raises PlaceError if it cannot be written.
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
    """Context in which a RunFolderError becomes a PlaceError, since a page has no option --out to suggest."""
    try:
        yield
    except PlaceError:
        raise
    except RunFolderError as error:
        problem = str(error).rpartition(": ")[0] or str(error)
        raise PlaceError(f"{problem}: move {folder} away, or set ENU_BUILD to another folder") from error
