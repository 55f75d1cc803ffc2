"""Target rules at known times, and losses computed by hand."""

import math

import pytest
import torch

import enu_lib as enu
from enu_lib.tasks.iaf import IAF, integrate_and_fire, steps_since
from enu_lib.tasks.stdp import STDP, weight_change


def test_integrate_and_fire_spikes_at_known_times():
    spikes, potential = integrate_and_fire(torch.full((1, 8), 0.2))  # 0.2, 0.4, 0.6 > 0.5: every third step
    assert spikes[0].nonzero()[:, 0].tolist() == [2, 5]
    assert potential[0].tolist() == pytest.approx([0.2, 0.4, 0, 0.2, 0.4, 0, 0.2, 0.4])
    assert not integrate_and_fire(torch.tensor([0.25, 0.25]))[0].any()  # a value at the threshold is not above it


def test_steps_since_the_last_spike_equal_a_hand_computation():
    spikes = torch.tensor([False, False, True, False, True, False])
    assert steps_since(spikes).tolist() == [1, 2, 0, 1, 0, 1]
    assert steps_since(spikes, before=10).tolist() == [11, 12, 0, 1, 0, 1]


def test_iaf_loss_equals_a_hand_computation():
    task = IAF(steps=5)
    batch = task.respond(torch.full((1, 5), 0.3))  # spikes at steps 1 and 3
    assert batch.spikes[0].tolist() == [False, True, False, True, False]
    outputs = torch.tensor([0.0, 0.0, 0.8, 0.05, 1.0]).reshape(1, 1, 5, 1)  # fires at 2 and 4; 0.05 is not above 0.05
    since_target, since_unit, height = [1, 0, 1, 0, 1], [1, 2, 0, 1, 0], [0, 0, 0.04, 0, 0]
    loss = [(a - b) ** 2 + h for a, b, h in zip(since_target, since_unit, height, strict=True)]
    assert task.score(batch, outputs)[0, 0].tolist() == pytest.approx([-v for v in loss])
    perfect = batch.spikes.float().reshape(1, 1, 5, 1)
    assert not task.score(batch, perfect).any()


def test_iaf_inputs_are_in_range_with_one_integer_factor_per_quarter():
    task = IAF()
    x = task.sample(200, enu.stream(0, "x")).inputs[..., 0].unflatten(1, (4, 25))
    low, high = x.amin(2) / 0.01, x.amax(2) / 0.02
    factor = high.ceil()
    assert ((factor >= 1) & (factor <= 9) & (low >= factor - 1e-4)).all()
    assert factor.unique().tolist() == list(range(1, 10))
    seen = IAF(input_scale=10.0).sample(200, enu.stream(0, "x"))
    assert torch.allclose(seen.inputs[..., 0].unflatten(1, (4, 25)), 10 * x)
    assert torch.equal(seen.spikes, task.sample(200, enu.stream(0, "x")).spikes)  # the model neuron does not see the scale


@pytest.mark.parametrize(
    "rule, distance, modulator, change",
    [
        ("neuromodulated", 10, 1, 0.5 / math.e),
        ("neuromodulated", -10, 1, -0.5 / math.e),
        ("neuromodulated", 3, 0, 0.0),
        ("plain", 20, 0, 0.5 * math.exp(-2)),
        ("plain", -20, 1, -0.5 * math.exp(-2)),
        ("complex", 10, 1, 0.5 / math.e),
        ("complex", -10, 1, 0.5 / math.e),
        ("complex", 5, 0, 0.0),
        ("complex", 10, 0, 0.5 * math.exp(-0.25)),
        ("complex", -10, 0, 0.5 * math.exp(-0.25)),
    ],
)
def test_plasticity_rules_have_known_values_at_known_distances(rule, distance, modulator, change):
    found = weight_change(rule, torch.tensor([distance]), torch.tensor([float(modulator)]))
    assert found.item() == pytest.approx(change, abs=1e-6)


def test_a_longer_time_constant_stretches_the_rule():
    d, on = torch.arange(-20, 21), torch.ones(41)
    for rule in ("neuromodulated", "plain", "complex"):
        for modulator in (on, 0 * on):
            assert torch.allclose(weight_change(rule, 3 * d, modulator, 30.0), weight_change(rule, d, modulator))
    batch = STDP("plain", tau=5.0).respond(torch.ones(1, 100), torch.tensor([40]), torch.tensor([45]), torch.tensor([1]))
    assert batch.target[0, -1].item() == pytest.approx(1 + 0.5 / math.e)
    with pytest.raises(ValueError, match="tau .*above 0 .*got 0"):
        STDP(tau=0)


def test_the_weight_changes_one_step_after_the_later_spike():
    task = STDP()
    x = torch.full((2, 100), 0.5)
    batch = task.respond(x, torch.tensor([40, 45]), torch.tensor([45, 40]), torch.ones(2, dtype=torch.long))
    change = 0.5 * math.exp(-0.5)
    for target, w in zip(batch.target, (1 + change, 1 - change), strict=True):
        assert target[:46].tolist() == pytest.approx([0.5] * 46)
        assert target[46:].tolist() == pytest.approx([0.5 * w] * 54)
    assert batch.inputs[0, :, 1].nonzero().tolist() == [[40]] and batch.inputs[0, :, 2].nonzero().tolist() == [[45]]
    assert task.score(batch, batch.target[None, ..., None] + 0.1)[0].flatten().tolist() == pytest.approx(
        [-0.01] * 200, abs=1e-6
    )


@pytest.mark.parametrize("rule, n_in", [("neuromodulated", 4), ("plain", 3), ("complex", 4)])
def test_stdp_sequences_have_the_published_structure(rule, n_in):
    task = STDP(rule)
    batch = task.sample(4000, enu.stream(0, "x"))
    assert task.n_in == batch.inputs.shape[-1] == n_in
    assert (batch.t_pre != batch.t_post).all()
    assert (batch.inputs[..., 1:3].sum(1) == 1).all()
    times = torch.cat([batch.t_pre, batch.t_post]).float()
    assert times.mean().item() == pytest.approx(50, abs=0.5) and times.std().item() == pytest.approx(7, abs=0.4)
    assert 0.45 <= batch.inputs[..., 0].min() and batch.inputs[..., 0].max() <= 0.55
    if n_in == 4:
        assert torch.equal(batch.inputs[:, 0, 3], batch.inputs[:, -1, 3])
        assert batch.modulator.float().mean().item() == pytest.approx(0.5, abs=0.05)


def test_bad_settings_name_the_value():
    for make, message in (
        (lambda: IAF(steps=2), "steps .*from 4 .*got 2"),
        (lambda: IAF(low=0.3), "low=0.3"),
        (lambda: STDP("hebb"), "rule .*neuromodulated, plain.*got 'hebb'"),
        (lambda: STDP(spike_sd=0), "spike_sd .*above 0 .*got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_nan_outputs_give_nan_fitness(scale):
    for task in (IAF(), STDP()):
        batch = task.sample(2, enu.stream(0, "x"))
        outputs = torch.full((1, 2, 100, 1), scale)
        outputs[0, 0, 50] = math.nan
        fitness = task.score(batch, outputs).mean(-1)[0]
        assert fitness[0].isnan() and not fitness[1].isnan()
