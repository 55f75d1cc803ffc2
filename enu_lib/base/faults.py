"""One-line explanations of expected errors: what went wrong, and the remedy."""

from __future__ import annotations

import re

_MEMORY = re.compile(r"out of memory|not enough memory|can't allocate memory|bad_alloc|bad allocation")  # torch's wordings


class Unavailable(RuntimeError):
    """A compiled kernel is not available here; the message gives the reason in one line."""


def explain(error: BaseException) -> str | None:
    """One line about an error that the user can remedy; None if the error may be a bug in the program."""
    said = " ".join(str(error).split())
    if isinstance(error, (ValueError, FloatingPointError)):
        return said
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _MEMORY.search(said)):
        return f"out of memory ({said[:120] or 'MemoryError'}): choose a smaller population, hidden, environments or n"
    if isinstance(error, Unavailable):
        return f"{said}: unset ENU_KERNEL, or set ENU_KERNEL=torch, to use the slower torch backend"
    if isinstance(error, ModuleNotFoundError):
        extra = "cluster" if error.name == "distributed" else "book"
        return f"{said}: this command needs the extra `{extra}`, pip install '.[{extra}]'"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or said}: check that the path exists, that it can be read and written, and free space"
    return None
