"""Projection of unit memories onto their first principal component (ours, beyond the paper)."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.network import Network
from enu_lib.rollout import rollout
from enu_lib.tasks.maze import Maze

AXIS_STEPS = 200  # length of the episode of `synapse_axis`


class Axis(NamedTuple):
    """First principal component of a set of memories."""

    mean: Tensor  # (H,)
    direction: Tensor  # (H,) unit vector; its largest entry in magnitude is positive
    scale: float  # 98th percentile of the projections' magnitude
    share: float  # explained proportion of the variance


def principal_axis(memory: Tensor) -> Axis:
    """The first principal component of memories (.., H), pooled over units and times."""
    h = memory.reshape(-1, memory.shape[-1]).double()
    mean = h.mean(0)
    values, vectors = torch.linalg.eigh((h - mean).T @ (h - mean) / len(h))
    direction = vectors[:, -1]
    direction = direction * direction[direction.abs().argmax()].sign()
    scale = ((h - mean) @ direction).abs().sort().values[int(0.98 * (len(h) - 1))]
    share = values[-1] / values.sum() if values.sum() > 0 else 0.0
    return Axis(mean.float(), direction.float(), max(float(scale), 1e-9), float(share))


def synapse_axis(network: Network, genome: Tensor, maze: Maze, seed: int) -> Axis:
    """The axis on which synaptic memories are shown while an episode is simulated; computed from a separate episode."""
    sample = replace(maze, steps=min(AXIS_STEPS, maze.steps))
    return principal_axis(rollout(network, genome, sample, 1, seed, memory=True).model["synapse_memory"])


def project(axis: Axis, memory: Tensor) -> Tensor:
    """Projection (..) of memories (.., H) onto the axis, scaled and clipped to -1..1."""
    return (((memory - axis.mean) @ axis.direction) / axis.scale).clamp(-1, 1)
