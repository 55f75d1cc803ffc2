"""Memories of single synapses put back: bookkeeping by hand, and a latch whose memory is known to lie in one synapse."""

import pytest
import torch

import enu_lib as enu
from enu_lib import zoo
from enu_lib.analysis import transplant
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze


def test_only_the_chosen_synapses_of_the_chosen_copies_are_reverted():
    network = Network(channels=4, hidden=5)
    many = network.neurons * network.synapses
    state = network.reset(1, 2 * 3)  # two copies of three episodes
    state = state._replace(synapse=(torch.rand_like(state.synapse[0]), *state.synapse[1:]))
    which = torch.zeros(2, many, dtype=torch.bool)
    which[1, 7] = True
    kept = torch.full((3, many, 5), 9.0)
    before, after = (s.synapse[0].reshape(2, 3, many, 5) for s in (state, transplant.set_back(state, which, kept)))
    assert (before != after).any(-1).nonzero().tolist() == [[1, 0, 7], [1, 1, 7], [1, 2, 7]]
    assert (after[1, :, 7] == 9).all()


def test_sources_follow_the_connection_table():
    """Of the table of ED Fig. 6: neurons 4 to 6 are hidden, 7 to 9 output neurons; inputs 0 to 2 sensors, 3 the reward."""
    network = Network(connections=((0, 1, 2, 3, 4, 6, 7, 9),) * 6)
    assert transplant.sources(network).tolist() == [[0, 0, 0, 1, 2, 2, 3, 3]] * 6


@pytest.fixture(scope="module")
def latch():
    entry = zoo.load("tmaze-enu-latch")
    return entry.model, transplant.synapses(entry.model, entry.genome, entry.task, 24, seed=3)


def test_setting_nothing_back_changes_nothing_and_everything_back_forgets_the_poison(latch):
    _, found = latch
    assert found.changed.shape == found.forgets.shape == found.knows.shape == (6, 8)
    assert found.intact > 0.9 and found.naive < 0.1 and found.episodes > 10


def test_the_latch_keeps_its_bit_in_the_synapse_from_the_reward_neuron_to_the_right_turn(latch):
    network, found = latch
    reward, right = network.connections[5].index(3), 5
    others = torch.ones(6, 8, dtype=torch.bool)
    others[right, reward] = False
    assert found.forgets[right, reward] < 0.1 and (found.forgets[others] > 0.9).all()
    assert found.knows[right, reward] > 0.9 and (found.knows[others] < 0.1).all()


def test_episodes_without_poison_are_named():
    network = Network(channels=4, hidden=5)
    with pytest.raises(ValueError, match="none of 2 episodes"):
        transplant.synapses(network, network.init(enu.stream(0, "genome")), Maze(steps=40), 2)
