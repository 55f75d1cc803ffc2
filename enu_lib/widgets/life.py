"""One life in a maze, step by step, with a hand in it: what explorers show while it is lived.

    life = begin(network, genome, maze, seed=1)        # or begin("looking", None, maze, seed=1), a reference agent
    life = step(life)                                  # the next network step
    life = swap(life)                                  # food and poison change places

Left alone it is the life that `rollout(network, genome, maze, environments=1, seed=seed)` records, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from enu_lib.analysis import agents
from enu_lib.contracts import Intervention
from enu_lib.kernels import door
from enu_lib.network import Network
from enu_lib.precision import in_float32
from enu_lib.streams import Noise, draw_noise, stream
from enu_lib.tasks.maze import Maze, MazeState


@dataclass(frozen=True)
class Life:
    """A life after `t` network steps; P = B = 1."""

    agent: Network | str | None  # a network, the name of a reference agent, or None: moved by hand (`put`)
    maze: Maze
    seed: int
    weights: Any  # of a network
    noise: Noise | None
    generator: torch.Generator  # of the random reference agent; the only part that is not a value
    t: int
    place: MazeState
    mind: Any  # NetworkState, or what a reference agent believes; None by hand
    x: Tensor  # (4, 3) what the input neurons show now
    y: Tensor  # (3,) outputs of the last step

    @property
    def over(self) -> bool:
        """Dead, or at the end of its time."""
        return self.t >= self.maze.steps or not bool(self.place.alive)


def begin(agent: Network | str | None, genome: Tensor | None, maze: Maze, seed: int = 1) -> Life:
    """A life before its first step.

    genome (D,): of a network; None for the others.  Raises ValueError where they do not fit.
    """
    generator = stream(seed, "rollout")
    place = maze.reset(1, 1, generator)
    noise: Noise | None = None
    weights: Any = None
    mind: Any = None
    if isinstance(agent, Network):
        if genome is None:
            raise ValueError("a network needs a genome: begin(network, genome, maze)")
        if agent.noise_shape:
            noise = draw_noise(maze.steps, 1, generator)
        door.fits(agent, maze)
        weights, mind = agent.unpack(door.genomes(agent, genome[None])), agent.reset(1, 1)
    elif agent is not None:
        mind = agents.begin(maze, agent, 1)
    x, y = maze.observe(place, 0)[0, 0], torch.zeros(maze.n_outputs, dtype=torch.float32, device="cpu")
    return Life(agent, maze, seed, weights, noise, stream(seed, "actions"), 0, place, mind, x, y)


@in_float32
def step(life: Life, interventions: Sequence[Intervention] = ()) -> Life:
    """The life after its next network step; the same life where it is over.

    interventions: as for `rollout` (see `enu_lib.analysis.interventions`), applied in order before the step; networks only.
    """
    if life.t >= life.maze.steps:
        return life
    if isinstance(life.agent, Network):
        mind = life.mind
        for intervene in interventions:
            mind = intervene(life.t, mind)
        noise = None if life.noise is None else life.noise.at(life.t, life.agent.noise_shape)
        mind, y = life.agent.step(life.weights, mind, life.maze.observe(life.place, life.t), noise)
        return _answered(life, mind, y)
    if life.agent is None:
        raise ValueError("this life is led by hand: use put(life, y)")
    belief, y = agents.act(life.maze, life.agent, life.mind, life.place, life.t, life.generator)
    after = _answered(life, belief, y)
    return replace(after, mind=agents.learn(life.maze, life.agent, belief, after.place, after.t))


def put(life: Life, y: Tensor) -> Life:
    """The life after a network step in which the outputs are y (3,), whatever its agent would have put out."""
    return life if life.t >= life.maze.steps else _answered(life, life.mind, y[None, None])


def _answered(life: Life, mind: Any, y: Tensor) -> Life:
    """The maze answers outputs y (1, 1, 3)."""
    place, _ = life.maze.step(life.place, y, life.t)
    x = life.maze.observe(place, life.t + 1)[0, 0]
    return replace(life, t=life.t + 1, place=place, mind=mind, x=x, y=y[0, 0])


def swap(life: Life) -> Life:
    """Food and poison change places, now and in all periods to come: later changes happen as they were drawn."""
    place = life.place
    periods = torch.arange(place.places.shape[2], device=place.places.device)
    period = periods >= (place.foods // life.maze.foods_per_period)[..., None]
    places = torch.where(period[..., None], place.places.flip(-1), place.places)
    place = place._replace(places=places, food=place.poison, poison=place.food)
    return replace(life, place=place, x=life.maze.observe(place, life.t)[0, 0])
