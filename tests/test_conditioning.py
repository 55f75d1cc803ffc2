"""Conditioning: timing of the inputs, and changes caused by the pairing only."""

import pytest
import torch

import enu_lib as enu
from enu_lib.analysis import conditioning as dish
from enu_lib.analysis.conditioning import Protocol, conditioning, repeated, respond
from enu_lib.network import ORDERED, Network

NETWORK = Network(ORDERED, channels=4, hidden=8, noise=0.1)
GENOME = NETWORK.init(enu.stream(0, "genome"))
GENOME = GENOME + 0.5 * torch.randn(GENOME.shape, generator=enu.stream(1, "genome"))  # outputs neither all 0 nor all 1
SHORT = Protocol(quiet=3, wall=2, rest=4, shown=2, probe=2)


def _shown(monkeypatch, experiment):
    """The inputs that an experiment presents to the network."""
    seen = []

    def watch(network, genome, x, seed):
        seen.append(x.clone())
        return respond(network, genome, x, seed)

    monkeypatch.setattr(dish, "respond", watch)
    experiment()
    return seen[0]


def test_sensors_reward_and_probe_have_the_right_timing(monkeypatch):
    x = _shown(monkeypatch, lambda: conditioning(NETWORK, GENOME, [-2, 0, 3], episodes=1, protocol=SHORT))
    onset = 3 + 2 + 4 + 2
    begins = onset + 3 + 2 + 4
    assert x.shape == (10, begins + 2, 4, 3)
    assert x[:, :, 0, 0].nonzero()[:, 1].unique().tolist() == [3, 4]  # the wall
    assert x[:-1, :, 1, 0].nonzero()[:, 1].unique().tolist() == [onset, onset + 1, begins, begins + 1]  # and the probe
    assert x[-1, :, 1:].nonzero()[:, 0].unique().tolist() == [begins, begins + 1]  # the control is only probed
    for row, (channel, at) in {0: (1, onset - 2), 2: (1, onset + 3), 4: (2, onset)}.items():
        assert x[row, :, 3, channel].nonzero().flatten().tolist() == [at, at + 1]
        assert x[row, :, 3, 3 - channel].eq(0).all()
    assert x[6:, :, 3].eq(0).all()  # the reward "nothing"
    assert x[:, :, 2].eq(0).all()  # no other sensor


def test_repeated_rewards_directly_precede_the_probe(monkeypatch):
    x = _shown(monkeypatch, lambda: repeated(NETWORK, GENOME, "poison", times=2, episodes=1, protocol=SHORT))
    event, first = 2 + 2 + 4, 3 + 2 + 4
    assert x.shape[1] == first + 2 * event + 2
    meals = [row[:, 3, 2].nonzero().flatten().tolist() for row in x]
    assert meals == [[], [first + event + 2, first + event + 3], [first + 2, first + 3, first + event + 2, first + event + 3]]
    with pytest.raises(ValueError, match="salt.*food"):
        repeated(NETWORK, GENOME, "salt")


def test_respond_equals_the_network_step_by_step():
    x = torch.rand(3, 5, 4, 3, generator=enu.stream(1, "inputs"))
    quiet = Network(ORDERED, channels=4, hidden=8, noise=0.0)
    y = respond(quiet, GENOME, x)
    weights, state = quiet.unpack(GENOME[None]), quiet.reset(1, 3)
    for t in range(5):
        state, out = quiet.step(weights, state, x[None, :, t])
        assert torch.equal(y[:, t, -3:, 0], out[0])


def test_a_network_without_memory_is_not_changed_by_pairing():
    forgetful = torch.zeros_like(GENOME)
    found = conditioning(NETWORK, forgetful, [-2, 0, 2], episodes=2, protocol=SHORT)
    assert found.outputs.shape == (3, 3, 2, 3) and not found.outputs.any()


def test_pairing_changes_a_network_with_memory():
    found = conditioning(NETWORK, GENOME, [-2, 0, 2], episodes=2, protocol=SHORT)
    assert found.outputs.abs().max() > 0
    food, poison, nothing = found.outputs
    assert not torch.equal(food, poison) and not torch.equal(food, nothing)
    assert torch.equal(nothing[0], nothing[1])  # with no reward there is no delay


def test_networks_of_other_cells_respond_too():
    network = Network(ORDERED, channels=4, hidden=8, cell="gru")
    assert respond(network, network.init(enu.stream(0, "genome")), torch.zeros(1, 2, 4, 3)).shape == (1, 2, 6, 4)
