"""Do units spike, without having been told to? (paper: Fig. 4; the measures are ours)

    lives = rollout(network, genome, maze, 64, memory=True)
    activity(lives)            # how silent, how sharp, how often, how long
    output_histogram(lives)    # what the outputs are

Only steps at which the agent lives are counted.  An event is a rise of an output above 1/2, and lasts until it falls below.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.rollout import Trace

SHARP = 0.05  # an output this near to 0 or 1 counts as off or on


class Activity(NamedTuple):
    """Outputs of all neurons of a network, over all channels, or of each neuron's first channel (N,)."""

    zero: Tensor  # share of outputs that are exactly 0
    off: Tensor  # share below 0.05, those included
    on: Tensor  # share above 0.95
    events: Tensor  # events in 100 steps
    duration: Tensor  # mean length of an event in steps; NaN without events


def outputs(lives: Trace) -> tuple[Tensor, Tensor]:
    """Outputs (B, T, N, C) of all neurons of recorded lives (P = 1), and whether the agent lived (B, T)."""
    alive = torch.cat([torch.ones_like(lives.task["alive"][0, :, :1]), lives.task["alive"][0, :, :-1]], 1)
    return lives.model["neuron_output"][0], alive


def activity(lives: Trace, channels: slice = slice(None)) -> Activity:
    """Activity of each neuron (N,), mean over lives and the given channels."""
    y, alive = outputs(lives)
    y = y[..., channels]
    living = alive[..., None, None].to(y.dtype)
    count = living.sum() * y.shape[-1]

    def share(what: Tensor) -> Tensor:
        return (what * living).sum((0, 1, 3)) / count

    on = (y > 0.5) & alive[..., None, None]
    before = torch.cat([torch.zeros_like(on[:, :1]), on[:, :-1]], 1)
    onsets = (on & ~before).sum((0, 1, 3))
    return Activity(
        share(y == 0),
        share(y < SHARP),
        share(y > 1 - SHARP),
        100 * onsets / count,
        torch.where(onsets > 0, on.sum((0, 1, 3)).float() / onsets, torch.nan),
    )


def output_histogram(lives: Trace, bins: int = 20) -> Tensor:
    """Share of all neurons' outputs in `bins` equal bins of [0, 1] (bins,)."""
    y, alive = outputs(lives)
    counts = torch.histc(y[alive], bins, 0, 1)
    return counts / counts.sum()
