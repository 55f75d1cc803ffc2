"""Rules in the layout that the GPU kernels read (`Rules` of cells.h): weights in tiles of 8 by 8, padded with zeros.

`packed` defines the layout, in some thirty operations, each of which takes longer to launch than to compute.  Each packed value
is zero, or a genome's value times a factor, or one such product plus a constant or plus another (the two biases of a gate).
So `rules` gathers the values from the genomes in a few operations.  Where they are in a genome, it finds out once for each
model: it packs probes: genomes whose values encode their positions.

The result is the same to the last bit (except for the sign of zeros, and products below 1e-37), since the same operations are
rounded in the same order: a product with a float32 factor (a power of two times the gain), plus the constant, plus the other
product.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.cells import ENU, GRU, LSTM, Cell
from enu_lib.kernels.fused import Gates
from enu_lib.network import Network, NetworkWeights

TILE = 8
HUGE = 2.0**200  # a probe's values: so large that in float64 adding a constant does not change them


def rules(model: Cell | Network, genomes: Tensor) -> list[Tensor]:
    """The packed rules (P, ..) of genomes (P, D): of a cell, or of a network's neurons and of its synapses."""
    genomes = torch.nn.functional.pad(genomes, (0, 1))  # a zero, for values that are padding
    return [places(genomes) for places in _all_places(model, genomes.device)]


def layouts(model: Cell | Network) -> list[Callable[[Tensor], Tensor]]:
    """For each of a model's kinds of units, the function that packs its rules from genomes (P, D)."""
    if not isinstance(model, Network):
        return [lambda genomes: packed(model, Gates(model, model.unpack(genomes)), [model.n_in])]
    c, neuron, synapse = model.channels, model.neuron_cell, model.synapse_cell
    return [
        lambda genomes: packed(neuron, Gates(neuron, model.unpack(genomes).neuron), [c]),
        lambda genomes: packed(synapse, Gates(synapse, model.unpack(genomes).synapse), [c, c]),
    ]


def packed(cell: Cell, gates: Gates, inputs: list[int]) -> Tensor:
    """A cell's rules (P, ..) in the layout of `Rules` in cells.h.

    inputs: sizes of the groups of inputs, each of which begins a new tile.  Inputs beyond them, the padding of shared rules,
    are left out.
    """
    h, c, count, _ = tiled_sizes(cell)
    x, bias = torch.cat(gates.x, 2), torch.cat(gates.bias, 2)
    if isinstance(cell, ENU):
        own, late = torch.cat(gates.oh, 2), torch.zeros_like(bias)
        fed, own = own[:, : gates.fed], own[:, gates.fed :]
    else:
        fed, own, late = x[:, :0], gates.h, gates.late
        if isinstance(cell, GRU):  # in the last gate, the reset gate also multiplies the late bias
            late = late.clone()
            bias = bias.clone()
            bias[..., : 2 * cell.hidden] += late[..., : 2 * cell.hidden]
        else:
            bias = bias + late
    rows = [*x[:, : sum(inputs)].split(inputs, 1), *([fed] if fed.shape[1] else []), own]
    last = _padded(late[..., -cell.hidden :], h)
    return torch.cat(
        [*(_tiled(w, count) for w in rows), _tiled(gates.out, 1), _padded(bias.unflatten(2, (count, -1)), h).flatten(1),
         last.flatten(1), _padded(gates.out_bias, c).flatten(1)], 1
    )  # fmt: skip


def tiled_sizes(cell: Cell) -> tuple[int, int, int, int]:
    """Hidden values and channels in whole tiles, gates, and outputs fed back in whole tiles."""
    c = up(cell.n_out, TILE)
    fed = c if isinstance(cell, ENU) and cell.feedback else 0
    return up(cell.hidden, TILE), c, 4 if isinstance(cell, LSTM) else 3, fed


def up(n: int, to: int) -> int:
    """The smallest multiple of `to` that is not below n."""
    return math.ceil(n / to) * to


