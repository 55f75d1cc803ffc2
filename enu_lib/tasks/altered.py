"""A maze with altered observations: sensors reshuffled during the episode or hidden, rewards hidden (beyond the paper).

    Altered(Maze(), reshuffle_at=200)                # sensors exchange meanings before step 200
    Altered(Maze(), 200, ("food", "poison"))         # only the sensors for food and poison exchange meanings
    Altered(Maze(), hide=("food", "poison"))         # no sensor shows food or poison
    Altered(Maze(), cut=("poison",))                 # the reward neuron does not signal poison

Places, energy, deaths and fitness are those of the maze; only the agent's observations differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from enu_lib.tasks.maze import FOOD, POISON, WALL, Maze, MazeState

_SENSORS = {"wall": WALL, "food": FOOD, "poison": POISON}
_REWARDS = {"food": 1, "poison": 2}  # the reward neuron's channels


@dataclass(frozen=True)
class Altered:
    """A maze with altered observations; everything else, and everything before `reshuffle_at`, equals `maze` bit for bit.

    reshuffle_at: network step before which the sensors that show `reshuffle` exchange meanings, so that each of them shows
    something else; the two possible rotations of three sensors alternate between environments.  hide: what no
    sensor shows ("wall", "food", "poison").  cut: meals that the reward neuron does not signal ("food", "poison").
    """

    maze: Maze
    reshuffle_at: int | None = None
    reshuffle: tuple[str, ...] = ("wall", "food", "poison")
    hide: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()

    name: ClassVar[str] = "altered maze"
    n_inputs: ClassVar[int] = Maze.n_inputs
    n_outputs: ClassVar[int] = Maze.n_outputs

    def __post_init__(self) -> None:
        for field, known in (("reshuffle", _SENSORS), ("hide", _SENSORS), ("cut", _REWARDS)):
            values = getattr(self, field)
            if isinstance(values, str) or not set(values) <= set(known) or len(set(values)) < len(values):
                raise ValueError(f"{field} takes some of {tuple(known)}, each once, got {values!r}")
        if len(self.reshuffle) < 2:
            raise ValueError(f"reshuffle takes two or three of {tuple(_SENSORS)}, got {self.reshuffle}")
        if self.reshuffle_at is not None and not 0 < self.reshuffle_at < self.maze.steps:
            raise ValueError(f"reshuffle_at must be a step of the episode, 1 to {self.maze.steps - 1}, got {self.reshuffle_at}")

    @property
    def steps(self) -> int:
        return self.maze.steps

    @property
    def own_shuffles(self) -> bool:
        return self.maze.own_shuffles

    def reset(self, population: int, environments: int, generator: torch.Generator) -> MazeState:
        """The initial state that `maze` samples."""
        return self.maze.reset(population, environments, generator)

    def observe(self, state: MazeState, t: int) -> Tensor:
        """Input of `maze` (P, B, 4, 3), without what is hidden or cut."""
        x = self.maze.observe(state, t)
        for kind in self.hide:
            sensor = state.sensor_of[..., _SENSORS[kind]].expand(len(x), -1)[..., None]
            x[..., 0] = x[..., 0].scatter(2, sensor, 0.0)
        for kind in self.cut:
            x[:, :, 3, _REWARDS[kind]] = 0
        return x

    def step(self, state: MazeState, y: Tensor, t: int) -> tuple[MazeState, Tensor]:
        """The maze's step: next state and fitness (P, B).  The last step before `reshuffle_at` also reshuffles the sensors."""
        state, fitness = self.maze.step(state, y, t)
        if t + 1 == self.reshuffle_at:
            state = reshuffled(state, self.reshuffle)
        return state, fitness

    def done(self, state: MazeState) -> Tensor:
        return self.maze.done(state)


def reshuffled(state: MazeState, kinds: tuple[str, ...] = ("wall", "food", "poison")) -> MazeState:
    """The same state with the meanings of the sensors that show `kinds` rotated, so that none keeps its meaning.

    Three kinds are rotated one way in even environments and the other way in odd ones.
    """
    sensors = state.sensor_of
    columns = torch.tensor([_SENSORS[kind] for kind in kinds], device=sensors.device)
    way = 1 + torch.arange(sensors.shape[1], device=sensors.device) % (len(kinds) - 1)
    taken = columns[(torch.arange(len(kinds), device=sensors.device) + way[:, None]) % len(kinds)]
    changed = sensors.clone()
    changed[:, :, columns] = sensors.gather(2, taken.expand(len(sensors), -1, -1))
    return state._replace(sensor_of=changed)


def rules(task: Maze | Altered) -> Maze:
    """The underlying maze of a task, altered or not."""
    return task.maze if isinstance(task, Altered) else task
