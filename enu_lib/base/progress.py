"""Progress display: a bar in a terminal or notebook; elsewhere, as in a batch job's log, one line per minute."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from tqdm.asyncio import tqdm_asyncio
from tqdm.auto import tqdm

SECONDS_BETWEEN_LINES = 60.0  # seconds between lines


class Bar(AbstractContextManager["Bar"], Protocol):
    """The part of tqdm's interface that we use."""

    n: int  # units so far

    def set_postfix_str(self, text: str, /) -> None: ...

    def update(self, n: int = 1, /) -> object: ...


class Lines:
    """Progress as lines on stderr, at most one per `every` seconds, as a `Bar`."""

    def __init__(
        self,
        total: int,
        initial: int = 0,
        desc: str = "",
        unit: str = "generation",
        every: float = SECONDS_BETWEEN_LINES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total, self.initial, self.n, self.desc, self.unit = total, initial, initial, desc, unit
        self.every, self.clock, self.postfix = every, clock, ""
        self.begun = self.said = clock()

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def set_postfix_str(self, text: str) -> None:
        self.postfix = text

    def update(self, n: int = 1) -> None:
        """Count `n` more units, and print a line if one is due."""
        self.n += n
        now = self.clock()
        if now - self.said < self.every:
            return
        self.said = now
        left = (now - self.begun) / max(1, self.n - self.initial) * (self.total - self.n)
        parts = [f"{self.unit} {self.n} of {self.total}", self.postfix, f"about {duration(left)} left"]
        with suppress(OSError, ValueError):  # stderr is closed; keep running
            print(f"{self.desc}: {', '.join(part for part in parts if part)}", file=sys.stderr, flush=True)


def bar(total: int, initial: int = 0, desc: str = "", show: bool = True, unit: str = "generation") -> Bar:
    """A progress bar in a terminal or notebook, else `Lines`; shows nothing unless `show`.  unit: what is counted."""
    notebook = tqdm is not tqdm_asyncio
    if show and not notebook and not sys.stderr.isatty():
        return Lines(total, initial, desc, unit)
    shown: Bar = tqdm(total=total, initial=initial, desc=desc, unit=f" {unit}s", disable=not show, mininterval=0.5)
    return shown


def duration(seconds: float) -> str:
    """A duration in suitable units: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
