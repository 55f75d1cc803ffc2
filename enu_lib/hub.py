"""Exchange among the processes of one machine, by sockets that only their main threads use.

gloo sends and receives on threads of its own.  When all cores are busy with episodes, such a thread waits for its turn, up to a
scheduler's tick of 4 ms.  A main thread that waits for a socket leaves its core idle, and goes on there at once.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

WHO = struct.Struct("3i")  # process, user and group of a peer, as Linux tells them
RANK = struct.Struct("i")
Numbers = NDArray[np.int32]


class Hub:
    """Rank 0's connections with all other processes, or the connection of another process with rank 0."""

    def __init__(self, links: list[socket.socket], leads: bool) -> None:
        self._links, self._leads = links, leads
        self._received = np.empty(0, np.int32)

    def all_gather(self, received: Numbers, sent: Numbers) -> Hub:
        """Begin to collect the arrays (K,) of all N processes in `received` (N, K), by rank; `wait` completes it."""
        self._received = received
        if self._leads:
            received[0] = sent
        else:
            self._links[0].sendall(sent.data)
        return self

    def wait(self) -> None:
        """Raises OSError if another process has ended, or takes longer than the timeout."""
        if not self._leads:
            return _fill(self._received, self._links[0])
        for row, link in zip(self._received[1:], self._links, strict=True):
            _fill(row, link)
        for link in self._links:
            link.sendall(self._received.data)

    def close(self) -> None:
        """Disconnect."""
        for link in self._links:
            link.close()


def connect(store: Any, rank: int, size: int, timeout: float) -> Hub | None:
    """Connect rank 0 with the others, all on one machine; None if the system is not Linux.

    store: where rank 0 writes its address.  timeout: seconds to wait for another process, here and in every exchange.
    """
    if sys.platform != "linux":
        return None
    if rank > 0:
        link = socket.socket(socket.AF_UNIX)
        link.settimeout(timeout)
        link.connect(store.get("hub"))
        link.sendall(RANK.pack(rank))
        return Hub([link], leads=False)
    links: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(timeout)
        door.bind("")  # Linux chooses a name, which is no file
        door.listen(size)
        store.set("hub", door.getsockname())
        while len(links) < size - 1:
            link, _ = door.accept()
            link.settimeout(timeout)
            _, user, _ = WHO.unpack(link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, WHO.size))
            said = link.recv(RANK.size) if user == os.geteuid() else b""  # others may see the name
            if len(said) == RANK.size:  # it has not ended already
                links[RANK.unpack(said)[0]] = link
    return Hub([links[r] for r in range(1, size)], leads=True)


def _fill(array: Numbers, link: socket.socket) -> None:
    left = array.data.cast("B")
    while left:
        count = link.recv_into(left)
        if not count:
            raise ConnectionError("the other process has ended")
        left = left[count:]
