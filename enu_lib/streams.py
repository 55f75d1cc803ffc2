"""Random streams: every draw is a function of (seed, what it is for, generation), never of history.

A run that is killed and resumed, or shared among other numbers of threads, therefore sees the same mutations and the
same environments.  Draws are made on the CPU and in float32: a GPU beside it sees the same ones, and torch's default device
and default dtype change nothing.  They are not the same on every CPU: `torch.randn` gives other numbers where the processor
has other vector units, and orthogonal first genomes depend on the linear algebra library.  One seed is therefore one run on
one kind of processor.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import torch

from enu_lib.kinds import Seed, conform

NOISE_TABLE = 65536


def stream(seed: int, *keys: int | str) -> torch.Generator:
    """A CPU generator that depends on `seed` and `keys` alone.

    `keys` may be words (the purpose: "mutation", "environment") and numbers (generation, index).  Seed and numbers are
    integers from 0 to 2**63 - 1.
    """
    words = [zlib.crc32(k.encode()) if isinstance(k, str) else conform(Seed, k, "a stream's key") for k in keys]
    state = np.random.SeedSequence([conform(Seed, seed, "seed"), *words]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))


def uniform(*shape: int, generator: torch.Generator) -> torch.Tensor:
    """Draws from U(0, 1)."""
    return torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")


def normal(*shape: int, generator: torch.Generator) -> torch.Tensor:
    """Draws from N(0, 1)."""
    return torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu")


def integers(low: int, high: int, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Integers from `low` to `high` - 1, all equally likely; int64."""
    return torch.randint(low, high, shape, generator=generator, dtype=torch.int64, device="cpu")


def permutation(n: int, generator: torch.Generator) -> torch.Tensor:
    """The numbers 0 to n - 1 in random order; int64."""
    return torch.randperm(n, generator=generator, dtype=torch.int64, device="cpu")


class Noise(NamedTuple):
    """Standard normal noise of a batch of lives, the same for every offspring.

    Value k of environment b at step t is `table[(offsets[t, b] + k) % len(table)]`: cheap to draw on any processor,
    and any single value can be computed again.
    """

    table: torch.Tensor  # (65536,) float32
    offsets: torch.Tensor  # (T, B) int64

    def at(self, t: int, shape: tuple[int, ...]) -> torch.Tensor:
        """Noise of step t, (B, *shape)."""
        k = torch.arange(int(np.prod(shape)), device=self.table.device)
        index = (self.offsets[t][:, None] + k) % len(self.table)
        return self.table[index].reshape(-1, *shape)

    def to(self, device: torch.device | str) -> Noise:
        return Noise(self.table.to(device), self.offsets.to(device))


def draw_noise(steps: int, environments: int, generator: torch.Generator) -> Noise:
    """Noise for `environments` lives of `steps` steps."""
    table = normal(NOISE_TABLE, generator=generator)
    offsets = integers(0, NOISE_TABLE, (steps, environments), generator)
    return Noise(table, offsets)
