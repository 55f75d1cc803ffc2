"""The evolvable neural unit (ENU) and the recurrent cells it is compared with.

A cell is a value: sizes and settings, nothing that changes.  Its parameters come as a population of flat genomes
`(P, D)`, its state as a tuple of tensors, and one step maps `(weights, state, x)` to `(state, y)`.  Shapes: P offspring,
R rows (independent units that share the offspring's rules: environments, or environments times units), H memory values.

Paper: section "ENU model", Fig. 1.  Constants (gains of 3, reset bias of -1) as in the authors' public code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from enu_lib.kinds import NotNegative, Real, Size, check

State = tuple[Tensor, ...]


class ENUWeights(NamedTuple):
    gates: Tensor  # (P, K, 2H) reset | update
    cell: Tensor  # (P, K, H)
    output: Tensor  # (P, H + 1, C)


class GRUWeights(NamedTuple):
    w_ih: Tensor  # (P, n_in, 3H) reset | update | new
    w_hh: Tensor  # (P, H, 3H)
    b_ih: Tensor  # (P, 1, 3H)
    b_hh: Tensor  # (P, 1, 3H)
    output: Tensor  # (P, H + 1, C)


class LSTMWeights(NamedTuple):
    w_ih: Tensor  # (P, n_in, 4H) input | forget | cell | output
    w_hh: Tensor  # (P, H, 4H)
    b_ih: Tensor  # (P, 1, 4H)
    b_hh: Tensor  # (P, 1, 4H)
    output: Tensor  # (P, H + 1, C)


@dataclass(frozen=True)
class ENU:
    """Evolvable neural unit: gated memory, clipped output that can be exactly zero, output fed back to the input.

    With the input row `[x, o, h, 1]` (o: the unit's last output) and one linear map for each gate a:

        z = sigmoid(3 a_z)    r = sigmoid(3 (a_r - 1))    c = tanh(3 a_c), r * h standing in for h
        h <- (1 - z) h + z c    o = clamp(gain ([h, 1] W_o + noise), 0, 1)

    `feedback=False` is the paper's NFENU: its input row has no o.
    Genome, row-major: gates (K, 2H) as reset|update, cell (K, H), output (H + 1, C); rows in the order x, o, h, 1.
    """

    n_in: Size
    n_out: Size = 1
    hidden: Size = 32
    feedback: bool = True
    gain: Real = 1.0  # slope of the output before the clip; 1000 makes it nearly a step
    noise: NotNegative = 0.0  # s.d. of Gaussian noise added before the clip

    kind: ClassVar[str] = "enu"

    def __post_init__(self) -> None:
        check(self)

    @property
    def rows(self) -> int:
        """K, the length of the gates' input row."""
        return self.n_in + (self.n_out if self.feedback else 0) + self.hidden + 1

    @property
    def n_params(self) -> int:
        return self.rows * 3 * self.hidden + (self.hidden + 1) * self.n_out

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return (self.n_out,) if self.noise else ()

    def init(self, generator: torch.Generator) -> Tensor:
        """One genome (D,): every gate orthogonal, bias rows zero."""
        k, h = self.rows, self.hidden
        reset, update, cell = (_orthogonal_with_bias(k, h, generator) for _ in range(3))
        output = _orthogonal_with_bias(h + 1, self.n_out, generator)
        return torch.cat([torch.cat([reset, update], 1).flatten(), cell.flatten(), output.flatten()])

    def unpack(self, genomes: Tensor) -> ENUWeights:
        """Views of genomes (P, D) as weight matrices."""
        k, h = self.rows, self.hidden
        return ENUWeights(*_split(self, genomes, (k, 2 * h), (k, h), (h + 1, self.n_out)))

    def reset(self, population: int, rows: int, device: torch.device | str = "cpu") -> State:
        """Memory h (P, R, H) and output o (P, R, C), all zero."""
        return (
            torch.zeros(population, rows, self.hidden, dtype=torch.float32, device=device),
            torch.zeros(population, rows, self.n_out, dtype=torch.float32, device=device),
        )

    def step(self, weights: ENUWeights, state: State, x: Tensor, noise: Tensor | None = None) -> tuple[State, Tensor]:
        """One step of x (P, R, n_in), giving y (P, R, C).  `noise`: standard normals that broadcast to y."""
        h, o = state
        x = x.expand(h.shape[0], h.shape[1], -1)
        one = h.new_ones(h.shape[0], h.shape[1], 1)
        before = [x, o] if self.feedback else [x]
        gates = torch.cat([*before, h, one], -1) @ weights.gates
        a_r, a_z = gates.split(self.hidden, -1)
        r = torch.sigmoid(3 * (a_r - 1))
        z = torch.sigmoid(3 * a_z)
        c = torch.tanh(3 * (torch.cat([*before, r * h, one], -1) @ weights.cell))
        h = (1 - z) * h + z * c
        out = torch.cat([h, one], -1) @ weights.output
        if noise is not None:
            out = out + self.noise * noise
        o = torch.clamp(self.gain * out, 0, 1)
        return (h, o), o


@dataclass(frozen=True)
class GRU:
    """Textbook gated recurrent unit (as torch.nn.GRUCell) with a linear read-out of h.

    Reconstruction: the paper compares with "standard GRUs" and does not give their wiring.  Ours has no gain, no reset
    bias, no feedback and no clip; `clip=True` adds the clip, for the sensitivity check on that choice.
    Genome, row-major: w_ih (n_in, 3H) as reset|update|new, w_hh (H, 3H), b_ih (3H), b_hh (3H), output (H + 1, C).
    """

    n_in: Size
    n_out: Size = 1
    hidden: Size = 32
    clip: bool = False
    noise: NotNegative = 0.0

    kind: ClassVar[str] = "gru"
    n_gates: ClassVar[int] = 3

    def __post_init__(self) -> None:
        check(self)

    @property
    def n_params(self) -> int:
        return _gated_params(self, self.n_gates)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return (self.n_out,) if self.noise else ()

    def init(self, generator: torch.Generator) -> Tensor:
        """One genome (D,): every gate's matrices orthogonal, biases zero (the ENU's initialisation)."""
        return _init_gated(self, self.n_gates, generator)

    def unpack(self, genomes: Tensor) -> GRUWeights:
        return GRUWeights(*_split(self, genomes, *_gated_shapes(self, self.n_gates)))

    def reset(self, population: int, rows: int, device: torch.device | str = "cpu") -> State:
        """Memory h (P, R, H), zero."""
        return (torch.zeros(population, rows, self.hidden, dtype=torch.float32, device=device),)

    def step(self, weights: GRUWeights, state: State, x: Tensor, noise: Tensor | None = None) -> tuple[State, Tensor]:
        """One step of x (P, R, n_in), giving y (P, R, C)."""
        (h,) = state
        x = x.expand(h.shape[0], h.shape[1], -1)
        i_r, i_z, i_n = (x @ weights.w_ih + weights.b_ih).split(self.hidden, -1)
        h_r, h_z, h_n = (h @ weights.w_hh + weights.b_hh).split(self.hidden, -1)
        r = torch.sigmoid(i_r + h_r)
        z = torch.sigmoid(i_z + h_z)
        n = torch.tanh(i_n + r * h_n)
        h = (1 - z) * n + z * h
        return (h,), _read_out(self, weights.output, h, noise)


@dataclass(frozen=True)
class LSTM:
    """Textbook long short-term memory (as torch.nn.LSTMCell) with a linear read-out of h.

    Reconstruction, as for GRU.  Genome, row-major: w_ih (n_in, 4H) as input|forget|cell|output, w_hh (H, 4H),
    b_ih (4H), b_hh (4H), output (H + 1, C).
    """

    n_in: Size
    n_out: Size = 1
    hidden: Size = 32
    clip: bool = False
    noise: NotNegative = 0.0

    kind: ClassVar[str] = "lstm"
    n_gates: ClassVar[int] = 4

    def __post_init__(self) -> None:
        check(self)

    @property
    def n_params(self) -> int:
        return _gated_params(self, self.n_gates)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        return (self.n_out,) if self.noise else ()

    def init(self, generator: torch.Generator) -> Tensor:
        """One genome (D,): every gate's matrices orthogonal, biases zero (the ENU's initialisation)."""
        return _init_gated(self, self.n_gates, generator)

    def unpack(self, genomes: Tensor) -> LSTMWeights:
        return LSTMWeights(*_split(self, genomes, *_gated_shapes(self, self.n_gates)))

    def reset(self, population: int, rows: int, device: torch.device | str = "cpu") -> State:
        """Memory h and cell c, both (P, R, H), zero."""
        h = torch.zeros(population, rows, self.hidden, dtype=torch.float32, device=device)
        return h, h.clone()

    def step(self, weights: LSTMWeights, state: State, x: Tensor, noise: Tensor | None = None) -> tuple[State, Tensor]:
        """One step of x (P, R, n_in), giving y (P, R, C)."""
        h, c = state
        x = x.expand(h.shape[0], h.shape[1], -1)
        a = x @ weights.w_ih + weights.b_ih + h @ weights.w_hh + weights.b_hh
        i, f, g, o = a.split(self.hidden, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return (h, c), _read_out(self, weights.output, h, noise)


Cell = ENU | GRU | LSTM
CellName = Literal["enu", "nfenu", "gru", "lstm", "gru-clip", "lstm-clip"]


def make_cell(kind: str, n_in: int, n_out: int = 1, hidden: int = 32, noise: float = 0.0) -> Cell:
    """A cell by the name the paper's figures use: enu, nfenu, gru, lstm; or gru-clip, lstm-clip (clipped read-out)."""
    if kind in ("enu", "nfenu"):
        return ENU(n_in, n_out, hidden, feedback=kind == "enu", noise=noise)
    if kind in ("gru", "gru-clip"):
        return GRU(n_in, n_out, hidden, clip=kind == "gru-clip", noise=noise)
    if kind in ("lstm", "lstm-clip"):
        return LSTM(n_in, n_out, hidden, clip=kind == "lstm-clip", noise=noise)
    raise ValueError(f"unknown model {kind!r}: choose {', '.join(get_args(CellName))}")


def _orthogonal_with_bias(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """(rows, columns): orthogonal but for the last row, which is zero."""
    weights = torch.zeros(rows, columns, dtype=torch.float32, device="cpu")
    torch.nn.init.orthogonal_(weights[:-1], generator=generator)
    return weights


def _split(cell: Cell, genomes: Tensor, *shapes: tuple[int, int]) -> list[Tensor]:
    if genomes.dim() != 2 or genomes.shape[1] != cell.n_params:
        raise ValueError(f"genomes must be (P, {cell.n_params}) for {cell}, got {tuple(genomes.shape)}")
    parts = genomes.split([a * b for a, b in shapes], 1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]


def _gated_shapes(cell: GRU | LSTM, n_gates: int) -> list[tuple[int, int]]:
    g = n_gates * cell.hidden
    return [(cell.n_in, g), (cell.hidden, g), (1, g), (1, g), (cell.hidden + 1, cell.n_out)]


def _gated_params(cell: GRU | LSTM, n_gates: int) -> int:
    return sum(a * b for a, b in _gated_shapes(cell, n_gates))


def _init_gated(cell: GRU | LSTM, n_gates: int, generator: torch.Generator) -> Tensor:
    parts = []
    for rows in (cell.n_in, cell.hidden):
        gates = [torch.empty(rows, cell.hidden, dtype=torch.float32, device="cpu") for _ in range(n_gates)]
        for gate in gates:
            torch.nn.init.orthogonal_(gate, generator=generator)
        parts.append(torch.cat(gates, 1).flatten())
    biases = torch.zeros(2 * n_gates * cell.hidden, dtype=torch.float32, device="cpu")
    output = _orthogonal_with_bias(cell.hidden + 1, cell.n_out, generator)
    return torch.cat([*parts, biases, output.flatten()])


def _read_out(cell: GRU | LSTM, output: Tensor, h: Tensor, noise: Tensor | None) -> Tensor:
    out = h @ output[:, :-1] + output[:, -1:]
    if noise is not None:
        out = out + cell.noise * noise
    return out.clamp(0, 1) if cell.clip else out
