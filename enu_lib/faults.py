"""Faults that are to be expected, each told in one line: what cannot be used, and what to do about it."""

from __future__ import annotations

import re

from enu_lib.kernels.build import Unavailable

_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory|bad_alloc|bad allocation")  # as torch says it


def explain(error: BaseException) -> str | None:
    """One line about an error that need not be the program's fault; None for any other."""
    said = " ".join(str(error).split())
    if isinstance(error, (ValueError, FloatingPointError)):
        return said
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _MEMORY.search(said)):
        return f"out of memory ({said[:120] or 'MemoryError'}): choose a smaller population, hidden, environments or n"
    if isinstance(error, Unavailable):
        return f"{said}: without ENU_KERNEL, or with ENU_KERNEL=torch, the slower torch path is used"
    if isinstance(error, ModuleNotFoundError):
        return f"{said}: this command needs the extra `book`, pip install '.[book]'"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or said}: check that the place exists, may be read and written, and has room"
    return None
