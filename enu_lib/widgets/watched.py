"""A life that is being watched: the life now, all outputs so far, the walk since the last meal, and what was done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from enu_lib import figures
from enu_lib.analysis.memory import Axis, project
from enu_lib.contracts import Intervention
from enu_lib.live import scene
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.widgets import life as lives


class Watched:
    """Remembers what a picture of a life needs; `life` is where it is now."""

    def __init__(self, agent: Network | str | None, genome: Tensor | None, maze: Maze, seed: int) -> None:
        self.grid = geometry(maze)
        self.life = lives.begin(agent, genome, maze, seed)
        neurons = agent.neurons if isinstance(agent, Network) else maze.n_outputs
        self.outputs = np.zeros((scene.N_INPUTS + neurons, maze.steps), np.float32)
        self.meals: list[tuple[int, int]] = []
        self.walked = [int(self.life.place.cell)]
        self._see()

    def step(self, interventions: Sequence[Intervention] = ()) -> None:
        """One network step."""
        self._lived(lives.step(self.life, interventions))

    def move(self, output: int) -> None:
        """A move by hand: this output wins, for as many network steps as a move takes."""
        for _ in range(self.life.maze.move_every):
            self._lived(lives.put(self.life, torch.eye(self.life.maze.n_outputs, dtype=torch.float32, device="cpu")[output]))

    def _lived(self, life: lives.Life) -> None:
        self.life, ate, cell = life, int(life.place.ate), int(life.place.cell)
        if ate:
            self.meals.append((self.life.t, ate))
            self.walked = [cell]
        elif cell != self.walked[-1]:
            self.walked.append(cell)
        self._see()

    def swap(self) -> None:
        """Food and poison change places."""
        self.life = lives.swap(self.life)
        self._see()

    def _see(self) -> None:
        """Note what inputs show and neurons put out now."""
        life, now = self.life, self.now()
        if life.t < self.outputs.shape[1]:
            self.outputs[:, life.t] = now

    def now(self) -> np.ndarray:
        """What all neurons put out now, (4 + N,); the reward in -1..1."""
        x = self.life.x
        own = self.life.mind.output[0, 0, :, 0] if isinstance(self.life.agent, Network) else self.life.y
        return torch.cat([x[:3, 0], (x[3, 1] - x[3, 2])[None], own]).clamp(-1, 1).numpy()

    def tally(self) -> str:
        """Moves and meals, in words."""
        life, place = self.life, self.life.place
        over = " <b>This life is over.</b>" if life.over else ""
        move = life.t // life.maze.move_every
        return f"move {move}: food {int(place.foods)}, poison {int(place.poisons)}.{over}"

    def maze_svg(self) -> str:
        """The maze now."""
        place = self.life.place
        where = [int(v) for v in (place.cell, place.heading, place.food, place.poison)]
        return scene.maze(self.grid, where, bool(place.alive), self.walked, "The maze from above")

    def gauges_html(self) -> str:
        """Inputs and energy now."""
        x, place = self.life.x, self.life.place
        return scene.gauges(x[:3, 0].tolist(), float(x[3, 1] - x[3, 2]), float(place.energy) / self.life.maze.full)

    def raster_html(self) -> str:
        """All outputs so far."""
        return scene.raster(self.outputs, self.meals, self.life.t, "Outputs of all neurons so far")

    def matrix_html(self, axis: Axis) -> str:
        """Synapses' memories now, on an axis; networks only."""
        net = self.life.agent
        assert isinstance(net, Network)
        memories = project(axis, self.life.mind.synapse[0][0]).reshape(net.neurons, net.synapses)
        return scene.matrix(net.connections, self.now(), memories, axis.share, net.n_outputs)

    def draw(self, ax: Any) -> None:
        """The maze now, with matplotlib: for pages without a kernel."""
        place = self.life.place
        figures.mazes.maze(ax, self.grid, int(place.food), int(place.poison))
        figures.mazes.agent(
            ax, self.grid, int(place.cell), int(place.heading), "0.6" if not place.alive else figures.PALETTE["evolved"]
        )


def outputs_figure(watched: Watched) -> Any:
    """Maze and outputs so far, with matplotlib."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2.4), width_ratios=[1, 1.8])
    watched.draw(left)
    right.imshow(watched.outputs, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    right.set_yticks(range(len(watched.outputs)), scene.names(len(watched.outputs) - scene.N_INPUTS))
    right.set(xlabel="time (network steps)")
    return figure
