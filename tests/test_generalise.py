"""Quality measures and generalisation cases against values computed by hand."""

import math

import pytest
import torch

import enu_lib as enu
from enu_lib.analysis import generalise
from enu_lib.tasks.stdp import weight_change


@pytest.fixture(scope="module")
def synapse():
    return enu.zoo.load("stdp-enu")


def test_quality_is_one_for_the_target_and_zero_for_copying_the_input(synapse):
    batch = synapse.task.sample(32, enu.stream(1, "x"))
    assert generalise.quality(synapse.task, batch, batch.target[..., None]) == 1.0
    assert generalise.quality(synapse.task, batch, batch.inputs[..., :1]) == pytest.approx(0)


def test_quality_of_a_neuron_is_the_smaller_proportion():
    task = enu.IAF()
    batch = task.sample(32, enu.stream(1, "x"))
    assert generalise.quality(task, batch, batch.spikes[..., None].float()) == 1.0
    assert generalise.quality(task, batch, torch.zeros(32, task.steps, 1)) == 0.0
    always = generalise.quality(task, batch, torch.ones(32, task.steps, 1))  # all target spikes, but also many others
    assert 0 < always < 0.9


def test_weight_changes_of_several_pairs_add_up(synapse):
    task = synapse.task
    batch = generalise.several_pairs(task, 3, 16, gap=60)
    assert batch.inputs.shape == (16, task.steps + 120, 4)
    assert (batch.inputs[..., 1].sum(1) == 3).all() and (batch.inputs[..., 2].sum(1) == 3).all()
    w = batch.target / batch.inputs[..., 0]
    for b in range(16):
        pre, post = (batch.inputs[b, :, k].nonzero()[:, 0] for k in (1, 2))
        change = weight_change(task.rule, post - pre, batch.modulator[b].float().expand(3))
        assert w[b, 0] == pytest.approx(1)
        assert w[b, -1].item() == pytest.approx(1 + change.sum().item(), abs=1e-4)
    one = generalise.several_pairs(task, 1, 16)
    again = task.respond(one.inputs[..., 0], one.t_pre, one.t_post, one.modulator)
    assert torch.allclose(again.target, one.target) and torch.equal(again.inputs, one.inputs)


def test_noise_changes_only_the_graded_input(synapse):
    batch = synapse.task.sample(64, enu.stream(1, "x"))
    noisy = generalise.noisy(batch, 0.1)
    assert torch.equal(noisy.target, batch.target) and torch.equal(noisy.inputs[..., 1:], batch.inputs[..., 1:])
    sd = (noisy.inputs - batch.inputs)[..., 0].std().item()
    assert sd == pytest.approx(0.1 * batch.inputs[..., 0].mean().item(), rel=0.05)
    assert torch.equal(generalise.noisy(batch, 0.0).inputs, batch.inputs)


def test_perturbations_reduce_quality(synapse):
    clean, disturbed = generalise.noise_curve(synapse, [0.0, 0.3], n=64)
    assert clean > 0.99 and disturbed < clean - 0.1
    none, strong = generalise.mutation_curve(synapse, [0.0, 0.1], genomes=4, n=32)
    assert len(none) == 4 and min(none) == max(none) > 0.99 and max(strong) < 0.99
    lost = generalise.without_memory(synapse, n=32)
    assert len(lost) == synapse.model.hidden and min(lost) < 0.5


def test_the_fitted_time_constant_of_the_rule_is_ten():
    d = torch.arange(-20, 21)
    window = enu.analysis.Window(d, 0 * d, 100 * weight_change("neuromodulated", d, torch.tensor(1.0)), 0 * d, 1)
    assert generalise.time_constant(window, 1, 20) == pytest.approx(10)
    broken = window._replace(evolved=window.evolved * math.nan)
    assert math.isnan(generalise.time_constant(broken, 1, 20))


def test_the_first_case_is_the_task_used_in_evolution(synapse):
    assert list(generalise.stdp_cases(synapse.task).values())[0] == synapse.task
    task = enu.zoo.load("iaf-enu").task
    assert list(generalise.iaf_cases(task).values())[0] == task
    for other in generalise.iaf_cases(task).values():
        assert other.sample(2, enu.stream(1, "x")).spikes.any()
