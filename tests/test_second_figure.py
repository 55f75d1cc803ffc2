"""What the page with the second study's results draws: complete experiments only, and shares that reach the level."""

import math

import matplotlib.pyplot as plt
import pytest

from enu_lib.study import panels, protocol, second
from enu_lib.study.model_name import without_variant


def test_only_a_complete_experiment_has_evolutions_to_show():
    spiking = second.evolutions("E3")
    assert set(spiking) == {"enu", "nfenu"}
    for model, runs in spiking.items():
        assert [run.seed for run in runs] == [protocol.FIRST_SEED + k for k in range(20)]
        assert {without_variant(run.model) for run in runs} == {model} and len({run.model for run in runs}) == 1
    assert not any(second.evolutions("E1").values())


def test_an_incomplete_experiment_has_no_evolutions_to_show(tmp_path):
    assert second.evolutions("E3", folder=tmp_path) == {"enu": [], "nfenu": []}


def test_a_curve_rises_by_one_evolution_at_the_time_at_which_it_reached_the_level():
    fig, ax = plt.subplots()
    panels.reached_by(ax, {"enu": [3.0, 1.0, math.inf, 2.0], "gru": [math.inf, 9.0], "lstm": []}, end=4.0)
    enu, gru = ax.get_lines()
    assert list(zip(*enu.get_data(), strict=True)) == [(0, 0), (1, 0.25), (2, 0.5), (3, 0.75), (4, 0.75)]
    assert list(gru.get_ydata()) == [0, 0] and ax.get_legend_handles_labels()[1] == ["ENU", "GRU"]
    plt.close(fig)


@pytest.mark.parametrize("models", [{}, {"enu": [], "gru": []}])
def test_without_evolutions_the_panel_says_so(models):
    fig, ax = plt.subplots()
    panels.reached_by(ax, models, end=1.0)
    assert [text.get_text() for text in ax.texts] == ["not run yet"] and not ax.get_lines()
    plt.close(fig)
