"""Examples of user-defined tasks: a sequence task and a closed loop."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch

import enu_lib as enu


class Lights(NamedTuple):
    lit: torch.Tensor  # (1 or P, B) index of the light that is on


@enu.register
@dataclass(frozen=True)
class Follow:
    """A closed loop: point at the light that is on, which then moves to the next place."""

    steps: int = 12
    name: ClassVar[str] = "follow"

    def reset(self, population, environments, generator):
        return Lights(torch.randint(3, (1, environments), generator=generator).expand(population, -1))

    def observe(self, state, t):
        x = torch.zeros(*state.lit.shape, 4, 1)
        return x.scatter(2, state.lit[..., None, None], 1.0)

    def step(self, state, y, t):
        hit = y.argmax(-1) == state.lit
        return Lights((state.lit + hit) % 3), hit.float()


class Values(NamedTuple):
    inputs: torch.Tensor  # (B, T, 1)


@enu.register
@dataclass(frozen=True)
class Copy:
    """Copy the input."""

    steps: int = 10
    name: ClassVar[str] = "copy"
    n_in: ClassVar[int] = 1
    n_out: ClassVar[int] = 1

    def sample(self, environments, generator):
        return Values(torch.rand(environments, self.steps, 1, generator=generator))

    def score(self, batch, outputs):
        return -((outputs - batch.inputs)[..., 0] ** 2)
