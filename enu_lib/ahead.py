"""Mutations drawn ahead of time, while a GPU or other processes are busy.

All processes of a run need all mutations (P / 2, D): each simulates a share of the offspring only, but computes the parent's
step from all.  To draw some rows only would save little, since torch's generator is sequential and takes 5 of the 6 ns a number
costs; and sums over some rows, exchanged and added up, would have other bits for every number of processes.

What we chose: the L processes of one machine draw in turns, each every L-th generation, an L-th of it at a time, into memory
that they share.  A process then spends 1 / L of the drawing, and each machine all of it.  At the published sizes (256 x 15,072
numbers, 24 ms on one core) 1,000 processes on 125 machines of eight spend 3 ms per generation; 1,000 on as many machines 24 ms,
which is more than their share of the episodes (11 ms on one core): use fewer machines with more processes on each, or a GPU.
Populations that grow with the number of machines would need another random stream, one that can be entered anywhere.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from enu_lib import es
from enu_lib.experiments import Experiment
from enu_lib.processes import Alone
from enu_lib.streams import stream

WORTH = 2**16  # numbers in a generation from which taking turns is worthwhile: half a millisecond
BLOCK = 16  # torch draws normal numbers in blocks of this size


class Ahead:
    """The mutations of a run, each generation's drawn during the one before."""

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
        """Prepare for the generation after this one."""
        self._drawn = settings, generation + 1, es.sample_mutations(settings, self.parameters, self.seed, generation + 1)


class Turns(Ahead):
    """The same, drawn in turns by L processes with shared memory; all must call `take` and `draw` in every generation.

    Process l draws each generation g with g % L == l, in L parts, during generations g - 1 - L to g - 2.  In generation g - 1
    processes exchange fitness, so that all of them find the mutations complete in generation g.
    """

    def __init__(self, parameters: int, seed: int, turn: int, turns: int, memory: Tensor) -> None:
        super().__init__(parameters, seed)
        self._turn, self._turns, self._slots = turn, turns, memory.view(slots(turns), -1)
        self._settings: es.ES | None = None
        self._begun, self._generator = 0, torch.Generator()

    def take(self, settings: es.ES, generation: int) -> Tensor:
        if settings != self._settings:  # the run begins, or a stage with other mutations
            self._settings, self._begun = settings, generation
        if generation <= self._begun + self._turns:  # nobody had the time to draw these
            return es.sample_mutations(settings, self.parameters, self.seed, generation)
        return self._slot(settings, generation).view(-1, self.parameters)

    def draw(self, settings: es.ES, generation: int) -> None:
        """Draw a part of the next generation that is this process's turn."""
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
    """Generations that `turns` processes keep in memory: none is overwritten while a process may still read it."""
    return turns * (1 + math.ceil(3 / turns))


def prepare(experiment: Experiment, seed: int, processes: Alone) -> Ahead:
    """The mutations of a run in these processes."""
    parameters = int(experiment.model.n_params)
    numbers, turns = max(experiment.populations) // 2 * parameters, processes.beside
    memory = processes.share_memory(slots(turns) * numbers) if turns > 1 and numbers >= WORTH else None
    if memory is None:
        return Ahead(parameters, seed)
    return Turns(parameters, seed, processes.local_rank or 0, turns, memory)
