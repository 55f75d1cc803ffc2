"""A task as a user would write it."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch

import enu_lib as enu


class Values(NamedTuple):
    inputs: torch.Tensor  # (B, T, 1)


@enu.register
@dataclass(frozen=True)
class Copy:
    """Put out what comes in."""

    steps: int = 10
    name: ClassVar[str] = "copy"
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1

    def sample(self, environments, generator):
        return Values(torch.rand(environments, self.steps, 1, generator=generator))

    def score(self, batch, outputs):
        return -((outputs - batch.inputs)[..., 0] ** 2)
