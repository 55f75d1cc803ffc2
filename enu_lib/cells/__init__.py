"""Recurrent cells: the evolvable neural unit, and the GRU and LSTM it is compared with.

A cell is immutable and holds only sizes and settings.  Its parameters are a population of flat genomes `(P, D)`, its state
is a tuple of tensors, and one step maps `(weights, state, x)` to `(state, y)`.  Shapes: P offspring, R rows (independent
units that share an offspring's rules: environments, or environments times units), H memory values.
"""

from typing import get_args

from enu_lib.base.names import CellName, UnitName
from enu_lib.cells.enu import ENU, ENUWeights, State
from enu_lib.cells.gated import GRU, LSTM, GatedWeights

__all__ = ["ENU", "GRU", "LSTM", "Cell", "CellName", "ENUWeights", "GatedWeights", "State", "UnitName", "make_cell"]

Cell = ENU | GRU | LSTM


def make_cell(kind: str, n_in: int, n_out: int = 1, hidden: int = 32, noise: float = 0.0) -> Cell:
    """A cell by its name in the paper's figures (enu, nfenu, gru, lstm), or a variant of it.

    gru-clip, lstm-clip: with a clipped read-out.  gru-gain: a GRU with the ENU's gain, reset bias and clipping.  enu-plain: an
    ENU with neither gain nor reset bias.
    """
    if kind in ("enu", "nfenu"):
        return ENU(n_in, n_out, hidden, feedback=kind == "enu", noise=noise)
    if kind == "enu-plain":
        return ENU(n_in, n_out, hidden, noise=noise, gate_gain=1.0, reset_bias=0.0)
    if kind == "gru-gain":
        return GRU(n_in, n_out, hidden, True, noise, ENU.gate_gain, ENU.reset_bias)
    if kind in ("gru", "gru-clip"):
        return GRU(n_in, n_out, hidden, clip=kind == "gru-clip", noise=noise)
    if kind in ("lstm", "lstm-clip"):
        return LSTM(n_in, n_out, hidden, clip=kind == "lstm-clip", noise=noise)
    raise ValueError(f"unknown model {kind!r}: choose {', '.join((*get_args(CellName), *get_args(UnitName)))}")
