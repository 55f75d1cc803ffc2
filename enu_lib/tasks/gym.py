"""A maze as a gymnasium environment, for other kinds of agents (needs the extra `gym`).

env = gymnasium.make("enu_lib/TMaze-v0")     # after `import enu_lib.tasks.gym`; or MazeEnv(Maze("double-t"))
"""

from __future__ import annotations

from typing import Any, SupportsInt

import gymnasium
import numpy as np
import torch

from enu_lib.streams import stream
from enu_lib.tasks.geometry import Layout
from enu_lib.tasks.maze import Maze, MazeState, geometry


class MazeEnv(gymnasium.Env):
    """One episode in a maze; each environment step is one move, that is `maze.move_every` network steps.

    Observation (4, 3) float32: three sensor neurons on channel 0; a reward neuron on channels 1 and 2.  Action 0, 1, 2: the
    winning output, whose meaning is shuffled according to `maze.shuffle`.  Reward: the fitness gained in these steps.
    Terminated: dead; truncated: alive after `maze.steps`.  info: foods, poisons, energy.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 4}

    def __init__(self, maze: Maze | None = None, render_mode: str | None = None) -> None:
        self.maze = maze or Maze()
        self.render_mode = render_mode
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (4, 3), np.float32)
        self.action_space = gymnasium.spaces.Discrete(3)
        self._state: MazeState | None = None
        self._t = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        number = int(self.np_random.integers(2**31))
        self._state, self._t = self.maze.reset(1, 1, stream(number, "gym")), 0
        return self._observe(), self._info()

    def step(self, action: SupportsInt) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if self._state is None:
            raise gymnasium.error.ResetNeeded("call reset() before step()")
        y, reward = torch.zeros(1, 1, 3, dtype=torch.float32, device="cpu"), 0.0
        y[0, 0, int(action)] = 1.0
        for _ in range(self.maze.move_every):
            if self._t < self.maze.steps:
                self._state, fitness = self.maze.step(self._state, y, self._t)
                reward, self._t = reward + fitness.item(), self._t + 1
        dead, over = not self._state.alive.item(), self._t >= self.maze.steps
        return self._observe(), reward, dead, over and not dead, self._info()

    def render(self) -> str | None:
        """The maze as text: # wall, F food, X poison, > v < ^ the agent."""
        if self.render_mode != "ansi" or self._state is None:
            return None
        s, g = self._state, geometry(self.maze)
        grid = [["#"] * g.shape[1] for _ in range(g.shape[0])]
        for row, column in g.squares:
            grid[row][column] = " "
        for square, mark in ((s.food, "F"), (s.poison, "X"), (s.square, ">v<^"[int(s.heading)])):
            row, column = g.squares[int(square)]
            grid[row][column] = mark
        return "\n".join("".join(line) for line in grid) + "\n"

    def _observe(self) -> np.ndarray:
        assert self._state is not None
        return self.maze.observe(self._state, self._t)[0, 0].numpy()

    def _info(self) -> dict[str, Any]:
        assert self._state is not None
        return {name: getattr(self._state, name).item() for name in ("foods", "poisons", "energy")}


_layouts: dict[str, Layout] = {"TMaze": "t", "DoubleTMaze": "double-t"}
for _name, _layout in _layouts.items():
    gymnasium.register(f"enu_lib/{_name}-v0", entry_point="enu_lib.tasks.gym:MazeEnv", kwargs={"maze": Maze(_layout)})
