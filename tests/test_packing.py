"""Rules in the GPU kernels' layout: those looked up in the genomes are those of the definition, to the last bit."""

from dataclasses import replace
from typing import get_args

import pytest
import torch

from enu_lib.cells import ENU, GRU, LSTM, CellName, make_cell
from enu_lib.kernels import packing
from enu_lib.network import ORDERED, Network
from enu_lib.streams import stream

CELL_NAMES = get_args(CellName)
KINDS = ("enu", "nfenu", "enu-plain", "gru", "gru-gain", "gru-clip", "lstm", "lstm-clip")
CELLS = [
    *(make_cell(kind, 4, n_out, hidden) for kind in KINDS for n_out, hidden in ((1, 9), (1, 32), (3, 16), (9, 50))),
    ENU(3, 2, 10, gate_gain=1.7, reset_bias=-0.3, gain=1000.0),
    ENU(3, 2, 10, feedback=False, gate_gain=-0.1, reset_bias=2.5),
    GRU(3, 2, 10, gate_gain=1.7, reset_bias=-0.3),
    GRU(11, 1, 8, gate_gain=1.0, reset_bias=0.1),
    LSTM(1, 1, 1),
]
NETWORKS = [
    *(Network(ORDERED, channels=4, hidden=9, cell=kind, shared=shared) for kind in CELL_NAMES for shared in (False, True)),
    *(Network(channels=c, hidden=h) for c, h in ((16, 32), (3, 16), (9, 50))),
]


def genomes(model):
    """Random genomes, among them one that has overflowed and one with zeros of either sign."""
    drawn = torch.randn(6, model.n_params, generator=stream(0, "genomes"))
    drawn[1] *= 1e4
    drawn[2, ::3], drawn[2, 1::3] = 0.0, -0.0
    drawn[3, ::2] *= 1e-20
    drawn[4] = torch.nan
    return drawn


@pytest.mark.parametrize("model", [*CELLS, *NETWORKS], ids=str)
def test_rules_equal_the_definition(model):
    drawn = genomes(model)
    found, wanted = packing.rules(model, drawn), [layout(drawn) for layout in packing.layouts(model)]
    assert len(found) == len(wanted) == (2 if isinstance(model, Network) else 1)
    for mine, right in zip(found, wanted, strict=True):
        assert mine.shape == right.shape and mine.dtype == right.dtype == torch.float32 and mine.is_contiguous()
        assert torch.equal(mine.isnan(), right.isnan())
        known = ~right.isnan()
        assert torch.equal(mine[known], right[known])


def test_a_change_of_settings_or_genomes_changes_the_rules():
    cell = make_cell("enu", 4)
    drawn = genomes(cell)[:1]
    (first,), (again,), (other,), (steeper,) = (
        packing.rules(c, g)
        for c, g in ((cell, drawn), (cell, drawn.clone()), (cell, drawn + 1), (replace(cell, gate_gain=4.0), drawn))
    )
    assert torch.equal(first, again) and not torch.equal(first, other) and not torch.equal(first, steeper)
