"""The stages of a network's step, computed by hand."""

import math

import pytest
import torch

import enu_lib as enu
from enu_lib.analysis import computation_flow


def test_the_stages_of_two_steps_equal_a_hand_computation():
    """Synapses copy tanh of their presynaptic neuron to channel 0 of their memory and output; neurons' outputs are constant."""
    network = enu.Network(connections=((0, 1), (0, 2)), n_inputs=2, n_outputs=1, channels=2, hidden=2, noise=0.0)
    genome = torch.zeros(network.n_params)
    neuron, synapse = network.unpack(genome[None])  # views
    neuron.output[0, -1] = torch.tensor([0.75, 0.25])
    synapse.cell[0, 0, 0] = synapse.output[0, 0, 0] = 1.0
    synapse.output[0, -1, 1] = 0.5
    first, second = computation_flow(network, genome, torch.tensor([[0.2, 0.4], [0.2, 0.0]]))

    assert first.sources == pytest.approx(torch.tensor([[0.2, 0], [0.4, 0], [0, 0], [0, 0]]))
    assert first.gathered == pytest.approx(torch.tensor([[0.2, 0, 0, 0], [0.4, 0, 0, 0], [0.2, 0, 0, 0], [0, 0, 0, 0]]))
    a, b = (0.5 * math.tanh(3 * x) for x in (0.2, 0.4))  # the update gate is half open
    assert first.transmitted == pytest.approx(torch.tensor([[a, 0.5], [b, 0.5], [a, 0.5], [0, 0.5]]))
    assert first.mean == pytest.approx(torch.tensor([[(a + b) / 2, 0.5], [a / 2, 0.5]]))
    assert first.output == pytest.approx(torch.tensor([[0.75, 0.25], [0.75, 0.25]]))

    assert second.sources == pytest.approx(torch.tensor([[0.2, 0], [0, 0], [0.75, 0.25], [0.75, 0.25]]))
    assert second.gathered[3] == pytest.approx(torch.tensor([0.75, 0.25, 0.75, 0.25]))  # pre | post, both neurons' outputs
    c = 0.5 * math.tanh(3 * 0.75)
    assert second.transmitted[:, 0] == pytest.approx(torch.tensor([1.5 * a, 0.5 * b, 1.5 * a, c]))
