"""A displayed episode: its current state, all outputs so far, and the path since the last meal."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from enu_lib import figures
from enu_lib.analysis.memory import Axis, project
from enu_lib.contracts import Intervention
from enu_lib.figures.networks import neuron_names
from enu_lib.live import scene
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.widgets import life as lives


class Watched:
    """An episode with the history needed to draw it; `life` is its current state."""

    def __init__(self, agent: Network | str | None, genome: Tensor | None, maze: Maze, seed: int) -> None:
        self.grid = geometry(maze)
        self.life = lives.begin(agent, genome, maze, seed)
        neurons = agent.neurons if isinstance(agent, Network) else maze.n_outputs
        self.outputs = np.zeros((scene.N_INPUTS + neurons, maze.steps), np.float32)
        self.meals: list[tuple[int, int]] = []
        self.walked = [int(self.life.maze_state.square)]
        self._record_outputs()

    def step(self, interventions: Sequence[Intervention] = ()) -> None:
        """Run one network step."""
        self._advance_to(lives.step(self.life, interventions))

    def move(self, output: int) -> None:
        """Make one move by hand: activate this output for the network steps of one move."""
        for _ in range(self.life.maze.move_every):
            y = torch.eye(self.life.maze.n_outputs, dtype=torch.float32, device="cpu")[output]
            self._advance_to(lives.put(self.life, y))

    def _advance_to(self, life: lives.Life) -> None:
        self.life, ate, square = life, int(life.maze_state.ate), int(life.maze_state.square)
        if ate:
            self.meals.append((self.life.t, ate))
            self.walked = [square]
        elif square != self.walked[-1]:
            self.walked.append(square)
        self._record_outputs()

    def swap(self) -> None:
        """Exchange the places of food and poison."""
        self.life = lives.swap(self.life)
        self._record_outputs()

    def exchange(self, order: tuple[int, int, int] = lives.EXCHANGED) -> None:
        """Give the sensors other meanings."""
        self.life = lives.exchange(self.life, order)
        self._record_outputs()

    def _record_outputs(self) -> None:
        life, now = self.life, self.now()
        if life.t < self.outputs.shape[1]:
            self.outputs[:, life.t] = now

    def now(self) -> np.ndarray:
        """Current outputs of all neurons, input neurons included, (4 + N,); the reward in -1..1."""
        x = self.life.x
        own = self.life.agent_state.output[0, 0, :, 0] if isinstance(self.life.agent, Network) else self.life.y
        return torch.cat([x[:3, 0], (x[3, 1] - x[3, 2])[None], own]).clamp(-1, 1).numpy()

    def tally(self) -> str:
        """Number of moves and meals, as text."""
        life, state = self.life, self.life.maze_state
        over = " <b>The episode has ended.</b>" if life.over else ""
        move = life.t // life.maze.move_every
        return f"move {move}: food {int(state.foods)}, poison {int(state.poisons)}.{over}"

    def maze_svg(self) -> str:
        """The maze in its current state, as SVG."""
        state = self.life.maze_state
        where = [int(v) for v in (state.square, state.heading, state.food, state.poison)]
        return scene.maze(self.grid, where, bool(state.alive), self.walked, "The maze from above")

    def gauges_html(self) -> str:
        """Current inputs and energy, as HTML."""
        x, energy = self.life.x, float(self.life.maze_state.energy)
        return scene.gauges(x[:3, 0].tolist(), float(x[3, 1] - x[3, 2]), energy / self.life.maze.full)

    def raster_html(self) -> str:
        """All outputs so far, as HTML."""
        return scene.raster(self.outputs, self.meals, self.life.t, "Outputs of all neurons so far")

    def matrix_html(self, axis: Axis) -> str:
        """Current memories of all synapses, projected onto an axis, as HTML; networks only."""
        net = self.life.agent
        assert isinstance(net, Network)
        memories = project(axis, self.life.agent_state.synapse[0][0]).reshape(net.neurons, net.synapses)
        return scene.matrix(net.connections, self.now(), memories, axis.share, net.n_outputs)

    def draw(self, ax: Axes) -> None:
        """Draw the maze in its current state with matplotlib, for pages without a kernel."""
        state = self.life.maze_state
        figures.mazes.maze(ax, self.grid, int(state.food), int(state.poison))
        color = figures.PALETTE["evolved"] if state.alive else "0.6"
        figures.mazes.agent(ax, self.grid, int(state.square), int(state.heading), color)


def outputs_figure(watched: Watched) -> Figure:
    """A matplotlib figure of the maze and all outputs so far."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(6, 2.4), width_ratios=[1, 1.8])
    watched.draw(left)
    right.imshow(watched.outputs, aspect="auto", cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    right.set_yticks(range(len(watched.outputs)), neuron_names(len(watched.outputs) - scene.N_INPUTS))
    right.set(xlabel="time (network steps)")
    return figure
