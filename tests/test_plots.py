"""Panels and explorers draw the given numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.analysis.units import coincidence, firing_frequency, frequency_curve, plasticity_window


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def test_the_window_panel_draws_separate_curves_for_negative_and_positive_distances():
    entry = enu.zoo.load("stdp-enu")
    found = plasticity_window(entry.model, entry.genome, entry.task, 1, reach=10, n=4)
    assert found.distance.tolist() == [*range(-10, 0), *range(1, 11)]
    ax = plt.subplots()[1]
    figures.units.window(ax, found)
    drawn = np.concatenate([line.get_ydata() for line in ax.lines if len(line.get_ydata()) == 10])
    assert np.allclose(np.sort(drawn), np.sort(torch.cat([found.target, found.evolved])))
    assert found.target[found.distance == 10].item() == pytest.approx(50 / np.e)


class IntegrateAndFire:
    """The integrate-and-fire target as a model: it fires and resets above 0.5."""

    n_params, noise_shape = 1, ()

    def unpack(self, genomes):
        return genomes

    def reset(self, population, rows, device="cpu"):
        return (torch.zeros(population, rows, 1),)

    def step(self, weights, state, x, noise=None):
        v = state[0] + x
        fired = v > 0.5
        return (torch.where(fired, 0.0, v),), fired.float()


def test_the_frequency_curve_of_a_perfect_unit_equals_the_model_s():
    curve = frequency_curve(IntegrateAndFire(), torch.zeros(1), enu.IAF(), points=5, n=8)
    assert torch.equal(curve.target, curve.evolved)
    assert (curve.target[1:] > curve.target[:-1]).all()
    assert curve.target[-1].item() == pytest.approx(9 * 0.015 / 0.5, rel=0.15)  # at most one spike each v > 0.5


def test_coincidence_equals_a_hand_computation():
    a = torch.tensor([[1, 0, 0, 1, 0, 0, 0, 1]]).bool()
    b = torch.tensor([[0, 1, 0, 1, 0, 1, 0, 0]]).bool()
    assert coincidence(a, b, 0) == pytest.approx(1 / 3)
    assert coincidence(a, b, 1) == pytest.approx(2 / 3)
    assert coincidence(a, b, 2) == 1.0


def test_firing_frequency_is_the_inverse_of_the_mean_interval():
    spikes = torch.zeros(4, 20).bool()
    spikes[0, [3, 7, 11, 15]] = True  # every fourth step
    spikes[1, [0, 19]] = True
    spikes[2, 5] = True
    assert firing_frequency(spikes).tolist() == pytest.approx([1 / 4, 1 / 19, 1 / 20, 0])


def test_spike_trains_draw_one_line_per_spike():
    spikes = torch.tensor([[1, 0, 1], [0, 0, 0]]).bool()
    ax = plt.subplots()[1]
    figures.units.spike_trains(ax, spikes, ~spikes)
    assert sum(len(c.get_segments()) for c in ax.collections) == 6


def test_an_explorer_redraws_when_a_control_changes():
    explorer = widgets.synapse_explorer(enu.zoo.load("stdp-enu"))
    before = explorer.picture.value
    explorer.controls["pre"].value = 60
    assert explorer.picture.value != before and before[:4] == b"\x89PNG"
    bundle = explorer._repr_mimebundle_()
    assert "image/png" in bundle and "application/vnd.jupyter.widget-view+json" in bundle


def test_runs_below_the_level_are_open_dots_at_their_total_lives():
    from enu_lib.study import panels
    from enu_lib.study.tables import Cost

    fig, ax = plt.subplots()
    there = Cost(
        np.array([True, False, True]), *np.array([[1, np.inf, 3], [1e7, np.inf, 3e7], [2, np.inf, 6], [9e7, 9e7, 9e7]])
    )
    panels.reached(ax, {"ours": there, "other": Cost(np.array([], bool), *np.zeros((4, 0)))})
    full, hollow = ax.lines
    assert full.get_xdata().tolist() == [10, 30] and hollow.get_xdata().tolist() == [90]
    assert hollow.get_markerfacecolor() == "none" != full.get_markerfacecolor()
    assert ax.collections[0].get_segments()[0][0, 0] == 30  # the median of 10, 30, never
    assert [t.get_text() for t in ax.texts] == ["not run yet"]
    plt.close(fig)


def test_panels_give_the_number_of_runs_or_say_that_there_are_none():
    from enu_lib.study import panels
    from enu_lib.study.tables import Curves

    fig, axes = plt.subplots(2, 2)
    panels.progress(axes[0, 0], {"enu": None, "gru": None}, level=-1.0)
    panels.finals(axes[0, 1], {"enu": (), "gru": ()})
    for ax in axes[0]:
        assert [t.get_text() for t in ax.texts] == ["not run yet"] and not ax.lines
    curves = Curves(np.array([10, 20]), np.array([100, 200]), np.array([[-2.0, -1.0], [-4.0, -3.0]]))
    panels.progress(axes[1, 0], {"enu": curves, "gru": None}, level=-0.5, x="evaluations")
    thick = axes[1, 0].lines[0]
    assert thick.get_xdata().tolist() == [100, 200] and thick.get_ydata().tolist() == [3.0, 2.0]
    labels = [t.get_text() for t in axes[1, 0].get_legend().get_texts()]
    assert labels == ["ENU (n = 2)", "GRU: not run yet"]
    panels.finals(axes[1, 1], {"enu": [-1.0, -2.0], "gru": ()})
    assert axes[1, 1].lines[0].get_xdata().tolist() == [1.0, 2.0]
    assert [t.get_text() for t in axes[1, 1].texts] == ["not run yet"]
    plt.close(fig)
