"""Reimplementation of the scheme of the authors' public code: a benchmark baseline and an independent check.

Each offspring's weights are copied for each of its environments, so that every batch row has its own weights, and the mazes
are simulated agent by agent in NumPy on the host.  Slow by design; gives the same episodes as `enu_lib.rollout`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from enu_lib.network import Network
from enu_lib.streams import Noise
from enu_lib.tasks.geometry import FORWARD, LEFT, RIGHT
from enu_lib.tasks.maze import WALL, Maze, MazeState, geometry


class Agent:
    """One agent in a maze, simulated step by step in plain Python, independently of `enu_lib.tasks.maze`."""

    def __init__(self, maze: Maze, sensor_of: np.ndarray, action_of: np.ndarray, places: np.ndarray) -> None:
        self.maze, self.sensor_of, self.action_of, self.places = maze, sensor_of, action_of, places
        self.tables = geometry(maze)
        self.energy, self.alive, self.fitness = maze.full, True, 0.0
        self.foods = self.poisons = 0
        self.reward, self.showing = 0, 0
        self.votes = np.zeros(3, np.float32)
        self.goal = 0
        self._to_start()
        self.visited = {self.square}

    def _to_start(self) -> None:
        self.square, self.heading = self.tables.start, 0

    def _food_and_poison(self) -> np.ndarray:
        """The squares of food and poison (2,)."""
        counted = (self.foods + self.poisons) if self.maze.count_poisons else self.foods
        return self.places[counted // self.maze.foods_per_period]

    def observe(self) -> np.ndarray:
        """The values of the input neurons (4, 3)."""
        x = np.zeros((4, 3), np.float32)
        if self.alive:
            ahead = self.tables.ahead[self.square][self.heading]
            food, poison = self._food_and_poison()
            for meaning, seen in enumerate((ahead < 0, ahead == food, ahead == poison)):
                x[self.sensor_of[meaning], 0] = seen and (meaning == WALL or self.maze.meals_visible)
        if self.reward > 0:
            x[3, 1] = 1
        if self.reward < 0:
            x[3, 2] = 1
        return x

    def step(self, y: np.ndarray, t: int) -> None:
        """Advance by one network step with outputs y (3,)."""
        if not self.alive:
            return
        maze = self.maze
        self.fitness += maze.alive_bonus
        self.votes += y
        ate = 0
        if (t + 1) % maze.move_every == 0:
            ate = self._move()
            self.votes[:] = 0
        if ate:
            self.energy = maze.full
            self.fitness += 1 if maze.first_meal_counts and self.foods + self.poisons == 1 else ate
            self.reward, self.showing = ate, maze.reward_steps
            self._to_start()
        else:
            self.showing = max(0, self.showing - 1)
        if not self.showing:
            self.reward = 0
        self.energy -= maze.energy_cost
        if self.energy <= 0 or self.poisons >= maze.deadly_poisons:
            self.alive, self.reward = False, 0

    def _taught(self) -> int:
        """The teacher's action."""
        facing, tables = self.tables.ahead[self.square][self.heading], self.tables
        avoids = self.poisons > 0 and facing == self._food_and_poison()[1] and self.maze.meals_visible
        if self.maze.teacher == "turning":
            return LEFT if facing < 0 or avoids else FORWARD
        if self.square == tables.ends[self.goal]:
            self.goal = tables.following[self.goal]
        if avoids and facing == tables.ends[self.goal]:
            self.goal = tables.following[self.goal]
        return tables.routes[self.goal][self.square][self.heading]

    def _move(self) -> int:
        """Take the action with the most votes, or the teacher's if it leads; return 1, -1 or 0 for food, poison, nothing."""
        taught = self._taught()
        if self.maze.teacher_bonus:
            errors = [(v / self.maze.move_every - (a == taught)) ** 2 for v, a in zip(self.votes, self.action_of, strict=True)]
            self.fitness += self.maze.teacher_bonus * (1 - sum(errors) / 3)
        best = self.votes.max()
        if not self.maze.led and (self.votes == best).sum() > (2 if self.maze.tie == "first" else 1):
            return 0
        action = self.action_of[int(self.votes.argmax())]
        if self.maze.led:
            action = taught
        if action in (LEFT, RIGHT):
            self.heading = (self.heading + (1 if action == RIGHT else 3)) % 4
        ahead = self.tables.ahead[self.square][self.heading]
        if action != FORWARD or ahead < 0:
            return 0
        self.square = ahead
        self.fitness += self.maze.explore_bonus * (ahead not in self.visited)
        self.visited.add(ahead)
        food, poison = self._food_and_poison()
        self.foods += ahead == food
        self.poisons += ahead == poison
        if ahead == food:
            self.goal = self.tables.ends.index(ahead)
        if ahead == poison == self.tables.ends[self.goal]:
            self.goal = self.tables.following[self.goal]
        return int(ahead == food) - int(ahead == poison)


@torch.no_grad()
def copied_weights_episodes(network: Network, genomes: Tensor, maze: Maze, state: MazeState, noise: Noise | None) -> Tensor:
    """Fitness (P, B) of episodes, with copied weights and mazes on the host."""
    p, b = len(genomes), state.places.shape[1]
    weights = network.unpack(genomes.repeat_interleave(b, 0))
    each = (v.expand(p, *v.shape[1:]).flatten(0, 1).cpu().numpy() for v in (state.sensor_of, state.action_of, state.places))
    agents = [Agent(maze, *drawn) for drawn in zip(*each, strict=True)]
    memory = network.reset(p * b, 1, genomes.device)
    size = network.neurons * network.channels * (1 + network.synapses)
    for t in range(maze.steps):
        x = torch.from_numpy(np.stack([agent.observe() for agent in agents])).to(genomes.device)
        z = None if noise is None else noise.at(t, (size,)).expand(p, b, size).reshape(p * b, 1, size)
        memory, y = network.step(weights, memory, x[:, None], z)
        for agent, out in zip(agents, y[:, 0].cpu().numpy(), strict=True):
            agent.step(out, t)
    return torch.tensor([agent.fitness for agent in agents], dtype=torch.float32, device="cpu").reshape(p, b)
