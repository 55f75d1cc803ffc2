"""Clean shutdown on Ctrl-C, on a scheduler's SIGTERM and on the SIGHUP of a closed terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class SoftInterrupt:
    """Context in which the first signal only sets `asked`, so that work can finish and save; the second interrupts at once.

    patient: further signals do not interrupt either, for processes that a launcher and a scheduler may both signal.
    """

    def __init__(self, patient: bool = False) -> None:
        self.asked, self._patient = False, patient
        self._before: dict[int, Any] = {}

    def __enter__(self) -> SoftInterrupt:
        self._before = _handle(self._ask)
        return self

    def _ask(self, *_: Any) -> None:
        self.asked = True
        for number in () if self._patient else self._before:
            signal.signal(number, signal.default_int_handler)

    def __exit__(self, *_: Any) -> None:
        _restore(self._before)


@contextmanager
def as_interrupts() -> Iterator[None]:
    """Context in which SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does."""
    before = _handle(signal.default_int_handler)
    try:
        yield
    finally:
        _restore(before)


def _handle(handler: Callable[..., Any]) -> dict[int, Any]:
    """Install a handler and return those it replaces.  Does nothing outside the main thread; keeps nohup's ignored SIGHUP."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [n for n, old in before.items() if old is not None and (n == signal.SIGINT or old != signal.SIG_IGN)]
    return {number: signal.signal(number, handler) for number in ours}


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, handler)
