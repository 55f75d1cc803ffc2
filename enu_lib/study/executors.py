"""Where the jobs of a sweep run: in this process, in processes of this machine with or without GPUs, or on a Dask cluster.

Each place is a context that yields how many tasks to submit at a time, and `submit(rank, function, *arguments)`, which returns
a future as in `concurrent.futures`.  Tasks of low rank are run first.
"""

from __future__ import annotations

import concurrent.futures as cf
import multiprocessing as mp
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import torch

from enu_lib.kernels import default_threads
from enu_lib.kinds import Between, conform

Place = tuple[int, Callable[..., cf.Future[Any]]]
Some = Annotated[int, Between(1, 4096)]
_own = threading.local()  # of each thread of `local`: its GPU and its process
TRIES = 3  # attempts at a task whose process dies; Dask has such a number in its own settings


def gpus(device: str = "cpu", per_device: int = 1, jobs: int | None = None) -> list[str | None]:
    """The GPU of each worker, as CUDA_VISIBLE_DEVICES names it: `per_device` workers on each; on a CPU, None for each core.

    jobs: number of workers, instead of all.  Raises ValueError if there is no GPU, or for numbers below 1.
    """
    jobs, per_device = conform(Some | None, jobs, "--jobs"), conform(Some, per_device, "--per-device")
    if device == "cpu":
        return [None] * (jobs or default_threads())
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(torch.cuda.device_count()))))
    if not visible:
        raise ValueError(f"device {device!r} cannot be used here, since there is no GPU: try --device cpu")
    found: list[str | None] = [*visible.split(",") * per_device]
    return found[:jobs]


@contextmanager
def local(free: list[str | None]) -> Iterator[Place]:
    """Workers on this machine, one for each entry of `gpus`: a process each, or this one if it is alone on the CPU."""
    first: tuple[Any, ...] = () if free == [None] else (_in_own_process,)
    pool = cf.ThreadPoolExecutor(len(free), initializer=lambda: setattr(_own, "gpu", free.pop()))
    try:
        yield len(free), lambda rank, *task: pool.submit(*first, *task)
    finally:
        pool.shutdown(wait=False)


def _in_own_process(*task: Any) -> Any:
    """Run a task in this thread's process, which is started if there is none; if it dies, try again in a new one."""
    for _ in range(TRIES):
        if not hasattr(_own, "process"):
            _own.process = cf.ProcessPoolExecutor(1, mp.get_context("spawn"), _begin, (_own.gpu,))
        try:
            return _own.process.submit(*task).result()
        except cf.BrokenExecutor:
            del _own.process
    raise cf.BrokenExecutor(f"{TRIES} processes died while running it, perhaps for want of memory: use fewer --jobs")


def _begin(gpu: str | None) -> None:
    """Prepare a process: it sees only its GPU, leaves Ctrl-C between tasks to its parent, and ends with its parent."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after, args=(mp.parent_process(),), daemon=True).start()


def _end_after(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)  # an evolution is saved first


@contextmanager
def cluster(address: str) -> Iterator[Place]:
    """The workers of a running Dask cluster, by the address of its scheduler."""
    try:
        from distributed import Client

        client = Client(address, timeout=10, set_as_default=False)
    except ModuleNotFoundError:
        raise ValueError("--scheduler needs the extra `cluster`: pip install '.[cluster]'") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"no Dask scheduler at --scheduler {address} ({error}): start one with `dask scheduler`") from None
    with client:
        for worker, threads in client.nthreads().items():
            if threads > 1:
                raise ValueError(f"Dask worker {worker} has {threads} threads: start workers with --nthreads 1")
        pool = client.get_executor(pure=False)
        yield sys.maxsize, lambda rank, *task: pool.submit(*task, priority=-rank)
