"""The stages of computation in each step of a network (extended data Fig. 6)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from enu_lib.base.precision import in_float32
from enu_lib.kernels import door, reference
from enu_lib.network import Network
from enu_lib.rollout import present
from enu_lib.trace import Recorder


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
    inputs = door.sequences(network, inputs[None, :, :, None], genomes.device)
    recorder = Recorder(network, memory=True)
    present(reference.Stepper(network, genomes, 1), inputs, None, recorder)
    before, flows = network.reset(1, 1, genomes.device).output[0, 0], []
    for x, state in zip(inputs[0], recorder.model_states, strict=True):
        output, transmitted = state["neuron_output"][0, 0], state["transmitted"][0, 0]
        sources = torch.cat([torch.nn.functional.pad(x, (0, network.channels - 1)), before])
        pre = sources[torch.tensor(network.connections, device=genome.device).flatten()]
        gathered = torch.cat([pre, before.repeat_interleave(network.synapses, 0)], 1)
        flows.append(Flow(sources, gathered, transmitted.flatten(0, 1), transmitted.mean(1), output))
        before = output
    return flows