def _tiled(w: Tensor, parts: int) -> Tensor:
    """Weights (P, K, parts * n) in tiles of 8 by 8, each part padded to whole tiles: (P, ..), column by column in a tile."""
    w = w.unflatten(2, (parts, -1))
    w = _padded(w, up(w.shape[3], TILE)).flatten(2)
    w = torch.nn.functional.pad(w, (0, 0, 0, up(w.shape[1], TILE) - w.shape[1]))
    tiles: Tensor = w.unflatten(2, (-1, TILE)).unflatten(1, (-1, TILE)).permute(0, 1, 3, 4, 2)
    return tiles.flatten(1)


def _padded(x: Tensor, n: int) -> Tensor:
    return torch.nn.functional.pad(x, (0, n - x.shape[-1]))


class Term(NamedTuple):
    """Products of genome values and factors, for the packed values from `first` on."""

    first: int
    number: Tensor  # position of each value in the genome; D, where the added zero is, for none
    factor: Tensor

    def __call__(self, genomes: Tensor) -> Tensor:
        """The products (P, ..) for genomes with a zero at the end (P, D + 1)."""
        return genomes.index_select(1, self.number).mul_(self.factor)


class Places(NamedTuple):
    """How packed values follow from genomes: the sum of the first term, the constants and the other terms."""

    main: Term
    constants: tuple[int, Tensor]  # the first packed value with a constant, and the constants from there on
    others: list[Term]

    def __call__(self, genomes: Tensor) -> Tensor:
        """The packed rules (P, ..) of genomes with a zero at the end (P, D + 1)."""
        packed = self.main(genomes)
        for first, values in [self.constants, *((term.first, term(genomes)) for term in self.others)]:
            if values.shape[-1]:
                packed[:, first : first + values.shape[-1]].add_(values)
        return packed


@lru_cache
def _all_places(model: Cell | Network, device: torch.device) -> list[Places]:
    number = torch.arange(model.n_params, device="cpu")[None]
    weights = model.unpack(number)
    kinds = weights if isinstance(weights, NetworkWeights) else [weights]
    return [_places(layout, parts, model.n_params, device) for layout, parts in zip(layouts(model), kinds, strict=True)]


@torch.no_grad()
def _places(layout: Callable[[Tensor], Tensor], parts: tuple[Tensor, ...], size: int, device: torch.device) -> Places:
    """Find the places of a layout's values.

    parts: the positions in the genome of the values of each weight matrix.  A packed value depends on at most one of each.
    """
    probes = torch.zeros(1 + 2 * len(parts), size, dtype=torch.float64, device="cpu")
    for i, part in enumerate(parts):
        mine = part.flatten()
        probes[1 + 2 * i, mine] = HUGE
        probes[2 + 2 * i, mine] = HUGE * (1 + mine).double()
    constants, *answers = layout(probes)
    terms: list[tuple[Tensor, Tensor]] = []
    for factor, weighted in zip(answers[::2], answers[1::2], strict=True):
        factor, weighted = (torch.where(v.abs() > HUGE**0.5, v, 0) for v in (factor, weighted))  # without constants
        index = torch.where(factor != 0, (weighted / factor).round() - 1, size)
        new = index.long(), factor / HUGE
        for k, (other, by) in enumerate(terms):  # fill up the first term, then the second ..
            free = (other == size) & (new[0] < size)
            terms[k] = torch.where(free, new[0], other), torch.where(free, new[1], by)
            new = torch.where(free, size, new[0]), torch.where(free, 0, new[1])
        terms.append(new)
    whole = [(index.to(device), factor.float().to(device)) for index, factor in terms]
    others = []
    for (index, factor), (there, _) in zip(whole[1:], terms[1:], strict=True):
        if (used := _span(there < size)).stop:
            others.append(Term(used.start, index[used], factor[used]))
    used = _span(constants != 0)
    return Places(Term(0, *whole[0]), (used.start, constants[used].float().to(device)), others)


def _span(used: Tensor) -> slice:
    """From the first to the last of those that are used."""
    where = used.nonzero().flatten().tolist()
    return slice(where[0], where[-1] + 1) if where else slice(0, 0)
