"""Episodes in a maze as a CUDA graph, for networks that `cuda` does not support: one move is recorded and replayed.

A step consists of some sixty small operations, which take longer to launch one by one than to compute.  A graph is launched
as a whole.  It reads and writes the tensors that it was recorded with, so `MazeEpisodes` keeps its tensors and refills
them for every generation.  The host only polls for survivors from time to time.

Times on an H100 are in `enu_lib/study/data/bench-gpu.json`, and the tests of tests/test_gpu.py passed there.  Tests on machines
without a GPU record a move's operations and replay them in other episodes.  If capture fails, a line on stderr says so and the
same operations are launched one by one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from enu_lib.base.notices import tell
from enu_lib.kernels.fused import Stepper
from enu_lib.network import Network
from enu_lib.streams import Noise
from enu_lib.tasks.maze import Maze, MazeState

MOVES_BETWEEN_POLLS = 5  # polling for survivors waits for the device


class MazeEpisodes:
    """The tensors of P x B episodes, at fixed addresses, and the operation that a graph records: one move."""

    def __init__(self, network: Network, maze: Maze, genomes: Tensor, state: MazeState, noise: Noise | None) -> None:
        """Allocate tensors with the shapes of these episodes, and fill them."""
        p, b = len(genomes), state.places.shape[1]
        self.network, self.maze = network, maze
        self.stepper = Stepper(network, genomes.clone(), b)  # cloned, as some of its tensors are views of the genomes
        self.state = type(state)(*(_own(v, p) for v in state))
        self.total = torch.zeros(p, b, dtype=torch.float32, device=genomes.device)
        self.alive_steps = torch.zeros(p, b, dtype=torch.int64, device=genomes.device)
        self.clock = torch.zeros(1, dtype=torch.int64, device=genomes.device)
        self.noise = None if noise is None else noise.each(torch.clone)

    def fill(self, genomes: Tensor, state: MazeState, noise: Noise | None) -> None:
        """Refill all tensors with the initial state of other episodes of the same shapes."""
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
            if self.noise.shifts is not None and noise.shifts is not None:
                self.noise.shifts.copy_(noise.shifts)

    @torch.no_grad()
    def move(self) -> None:
        """`move_every` steps, independent of values on the host except for the position within the move."""
        state = self.state
        for t in range(self.maze.move_every):
            table = offsets = None
            if self.noise is not None:
                table, offsets = self.noise.table, self.noise.offsets.index_select(0, self.clock)[0]
                if self.noise.shifts is not None:
                    offsets = offsets + self.noise.shifts
            self.alive_steps.add_(state.alive)
            y = self.stepper.advance(self.maze.observe(state, t), table, offsets)
            state, fitness = self.maze.step(state, y, t)
            self.total.add_(fitness)
            self.clock.add_(1)
        for mine, now in zip(self.state, state, strict=True):
            if mine is not now:
                mine.copy_(now)

    def play(self, move: Callable[[], object]) -> None:
        """Make moves until the maze's last step, or until no agent is alive."""
        for i in range(self.maze.steps // self.maze.move_every):
            move()
            if i % MOVES_BETWEEN_POLLS == MOVES_BETWEEN_POLLS - 1 and not bool(self.state.alive.any()):
                break


def serves(maze: Maze, genomes: Tensor, record: bool) -> bool:
    """Whether episodes can be captured: on a GPU, whole moves only, outputs not recorded."""
    return genomes.device.type == "cuda" and maze.steps % maze.move_every == 0 and not record


def maze_episodes(
    network: Network, genomes: Tensor, maze: Maze, state: MazeState, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
    """Fitness, foods, poisons, steps alive, all (P, B), and None, since outputs are not recorded."""
    with torch.cuda.device(genomes.device):
        return _maze_episodes(network, genomes, maze, state, noise)


def _maze_episodes(
    network: Network, genomes: Tensor, maze: Maze, state: MazeState, noise: Noise | None
) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
    kind = None if noise is None else noise.shifts is None
    key = (network, maze, len(genomes), state.places.shape[1], genomes.device, kind)
    if key not in _recorded:
        while len(_recorded) >= GRAPHS_KEPT:
            del _recorded[next(iter(_recorded))]
        episodes = MazeEpisodes(network, maze, genomes, state, noise)
        _recorded[key] = episodes, _record(episodes)
    episodes, move = _recorded[key]
    episodes.fill(genomes, state, noise)
    episodes.play(move)
    foods, poisons = episodes.state.foods.clone(), episodes.state.poisons.clone()
    return episodes.total.clone(), foods, poisons, episodes.alive_steps.clone(), None


GRAPHS_KEPT = 3  # graphs kept with their memory: for the offspring, the held-out parent, and one more
_recorded: dict[tuple[object, ...], tuple[MazeEpisodes, Callable[[], None]]] = {}


def _record(episodes: MazeEpisodes) -> Callable[[], None]:
    """A move recorded as a graph, or the plain move if recording fails."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):  # libraries initialise at first use, which cannot be recorded
        episodes.move()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    try:
        with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(graph):  # the outer one restores it on errors
            episodes.move()
    except RuntimeError as error:
        reason = (str(error.__context__ or error).strip().splitlines() or ["no message"])[0]
        tell(f"the GPU could not record a move ({reason}); launching its operations one by one")
        return episodes.move
    return graph.replay


def _own(value: Tensor, population: int) -> Tensor:
    return value.expand(population, *value.shape[1:]).clone()
