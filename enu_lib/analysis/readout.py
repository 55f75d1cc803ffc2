"""Which features of a network's outputs steer the agent: the maze reads altered outputs, the network its original ones (ours).

    eaten = food(network, genome, maze, environments=256, seed=1)     # {"as they are": (B,), "two levels": (B,), ...}

If an agent eats as much when each output has only two levels, its pulses suffice to steer it.  If it eats as much when the
outputs are smoothed, their mean suffices.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from enu_lib import kernels
from enu_lib.analysis.spiking import levels
from enu_lib.contracts import Stepper
from enu_lib.network import Network
from enu_lib.rollout import draw, play, record_episodes
from enu_lib.streams import Noise, stream
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Recorder

Reading = Callable[[list[Tensor]], Tensor]  # all outputs so far, each (P, B, C) -> what the maze reads (P, B, C)


class Read:
    """A stepper that alters the outputs that the task reads; the network still receives its original outputs."""

    def __init__(self, stepper: Stepper, reading: Reading) -> None:
        self._stepper, self._reading = stepper, reading
        self._so_far: list[Tensor] = []

    def step(self, x: Tensor, noise: Noise | None, t: int) -> Tensor:
        """What the task reads at step t (P, B, C)."""
        self._so_far.append(self._stepper.step(x, noise, t).clone())
        return self._reading(self._so_far)


def two_levels(rest: Tensor, peak: Tensor) -> Reading:
    """Each output at its resting level or at its peak, whichever is nearer; both (C,)."""
    return lambda y: torch.where(y[-1] > (rest + peak) / 2, peak, rest)


def smoothed(steps: int) -> Reading:
    """The mean of the outputs of the last `steps` steps."""
    return lambda y: torch.stack(y[-steps:]).mean(0)


def delayed(steps: int) -> Reading:
    """The outputs of `steps` steps ago; zero before there are any."""
    return lambda y: y[-1 - steps] if len(y) > steps else torch.zeros_like(y[-1])


def food(network: Network, genome: Tensor, maze: Maze, environments: int = 256, seed: int = 1) -> dict[str, Tensor]:
    """Food eaten in each episode (B,) under every reading of the outputs, in the same episodes."""
    episodes = record_episodes(network, genome, maze, environments, seed)
    rest, peak = levels(episodes.y[0], episodes.task["alive"][0])
    readings: dict[str, Reading] = {
        "as they are": lambda y: y[-1],
        "two levels": two_levels(rest.float(), peak.float()),
        "smoothed over a move": smoothed(maze.move_every),
        "delayed by a step": delayed(1),
    }
    return {name: food_with(network, genome, maze, reading, environments, seed) for name, reading in readings.items()}


def food_with(network: Network, genome: Tensor, maze: Maze, reading: Reading, environments: int = 256, seed: int = 1) -> Tensor:
    """Food eaten in each episode (B,) if the maze reads the outputs through `reading`."""
    genomes, drawn = draw(network, genome[None], maze, environments, stream(seed, "rollout"))
    stepper = kernels.stepper(network, genomes, environments, None, "auto", False)
    recorder = Recorder(network)
    play(network, genomes, maze, drawn, recorder, stepper=Read(stepper, reading))
    return recorder.trace().task["foods"][0, :, -1].float()
