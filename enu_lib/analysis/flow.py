"""The stages of computation in each step of a network (extended data Fig. 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.kernels import door
from enu_lib.network import Network
from enu_lib.precision import in_float32


class Flow(NamedTuple):
    """The intermediate values of one network step; I inputs, N neurons with S synapses each, C channels."""

    sources: Tensor  # (I + N, C) inputs, and the previous outputs of all neurons
    gathered: Tensor  # (N S, 2 C) input to each synapse: presynaptic | postsynaptic channels
    transmitted: Tensor  # (N S, C) outputs of the synapses
    mean: Tensor  # (N, C) averaged over each neuron's synapses
    output: Tensor  # (N, C) outputs of the neurons


@in_float32
def computation_flow(network: Network, genome: Tensor, inputs: Tensor) -> list[Flow]:
    """The intermediate values of each step of a noise-free network of ENUs, for inputs (T, I) on channel 0."""
    genomes = door.genomes(network, genome[None])
    inputs = door.sequences(network, inputs[None, :, :, None], genomes.device)[0, :, :, 0]
    weights, state = network.unpack(genomes), network.reset(1, 1, genomes.device)
    flows = []
    for x in inputs:
        padded = torch.nn.functional.pad(x[:, None], (0, network.channels - 1))
        sources = torch.cat([padded, state.output[0, 0]])
        pre = sources[torch.tensor(network.connections, device=genome.device).flatten()]
        gathered = torch.cat([pre, state.output[0, 0].repeat_interleave(network.synapses, 0)], 1)
        state, _ = network.step(weights, state, x[None, None, :, None])
        transmitted = state.synapse[1][0]
        mean = transmitted.unflatten(0, (network.neurons, -1)).mean(1)
        flows.append(Flow(sources, gathered, transmitted, mean, state.output[0, 0]))
    return flows
