"""Panels on learning draw the given numbers, and omit points with too few visits."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from enu_lib import figures
from enu_lib.analysis.learning import Recovery, interval


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def test_wilson_s_interval_equals_textbook_values():
    n, p, z = 40, 30 / 40, 1.959964
    middle, half = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert interval(30, 40) == pytest.approx((middle - half, middle + half), abs=1e-6)
    assert interval(0, 0) == (0.0, 1.0)


def test_proportions_of_few_visits_are_not_drawn(ax):
    found = Recovery(np.array([30, 18, 1]), np.array([40, 20, 3]))
    figures.learning.recovery(ax, {"untouched": found})
    x, y = ax.containers[0].lines[0].get_data()
    assert x.tolist() == [1, 2] and y.tolist() == [0.75, 0.9]
    low, high = ax.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx(interval(30, 40))


def test_a_condition_without_visits_is_not_drawn(ax):
    none = Recovery(np.zeros(3, int), np.zeros(3, int))
    figures.learning.recovery(ax, {"untouched": Recovery(np.array([30]), np.array([40])), "reset": none})
    assert [c.get_label() for c in ax.containers] == ["untouched"], "only what is drawn is in the legend"
    assert any("reset" in t.get_text() and "10" in t.get_text() for t in ax.texts)


def test_chance_is_marked(ax):
    figures.learning.recovery(ax, {"untouched": Recovery(np.array([30]), np.array([40]))})
    assert any(list(line.get_ydata()) == [0.5, 0.5] for line in ax.lines)
    assert any(t.get_text() == "chance" for t in ax.texts)


def test_bars_show_means_with_intervals(ax):
    figures.learning.eaten(ax, {"untouched": [4.0, 6.0, 5.0, 5.0], "reset": [0.0, 0.0]})
    assert [bar.get_width() for bar in ax.patches] == [5.0, 0.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["untouched", "reset"]
    errors = next(c for c in ax.containers if isinstance(c, ErrorbarContainer))
    ends = errors.lines[2][0].get_segments()[0][:, 0]
    error = (2 / 3 / 4) ** 0.5  # from the sample's variance
    assert ends.tolist() == pytest.approx([5 - 1.96 * error, 5 + 1.96 * error])


def test_runs_are_drawn_against_the_given_column(ax):
    progress = {"generation": [25, 50], "held_out": [1.5, 2.5], "seconds": [10.0, 21.0]}
    figures.learning.evolution(ax, {"seed 0": progress}, "seconds", "seconds")
    assert ax.lines[0].get_xdata().tolist() == [10.0, 21.0] and ax.lines[0].get_ydata().tolist() == [1.5, 2.5]
