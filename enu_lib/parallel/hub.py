"""Exchange fitness among the processes of one Linux machine, over sockets that only their main threads use.

gloo uses threads of its own.  When all cores are busy with episodes, such a thread may wait for the scheduler for some
milliseconds.  A main thread that waits for a socket leaves its core idle, so it usually goes on at once: an STDP generation
with laptop sizes in two processes on two cores took 17 ms in place of 19.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from selectors import EVENT_READ, DefaultSelector
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

WHO = struct.Struct("3i")  # process, user and group ID of the peer (SO_PEERCRED)
RANK = struct.Struct("i")
Numbers = NDArray[np.int32]


class Store(Protocol):
    """The part of a torch.distributed store that we use: values by key, for all processes of a run."""

    def set(self, key: str, value: str, /) -> object: ...

    def get(self, key: str, /) -> bytes: ...

    def add(self, key: str, amount: int, /) -> int: ...

    def check(self, keys: list[str], /) -> bool: ...

    def wait(self, keys: list[str], timeout: timedelta, /) -> object: ...

    def clone(self) -> Store: ...


class Hub:
    """Rank 0's connections with all other processes, or the connection of another process with rank 0.

    Every process opens it; once all have, `complete` it, then exchange.  store: where rank 0 writes its address.
    timeout: seconds to wait for other processes, here and in every exchange.
    """

    def __init__(self, store: Store, rank: int, size: int, timeout: float) -> None:
        self._size, self._leads, self._timeout = size, rank == 0, timeout
        self._links: list[socket.socket] = []
        self._open, self._received = ExitStack(), np.empty(0, np.int32)
        self._own = self._kept(socket.socket(socket.AF_UNIX))  # rank 0's door, or the link with rank 0
        if self._leads:
            self._own.bind("")  # Linux chooses an abstract name: no file is created
            self._own.listen(size)
            store.set("hub", self._own.getsockname())
        else:
            self._own.connect(store.get("hub"))
            self._own.sendall(RANK.pack(rank))
            self._links = [self._own]

    def complete(self) -> None:
        """Accept the others, who have all connected.  Raises OSError if one has ended while it connected."""
        links: dict[int, socket.socket] = {}
        while self._leads and len(links) < self._size - 1:
            link = self._kept(self._own.accept()[0])
            _, user, _ = WHO.unpack(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, WHO.size))
            if user != os.geteuid():  # processes of other users can connect, too
                link.close()
                continue
            said = link.recv(RANK.size)
            if len(said) < RANK.size:
                raise ConnectionError("a process ended while it connected")
            links[RANK.unpack(said)[0]] = link
        self._links += [links[rank] for rank in sorted(links)]

    def all_gather(self, received: Numbers, sent: Numbers) -> Hub:
        """Begin to collect the arrays (K,) of all N processes in `received` (N, K), by rank; `wait` completes it.

        An array larger than the socket's buffer (about 200 kB) leaves its process only once rank 0 waits.
        """
        self._received = received
        if self._leads:
            received[0] = sent
        else:
            self._own.sendall(sent.data)
        return self

    def wait(self) -> None:
        """Complete the exchange.  Raises OSError if a process has ended or takes longer than the timeout."""
        if self._leads:
            self._fill(dict(zip(self._links, self._received[1:], strict=True)))
            for link in self._links:
                link.sendall(self._received.data)
        else:
            self._fill({self._own: self._received})

    def close(self) -> None:
        """Disconnect."""
        self._open.close()

    def _kept(self, link: socket.socket) -> socket.socket:
        link.settimeout(self._timeout)
        return self._open.enter_context(link)

    def _fill(self, arrays: dict[socket.socket, Numbers]) -> None:
        """Receive an array from each link, in any order."""
        until = time.monotonic() + self._timeout
        with DefaultSelector() as waiting:
            for link, array in arrays.items():
                waiting.register(link, EVENT_READ, (link, array.data.cast("B")))
            while waiting.get_map():
                ready = waiting.select(max(0.0, until - time.monotonic()))
                if not ready:
                    raise TimeoutError(f"no answer within {self._timeout:g} s")
                for key, _ in ready:
                    link, left = key.data
                    count = link.recv_into(left)
                    if not count:
                        raise ConnectionError("another process has ended")
                    if count == len(left):
                        waiting.unregister(link)
                    else:
                        waiting.modify(link, EVENT_READ, (link, left[count:]))


def possible(beside: int, size: int) -> bool:
    """Whether all `size` processes, `beside` of them on this machine, can meet at a hub."""
    return beside == size and sys.platform == "linux"
