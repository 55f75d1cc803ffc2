"""The same episodes with `torch.compile`: the torch backend's steps, in blocks of offspring that fit in a core's cache.

A network's move (several steps of network and maze) is compiled as a whole; so is each piece of a single unit's sequence.
Compiling takes ten seconds to a minute, once per process.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

from enu_lib.contracts import Drawn
from enu_lib.experiments import Experiment
from enu_lib.kernels.fused import Gates
from enu_lib.kernels.graph import MazeEpisodes
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze

BLOCK = 32  # offspring computed together; 8 and 64 are slower
PIECE = 10  # steps of a single unit compiled together


class Episodes:
    """Episodes of an experiment: a network of ENUs in a maze, or a single unit without noise in a sequence task."""

    def __init__(self, experiment: Experiment, backend: str | None = "inductor") -> None:
        """backend: of `torch.compile`; None: compile nothing, to test the division into blocks and pieces."""
        task, model = experiment.task, experiment.model
        network = isinstance(model, Network) and type(task) is Maze and task.steps % task.move_every == 0
        if not network and (isinstance(model, Network) or model.noise):
            raise ValueError(f"the benchmark with torch.compile does not support {experiment.name}: see {__name__}")
        self.experiment, self.backend = experiment, backend
        self._episodes: MazeEpisodes | None = None
        self._compiled: Any = None if network else self._compile(_piece)

    @torch.no_grad()
    def fitness(self, genomes: Tensor, drawn: Drawn) -> Tensor:
        """Fitness (P, B) of genomes (P, D) in these environments; P must be a multiple of BLOCK, or smaller."""
        blocks = genomes.split(BLOCK)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracing warns about cached functions, but here they return constants
            if isinstance(self.experiment.model, Network):
                return torch.cat([self._network(block, drawn) for block in blocks])
            outputs = torch.cat([self._unit(block, drawn.start.inputs) for block in blocks])
        scores: Tensor = self.experiment.task.score(drawn.start, outputs)
        return scores.mean(-1)

    def _compile(self, function: Any) -> Any:
        return torch.compile(function, backend=self.backend, dynamic=False) if self.backend else function

    def _network(self, genomes: Tensor, drawn: Drawn) -> Tensor:
        if self._episodes is None:
            self._episodes = MazeEpisodes(self.experiment.model, self.experiment.task, genomes, drawn.start, drawn.noise)
            self._compiled = self._compile(self._episodes.move)
        self._episodes.fill(genomes, drawn.start, drawn.noise)
        self._episodes.play(self._compiled)
        return self._episodes.total.clone()

    def _unit(self, genomes: Tensor, inputs: Tensor) -> Tensor:
        cell = self.experiment.model
        gates = Gates(cell, cell.unpack(genomes))
        state = gates.start(len(genomes), len(inputs), genomes.device)
        return torch.cat([self._compiled(gates, state, piece) for piece in inputs.split(PIECE, 1)], 2)


def _piece(gates: Gates, state: list[Tensor], inputs: Tensor) -> Tensor:
    """Outputs (P, B, t, C) for inputs (B, t, n_in); updates `state` in place."""
    p = len(state[0])
    return torch.stack([gates.step(state, gates.drive(x.expand(p, -1, -1)), None) for x in inputs.unbind(1)], 2)
