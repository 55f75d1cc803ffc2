"""The evolvable neural unit (ENU).

Paper: section "ENU model", Fig. 1.  Constants (gains of 3, reset bias of -1) are from the authors' public code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from enu_lib.base.kinds import NotNegative, Real, Size, check

State = tuple[Tensor, ...]


class ENUWeights(NamedTuple):
    gates: Tensor  # (P, K, 2H) reset | update
    cell: Tensor  # (P, K, H)
    output: Tensor  # (P, H + 1, C)


@dataclass(frozen=True)
class ENU:
    """Evolvable neural unit: gated memory, with an output that is clipped to [0, 1] and fed back to the input.

    For the input row `[x, o, h, 1]` (o: the unit's last output), and pre-activations a, linear in that row:

        z = sigmoid(3 a_z)    r = sigmoid(3 (a_r - 1))    c = tanh(3 a_c), where a_c takes r * h instead of h
        h <- (1 - z) h + z c    o = clamp(gain ([h, 1] W_o + noise), 0, 1)

    `feedback=False` is the paper's NFENU: its input row lacks o.  `gate_gain` and `reset_bias` replace the 3 and the -1.
    Genome, row-major: gates (K, 2H) as reset|update, cell (K, H), output (H + 1, C); rows in the order x, o, h, 1.
    """

    n_in: Size
    n_out: Size = 1
    hidden: Size = 32
    feedback: bool = True
    gain: Real = 1.0  # slope of the output before clipping; 1000 gives a nearly binary output
    noise: NotNegative = 0.0  # s.d. of Gaussian noise added before clipping
    gate_gain: Real = 3.0  # slope of the three gates
    reset_bias: Real = -1.0  # added to a_r, before the gain

    kind: ClassVar[str] = "enu"

    def __post_init__(self) -> None:
        check(self)

    @property
    def rows(self) -> int:
        """K, the length of the input row."""
        return self.n_in + (self.n_out if self.feedback else 0) + self.hidden + 1

    @property
    def n_params(self) -> int:
        return self.rows * 3 * self.hidden + (self.hidden + 1) * self.n_out

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return (self.n_out,) if self.noise else ()

    def init(self, generator: torch.Generator) -> Tensor:
        """A random genome (D,): orthogonal weights for every gate, zero biases."""
        k, h = self.rows, self.hidden
        reset, update, cell = (orthogonal_with_bias(k, h, generator) for _ in range(3))
        output = orthogonal_with_bias(h + 1, self.n_out, generator)
        return torch.cat([torch.cat([reset, update], 1).flatten(), cell.flatten(), output.flatten()])

    def unpack(self, genomes: Tensor) -> ENUWeights:
        """Views of genomes (P, D) as weight matrices."""
        k, h = self.rows, self.hidden
        return ENUWeights(*split_genomes(self, genomes, (k, 2 * h), (k, h), (h + 1, self.n_out)))

    def reset(self, population: int, rows: int, device: torch.device | str = "cpu") -> State:
        """Initial state, all zero: memory h (P, R, H) and output o (P, R, C)."""
        return (
            torch.zeros(population, rows, self.hidden, dtype=torch.float32, device=device),
            torch.zeros(population, rows, self.n_out, dtype=torch.float32, device=device),
        )

    def step(self, weights: ENUWeights, state: State, x: Tensor, noise: Tensor | None = None) -> tuple[State, Tensor]:
        """The next state, and outputs y (P, R, C), for x (P, R, n_in).  `noise`: standard normals that broadcast to y."""
        h, o = state
        x = x.expand(h.shape[0], h.shape[1], -1)
        one = h.new_ones(h.shape[0], h.shape[1], 1)
        before = [x, o] if self.feedback else [x]
        gates = torch.cat([*before, h, one], -1) @ weights.gates
        a_r, a_z = gates.split(self.hidden, -1)
        r = torch.sigmoid(self.gate_gain * (a_r + self.reset_bias))
        z = torch.sigmoid(self.gate_gain * a_z)
        c = torch.tanh(self.gate_gain * (torch.cat([*before, r * h, one], -1) @ weights.cell))
        h = (1 - z) * h + z * c
        out = torch.cat([h, one], -1) @ weights.output
        if noise is not None:
            out = out + self.noise * noise
        o = torch.clamp(self.gain * out, 0, 1)
        return (h, o), o


def orthogonal_with_bias(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Initial weights (rows, columns): orthogonal, except that the last row, the bias, is zero."""
    weights = torch.zeros(rows, columns, dtype=torch.float32, device="cpu")
    torch.nn.init.orthogonal_(weights[:-1], generator=generator)
    return weights


def split_genomes(cell: object, genomes: Tensor, *shapes: tuple[int, int]) -> list[Tensor]:
    """Views of genomes (P, D), one (P, *shape) per shape.  Raises ValueError, naming the cell, if D is not their total size."""
    sizes = [a * b for a, b in shapes]
    if genomes.dim() != 2 or genomes.shape[1] != sum(sizes):
        raise ValueError(f"genomes must be (P, {sum(sizes)}) for {cell}, got {tuple(genomes.shape)}")
    parts = genomes.split(sizes, 1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]
