"""Clean shutdown on Ctrl-C, on a scheduler's SIGTERM and on the SIGHUP of a closed terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any] | int | None
SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class SoftInterrupt:
    """Context in which the first signal only sets `asked`, so that work can finish and save; the second interrupts at once.

    patient: further signals do not interrupt, either; for processes that both a launcher and a scheduler may signal.
    """

    def __init__(self, patient: bool = False) -> None:
        self.asked, self._patient = False, patient
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> SoftInterrupt:
        if threading.current_thread() is threading.main_thread():  # only the main thread may handle signals
            before = {number: signal.getsignal(number) for number in SIGNALS}
            ours = [n for n, old in before.items() if old is not None and (n == signal.SIGINT or old != signal.SIG_IGN)]
            self._before = {number: signal.signal(number, self._ask) for number in ours}  # nohup's ignored SIGHUP is not ours
        return self

    def _ask(self, *_: object) -> None:
        self.asked = True
        for number in () if self._patient else self._before:
            signal.signal(number, signal.default_int_handler)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
