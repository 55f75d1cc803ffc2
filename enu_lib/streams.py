"""Random streams: every random number is a function of (seed, purpose, generation), never of what was drawn before.

A run that is killed and resumed, or that uses a different number of threads, therefore gets the same mutations and the same
environments.  Numbers are drawn on the CPU in float32, so that they do not depend on the GPU or on torch's default device
and dtype.  They do depend on the CPU: `torch.randn` gives different numbers on processors with different vector units, and
orthogonal initial genomes depend on the linear algebra library.  A seed therefore determines a run only on one kind of
processor.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from enu_lib.base.kinds import Seed, conform

NOISE_TABLE = 65536


def stream(seed: int, *keys: int | str) -> torch.Generator:
    """A CPU generator that depends only on `seed` and `keys`.

    `keys`: strings (the purpose: "mutation", "environment") and numbers (generation, index).  The seed and numbers are
    integers from 0 to 2**63 - 1.
    """
    words = [zlib.crc32(k.encode()) if isinstance(k, str) else conform(Seed, k, "a stream's key") for k in keys]
    state = np.random.SeedSequence([conform(Seed, seed, "seed"), *words]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))


def branch(generator: torch.Generator, purpose: str) -> torch.Generator:
    """A generator for one purpose, seeded from `generator`, which advances equally however much the branch draws."""
    return stream(int(integers(0, 2**63 - 1, (1,), generator)), purpose)


def uniform(*shape: int, generator: torch.Generator) -> torch.Tensor:
    """Random numbers from U(0, 1), float32."""
    return torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")


def normal(*shape: int, generator: torch.Generator, pinned: bool = False) -> torch.Tensor:
    """Random numbers from N(0, 1), float32.  pinned: in page-locked memory, for copies to a GPU."""
    return torch.randn(shape, generator=generator, dtype=torch.float32, device="cpu", pin_memory=pinned)


def integers(low: int, high: int, shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Uniformly distributed integers from `low` to `high` - 1, int64."""
    return torch.randint(low, high, shape, generator=generator, dtype=torch.int64, device="cpu")


def balanced(n: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """`count` numbers from successive random permutations of 0 to n - 1, int64: equally often if n divides `count`."""
    rounds = range(math.ceil(count / n))
    return torch.cat([torch.randperm(n, generator=generator, dtype=torch.int64, device="cpu") for _ in rounds])[:count]


class Noise(NamedTuple):
    """Standard normal noise for a batch of episodes, the same for every offspring unless there are `shifts`.

    Value k of environment b at step t is `table[(offsets[t, b] + k) % len(table)]`: cheap on any processor, and any single
    value can be recomputed.  Offspring p with a shift reads `table[(offsets[t, b] + shifts[p, b] + k) % len(table)]`.
    """

    table: torch.Tensor  # (65536,) float32
    offsets: torch.Tensor  # (T, B) int64
    shifts: torch.Tensor | None = None  # (P, B) int64

    def starts(self, t: int) -> torch.Tensor:
        """Where in the table the noise of step t begins, (B,), or (P, B) with shifts."""
        return self.offsets[t] if self.shifts is None else (self.offsets[t] + self.shifts) % len(self.table)

    def at(self, t: int, shape: tuple[int, ...]) -> torch.Tensor:
        """Noise of step t, (B, *shape), or (P, B, *shape) with shifts."""
        k = torch.arange(int(np.prod(shape)), device=self.table.device)
        index = (self.starts(t)[..., None] + k) % len(self.table)
        return self.table[index].reshape(*index.shape[:-1], *shape)

    def rows(self, first: int, end: int) -> Noise:
        """The noise of offspring `first` to `end` - 1."""
        return self if self.shifts is None else self._replace(shifts=self.shifts[first:end])

    def each(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Noise:
        """The same noise with `change` applied to every tensor."""
        shifts = None if self.shifts is None else change(self.shifts)
        return Noise(change(self.table), change(self.offsets), shifts)

    def to(self, device: torch.device | str) -> Noise:
        return self.each(lambda v: v.to(device))


def draw_noise(steps: int, environments: int, generator: torch.Generator, offspring: tuple[int, int] | None = None) -> Noise:
    """Noise for episodes of `steps` steps in `environments` environments.

    offspring: number of the first, and of the last plus one.  Each gets noise of its own, which depends on its number but not
    on which others are drawn.  None: all get the same noise.
    """
    table = normal(NOISE_TABLE, generator=generator)
    offsets = integers(0, NOISE_TABLE, (steps, environments), generator)
    if offspring is None:
        return Noise(table, offsets)
    first, end = offspring
    shifts = integers(0, NOISE_TABLE, (end, environments), branch(generator, "noise of offspring"))
    return Noise(table, offsets, shifts[first:])
