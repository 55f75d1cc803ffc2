"""Where the jobs of a sweep run: in this process, in others on this machine (with or without GPUs), or on a Dask cluster.

Each place is a context manager that yields `submit(function, *arguments)`, which returns a future as in `concurrent.futures`.
Tasks begin in the order in which they are submitted.
"""

from __future__ import annotations

import concurrent.futures as cf
import multiprocessing as mp
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Annotated, Any

import torch

from enu_lib.base.kinds import Between, conform
from enu_lib.kernels import default_threads

Some = Annotated[int, Between(1, 4096)]
FORKS = mp.get_context("forkserver" if sys.platform == "linux" else "spawn")  # macOS libraries do not survive a fork
TRIES = 3  # attempts at a task whose process dies; Dask has its own setting for this
_own = threading.local()  # per thread of `local`: its GPU


def gpus(device: str = "cpu", per_device: int = 1, jobs: int | None = None) -> list[str | None]:
    """The GPU of each worker, as in CUDA_VISIBLE_DEVICES, with `per_device` workers on each; on the CPU, one None per core.

    jobs: number of workers, if not one per core or all of them.  Raises ValueError if there is no GPU, or for numbers below 1.
    """
    jobs, per_device = conform(Some | None, jobs, "--jobs"), conform(Some, per_device, "--per-device")
    if device == "cpu":
        return [None] * (jobs or default_threads())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(torch.cuda.device_count()))))
    if not visible:
        raise ValueError(f"device {device!r} cannot be used here, since there is no GPU: try --device cpu")
    return list[str | None](visible.split(",") * per_device)[:jobs]


@contextmanager
def local(free: list[str | None]) -> Iterator[Callable[..., cf.Future[Any]]]:
    """Workers on this machine, one for each entry of `gpus`; each task has its own process, unless one core works alone."""
    FORKS.set_forkserver_preload(["enu_lib.study.workers"])  # so that a new process takes milliseconds
    pool = cf.ThreadPoolExecutor(len(free), initializer=lambda: setattr(_own, "gpu", free.pop()))
    try:
        yield pool.submit if free == [None] else partial(pool.submit, _in_own_process)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _in_own_process(*task: Any) -> Any:
    """Run a task in a new process, which sees only this thread's GPU; if the process dies, try again."""
    gpu = {} if _own.gpu is None else {"CUDA_VISIBLE_DEVICES": _own.gpu}
    for _ in range(TRIES):
        once = cf.ProcessPoolExecutor(1, FORKS, _begin, ({**os.environ, **gpu},), max_tasks_per_child=1)  # ends by itself
        with suppress(cf.BrokenExecutor), once:
            return once.submit(*task).result()
    raise ValueError(f"{TRIES} processes died while running it, perhaps because memory ran out: use fewer --jobs")


def _begin(environment: dict[str, str]) -> None:
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an evolution handles the signal itself; any other task goes on
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait until the process that started this one has died, then end this one; an evolution saves first."""
    if parent := mp.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def cluster(address: str) -> Iterator[Callable[..., cf.Future[Any]]]:
    """The workers of a running Dask cluster, given the address of its scheduler; all must have a single thread."""
    from distributed import Client
    from distributed.comm import resolve_address

    try:
        resolve_address(address)  # a client with an unusable address takes 20 s to fail, with a traceback
        client = Client(address, timeout=10, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ValueError(f"no Dask scheduler at --scheduler {address} ({error}): start one with `dask scheduler`") from None
    with client:
        for worker, threads in client.nthreads().items():
            if threads > 1:
                raise ValueError(f"Dask worker {worker} has {threads} threads: start workers with --nthreads 1")
        yield partial(client.get_executor(pure=False).submit, fifo_timeout=0)
