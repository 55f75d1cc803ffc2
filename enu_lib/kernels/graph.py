"""Lives in a maze on a GPU for which `cuda` has no kernel: one move is recorded as a graph and replayed until they are over.

A step is some sixty small operations, and to launch them one by one takes longer than to compute them.  A graph is
launched as one; it reads and writes the tensors that it was recorded with, so a `Life` keeps its tensors for good and
fills them anew for every generation.  The host is asked nothing but, now and then, whether anybody is still alive.

Tested on the CPU, where a move's operations are recorded, and replayed must live other lives as the reference does; the
capture itself has not been run on a GPU yet.  If it fails, a line says so and the same operations are launched one by one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from enu_lib.kernels.fused import Stepper
from enu_lib.network import Network
from enu_lib.streams import Noise

MOVES_BETWEEN_QUESTIONS = 5  # asking whether anybody lives waits for the device


class Life:
    """The tensors of P x B lives that stay where they are, and the one operation on them: a move."""

    def __init__(self, network: Network, maze: Any, genomes: Tensor, state: Any, noise: Noise | None) -> None:
        """All tensors shaped, and first filled, by these lives."""
        p, b = len(genomes), state.places.shape[1]
        self.network, self.maze = network, maze
        self.stepper = Stepper(network, genomes.clone(), b)  # some of its tensors are views of its genomes
        self.state = type(state)(*(_own(v, p) for v in state))
        self.total = torch.zeros(p, b, dtype=torch.float32, device=genomes.device)
        self.alive_steps = torch.zeros(p, b, dtype=torch.int64, device=genomes.device)
        self.clock = torch.zeros(1, dtype=torch.int64, device=genomes.device)
        self.noise = None if noise is None else Noise(noise.table.clone(), noise.offsets.clone())

    def fill(self, genomes: Tensor, state: Any, noise: Noise | None) -> None:
        """Other lives of the same shapes, at their beginning."""
        fresh = Stepper(self.network, genomes, self.stepper.environments)
        for mine, theirs in zip(self.stepper.tensors(), fresh.tensors(), strict=True):
            mine.copy_(theirs)
        for mine, theirs in zip(self.state, state, strict=True):
            mine.copy_(theirs)
        for mine in (self.total, self.alive_steps, self.clock):
            mine.zero_()
        if self.noise is not None and noise is not None:
            self.noise.table.copy_(noise.table)
            self.noise.offsets.copy_(noise.offsets)

    @torch.no_grad()
    def move(self) -> None:
        """`move_every` steps; nothing in it depends on what the host knows, but for the place within the move."""
        state = self.state
        for t in range(self.maze.move_every):
            table = offsets = None
            if self.noise is not None:
                table, offsets = self.noise.table, self.noise.offsets.index_select(0, self.clock)[0]
            self.alive_steps.add_(state.alive)
            y = self.stepper.advance(self.maze.observe(state, t), table, offsets)
            state, fitness = self.maze.step(state, y, t)
            self.total.add_(fitness)
            self.clock.add_(1)
        for mine, now in zip(self.state, state, strict=True):
            if mine is not now:
                mine.copy_(now)

    def live(self, move: Callable[[], Any]) -> None:
        """Moves to the end of the maze's time, or of the last life."""
        for i in range(self.maze.steps // self.maze.move_every):
            move()
            if i % MOVES_BETWEEN_QUESTIONS == MOVES_BETWEEN_QUESTIONS - 1 and not bool(self.state.alive.any()):
                break


def serves(maze: Any, genomes: Tensor, record: bool) -> bool:
    """Whether lives are captured: on a GPU, in whole moves, with nothing recorded."""
    return genomes.device.type == "cuda" and maze.steps % maze.move_every == 0 and not record


def maze_lives(
    network: Network, genomes: Tensor, maze: Any, state: Any, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
    """Fitness, foods, poisons, steps alive, all (P, B); None, for outputs are not recorded."""
    with torch.cuda.device(genomes.device):
        return _maze_lives(network, genomes, maze, state, noise)


def _maze_lives(
    network: Network, genomes: Tensor, maze: Any, state: Any, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
    key = (network, maze, len(genomes), state.places.shape[1], genomes.device, noise is None)
    if key not in _recorded:
        while len(_recorded) >= KEPT:
            del _recorded[next(iter(_recorded))]
        life = Life(network, maze, genomes, state, noise)
        _recorded[key] = life, _record(life)
    life, move = _recorded[key]
    life.fill(genomes, state, noise)
    life.live(move)
    return life.total.clone(), life.state.foods.clone(), life.state.poisons.clone(), life.alive_steps.clone(), None


KEPT = 3  # recordings, each with its memory: the offspring's, the held-out parent's, and one more
_recorded: dict[Any, tuple[Life, Callable[[], None]]] = {}


def _record(life: Life) -> Callable[[], None]:
    """A move as one launch, or where that fails as it is."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # libraries make themselves ready at first use, which cannot be recorded
        life.move()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph):  # the outer one: back to it come what may
            life.move()
    except RuntimeError as error:
        reason = (str(error.__context__ or error).strip().splitlines() or ["no message"])[0]
        print(f"enu_lib: the GPU could not record a move ({reason}); its operations are launched one by one", file=sys.stderr)
        return life.move
    return graph.replay


def _own(value: Tensor, population: int) -> Tensor:
    return value.expand(population, *value.shape[1:]).clone()
