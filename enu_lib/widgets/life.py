"""One interactive episode in a maze, step by step.

    life = begin(network, genome, maze, seed=1)        # or begin("looking", None, maze, seed=1), a reference agent
    life = step(life)                                  # the next network step
    life = swap(life)                                  # food and poison change places
    life = exchange(life)                              # their sensors exchange meanings

Without interventions it is bit for bit the episode of `rollout(network, genome, maze, environments=1, seed=seed)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from enu_lib.analysis import agents
from enu_lib.base.precision import in_float32
from enu_lib.contracts import Intervention
from enu_lib.kernels import door, reference
from enu_lib.network import Network
from enu_lib.offspring import noise_for
from enu_lib.streams import Noise, stream
from enu_lib.tasks.maze import Maze, MazeState

EXCHANGED = (0, 2, 1)
RESHUFFLED = (1, 2, 0)  # each sensor shows something else


@dataclass(frozen=True)
class Life:
    """An episode after `t` network steps; P = B = 1."""

    agent: Network | str | None  # a network, the name of a reference agent, or None: controlled by hand (`put`)
    maze: Maze
    seed: int
    stepper: reference.Stepper | None  # of the network, set to `agent_state` before each step; None for other agents
    noise: Noise | None
    generator: torch.Generator  # for the random reference agent
    t: int
    maze_state: MazeState
    agent_state: Any  # NetworkState, or the Belief of a reference agent; None by hand
    x: Tensor  # (4, 3) current values of the input neurons
    y: Tensor  # (3,) outputs of the last step

    @property
    def over(self) -> bool:
        """Whether the agent is dead or the maximum number of steps is reached."""
        return self.t >= self.maze.steps or not bool(self.maze_state.alive)


def begin(agent: Network | str | None, genome: Tensor | None, maze: Maze, seed: int = 1) -> Life:
    """An episode before its first step.

    genome (D,): of a network; None for other agents.  Raises ValueError if agent, genome and maze do not fit together.
    """
    generator = stream(seed, "rollout")
    maze_state = maze.reset(1, 1, generator)
    noise: Noise | None = None
    stepper = agent_state = None
    if isinstance(agent, Network):
        if genome is None:
            raise ValueError("a network needs a genome: begin(network, genome, maze)")
        noise = noise_for(agent, maze.steps, 1, generator)
        door.fits(agent, maze)
        stepper = reference.Stepper(agent, door.genomes(agent, genome[None]), 1)
        agent_state = stepper.state
    elif agent is not None and not isinstance(agent, str):
        raise ValueError(f"an explorer shows a network or a scripted agent, not a {type(agent).__name__}: use enu_lib.rollout")
    elif agent is not None:
        agent_state = agents.begin(maze, agent, 1)
    x, y = maze.observe(maze_state, 0)[0, 0], torch.zeros(maze.n_outputs, dtype=torch.float32, device="cpu")
    return Life(agent, maze, seed, stepper, noise, stream(seed, "actions"), 0, maze_state, agent_state, x, y)


@in_float32
def step(life: Life, interventions: Sequence[Intervention] = ()) -> Life:
    """The episode after its next network step; unchanged at the maximum number of steps.

    interventions: as for `rollout` (see `enu_lib.analysis.interventions`), applied in order before the step; networks only.
    Raises ValueError for an episode that is controlled by hand.
    """
    if life.t >= life.maze.steps:
        return life
    if life.stepper is not None:
        life.stepper.state = life.agent_state
        for intervene in interventions:
            life.stepper.state = intervene(life.t, life.stepper.state)
        y = life.stepper.step(life.maze.observe(life.maze_state, life.t), life.noise, life.t)
        return _after_outputs(life, life.stepper.state, y)
    if life.agent is None:
        raise ValueError("this episode has no agent: use put(life, y)")
    assert isinstance(life.agent, str), "networks have a stepper"
    belief, y = agents.act(life.maze, life.agent, life.agent_state, life.maze_state, life.t, life.generator)
    after = _after_outputs(life, belief, y)
    return replace(after, agent_state=agents.learn(life.maze, life.agent, belief, after.maze_state, after.t))


def put(life: Life, y: Tensor) -> Life:
    """The episode after a network step with outputs y (3,) in place of the agent's."""
    return life if life.t >= life.maze.steps else _after_outputs(life, life.agent_state, y[None, None])


def _after_outputs(life: Life, agent_state: Any, y: Tensor) -> Life:
    """The episode after the maze's step for outputs y (1, 1, 3)."""
    maze_state, _ = life.maze.step(life.maze_state, y, life.t)
    x = life.maze.observe(maze_state, life.t + 1)[0, 0]
    return replace(life, t=life.t + 1, maze_state=maze_state, agent_state=agent_state, x=x, y=y[0, 0])


def swap(life: Life) -> Life:
    """Exchange the places of food and poison, now and in all later periods, so that later changes remain changes."""
    now = life.maze_state
    periods = torch.arange(now.places.shape[2], device=now.places.device)
    period = periods >= life.maze.period(now.foods, now.poisons)[..., None]
    places = torch.where(period[..., None], now.places.flip(-1), now.places)
    maze_state = now._replace(places=places, food=now.poison, poison=now.food)
    return replace(life, maze_state=maze_state, x=life.maze.observe(maze_state, life.t)[0, 0])


def exchange(life: Life, order: tuple[int, int, int] = EXCHANGED) -> Life:
    """Give the sensors other meanings from now on: what was shown by the sensor for i is shown by that for order[i].

    Meanings are numbered wall, food, poison; by default those of food and poison are exchanged.
    """
    maze_state = life.maze_state._replace(sensor_of=life.maze_state.sensor_of[..., list(order)])
    return replace(life, maze_state=maze_state, x=life.maze.observe(maze_state, life.t)[0, 0])
