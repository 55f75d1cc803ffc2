"""One evolution in several processes: each simulates its share of the offspring, and all compute the same next parent.

    torchrun --nproc-per-node=4 -m enu_lib evolve tmaze          # four processes on this machine

    with join(timeout=600) as processes:                         # the same in a script; without torchrun: one process
        run = evolve(experiment, out="runs/mine", processes=processes)

Mutations and environments are functions of the seed, so only fitness is exchanged: one `all_gather` per generation, a few
kilobytes, with the offspring in the same order for any number of processes.  Every process then computes the next parent from
the same numbers, bit for bit.  A task or model of your own must treat each offspring independently of the others.  Fitness is
ranked on the CPU in any case, so gloo exchanges it even where GPUs run the episodes: gloo notices at once when a process dies,
NCCL only after its timeout.  If all processes are on one Linux machine, `enu_lib.parallel.hub` exchanges fitness with less
delay.

Only rank 0 writes the run folder, evaluates the parent in the held-out environments and decides when the time limit is reached;
the others learn the outcome from it.  If a process dies, hangs or is slower than the timeout, all end with an error that names
it.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count, pairwise
from typing import Annotated, Any, Literal, Protocol, TypeVar, cast, get_args

import numpy as np
import torch
from torch import Tensor

from enu_lib.base.kinds import Between, Json, conform, from_environment
from enu_lib.base.notices import tell
from enu_lib.config import library_version
from enu_lib.kernels import default_threads
from enu_lib.parallel import hub
from enu_lib.parallel.liveness import Liveness, ProcessError
from enu_lib.streams import normal, stream

HEAD = 3  # integers sent with the fitness: generation, checksum of the parent, request to stop
Stop = Literal["interrupted", "time limit"]  # what one process can ask of all
STOPS: tuple[Stop | None, ...] = (None, *get_args(Stop))
INTERRUPTED = 1
SILENT = 10.0  # seconds to wait for the process that listens before saying so
_RUNS = count()  # of this process; the same number in all processes of a run
Timeout = Annotated[float, Between(1, 1e6)]
Size = Annotated[int, Between(1, 10**6)]
Port = Annotated[int, Between(0, 2**16 - 1)]
T = TypeVar("T")


class Begun(Protocol):
    """An exchange with the other processes that has begun."""

    def wait(self) -> object: ...


def shares(population: int, size: int) -> list[tuple[int, int]]:
    """Each process's share of the offspring, by rank: number of the first, and of the last plus one."""
    return list(pairwise(population * rank // size for rank in range(size + 1)))


class Alone:
    """The only process of a run.  `Processes` has the same methods."""

    rank, size = 0, 1
    beside = 1  # processes on this machine
    local_rank: int | None = None  # number of this process on this machine; None: it is alone

    def rows(self, population: int) -> tuple[int, int]:
        """This process's share of the offspring: number of the first, and of the last plus one."""
        return 0, population

    def threads(self, threads: int | None) -> int | None:
        """The given number of threads; if None, ENU_THREADS or else this process's share of the machine's cores."""
        return threads or default_threads() // (1 if os.environ.get("ENU_THREADS") else self.beside) or 1

    def share_memory(self, floats: int) -> Tensor | None:
        """Float32 memory (floats,) shared by the processes of this machine; None without enough space or other processes."""
        return None

    def gather(self, fitness: Tensor, population: int, parent: Tensor, generation: int) -> Callable[[], Tensor]:
        """Start to collect the fitness (P, B) of all offspring; the function returned waits for it and returns it.

        fitness: that of this process's share (rows, B).
        """
        return lambda: fitness

    def agreed(self, stop: Stop | None) -> Stop | None:
        """Why all processes stop now, or None to go on.  stop: why this process would stop, or None."""
        return stop

    def first(self, work: Callable[[], float]) -> float:
        """The result of `work`, which only rank 0 calls, in all processes."""
        return work()

    def resume(self, tensors: Tensor, words: Json) -> tuple[Tensor, Json]:
        """Rank 0's tensors and JSON-compatible values, in all processes."""
        return tensors, words

    def agree(self, facts: Callable[[], dict[str, str]]) -> None:
        """Begin a run.  Raises ProcessError unless facts, versions and random numbers are the same in all processes."""


ALONE = Alone()


@contextmanager
def join(timeout: float = 600.0) -> Iterator[Alone]:
    """The processes started by torchrun, or by a launcher that sets the same environment variables; without one, `ALONE`.

    timeout: seconds that processes wait for one another.  If several processes meet the same error, one of them raises it and
    the others exit with code 2.
    """
    timeout = conform(Timeout, timeout, "process timeout")
    variables = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    if not all(os.environ.get(name) for name in variables) or from_environment(Size, "WORLD_SIZE") == 1:
        yield ALONE
        return
    processes = Processes(timeout)
    try:
        processes.meet()
        yield processes
    except BaseException as error:
        told = processes.alive.tell(error)
        if told is error:
            raise
        raise told from None
    finally:
        processes.leave()


class Processes(Alone):
    """One of several processes of a run."""

    def __init__(self, timeout: float) -> None:
        import torch.distributed

        self._all, self._timeout = torch.distributed, timedelta(seconds=timeout)
        self.size, self.beside = from_environment(Size, "WORLD_SIZE"), from_environment(Size, "LOCAL_WORLD_SIZE", 1)
        self.rank = from_environment(Annotated[int, Between(0, self.size - 1)], "RANK")
        self.local_rank = from_environment(Annotated[int, Between(0, 10**6)], "LOCAL_RANK", 0)
        self._wish = self._heard = self._memories = 0
        self._hub: hub.Hub | None = None
        host, port = os.environ["MASTER_ADDR"], from_environment(Port, "MASTER_PORT")
        try:
            if self.rank > 0 or os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":  # else this process listens
                _wait_for(host, port, timeout)
            met = next(self._all.rendezvous("env://", timeout=self._timeout))[0]
        except (OSError, RuntimeError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ProcessError(
                f"rank {self.rank}: {self.size} processes did not meet at {host}:{port} within {timeout:g} s ({reason[:200]}): "
                "start all of them, with the same MASTER_ADDR and a free MASTER_PORT, or raise --process-timeout"
            ) from None
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        # else keys of processes that died, or of an earlier run in these processes, may be read
        store = self._all.PrefixStore(f"attempt {attempt}, run {next(_RUNS)}", met)
        self._store = cast(hub.Store, store)  # torch declares no `clone`
        self.alive = Liveness(self._store, self.rank, self.size, timeout)

    def meet(self) -> None:
        """Connect with all other processes."""
        self.alive.begin()
        self._begin(lambda: self.alive.wait_until_all("started", self._timeout))
        everybody: dict[str, Any] = dict(store=self._store, rank=self.rank, world_size=self.size)
        self._begin(lambda: self._all.init_process_group("gloo", timeout=self._timeout, **everybody))
        if hub.possible(self.beside, self.size):
            self._hub = self._begin(lambda: hub.Hub(self._store, self.rank, self.size, self._timeout.total_seconds()))
        # a process that ended before the others had connected would leave them waiting for it until the timeout
        self._begin(lambda: self.alive.wait_until_all("connected", self._timeout))
        if self._hub:
            self._begin(self._hub.complete)

    def leave(self) -> None:
        """Disconnect from the others."""
        self.alive.end()
        if self._hub:
            self._hub.close()
        if self._all.is_initialized():
            self._all.destroy_process_group()

    def rows(self, population: int) -> tuple[int, int]:
        if population < self.size:
            raise ProcessError(
                f"{self.size} processes for {population} offspring: start at most {population} processes, or raise --population"
            )
        return shares(population, self.size)[self.rank]

    def share_memory(self, floats: int) -> Tensor | None:
        self._memories += 1
        key, leads = f"memory {self._memories} {self.rank - (self.local_rank or 0)}", self.local_rank == 0
        if leads:
            self._store.set(key, _reserve(4 * floats))
        name = self._store.get(key).decode()
        memory = torch.from_file(name, shared=True, size=floats, dtype=torch.float32) if name else None
        self._exchange(lambda: self._all.barrier(async_op=True))
        if leads and name:
            os.unlink(name)  # all have mapped it: it is freed when they end, however they end
        return memory

    def gather(self, fitness: Tensor, population: int, parent: Tensor, generation: int) -> Callable[[], Tensor]:
        self.alive.place = f"in generation {generation}"
        sizes, environments = [end - first for first, end in shares(population, self.size)], fitness.shape[1]
        received = np.zeros((self.size, HEAD + max(sizes) * environments), np.int32)

        def send() -> Begun:
            sent = np.zeros_like(received[0])
            sent[:HEAD] = generation % 2**31, _checksum(parent.cpu().numpy().tobytes()), self._wish
            sent[HEAD : HEAD + fitness.numel()] = fitness.cpu().numpy().reshape(-1).view(np.int32)
            if self._hub:
                return self._hub.all_gather(received, sent)
            rows = [torch.from_numpy(row) for row in received]
            work: Begun = self._all.all_gather(rows, torch.from_numpy(sent), async_op=True)
            return work

        begun = self._begin(send) if fitness.device.type == "cpu" else None  # a GPU is still computing: send later

        def wait() -> Tensor:
            self._finish(begun or self._begin(send))
            generations, parents, wishes = received[:, :HEAD].T.tolist()
            self._same(generations, f"is in a different generation from rank 0 {self.alive.place}")
            self._same(parents, f"has computed a different parent from rank 0 {self.alive.place}")
            self._heard = INTERRUPTED if INTERRUPTED in wishes else wishes[0]
            rows = [row[HEAD : HEAD + n * environments] for row, n in zip(received, sizes, strict=True)]
            return torch.from_numpy(np.concatenate(rows).view(np.float32).reshape(population, environments))

        return wait

    def agreed(self, stop: Stop | None) -> Stop | None:
        """What was agreed with the last exchange of fitness; this process's own request is sent with the next one."""
        self._wish = STOPS.index(stop)
        return STOPS[self._heard]

    def first(self, work: Callable[[], float]) -> float:
        value = torch.tensor([work() if self.rank == 0 else 0.0], dtype=torch.float64, device="cpu")
        return float(self._from_first(value))

    def resume(self, tensors: Tensor, words: Json) -> tuple[Tensor, Json]:
        text = json.dumps(words).encode()
        length = int(self.first(lambda: len(text)))
        data = torch.zeros(length, dtype=torch.uint8, device="cpu")
        if self.rank == 0:
            data[:] = torch.frombuffer(bytearray(text), dtype=torch.uint8)
        tensors = self._from_first(tensors.cpu().contiguous())
        return tensors, json.loads(self._from_first(data).numpy().tobytes())

    def agree(self, facts: Callable[[], dict[str, str]]) -> None:
        self._wish = self._heard = 0
        numbers = normal(4096, generator=stream(0, "processes"))
        known = {
            **facts(),
            "version of enu_lib": library_version(),
            "version of torch": torch.__version__,
            "vector units": torch.backends.cpu.get_cpu_capability(),
            "random numbers": str(_checksum(numbers.numpy().tobytes())),
        }
        mine = torch.tensor([_checksum(fact.encode()) for fact in known.values()], dtype=torch.int32, device="cpu")
        theirs = [torch.zeros_like(mine) for _ in range(self.size)]
        self._exchange(lambda: self._all.all_gather(theirs, mine, async_op=True))
        for i, name in enumerate(known):
            self._same([int(v[i]) for v in theirs], f"differs from rank 0 in its {name}")

    def _same(self, values: list[int], how: str) -> None:
        other = [r for r, value in enumerate(values) if value != values[0]]
        if other:
            raise ProcessError(
                f"{self.alive.names(other)} {how}: start all processes with the same command, on the same kind of processor, "
                "with the same versions of enu_lib and torch"
            )

    def _from_first(self, tensor: Tensor) -> Tensor:
        self._exchange(lambda: self._all.broadcast(tensor, 0, async_op=True))
        return tensor

    def _exchange(self, send: Callable[[], Begun]) -> None:
        self._finish(self._begin(send))

    def _begin(self, send: Callable[[], T]) -> T:
        self.alive.exchanges += 1
        try:
            return send()
        except (OSError, RuntimeError):
            raise self.alive.missing() from None

    def _finish(self, work: Begun) -> None:
        try:
            work.wait()
        except (OSError, RuntimeError):
            if self._hub:
                self._hub.close()  # so that those that wait for this process notice at once
            raise self.alive.missing() from None


def _wait_for(host: str, port: int, seconds: float) -> None:
    """Wait until a process listens at an address.  Raises OSError after so many seconds; torch would take twice as long."""
    begun = time.monotonic()
    while True:
        left = begun + seconds - time.monotonic()
        try:
            socket.create_connection((host, port), timeout=max(left, 0.1)).close()
            return
        except OSError as error:
            if left <= 0:
                raise
            if seconds - left > SILENT:
                tell(f"still waiting, up to {seconds:g} s in all, until a process listens at {host}:{port} ({error})")
            time.sleep(0.2)


def _checksum(data: bytes) -> int:
    return zlib.crc32(data) - 2**31  # fits int32


def _reserve(size: int) -> str:
    """Create a file of `size` bytes in memory, or else in the temporary folder; returns its path, "" if there is no space."""
    for folder in ("/dev/shm", None):
        with suppress(OSError):
            handle, name = tempfile.mkstemp(prefix="enu_lib-", dir=folder)
            try:
                os.posix_fallocate(handle, 0, size)
                return name
            except OSError:
                os.unlink(name)
            finally:
                os.close(handle)
    return ""
