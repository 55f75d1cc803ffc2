"""Mutations drawn ahead of time, while a GPU or other processes are busy with the episodes.

Every process of a run needs all mutations (P / 2, D): it simulates only its share of the offspring, but computes the parent's
step from all of them.  Drawing only some rows would save little, since torch's generator is sequential and takes 5 of the 6 ns
that a number costs.  Exchanging sums over some rows would give different bits for each number of processes.

Instead, the L processes of one machine take turns.  Each draws every L-th generation, one L-th of it at a time, into
memory that they share.  A process thus does 1 / L of the drawing, and each machine all of it.  Page 52 of the book measures
what this costs with 1,000 processes.  A population that grows with the number of machines would need a different random
stream, one that can be started at any position.

A process that has a GPU and takes no turns draws several generations at once, each on a thread of its own.  This is possible
since each generation has its own random stream, and saves time since torch draws without holding Python's lock.
"""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from enu_lib import es
from enu_lib.experiments import Experiment
from enu_lib.parallel.processes import Alone
from enu_lib.streams import normal, stream

MOST_THREADS = 4  # four draw about a billion numbers per second
MOST_AHEAD = 2**28  # most numbers drawn ahead (1 GiB), unless a single generation has more
FEWEST_TO_SHARE = 2**16  # fewest numbers in a generation for which taking turns pays: half a millisecond
BLOCK = 16  # torch draws normal numbers in blocks of this size


class Ahead:
    """The mutations of a run; those of each generation are drawn during the one before."""

    def __init__(self, parameters: int, seed: int) -> None:
        self.parameters, self.seed = parameters, seed
        self._drawn: tuple[es.ES, int, Tensor] | None = None

    def take(self, settings: es.ES, generation: int) -> Tensor:
        """Mutations (P / 2, D) of a generation, equal to those of `es.sample_mutations`."""
        drawn, self._drawn = self._drawn, None
        if drawn is not None and drawn[:2] == (settings, generation):
            return drawn[2]
        return es.sample_mutations(settings, self.parameters, self.seed, generation)

    def draw(self, settings: es.ES, generation: int) -> None:
        """Draw the mutations of the generation after this one."""
        self._drawn = settings, generation + 1, es.sample_mutations(settings, self.parameters, self.seed, generation + 1)

    def close(self) -> None:
        """End the threads that draw, if there are any."""


class Threaded(Ahead):
    """The same, drawn several generations ahead on a few threads, one generation on each; `close` ends them.

    pinned: draw into page-locked memory, which can be copied to a GPU while the CPU goes on.
    """

    def __init__(self, parameters: int, seed: int, threads: int, ahead: int, pinned: bool = False) -> None:
        super().__init__(parameters, seed)
        self._pool, self._ahead, self._pinned = ThreadPoolExecutor(threads, "mutations"), ahead, pinned
        self._settings: es.ES | None = None
        self._begun: dict[int, Future[Tensor]] = {}

    def take(self, settings: es.ES, generation: int) -> Tensor:
        drawn = self._begun.pop(generation, None) if settings == self._settings else None
        return self._sample(settings, generation) if drawn is None else drawn.result()

    def draw(self, settings: es.ES, generation: int) -> None:
        """Begin to draw the generations after this one; returns at once."""
        following = range(generation + 1, generation + 1 + self._ahead)
        for g in [g for g in self._begun if settings != self._settings or g not in following]:
            self._begun.pop(g).cancel()
        self._settings = settings
        for g in following:
            if g not in self._begun:
                self._begun[g] = self._pool.submit(self._sample, settings, g)

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _sample(self, settings: es.ES, generation: int) -> Tensor:
        """As `es.sample_mutations`, without torch's parallel operations, which would start more threads from each of ours."""
        shape, generator = (settings.population // 2, self.parameters), stream(self.seed, "mutation", generation)
        mutations = normal(*shape, generator=generator, pinned=self._pinned)
        values = mutations.numpy()
        values *= np.float32(settings.sigma_at(generation))
        values[0] = 0
        return mutations


class Turns(Ahead):
    """The same, drawn in turns by L processes with shared memory; all must call `take` and `draw` in every generation.

    Process l draws each generation g with g % L == l, in L parts, during generations g - 1 - L to g - 2.  The exchange of
    fitness in generation g - 1 guarantees that the mutations are complete when any process needs them in generation g.
    """

    def __init__(self, parameters: int, seed: int, turn: int, turns: int, memory: Tensor) -> None:
        super().__init__(parameters, seed)
        self._turn, self._turns, self._slots = turn, turns, memory.view(slots(turns), -1)
        self._settings: es.ES | None = None
        self._begun, self._generator = 0, torch.Generator()

    def take(self, settings: es.ES, generation: int) -> Tensor:
        if settings != self._settings:  # start of the run, or of a stage with other settings
            self._settings, self._begun = settings, generation
        if generation <= self._begun + self._turns:  # too early for any process to have drawn these
            return es.sample_mutations(settings, self.parameters, self.seed, generation)
        return self._slot(settings, generation).view(-1, self.parameters)

    def draw(self, settings: es.ES, generation: int) -> None:
        """Draw one part of the next generation that this process has to draw."""
        mine = generation + 2 + (self._turn - generation - 2) % self._turns
        if mine <= self._begun + self._turns:
            return
        slot, part = self._slot(settings, mine), generation - (mine - 1 - self._turns)
        if part == 0:
            self._generator = stream(self.seed, "mutation", mine)
        low, high = (len(slot) * i // self._turns // BLOCK * BLOCK for i in (part, part + 1))
        piece = slot[low:] if part == self._turns - 1 else slot[low:high]
        piece.normal_(generator=self._generator)
        piece *= settings.sigma_at(mine)
        if part == self._turns - 1:
            slot[: self.parameters] = 0

    def _slot(self, settings: es.ES, generation: int) -> Tensor:
        return self._slots[generation % len(self._slots)][: settings.population // 2 * self.parameters]


def slots(turns: int) -> int:
    """Number of generations kept in memory by `turns` processes, so that none is overwritten while a process may read it."""
    return turns * (1 + math.ceil(3 / turns))


def prepare(experiment: Experiment, seed: int, processes: Alone, place: torch.device, threads: int | None = None) -> Ahead:
    """The mutations of a run on a device; call `close` at the end of the run.

    `Turns` if processes share a machine and there are enough to draw; else `Threaded` on a GPU and `Ahead` on the CPU.
    threads: those that the run may use; None: as many as this process's share of the machine's cores.
    """
    parameters = int(experiment.model.n_params)
    numbers, turns = max(experiment.populations) // 2 * parameters, processes.beside
    memory = processes.share_memory(slots(turns) * numbers) if turns > 1 and numbers >= FEWEST_TO_SHARE else None
    if memory is not None:
        return Turns(parameters, seed, processes.local_rank or 0, turns, memory)
    if place.type == "cpu":
        return Ahead(parameters, seed)
    most = min(MOST_THREADS, (processes.threads(threads) or 1) - 1)  # one core is left for everything else
    ahead = max(1, min(most + 1, MOST_AHEAD // numbers))
    return Threaded(parameters, seed, max(1, min(most, ahead)), ahead, pinned=place.type == "cuda")
