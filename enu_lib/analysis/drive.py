"""A single neuron of a network under constant drive: when it rests, is active, or oscillates (ours).

current = mean_current(episodes)                                    # (C,) what a neuron receives in the network
bifurcation(network, genome, current, torch.linspace(0, 3, 121))    # (A, keep) its output after it has settled
"""

from __future__ import annotations

import torch
from torch import Tensor

from enu_lib.base.precision import in_float32
from enu_lib.kernels import door
from enu_lib.network import Network
from enu_lib.trace import Trace


def mean_current(episodes: Trace) -> Tensor:
    """Mean input current (C,) of the neurons while the agent is alive, in episodes recorded with memory (ENUs only)."""
    alive = episodes.task["alive"][0]
    return episodes.model["transmitted"][0][alive].mean((0, 1, 2))


@in_float32
@torch.no_grad()
def bifurcation(network: Network, genome: Tensor, current: Tensor, drives: Tensor, steps: int = 400, keep: int = 100) -> Tensor:
    """Last outputs (A, keep) of a neuron's first channel under the constant currents drives[a] * current, without noise."""
    cell = network.neuron_cell
    weights = network.unpack(door.genomes(network, genome[None])).neuron
    x = (drives[:, None] * current)[None]
    x = torch.nn.functional.pad(x, (0, cell.n_in - x.shape[-1]))  # a shared genome's neurons have the synapses' width
    state = cell.reset(1, len(drives))
    kept: list[Tensor] = []
    for _ in range(steps):
        state, y = cell.step(weights, state, x)
        kept = [*kept[-(keep - 1) :], y[0, :, 0]] if keep > 1 else [y[0, :, 0]]
    return torch.stack(kept, 1)
