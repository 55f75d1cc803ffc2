"""Branch recorded episodes into many copies, each at its own step, and count how their next visits end (ours).

    episodes, states = watched(network, genome, maze, environments=64, seed=1)
    begun = at_steps(network, genome, maze, episodes, states, which, steps, seed=1)    # where episodes are interrupted
    share_right(network, genome, maze, begun.rows(some), visits=1)                     # how the next visits end

Much faster than whole episodes: copies share what came before, and each ends once its visits have been counted.
Shapes: B episodes, R copies; networks have a population of one.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
from torch import Tensor

from enu_lib import kernels
from enu_lib.base.precision import in_float32
from enu_lib.contracts import SettableStepper
from enu_lib.network import Network, NetworkState
from enu_lib.rollout import draw, rollout
from enu_lib.streams import Noise, stream
from enu_lib.tasks.maze import Maze, MazeState
from enu_lib.trace import Trace

DROPPED = 0.1  # ended copies are taken out once they are more than this share: it takes time, since it copies all others


class Begun(NamedTuple):
    """Interrupted episodes, each before a step of its own, all equally far from their next move."""

    network: NetworkState
    maze: MazeState
    noise: Noise | None  # its step k belongs to step `step` + k of the episode
    step: Tensor  # (R,) number of network steps before the interruption

    def rows(self, which: Tensor) -> Begun:
        """The episodes with the numbers `which` (R,), in which a number may repeat."""
        world = MazeState(*(v[:, which] for v in self.maze))
        return Begun(rows(self.network, which), world, _noise_of(self.noise, which), self.step[which])


def rows(state: NetworkState, which: Tensor) -> NetworkState:
    """The states of the networks in environments `which` (R,)."""
    environments = state.output.shape[1]

    def take(v: Tensor) -> Tensor:
        return v.unflatten(1, (environments, -1))[:, which].flatten(1, 2)

    return NetworkState(tuple(map(take, state.neuron)), tuple(map(take, state.synapse)), take(state.output))


def watched(network: Network, genome: Tensor, maze: Maze, environments: int, seed: int) -> tuple[Trace, list[NetworkState]]:
    """Episodes as `rollout` records them, and the state of all networks before each step."""
    states: list[NetworkState] = []

    def watch(t: int, state: NetworkState) -> NetworkState:
        states.append(state)
        return state

    return rollout(network, genome, maze, environments, seed, intervene=watch, backend="auto"), states


def before(states: list[NetworkState], which: Tensor, steps: Tensor) -> NetworkState:
    """The state of the network in environment which[r] before step steps[r], for each r (R,)."""
    each = [rows(states[t], environment) for environment, t in zip(which.split(1), steps.tolist(), strict=True)]
    neuron, synapse = (
        tuple(torch.cat(parts, 1) for parts in zip(*units, strict=True))
        for units in ([s.neuron for s in each], [s.synapse for s in each])
    )
    return NetworkState(neuron, synapse, torch.cat([s.output for s in each], 1))


@in_float32
def at_steps(
    network: Network,
    genome: Tensor,
    maze: Maze,
    episodes: Trace,
    states: list[NetworkState],
    which: Tensor,
    steps: Tensor,
    seed: int,
) -> Begun:
    """Recorded episodes, interrupted: episode which[r] before step steps[r], which is at least 1, for each r (R,).

    episodes, states: what `watched` returned with this seed.  Raises ValueError unless all of these steps are equally far from
    the next move.
    """
    if len((steps % maze.move_every).unique()) > 1:
        raise ValueError(f"steps must be equally far from the next move, got {steps.tolist()}")
    _, drawn = draw(network, genome[None], maze, episodes.y.shape[1], stream(seed, "rollout"))
    noise = _noise_of(drawn.noise, which)
    if noise is not None:
        later = (steps + torch.arange(maze.steps, device="cpu")[:, None]).clamp(max=maze.steps - 1)
        noise = noise._replace(offsets=noise.offsets.gather(0, later))
    world = MazeState(**{name: episodes.task[name][:, which, steps - 1] for name in MazeState._fields})
    return Begun(before(states, which, steps), world, noise, steps)


@in_float32
def share_right(network: Network, genome: Tensor, maze: Maze, begun: Begun, visits: int) -> Tensor:
    """The share (R,) of the next `visits` visits that end with food.

    Visits without a meal count as wrong, and so do those cut off by the end of the episode, for all copies alike.
    """
    share = torch.zeros(len(begun.step), dtype=torch.float32, device="cpu")
    which, now = torch.arange(len(share), device="cpu"), begun
    meals, foods = (torch.zeros(len(share), dtype=torch.int64, device="cpu") for _ in range(2))
    begin, passed = int(begun.step[0]) % maze.move_every, 0
    while len(which):
        stepper = cast(SettableStepper, kernels.stepper(network, genome[None], len(which), settable=True))
        stepper.state = now.network
        world, ended = now.maze, torch.zeros(len(which), dtype=torch.bool, device="cpu")
        while ended.float().mean() <= DROPPED:
            t = begin + passed
            world, _ = maze.step(world, stepper.step(maze.observe(world, t), now.noise, passed), t)
            ate = torch.where(now.step + passed < maze.steps, world.ate[0], 0)
            passed += 1
            meals += ate.abs()
            foods += (ate > 0) & (meals <= visits)
            ended = maze.done(world)[0] | (meals >= visits) | (now.step + passed >= maze.steps)
        share[which[ended]] = foods[ended].float() / visits
        kept = (~ended).nonzero()[:, 0]
        now = now._replace(network=stepper.state, maze=world).rows(kept)
        which, meals, foods = which[kept], meals[kept], foods[kept]
    return share


def _noise_of(noise: Noise | None, which: Tensor) -> Noise | None:
    """The noise of environments `which` (R,)."""
    if noise is None:
        return None
    shifts = None if noise.shifts is None else noise.shifts[:, which]
    return noise._replace(offsets=noise.offsets[:, which], shifts=shifts)
