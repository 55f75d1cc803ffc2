"""The offspring of a generation: antithetic pairs, a part of them, and the noise that they get."""

import pytest
import torch

import enu_lib as enu
from enu_lib.network import ORDERED, Network
from enu_lib.offspring import Offspring, noise_for, rows_of

PARENT = torch.tensor([1.0, 2.0])
MUTATIONS = torch.tensor([[0.0, 0.0], [0.5, -0.25], [4.0, 8.0]])
ALL = torch.tensor([[1.0, 2.0], [1.5, 1.75], [5.0, 10.0], [1.0, 2.0], [0.5, 2.25], [-3.0, -6.0]])


def test_pairs_are_the_parent_plus_and_minus_a_mutation():
    offspring = Offspring(PARENT, MUTATIONS, (0, 6))
    assert len(offspring) == 6 and torch.equal(offspring.genomes, ALL)


@pytest.mark.parametrize("low, high", [(0, 2), (1, 3), (2, 5), (3, 6), (5, 6), (4, 4)])
def test_a_part_of_the_offspring_has_the_genomes_of_these_rows(low, high):
    """Also where the part begins among the positive mutations and ends among the negative ones."""
    part = Offspring(PARENT, MUTATIONS, (low, high))
    assert len(part) == high - low and torch.equal(part.genomes, ALL[low:high])
    assert rows_of(part) == (low, high) and rows_of(part.genomes) == (0, high - low)


@pytest.mark.parametrize("own", [False, True])
def test_noise_is_shared_by_all_offspring_or_belongs_to_each(own):
    network = Network(ORDERED, channels=3, hidden=4, own_noise=own)
    whole, part = (noise_for(network, 5, 2, enu.stream(0, "noise"), rows) for rows in ((0, 6), (2, 5)))
    assert whole is not None and part is not None
    for t in range(5):
        drawn, again = whole.at(t, network.noise_shape), part.at(t, network.noise_shape)
        assert torch.equal(again, drawn[2:5] if own else drawn)  # what an offspring gets depends on its number only


def test_a_model_without_noise_draws_none():
    assert noise_for(enu.ENU(4, 1, 3), 5, 2, enu.stream(0, "noise")) is None
