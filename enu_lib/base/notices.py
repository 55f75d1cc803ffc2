"""Notices on stderr: things that the user should know, but that do not stop the program."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import lru_cache


@lru_cache(maxsize=1024)
def tell(text: str) -> None:
    """Print one line on stderr, the same line only once."""
    with suppress(OSError, ValueError):  # stderr is closed; keep running
        print(f"enu_lib: {text}", file=sys.stderr)
