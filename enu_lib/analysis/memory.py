"""One number for a unit's memory: where it lies along the direction in which memories differ most (ours)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Axis(NamedTuple):
    """First principal component of many memories."""

    mean: Tensor  # (H,)
    direction: Tensor  # (H,), of length 1; its largest entry is positive
    scale: float  # 98% of the projections are smaller than this
    share: float  # of the variance that it explains


def principal_axis(memory: Tensor) -> Axis:
    """The axis of memories (.., H), of whatever units and times."""
    h = memory.reshape(-1, memory.shape[-1]).double()
    mean = h.mean(0)
    values, vectors = torch.linalg.eigh((h - mean).T @ (h - mean) / len(h))
    direction = vectors[:, -1]
    direction = direction * direction[direction.abs().argmax()].sign()
    scale = ((h - mean) @ direction).abs().sort().values[int(0.98 * (len(h) - 1))]
    share = values[-1] / values.sum() if values.sum() > 0 else 0.0
    return Axis(mean.float(), direction.float(), max(float(scale), 1e-9), float(share))


def project(axis: Axis, memory: Tensor) -> Tensor:
    """Memories (.., H) on the axis, (..), clipped to -1..1."""
    return (((memory - axis.mean) @ axis.direction) / axis.scale).clamp(-1, 1)
