"""Panels and explorers draw the given numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import enu_lib as enu
from enu_lib import figures, widgets
from enu_lib.analysis.units import plasticity_window
from enu_lib.widgets.base import png


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


def test_spike_trains_draw_one_line_per_spike():
    spikes = torch.tensor([[1, 0, 1], [0, 0, 0]]).bool()
    ax = plt.subplots()[1]
    figures.units.spike_trains(ax, spikes, ~spikes)
    assert sum(len(c.get_segments()) for c in ax.collections) == 6


def test_an_explorer_redraws_when_a_control_changes():
    explorer = widgets.neuron_explorer(enu.zoo.load("iaf-enu"))
    before = explorer.picture.value
    explorer.controls["current"].value = 0.15
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
    assert "2" in axes[1, 1].get_yticklabels()[0].get_text()
    plt.close(fig)


def test_robustness_shows_medians_and_quartiles_of_repeated_values():
    from enu_lib.study import panels

    fig, ax = plt.subplots()
    repeated = [[0.1, 0.2, 0.3, 0.4, 1.0], [0.9, 0.8, 0.7, 0.6, 0.0]]  # one row per strength
    panels.robustness(ax, [0.1, 0.2], {"IAF": repeated, "STDP": [0.5, 0.25]}, "noise")
    assert {line.get_label(): line.get_ydata().tolist() for line in ax.lines} == {"IAF": [0.3, 0.7], "STDP": [0.5, 0.25]}
    band = ax.collections[0].get_paths()[0].vertices
    assert {tuple(v) for v in band.round(6)} == {(0.1, 0.2), (0.1, 0.4), (0.2, 0.6), (0.2, 0.8)}
    plt.close(fig)


def test_better_is_to_the_right_for_losses_and_for_fitness_and_the_level_is_drawn():
    from enu_lib.study import panels

    fig, axes = plt.subplots(1, 2)
    for ax, loss in zip(axes, (True, False), strict=True):
        values = [-1.0, -2.0] if loss else [1.0, 2.0]
        panels.finals(ax, {"enu": values}, loss, level=-1.5 if loss else 1.5)
        assert list(ax.lines[-1].get_xdata()) == [1.5, 1.5]
        better, worse = (ax.transData.transform((abs(x), 0))[0] for x in (max(values), min(values)))
        assert better > worse and "\N{RIGHTWARDS ARROW}" in ax.get_xlabel()


def test_one_legend_serves_all_panels():
    from enu_lib.study import panels
    from enu_lib.study.tables import Curves

    fig, axes = plt.subplots(1, 2)
    curves = Curves(np.array([10]), np.array([100]), np.array([[-2.0]]))
    panels.progress(axes[0], {"enu": curves}, legend=False)
    panels.progress(axes[1], {"enu": curves, "gru": curves}, legend=False)
    panels.shared_legend(fig, axes)
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["ENU", "GRU"]
    assert not any(ax.get_legend() for ax in axes)


def test_synapses_of_the_graph_are_apart_and_as_many_as_in_the_table():
    from enu_lib.network import PUBLISHED, Network

    net = Network(PUBLISHED)
    fig, ax = plt.subplots(figsize=(4, 4))
    figures.networks.network(ax, net)
    fig.draw_without_rendering()
    squares = np.array([line.get_xydata()[0] for line in ax.lines if line.get_marker() == "s"])
    assert len(squares) == figures.networks.connection_counts(net).sum() == net.neurons * net.synapses
    pixels = ax.transData.transform(squares)
    apart = np.hypot(*(pixels[:, None] - pixels[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(pixels))
    assert apart.min() > 3 * fig.dpi / 72, "two squares of 3 points touch"


def test_a_neuron_s_output_is_drawn_back_to_each_of_its_synapses():
    ax = plt.subplots()[1]
    figures.networks.neuron_schematic(ax)
    post = plt.matplotlib.colors.to_rgba(figures.PALETTE["post"])
    back = [patch for patch in ax.patches if patch.get_edgecolor() == post]
    assert len(back) == 3 and len({round(patch.get_path().vertices[:, 1].mean(), 2) for patch in back}) == 3


def test_the_table_has_numbered_channels_below_each_header():
    ax = plt.subplots()[1]
    figures.networks.table(ax, np.array([[0.5, 1.0, 0.0, 0.25]]), ["row"], "title", ("left", "right"))
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "1", "2"]
    assert [t.get_text() for t in ax.texts] == [".50", "1", "0", ".25", "left", "right"]


def test_a_table_with_other_values_looks_like_a_new_one():
    names, groups = ["first", "second"], ("left", "right")
    tables = [np.array([[0.5, 1.0, 0.0, 0.25], [0.1, 0.2, 0.3, 0.4]]), np.array([[1.5, 0.0, 0.75, 1.0], [0.9, 0.8, 0.7, -0.6]])]
    shown, new = plt.subplots(figsize=(3, 1.5))[1], plt.subplots(figsize=(3, 1.5))[1]
    figures.networks.table(shown, tables[0], names, "title", groups)
    first = png(shown.figure)
    figures.networks.renumber(shown, tables[1])
    figures.networks.table(new, tables[1], names, "title", groups)
    assert png(shown.figure) == png(new.figure) != first


def test_axes_drawn_on_again_look_like_new_ones():
    def draw(ax, far):
        figures.units.one_generation(ax, (0.0, 0.0), far * np.ones((4, 2)), np.ones(4), (0.1, 0.0), (far, 0.5))
        ax.plot([0, far], [0, 1], label="a line")
        ax.bar(1, far / 20, 0.3, label="a bar")
        ax.axvspan(0.2, 0.3, 0, far / 20)
        ax.text(far / 4, 0.5, "a text")
        ax.imshow(np.eye(3), extent=(0, far, 0, 1))
        ax.legend()

    (again, reused), (fresh, new) = plt.subplots(figsize=(3, 3)), plt.subplots(figsize=(3, 3))
    draw(reused, 10.0)
    first = png(again)
    figures.erase([reused])
    assert not reused.lines and not reused.collections and reused.get_legend() is None
    draw(reused, 2.0)
    draw(new, 2.0)
    assert png(again) == png(fresh) != first


def test_an_explorer_erases_the_figure_on_which_it_draws_again():
    figure, ax = plt.subplots(figsize=(3, 2))
    shown = widgets.explorer(lambda n: ax.plot(range(n)), figure, n=widgets.slider("n", 3, 2, 9))
    first, n = shown.picture.value, shown.controls["n"]
    n.value = 5
    assert shown.picture.value != first
    n.value = 3
    assert shown.picture.value == first


def test_the_deviation_of_the_frequency_is_drawn_in_percent():
    t = torch.tensor
    curve = enu.analysis.units.FrequencyCurve(t([0.1, 0.2]), t([0.5, 0.4]), t([0.5, 0.5]), t([0.0, 0.1]), t([0.2, 0.3]), 8)
    ax = plt.subplots()[1]
    figures.units.frequency_deviation(ax, curve)
    assert ax.lines[0].get_ydata().tolist() == pytest.approx([0, 25])


def test_the_optimum_is_shown_with_the_offspring():
    ax = plt.subplots()[1]
    figures.units.one_generation(ax, (0.0, 0.0), np.zeros((4, 2)), np.ones(4), (0.1, 0.0), (1.0, 0.5))
    (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert low < 1.0 < high and bottom < 0.5 < top
    assert any(line.get_xydata().tolist() == [[1.0, 0.5]] for line in ax.lines)
