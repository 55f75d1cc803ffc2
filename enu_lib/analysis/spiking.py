"""Measures of how spike-like the outputs of a network's neurons are (paper: Fig. 4; the measures are ours).

    lives = rollout(network, genome, maze, 64, memory=True)
    activity(lives)            # per neuron: proportion of time off and on, rate and duration of events
    output_histogram(lives)    # distribution of the outputs
    pulses(lives, 4)           # over all neurons: how active, graded and tonic (claim C10)
    pulses_before(network, maze)   # the same for random genomes, before evolution

Only steps at which the agent is alive count.  An event lasts from when an output rises above 1/2 until it falls below.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.network import Network
from enu_lib.rollout import rollout
from enu_lib.streams import stream
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace

MARGIN = 0.05  # an output within this distance of 0 or 1 counts as off or on


class Activity(NamedTuple):
    """Activity of each neuron, each field (N,)."""

    zero: Tensor  # share of outputs that are exactly 0
    off: Tensor  # share below 0.05, those included
    on: Tensor  # share above 0.95
    events: Tensor  # events in 100 steps
    duration: Tensor  # mean length of an event in steps; NaN without events


def outputs(lives: Trace) -> tuple[Tensor, Tensor]:
    """Outputs (B, T, N, C) of all neurons in recorded episodes (P = 1), and whether the agent was alive (B, T)."""
    alive = torch.cat([torch.ones_like(lives.task["alive"][0, :, :1]), lives.task["alive"][0, :, :-1]], 1)
    return lives.model["neuron_output"][0], alive


def activity(lives: Trace, channels: slice = slice(None)) -> Activity:
    """Activity of each neuron, averaged over episodes and the given channels."""
    y, alive = outputs(lives)
    y = y[..., channels]
    living = alive[..., None, None].to(y.dtype)
    count = living.sum() * y.shape[-1]

    def share(condition: Tensor) -> Tensor:
        return (condition * living).sum((0, 1, 3)) / count

    on = (y > 0.5) & alive[..., None, None]
    before = torch.cat([torch.zeros_like(on[:, :1]), on[:, :-1]], 1)
    onsets = (on & ~before).sum((0, 1, 3))
    return Activity(
        share(y == 0),
        share(y < MARGIN),
        share(y > 1 - MARGIN),
        100 * onsets / count,
        torch.where(onsets > 0, on.sum((0, 1, 3)).float() / onsets, torch.nan),
    )


def output_histogram(lives: Trace, bins: int = 20) -> Tensor:
    """Histogram of all neurons' outputs over `bins` equal bins of [0, 1], as proportions (bins,)."""
    y, alive = outputs(lives)
    counts = torch.histc(y[alive], bins, 0, 1)
    return counts / counts.sum()


class Pulses(NamedTuple):
    """Measures over all neurons and all channels that are ever active; NaN if there are none."""

    active: float  # proportion of steps with an output above 0.05
    graded: float  # of these, the proportion below 0.95
    tonic: float  # of these, the proportion in runs longer than one move


def pulses(lives: Trace, move: int) -> Pulses:
    """How active, graded and tonic the neurons' outputs are in recorded episodes; `move`: steps per move."""
    y, alive = outputs(lives)
    return pulse_measures(y.flatten(2), alive, move)


def pulse_measures(y: Tensor, alive: Tensor, move: int) -> Pulses:
    """As `pulses`, for outputs (B, T, K) during the steps where `alive` (B, T)."""
    active = (y > MARGIN) & alive[..., None]
    used = active.any(0).any(0)
    active, y = active[..., used], y[..., used]
    steps = alive.sum().item() * int(used.sum())
    if not steps:
        return Pulses(math.nan, math.nan, math.nan)
    padded = torch.nn.functional.pad(active.float().movedim(1, -1), (move, move))  # (B, K, T + 2 move)
    begins = padded.unfold(-1, move + 1, 1).all(-1)  # (B, K, T + move): a run of move + 1 active steps begins here
    within = torch.nn.functional.max_pool1d(begins.float().flatten(0, 1)[:, None], move + 1, 1)[:, 0]
    count = active.sum().item()
    return Pulses(count / steps, (active & (y < 1 - MARGIN)).sum().item() / count, within.sum().item() / count)


def pulses_of(network: Network, genome: Tensor, maze: Maze, lives: int = 64, seed: int = 5) -> Pulses:
    """`pulses` of a network in new episodes."""
    return pulses(rollout(network, genome, maze, lives, seed, memory=True), maze.move_every)


def pulses_before(network: Network, maze: Maze, lives: int = 64, genomes: int = 8) -> Pulses:
    """`pulses` before evolution: mean over random genomes, all in the same new episodes."""
    each = [pulses_of(network, network.init(stream(k, "genome")), maze, lives) for k in range(genomes)]
    return Pulses(*torch.tensor(each, dtype=torch.float32, device="cpu").nanmean(0).tolist())
