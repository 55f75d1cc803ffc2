"""Measures of single units, on spike trains counted by hand and on models that solve their task exactly."""

import math

import pytest
import torch
from perfect import IntegrateAndFire, Synapse

import enu_lib as enu
from enu_lib.analysis.units import coincidence, firing_frequency, frequency_curve, plasticity_window, relative_change
from enu_lib.trace import Trace

GENOME = torch.zeros(1)


def test_the_frequency_curve_of_a_perfect_unit_equals_the_model_s():
    curve = frequency_curve(IntegrateAndFire(), GENOME, enu.IAF(), points=5, n=8)
    assert torch.equal(curve.target, curve.evolved)
    assert (curve.target[1:] > curve.target[:-1]).all() and curve.deviation.tolist() == [0] * 5
    assert curve.target[-1].item() == pytest.approx(9 * 0.015 / 0.5, rel=0.15)  # at most one spike each v > 0.5
    assert curve.current.tolist() == pytest.approx([0.015, 0.045, 0.075, 0.105, 0.135])


def test_coincidence_equals_a_hand_computation():
    a = torch.tensor([[1, 0, 0, 1, 0, 0, 0, 1]]).bool()
    b = torch.tensor([[0, 1, 0, 1, 0, 1, 0, 0]]).bool()
    assert coincidence(a, b, 0) == pytest.approx(1 / 3)
    assert coincidence(a, b, 1) == pytest.approx(2 / 3)
    assert coincidence(a, b, 2) == 1.0
    assert math.isnan(coincidence(torch.zeros_like(a), b)) and coincidence(a, torch.zeros_like(b)) == 0


def test_firing_frequency_is_the_inverse_of_the_mean_interval():
    spikes = torch.zeros(4, 20).bool()
    spikes[0, [3, 7, 11, 15]] = True  # every fourth step
    spikes[1, [0, 19]] = True
    spikes[2, 5] = True
    assert firing_frequency(spikes).tolist() == pytest.approx([1 / 4, 1 / 19, 1 / 20, 0])


def test_the_change_compares_the_gain_after_the_pair_with_that_before():
    x = torch.tensor([9.0, 9, 9, 9, 9, 1, 3, 9, 9, 9, 2, 4])  # counted: steps 5 and 6, then 10 and 11
    y = torch.tensor([0.0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 7, 2])  # gains 4 / 4, then 9 / 6
    one = torch.ones(1).long()
    for pre, post in ((7, 8), (8, 7)):
        batch = enu.STDP().respond(x[None], pre * one, post * one, one)
        trace = Trace(batch.inputs[None], y[None, None, :, None], torch.zeros(1, 1, 12), batch)
        assert relative_change(trace).item() == pytest.approx(50)


@pytest.mark.parametrize("modulator", [0, 1])
def test_the_window_of_a_perfect_synapse_is_the_rule_and_that_of_a_rigid_one_is_flat(modulator):
    found, rigid = (plasticity_window(Synapse(p), GENOME, enu.STDP(), modulator, reach=10, n=4) for p in (True, False))
    assert found.distance.tolist() == [*range(-10, 0), *range(1, 11)] and found.n == 4
    rule = [modulator * math.copysign(50, d) * math.exp(-abs(d) / 10) for d in found.distance.tolist()]
    assert found.target.tolist() == pytest.approx(rule) and found.evolved.tolist() == pytest.approx(rule, abs=1e-3)
    assert found.evolved_sd.max() < 1e-3 and rigid.evolved.abs().max() < 1e-3
