"""Heartbeats that tell which process of a run is missing when the others cannot go on.

Once a second, a separate thread of each process writes a heartbeat to the launcher's store: a count, and how many exchanges
with the others the process has begun.  If an exchange fails or takes too long, the first process to notice reads all heartbeats
twice.  A process whose count is unchanged has died or is stopped; one that has begun fewer exchanges is late.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from enu_lib.base.faults import explain
from enu_lib.parallel.hub import Store

BEAT = 1.0  # seconds between heartbeats


class ProcessError(ValueError):
    """The processes of a run cannot go on together; the message names the process and the remedy."""


class Liveness:
    """The heartbeat of this process, and what the heartbeats of the others show."""

    def __init__(self, store: Store, rank: int, size: int, timeout: float) -> None:
        self._store, self.rank, self.size, self.timeout = store, rank, size, timeout
        self.exchanges, self.place = 0, "before the first generation"  # where this process is in the run
        self._over, self._heart = threading.Event(), threading.Thread(target=self._beat, daemon=True)

    def begin(self) -> None:
        """Store who this process is, and start its heartbeat."""
        self._store.set(f"who {self.rank}", f"rank {self.rank} ({socket.gethostname()}, process {os.getpid()})")
        self._store.set(f"beat {self.rank}", "0 0")
        self._heart.start()

    def wait_until_all(self, state: str, limit: timedelta) -> None:
        """Report that this process has reached a state, and wait until all have.  Raises RuntimeError after the limit."""
        self._store.set(f"{state} {self.rank}", "")
        self._store.wait([f"{state} {rank}" for rank in range(self.size)], limit)

    def end(self) -> None:
        """Stop the heartbeat."""
        self._over.set()
        if self._heart.is_alive():
            self._heart.join(BEAT)

    def names(self, ranks: Iterable[int]) -> str:
        """Rank, machine and process ID of the processes with these ranks, as text."""
        return ", ".join(self._store.get(f"who {rank}").decode() for rank in ranks)

    def missing(self) -> ProcessError:
        """The error that names the process that this one is waiting for; the first to notice identifies it for all."""
        try:
            if self._store.add("notices", 1) > 1:
                self._store.wait(["verdict"], timedelta(seconds=20 * BEAT))
                return ProcessError(self._store.get("verdict").decode())
            verdict = self._judge()
            self._store.set("verdict", verdict)
        except RuntimeError:  # rank 0 or its launcher, which keeps the store, is gone
            verdict = f"rank 0 or its launcher died {self.place}: run the same command to resume from the last checkpoint"
        return ProcessError(verdict)

    def tell(self, error: BaseException) -> BaseException:
        """Tell the others why this process ends.

        Returns the error to raise, or SystemExit if another process already reports the same.
        """
        line = " ".join(str(error).split()) or type(error).__name__
        known = explain(error) if isinstance(error, Exception) else None
        with suppress(RuntimeError):
            stopped = f"{self.names([self.rank])} stopped: {known or line}"
            if known and not isinstance(error, (ValueError, FloatingPointError)):  # not an error that all processes meet
                error, line = ProcessError(stopped), stopped
            if self._store.add("notices", 1) == 1:
                self._store.set("verdict", stopped)
                self._store.add(f"said {stopped}", 1)
            if self._store.add(f"said {line}", 1) > 1 and line != stopped:
                return SystemExit(2)
        return error

    def _beat(self) -> None:
        count = 0
        with suppress(RuntimeError):  # the launcher is gone
            store = self._store.clone()  # a connection of its own: the other may be blocked
            while not self._over.wait(BEAT):
                count += 1
                store.set(f"beat {self.rank}", f"{count} {self.exchanges}")

    def _beats(self) -> dict[int, tuple[int, int]]:
        """(heartbeats, exchanges begun) of each process that has started, by rank."""
        started = [r for r in range(self.size) if self._store.check([f"beat {r}"])]
        pairs = (self._store.get(f"beat {r}").split() for r in started)
        return {r: (int(count), int(begun)) for r, (count, begun) in zip(started, pairs, strict=True)}

    def _judge(self) -> str:
        before = self._beats()
        time.sleep(2.5 * BEAT)
        after = self._beats()
        absent = [r for r in range(self.size) if r not in after]
        silent = [r for r in before if r != self.rank and before[r][0] == after[r][0]]
        late = [r for r, (_, begun) in after.items() if begun < self.exchanges]
        limit = f"{self.timeout:g} s (--process-timeout)"
        if absent:
            what = f"rank {', '.join(map(str, absent))} did not start"
        elif silent:
            what = f"{self.names(silent)} died, or is stopped, {self.place}"
        elif late:
            what = f"{self.names(late)} hangs, or is slower than {limit}, {self.place}"
        else:
            what = f"the connection between the processes broke {self.place}"
        return f"{what}: run the same command to resume from the last checkpoint"
