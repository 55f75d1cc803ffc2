"""The cells that the ENU is compared with: textbook GRU and LSTM, with a linear read-out of the memory.

Reconstruction: the paper compares with "standard" GRUs and LSTMs without giving their details.  Ours have no gain, no reset
bias, no feedback and no clipping.  `clip=True` adds clipping, and a GRU can be given the ENU's gain and reset bias, to see
which of the ENU's parts makes a difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from enu_lib.base.kinds import NotNegative, Real, Size, check
from enu_lib.cells.enu import State, orthogonal_with_bias, split_genomes


class GatedWeights(NamedTuple):
    """Weights of G gates: 3 in a GRU (reset | update | new), 4 in an LSTM (input | forget | cell | output)."""

    w_ih: Tensor  # (P, n_in, G H)
    w_hh: Tensor  # (P, H, G H)
    b_ih: Tensor  # (P, 1, G H)
    b_hh: Tensor  # (P, 1, G H)
    output: Tensor  # (P, H + 1, C)


@dataclass(frozen=True)
class Gated:
    """Base of GRU and LSTM: sizes, genome layout and read-out.

    Genome, row-major: w_ih (n_in, G H), w_hh (H, G H), b_ih (G H), b_hh (G H), output (H + 1, C).
    """

    n_in: Size
    n_out: Size = 1
    hidden: Size = 32
    clip: bool = False
    noise: NotNegative = 0.0

    n_gates: ClassVar[int]

    def __post_init__(self) -> None:
        check(self)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Shapes of the genome's parts, in order."""
        g = self.n_gates * self.hidden
        return [(self.n_in, g), (self.hidden, g), (1, g), (1, g), (self.hidden + 1, self.n_out)]

    @property
    def n_params(self) -> int:
        return sum(a * b for a, b in self.shapes)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return (self.n_out,) if self.noise else ()

    def init(self, generator: torch.Generator) -> Tensor:
        """A random genome (D,): orthogonal weights for every gate, zero biases (as for the ENU)."""
        parts = []
        for rows in (self.n_in, self.hidden):
            gates = [torch.empty(rows, self.hidden, dtype=torch.float32, device="cpu") for _ in range(self.n_gates)]
            for gate in gates:
                torch.nn.init.orthogonal_(gate, generator=generator)
            parts.append(torch.cat(gates, 1).flatten())
        biases = torch.zeros(2 * self.n_gates * self.hidden, dtype=torch.float32, device="cpu")
        output = orthogonal_with_bias(self.hidden + 1, self.n_out, generator)
        return torch.cat([*parts, biases, output.flatten()])

    def unpack(self, genomes: Tensor) -> GatedWeights:
        """Views of genomes (P, D) as weight matrices."""
        return GatedWeights(*split_genomes(self, genomes, *self.shapes))

    def read_out(self, output: Tensor, h: Tensor, noise: Tensor | None) -> Tensor:
        """Outputs (P, R, C) from memory h (P, R, H), with weights (P, H + 1, C)."""
        out = h @ output[:, :-1] + output[:, -1:]
        if noise is not None:
            out = out + self.noise * noise
        return out.clamp(0, 1) if self.clip else out


@dataclass(frozen=True)
class GRU(Gated):
    """Textbook gated recurrent unit (as torch.nn.GRUCell) with a linear read-out of h.

    All pre-activations are multiplied by `gate_gain`, that of the reset gate after adding `reset_bias`.
    """

    gate_gain: Real = 1.0  # 3 in an ENU
    reset_bias: Real = 0.0  # -1 in an ENU

    kind: ClassVar[str] = "gru"
    n_gates: ClassVar[int] = 3

    def reset(self, population: int, rows: int, device: torch.device | str = "cpu") -> State:
        """Initial state, all zero: memory h (P, R, H)."""
        return (torch.zeros(population, rows, self.hidden, dtype=torch.float32, device=device),)

    def step(self, weights: GatedWeights, state: State, x: Tensor, noise: Tensor | None = None) -> tuple[State, Tensor]:
        """The next state, and outputs y (P, R, C), for x (P, R, n_in)."""
        (h,) = state
        x = x.expand(h.shape[0], h.shape[1], -1)
        i_r, i_z, i_n = (x @ weights.w_ih + weights.b_ih).split(self.hidden, -1)
        h_r, h_z, h_n = (h @ weights.w_hh + weights.b_hh).split(self.hidden, -1)
        r = torch.sigmoid(self.gate_gain * (i_r + h_r + self.reset_bias))
        z = torch.sigmoid(self.gate_gain * (i_z + h_z))
        n = torch.tanh(self.gate_gain * (i_n + r * h_n))
        h = (1 - z) * n + z * h
        return (h,), self.read_out(weights.output, h, noise)


@dataclass(frozen=True)
class LSTM(Gated):
    """Textbook long short-term memory (as torch.nn.LSTMCell) with a linear read-out of h."""

    kind: ClassVar[str] = "lstm"
    n_gates: ClassVar[int] = 4

    def reset(self, population: int, rows: int, device: torch.device | str = "cpu") -> State:
        """Initial state, all zero: memory h and cell state c, both (P, R, H)."""
        h = torch.zeros(population, rows, self.hidden, dtype=torch.float32, device=device)
        return h, h.clone()

    def step(self, weights: GatedWeights, state: State, x: Tensor, noise: Tensor | None = None) -> tuple[State, Tensor]:
        """The next state, and outputs y (P, R, C), for x (P, R, n_in)."""
        h, c = state
        x = x.expand(h.shape[0], h.shape[1], -1)
        a = x @ weights.w_ih + weights.b_ih + h @ weights.w_hh + weights.b_hh
        i, f, g, o = a.split(self.hidden, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return (h, c), self.read_out(weights.output, h, noise)
