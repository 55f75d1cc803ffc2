"""The network of evolvable neural units (paper: section "Network of ENUs", Fig. 2 and extended data Fig. 6).

Every synapse and every neuron is a unit with its own memory and output.  All synapses share one set of rules and all
neurons share another, so a genome has two parts: the neuron's, then the synapse's.
Shapes: P offspring, B environments, N neurons, S synapses per neuron, C channels, I input neurons.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from enu_lib.base.kinds import Index, NotNegative, Size, check, shown
from enu_lib.cells import Cell, CellName, State, make_cell
from enu_lib.streams import balanced

Connections = tuple[tuple[Index, ...], ...]

# Rows: neurons 4 to 9.  Entries: presynaptic neurons (0-2 sensors, 3 reward).  From the authors' public code.
PUBLISHED: Connections = (
    (0, 1, 5, 6, 7, 8, 3, 4),
    (0, 2, 4, 6, 7, 9, 3, 5),
    (1, 2, 4, 5, 8, 9, 3, 6),
    (4, 5, 8, 9, 0, 1, 3, 7),
    (4, 6, 7, 9, 0, 2, 3, 8),
    (5, 6, 7, 8, 1, 2, 3, 9),
)

# Every neuron receives all sensors and the reward, so that wiring reveals nothing about a sensor.  Output neurons differ in
# which outputs they receive: the first from itself, the second from the first and itself, the third from the first two.
# Reconstruction: with the published table our evolution gets stuck on a shortcut that works for two of the three shuffles.
ORDERED: Connections = (
    (0, 1, 2, 3, 7, 8, 9, 4),
    (0, 1, 2, 3, 7, 8, 9, 5),
    (0, 1, 2, 3, 7, 8, 9, 6),
    (0, 1, 2, 3, 4, 7, 7, 7),
    (0, 1, 2, 3, 5, 7, 7, 8),
    (0, 1, 2, 3, 6, 7, 8, 8),
)

# Like ORDERED, but the output neurons form a chain.  Half of the first one's synapses come from the sensors and the reward
# neuron.  The second receives input from the hidden neurons, the first and itself, the third only from the second and
# itself.  With ORDERED, outputs differ only by noise (without it, they are equal for every genome), and in most networks they
# stayed nearly equal while the first evolved to discriminate.  Reconstruction.
CHAINED: Connections = (
    *ORDERED[:3],
    (0, 1, 2, 3, 4, 5, 6, 7),
    (4, 5, 6, 7, 8, 8, 8, 8),
    (8, 8, 8, 8, 9, 9, 9, 9),
)


def random_connections(neurons: int, synapses: int, n_inputs: int, generator: torch.Generator) -> Connections:
    """A random table (neurons, synapses).  No neuron repeats a presynaptic partner unless synapses outnumber the sources."""
    sources = n_inputs + neurons
    rows = []
    for _ in range(neurons):
        rows.append(tuple(balanced(sources, synapses, generator).tolist()))
    return tuple(rows)


class NetworkWeights(NamedTuple):
    neuron: Any  # what the neuron cell's `unpack` returns
    synapse: Any  # what the synapse cell's `unpack` returns


class NetworkState(NamedTuple):
    """States of neurons (P, B * N, ..) and synapses (P, B * N * S, ..), and the outputs of all neurons (P, B, N, C)."""

    neuron: State
    synapse: State
    output: Tensor


@dataclass(frozen=True)
class Network:
    """A network in which every synapse and every neuron is a recurrent unit.

    One step: (1) give each synapse the last outputs of its presynaptic and its postsynaptic neuron, side by side; (2) step
    all synapses; (3, 4) average the synapses of each neuron; (5) step all neurons.  The network's output is the first
    channel of the last `n_outputs` neurons.

    `shared=True` is the paper's SHAREDENU: synapses and neurons share one set of rules; the neuron's input is padded with
    zeros to the synapse's width (reconstruction).

    `own_noise=True` draws noise for each offspring separately, as the authors' code does, even for the two of an antithetic
    pair.  By default all offspring of a generation get the same noise, so that their fitness does not differ by chance
    (reconstruction).
    """

    connections: Connections = PUBLISHED
    n_inputs: Size = 4
    n_outputs: Size = 3
    channels: Size = 16
    hidden: Size = 32
    cell: CellName = "enu"
    shared: bool = False
    noise: NotNegative = 0.01  # breaks symmetry: without noise, identical units with identical input stay identical
    own_noise: bool = False  # draw noise for each offspring; False: all offspring get the same

    def __post_init__(self) -> None:
        check(self)
        table = self.connections
        if not table or len({len(row) for row in table}) != 1 or not table[0]:
            raise ValueError(f"connections takes the same number of synapses (>= 1) for every neuron, got {shown(table)}")
        if max(map(max, table)) >= self.n_inputs + len(table):
            raise ValueError(f"connections must name neurons 0 to {self.n_inputs + len(table) - 1}, got {max(map(max, table))}")
        if not 1 <= self.n_outputs <= len(table):
            raise ValueError(f"n_outputs must be 1 to {len(table)} (the neurons), got {self.n_outputs}")

    @property
    def neurons(self) -> int:
        """N, excluding the input neurons."""
        return len(self.connections)

    @property
    def synapses(self) -> int:
        """S, synapses per neuron."""
        return len(self.connections[0])

    @cached_property
    def neuron_cell(self) -> Cell:
        width = 2 * self.channels if self.shared else self.channels
        return make_cell(self.cell, width, self.channels, self.hidden, self.noise)

    @cached_property
    def synapse_cell(self) -> Cell:
        return make_cell(self.cell, 2 * self.channels, self.channels, self.hidden, self.noise)

    @property
    def n_params(self) -> int:
        return self.synapse_cell.n_params + (0 if self.shared else self.neuron_cell.n_params)

    @property
    def noise_shape(self) -> tuple[int, ...]:
        """One value per output channel, neurons first, then synapses."""
        return (self.neurons * (1 + self.synapses) * self.channels,) if self.noise else ()

    def init(self, generator: torch.Generator) -> Tensor:
        """A random genome (D,): the neuron's part, then the synapse's (one part for both if shared)."""
        if self.shared:
            return self.synapse_cell.init(generator)
        return torch.cat([self.neuron_cell.init(generator), self.synapse_cell.init(generator)])

    def unpack(self, genomes: Tensor) -> NetworkWeights:
        if self.shared:
            weights = self.synapse_cell.unpack(genomes)
            return NetworkWeights(weights, weights)
        if genomes.dim() != 2 or genomes.shape[1] != self.n_params:
            raise ValueError(f"genomes must be (P, {self.n_params}), got {tuple(genomes.shape)}")
        neuron, synapse = genomes.split([self.neuron_cell.n_params, self.synapse_cell.n_params], 1)
        return NetworkWeights(self.neuron_cell.unpack(neuron), self.synapse_cell.unpack(synapse))

    def reset(self, population: int, environments: int, device: torch.device | str = "cpu") -> NetworkState:
        n = environments * self.neurons
        return NetworkState(
            self.neuron_cell.reset(population, n, device),
            self.synapse_cell.reset(population, n * self.synapses, device),
            torch.zeros(population, environments, self.neurons, self.channels, dtype=torch.float32, device=device),
        )

    def step(
        self, weights: NetworkWeights, state: NetworkState, x: Tensor, noise: Tensor | None = None
    ) -> tuple[NetworkState, Tensor]:
        """One step of all units.

        x (P, B, I, k <= C): the channels of the input neurons, which are padded with zeros.  noise: standard normals,
        (B, N C + N S C) if all offspring share them, else (P, B, N C + N S C).  Returns the new state and the output
        (P, B, n_outputs).
        """
        p, b, n, c = state.output.shape
        s = self.synapses
        x = torch.nn.functional.pad(x, (0, c - x.shape[-1])).expand(p, b, -1, c)
        sources = torch.cat([x, state.output], 2)
        table = torch.tensor(self.connections, device=x.device).flatten()
        pre = sources[:, :, table]
        post = state.output.repeat_interleave(s, 2)
        neuron_noise = synapse_noise = None
        if noise is not None:
            own = len(noise) if noise.dim() == 3 else 1
            neuron_noise, synapse_noise = (part.reshape(own, -1, c) for part in noise.split([n * c, n * s * c], -1))
        synapse, transmitted = self.synapse_cell.step(
            weights.synapse, state.synapse, torch.cat([pre, post], -1).flatten(1, 2), synapse_noise
        )
        current = transmitted.unflatten(1, (b * n, s)).mean(2)
        if self.shared:
            current = torch.nn.functional.pad(current, (0, c))
        neuron, output = self.neuron_cell.step(weights.neuron, state.neuron, current, neuron_noise)
        output = output.unflatten(1, (b, n))
        return NetworkState(neuron, synapse, output), output[:, :, -self.n_outputs :, 0]
