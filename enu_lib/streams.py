"""Random streams: every draw is a function of (seed, what it is for, generation), never of history.

A run that is killed and resumed, or shared among other numbers of threads, therefore sees the same mutations and the
same environments.  Draws are made on the CPU, so that a GPU beside it sees the same ones too.  They are not the same on
every CPU: `torch.randn` gives other numbers where the processor has other vector units, and orthogonal first genomes
depend on the linear algebra library.  One seed is therefore one run on one kind of processor.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import torch

NOISE_TABLE = 65536


def stream(seed: int, *keys: int | str) -> torch.Generator:
    """A CPU generator that depends on `seed` and `keys` alone.

    `keys` may be words (the purpose: "mutation", "environment") and numbers (generation, index), all non-negative.
    """
    words = [zlib.crc32(k.encode()) if isinstance(k, str) else int(k) for k in keys]
    if min([int(seed), *words]) < 0:
        raise ValueError(f"a seed and its keys must not be negative, got {(seed, *keys)}")
    state = np.random.SeedSequence([int(seed), *words]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))


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
    table = torch.randn(NOISE_TABLE, generator=generator)
    offsets = torch.randint(NOISE_TABLE, (steps, environments), generator=generator)
    return Noise(table, offsets)
