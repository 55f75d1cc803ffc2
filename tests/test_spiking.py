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


def test_events_are_counted_while_the_agent_is_alive():
    #         a spike of one step, one of two steps, and a graded value; dead from step 6 on (the state after step 5)
    neuron = [0.0, 1.0, 0.0, 0.9, 0.7, 0.3, 1.0, 1.0]
    silent = [0.0] * 8
    y = torch.tensor([neuron, silent]).T[None, :, :, None].tolist()
    found = spiking.activity(_lives(y, [[True] * 5 + [False] * 3]))
    assert found.events.tolist() == pytest.approx([100 * 2 / 6, 0])
    assert found.duration[0] == 1.5 and found.duration[1].isnan()
    assert found.zero.tolist() == pytest.approx([2 / 6, 1.0])
    assert found.on.tolist() == pytest.approx([1 / 6, 0]) and found.off.tolist() == pytest.approx([2 / 6, 1.0])
    histogram = spiking.output_histogram(_lives(y, [[True] * 5 + [False] * 3]), bins=2)
    assert histogram.tolist() == pytest.approx([9 / 12, 3 / 12])


def test_an_event_at_the_first_step_counts():
    y = torch.ones(1, 4, 1, 1).tolist()
    found = spiking.activity(_lives(y, [[True] * 4]))
    assert found.events.item() == 25 and found.duration.item() == 4 and found.on.item() == 1


def test_activity_of_single_channels():
    network = Network(ORDERED, channels=4, hidden=8, noise=0.1)
    lives = enu.rollout(network, network.init(enu.stream(0, "genome")), Maze(steps=60), 4, memory=True)
    each = [spiking.activity(lives, slice(c, c + 1)) for c in range(4)]
    together = spiking.activity(lives)
    assert together.zero.shape == (6,)
    assert torch.allclose(torch.stack([a.events for a in each]).mean(0), together.events)
    assert torch.allclose(torch.stack([a.zero for a in each]).mean(0), together.zero)


def test_pulses_equal_a_hand_computation():
    outputs, alive = torch.zeros(1, 10, 2), torch.ones(1, 10, dtype=torch.bool)
    outputs[0, 2:8, 0], outputs[0, 9, 0] = 1.0, 0.5  # six steps in a row, then a single graded one; the other is never used
    assert spiking.pulse_measures(outputs, alive, 4) == pytest.approx((0.7, 1 / 7, 6 / 7))
    assert spiking.pulse_measures(outputs, alive, 6).tonic == 0.0
    alive[0, 5:] = False  # steps after death do not count
    assert spiking.pulse_measures(outputs, alive, 4) == pytest.approx((0.6, 0.0, 0.0))
    assert all(math.isnan(v) for v in spiking.pulse_measures(torch.zeros(1, 10, 2), alive, 4))


def test_pulses_before_evolution_are_the_mean_of_random_genomes():
    e = enu.experiments.get("tmaze", profile="smoke")
    each = [spiking.pulses_of(e.model, e.model.init(enu.stream(k, "genome")), e.task, lives=3) for k in range(2)]
    found = spiking.pulses_before(e.model, e.task, lives=3, genomes=2)
    assert found.active == pytest.approx(sum(p.active for p in each) / 2) and each[0] != each[1]
