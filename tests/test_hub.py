"""Processes of one machine exchange arrays through rank 0, here as threads."""

import os
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from enu_lib.parallel.hub import RANK, Hub

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a hub needs Linux")
SHORT, HANG = 1.0, 240.0  # timeouts: one that is met on purpose, and one that is not met on any machine


def opened(size, timeout=HANG, lost=()):
    """All hubs of `size` processes except those of the ranks `lost`, by rank, and the store; not completed."""
    store = type("Store", (dict,), {"set": dict.__setitem__, "get": dict.__getitem__})()
    return {rank: Hub(store, rank, size, timeout) for rank in range(size) if rank not in lost}, store


def together(hubs, work):
    with ThreadPoolExecutor(len(hubs)) as pool:
        return [f.result() for f in [pool.submit(work, rank, one) for rank, one in hubs.items()]]


@pytest.mark.parametrize("length", [3, 1_000_000])  # the second is larger than any socket's buffer
def test_every_process_receives_the_arrays_of_all_by_rank(length):
    hubs, _ = opened(4)

    def exchange(rank, one):
        one.complete()
        sums = []
        for turn in range(3):
            time.sleep(0.01 * ((rank + turn) % 4))  # they arrive in different orders
            received = np.zeros((4, length), np.int32)
            one.all_gather(received, np.full(length, 10 * turn + rank, np.int32)).wait()
            sums.append(received[:, [0, -1]].tolist())
        return sums

    try:
        expected = [[[10 * turn + rank] * 2 for rank in range(4)] for turn in range(3)]
        assert together(hubs, exchange) == [expected] * 4
    finally:
        for one in hubs.values():
            one.close()


def test_a_process_that_ended_is_noticed_while_another_is_still_at_work():
    hubs, _ = opened(3)
    together(hubs, lambda rank, one: one.complete())
    hubs[2].close()
    received = np.zeros((3, 5), np.int32)
    with pytest.raises(ConnectionError):  # rank 1 sends nothing, and is not waited for
        hubs[0].all_gather(received, received[0].copy()).wait()
    hubs[0].close()
    with pytest.raises(OSError):
        hubs[1].all_gather(received, received[0].copy()).wait()
    hubs[1].close()


def test_a_process_that_is_too_slow_is_an_error():
    hubs, _ = opened(2, SHORT)
    together(hubs, lambda rank, one: one.complete())
    received = np.zeros((2, 5), np.int32)
    with pytest.raises(TimeoutError):
        hubs[0].all_gather(received, received[0].copy()).wait()
    for one in hubs.values():
        one.close()


def test_a_process_that_ends_while_it_connects_is_an_error():
    hubs, store = opened(2, lost=(1,))
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(store["hub"])
    with pytest.raises(ConnectionError):
        hubs[0].complete()
    hubs[0].close()


def _as_another_user(address, monkeypatch):
    """Connect from a process of another user (only root can start one); whether it was disconnected unread."""
    child = os.fork()
    if not child:
        code = 1
        try:
            os.setuid(65534)
            code = _received(address)
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


def _to_another_user(address, monkeypatch):
    """Connect while rank 0 takes itself for another user; whether it was disconnected unread."""
    other = os.geteuid() + 1
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: other)
        return _received(address) == 0


def _received(address):
    """Connect and say that this is rank 1; the number of bytes that come back before rank 0 disconnects."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(HANG)
        link.connect(address)
        try:
            link.sendall(RANK.pack(1))
            return len(link.recv(1))
        except ConnectionError:  # disconnected before what was sent was read
            return 0


STRANGERS = [_to_another_user, *[_as_another_user] * (sys.platform == "linux" and os.geteuid() == 0)]


@pytest.mark.parametrize("refused", STRANGERS)
def test_processes_of_other_users_are_refused(refused, monkeypatch):
    hubs, store = opened(2, lost=(1,))
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(hubs[0].complete)
        assert refused(store["hub"], monkeypatch) and not done.done()
        hubs[1] = Hub(store, 1, 2, HANG)
        done.result()
    for one in hubs.values():
        one.close()
