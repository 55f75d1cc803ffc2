"""Measures of how spike-like the outputs of a network's neurons are (paper: Fig. 4; the measures are ours).

    episodes = rollout(network, genome, maze, 64, memory=True)
    output_histogram(episodes)                      # distribution of the outputs
    pulses(episodes)                                # how pulse-like varying outputs are, corrected for their resting level
    pulses_of(network, genome, maze)                # the same for what the paper's figure shows (claim C10)
    neutral_genome(experiment, ends, 1000, seed)    # evolved without selection, for comparison

Only steps at which the agent is alive count.  An event begins when an output rises above its threshold and ends when it falls
below it.  The threshold lies midway between a channel's 5th and 99th percentile, since a neuron may rest at any level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib import es
from enu_lib.experiments import Experiment
from enu_lib.network import Network
from enu_lib.rollout import rollout
from enu_lib.streams import stream, uniform
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace

REST, PEAK = 0.05, 0.99  # percentiles of a channel that count as its resting level and its peak
VARIES = 0.1  # smallest distance between them for a channel that varies
MOST = 2**20  # largest number of steps from which percentiles are computed


def outputs(episodes: Trace) -> tuple[Tensor, Tensor]:
    """Outputs (B, T, N, C) of all neurons in recorded episodes (P = 1), and whether the agent was alive (B, T)."""
    alive = torch.cat([torch.ones_like(episodes.task["alive"][0, :, :1]), episodes.task["alive"][0, :, :-1]], 1)
    return episodes.model["neuron_output"][0], alive


def output_histogram(episodes: Trace, bins: int = 20) -> Tensor:
    """Histogram of all neurons' outputs over `bins` equal bins of [0, 1], as proportions (bins,)."""
    y, alive = outputs(episodes)
    counts = torch.histc(y[alive], bins, 0, 1)
    return counts / counts.sum()


class Pulses(NamedTuple):
    """How pulse-like outputs are: means over the channels that vary; NaN if none does."""

    varying: float  # share of the channels that vary
    rate: float  # events in 100 steps
    on: float  # share of steps above the threshold
    graded: float  # share of steps in the middle half between rest and peak
    length: float  # mean length of an event in steps


def pulses(episodes: Trace, neurons: slice = slice(None), channels: slice = slice(None)) -> Pulses:
    """How pulse-like the outputs of the chosen neurons and channels are in recorded episodes."""
    y, alive = outputs(episodes)
    return pulse_measures(y[:, :, neurons, channels].flatten(2), alive)


def pulse_measures(y: Tensor, alive: Tensor) -> Pulses:
    """As `pulses`, for outputs (B, T, K) during the steps where `alive` (B, T)."""
    lived, (rest, peak) = y[alive], levels(y, alive)
    varies = peak - rest > VARIES
    if not varies.any():
        return Pulses(0.0, *[math.nan] * 4)
    y, lived = (((v - rest) / (peak - rest))[..., varies] for v in (y, lived))
    on = (y > 0.5) & alive[..., None]
    before = torch.cat([torch.zeros_like(on[:, :1]), on[:, :-1]], 1)
    events, spent = (v.sum((0, 1)).double() for v in (on & ~before, on))
    return Pulses(
        varies.double().mean().item(),
        (100 * events / len(lived)).mean().item(),
        (spent / len(lived)).mean().item(),
        ((lived > 0.25) & (lived < 0.75)).double().mean().item(),
        (spent / events).mean().item(),
    )


def levels(y: Tensor, alive: Tensor) -> tuple[Tensor, Tensor]:
    """Resting level and peak of outputs (B, T, K) during the steps where `alive` (B, T): two tensors (K,), float64."""
    lived = y[alive].double()
    rest, peak = torch.quantile(lived[:: math.ceil(len(lived) / MOST)], torch.tensor([REST, PEAK]).double(), 0)
    return rest, peak


def pulses_of(network: Network, genome: Tensor, maze: Maze, episodes: int = 64, seed: int = 5) -> Pulses:
    """`pulses` in new episodes of what the paper's figure shows: the first channel of the output neurons."""
    recorded = rollout(network, genome, maze, episodes, seed, memory=True)
    return pulses(recorded, slice(network.neurons - network.n_outputs, None), slice(1))


def neutral_genome(
    experiment: Experiment, ends: Sequence[int], generations: int, seed: int, parent: Tensor | None = None, begun: int = 0
) -> Tensor:
    """The parent (D,) after `generations` of the same strategy without selection: offspring are ranked at random.

    ends: generations at which the experiment's stages ended, since each stage may have its own strategy.  parent: first genome
    (D,); None: a random one.  begun: generation of the last restart; 0: none.
    """
    state = es.init(experiment.model.init(stream(seed, "genome")) if parent is None else parent)._replace(generation=begun)
    while (g := state.generation) < generations:
        settings = experiment.stage(sum(begun < end <= g for end in ends)).es
        mutations = es.sample_mutations(settings, len(state.parent), seed, g)
        state = es.tell(settings, state, mutations, uniform(settings.population, generator=stream(seed, "neutral", g)))
    return state.parent
