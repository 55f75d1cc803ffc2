"""Spiking measures on hand-made outputs."""

import math

import pytest
import torch

import enu_lib as enu
from enu_lib.analysis import spiking
from enu_lib.network import ORDERED, Network
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace


def _lives(y, alive):
    """Episodes with known outputs (B, T, N, C)."""
    none = torch.zeros(0)
    return Trace(none, none, none, None, {"alive": torch.tensor(alive)[None]}, {"neuron_output": torch.tensor(y)[None]})


def test_the_histogram_counts_steps_while_the_agent_is_alive():
    neuron = [0.0, 1.0, 0.0, 0.9, 0.7, 0.3, 1.0, 1.0]  # dead from step 6 on (the state after step 5)
    y = torch.tensor([neuron, [0.0] * 8]).T[None, :, :, None].tolist()
    histogram = spiking.output_histogram(_lives(y, [[True] * 5 + [False] * 3]), bins=2)
    assert histogram.tolist() == pytest.approx([9 / 12, 3 / 12])


def test_pulses_of_chosen_neurons_and_channels():
    network = Network(ORDERED, channels=4, hidden=8, noise=0.1)
    lives = enu.rollout(network, network.init(enu.stream(0, "genome")), Maze(steps=60), 4, memory=True)
    each = [spiking.pulses(lives, channels=slice(c, c + 1)) for c in range(4)]
    together = spiking.pulses(lives)
    assert sum(p.varying for p in each) / 4 == pytest.approx(together.varying)
    varying = [p for p in each if p.varying]
    weights = [p.varying for p in varying]
    assert sum(w * p.rate for w, p in zip(weights, varying, strict=True)) / sum(weights) == pytest.approx(together.rate)


def test_pulses_equal_a_hand_computation():
    alive = torch.ones(1, 100, dtype=torch.bool)
    y = torch.full((1, 100, 2), 0.4)  # rests at 0.4; the other channel never varies
    for at in (10, 30, 50, 70):
        y[0, at : at + 2, 0] = 0.8
    y[0, 90:, 0] = 0.58  # nearly midway: graded, but below the threshold
    found = spiking.pulse_measures(y, alive)
    assert found == pytest.approx((0.5, 4, 0.08, 0.1, 2))
    alive[0, 30:] = False  # steps after death do not count
    assert spiking.pulse_measures(y, alive) == pytest.approx((0.5, 100 / 30, 2 / 30, 0, 2))
    silent = spiking.pulse_measures(torch.zeros(1, 100, 2), alive)
    assert silent.varying == 0 and all(math.isnan(v) for v in silent[1:])


def test_pulses_do_not_depend_on_rest_and_gain():
    y = torch.rand(2, 300, 3, generator=torch.Generator().manual_seed(0)) ** 3
    alive = torch.ones(2, 300, dtype=torch.bool)
    assert spiking.pulse_measures(0.2 + 0.5 * y, alive) == pytest.approx(spiking.pulse_measures(y, alive))


def test_without_selection_the_parent_drifts_as_far_as_random_ranks_take_it():
    e = enu.experiments.get("tmaze", profile="smoke")
    first = e.model.init(enu.stream(3, "genome"))
    assert torch.equal(spiking.neutral_genome(e, (), 0, 3), first)
    one = spiking.neutral_genome(e, (), 1, 3)
    mutations = enu.es.sample_mutations(e.es, len(first), 3, 0)
    inside, *_ = torch.linalg.lstsq(mutations[1:].T.double(), (one - first).double()[:, None])
    assert not torch.equal(one, first)  # a sum of mutations, weighted by the ranks
    assert torch.allclose(mutations[1:].T.double() @ inside, (one - first).double()[:, None], atol=1e-6)
    assert not torch.equal(spiking.neutral_genome(e, (1,), 3, 3), spiking.neutral_genome(e, (1,), 3, 4))
