"""Episodes that go on in copies: the same as if they had never been interrupted, whatever the cell and the noise."""

from dataclasses import replace

import pytest
import torch

import enu_lib as enu
from enu_lib import zoo
from enu_lib.analysis import copies
from enu_lib.network import Network
from enu_lib.tasks.maze import Maze


@pytest.mark.parametrize("own_noise", [False, True])
def test_copies_of_an_untouched_episode_go_on_as_the_episode_did(own_noise):
    entry = zoo.load("tmaze-enu")
    network, maze = replace(entry.model, own_noise=own_noise), entry.task
    lives, states = copies.watched(network, entry.genome, maze, 12, seed=3)
    which, steps = torch.tensor([0, 3, 7, 11]), torch.tensor([101, 13, 397, 201])
    begun = copies.at_steps(network, entry.genome, maze, lives, states, which, steps, seed=3)
    twice = begun.rows(torch.tensor([0, 1, 2, 3, 1, 0]))
    for visits in (1, 5):
        found = copies.share_right(network, entry.genome, maze, twice, visits)
        expected = []
        for b, t in zip(which.tolist(), steps.tolist(), strict=True):
            meals = lives.task["ate"][0, b, t:]
            meals = meals[meals != 0][:visits]
            expected.append((meals > 0).sum().item() / visits)
        assert found.tolist() == pytest.approx([expected[i] for i in (0, 1, 2, 3, 1, 0)])
        assert 0 < sum(expected) and expected[2] == 0  # too late for a visit


@pytest.mark.parametrize("cell", ["enu", "gru", "lstm"])
def test_the_state_before_a_step_is_that_of_the_chosen_environment(cell):
    network = Network(channels=4, hidden=5, cell=cell)
    _, states = copies.watched(network, network.init(enu.stream(0, "genome")), Maze(steps=12), 3, seed=1)
    state = copies.before(states, torch.tensor([2, 0]), torch.tensor([5, 9]))
    many = network.neurons * network.synapses
    assert torch.equal(state.synapse[0][0, :many], states[5].synapse[0][0, 2 * many :])
    assert torch.equal(state.synapse[-1][0, many:], states[9].synapse[-1][0, :many])
    assert torch.equal(state.output[0], torch.stack([states[5].output[0, 2], states[9].output[0, 0]]))


def test_moments_at_different_distances_from_a_move_are_refused():
    network = Network(channels=4, hidden=5)
    genome, maze = network.init(enu.stream(0, "genome")), Maze(steps=12)
    lives, states = copies.watched(network, genome, maze, 2, seed=1)
    with pytest.raises(ValueError, match="equally far"):
        copies.at_steps(network, genome, maze, lives, states, torch.tensor([0, 1]), torch.tensor([4, 5]), seed=1)
