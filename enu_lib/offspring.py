"""The offspring of a generation, as a parent and mutations that a kernel can add up in its cache, and their noise."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from enu_lib.contracts import AnyModel
from enu_lib.streams import Noise, draw_noise


@dataclass(frozen=True)
class Offspring:
    """The genomes of a generation as parent and mutations, so that a kernel can add them up one by one in its cache.

    Offspring i is the parent plus mutation i; offspring P / 2 + i is the parent minus mutation i.
    """

    parent: Tensor  # (D,)
    mutations: Tensor  # (P / 2, D)
    rows: tuple[int, int]  # only these offspring: the first, and the last plus one

    def __len__(self) -> int:
        return self.rows[1] - self.rows[0]

    @property
    def device(self) -> torch.device:
        return self.parent.device

    @property
    def genomes(self) -> Tensor:
        """The genomes (rows, D)."""
        (low, high), pairs = self.rows, len(self.mutations)
        plus, minus = self.mutations[low:high], self.mutations[max(0, low - pairs) : max(0, high - pairs)]
        return torch.cat([self.parent + plus, self.parent - minus])


def rows_of(genomes: Tensor | Offspring) -> tuple[int, int]:
    """The numbers of these offspring: the first, and the last plus one."""
    return genomes.rows if isinstance(genomes, Offspring) else (0, len(genomes))


def noise_for(
    model: AnyModel, steps: int, environments: int, generator: torch.Generator, rows: tuple[int, int] = (0, 1)
) -> Noise | None:
    """A model's noise, on the CPU; None if it has none.  rows: the offspring, as in `rows_of`."""
    if not model.noise_shape:
        return None
    return draw_noise(steps, environments, generator, rows if getattr(model, "own_noise", False) else None)
