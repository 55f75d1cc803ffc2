"""The numbers of the sweep's figures, against those that were given."""

import math

import numpy as np
import pytest

from enu_lib.study import plotted
from enu_lib.study.tables import Cost, Curves

CURVES = Curves(np.array([10, 20]), np.array([100, 200]), np.array([[-2.0, -1.0], [-4.0, -3.0]]))


def test_progress_lists_every_evolution_as_loss_or_fitness():
    table = plotted.progress({"stdp": {"enu": CURVES, "gru": None}, "tmaze": {"lstm": CURVES}})
    assert table.columns.tolist() == ["task", "model", "evolution", "generation", "held-out loss", "held-out fitness"]
    units, mazes = (part for _, part in table.groupby("task", sort=False))
    assert units["held-out loss"].tolist() == [2, 1, 4, 3] and units["held-out fitness"].isna().all()
    assert mazes["held-out fitness"].tolist() == [-2, -1, -4, -3] and set(mazes["model"]) == {"LSTM"}
    assert table["evolution"].tolist() == [1, 1, 2, 2] * 2 and table["generation"].tolist() == [10, 20] * 4


def test_final_values_and_levels_have_the_sign_of_what_is_drawn():
    table = plotted.finals({"iaf": {"enu": [-2.0, -3.0], "gru": []}, "tmaze": {"enu": [9.5]}})
    assert table["evolution"].tolist() == [1, 2, 1]
    assert table["final loss"].tolist()[:2] == [2, 3] and table["final fitness"].tolist()[2] == 9.5
    level = plotted.levels({"iaf": -4.5, "tmaze": 7.4}, ["iaf", "tmaze", "stdp"])
    assert level["loss"].tolist()[0] == 4.5 and level["fitness"].tolist()[1] == 7.4 and math.isnan(level["loss"][2])


def test_evolutions_below_the_level_are_listed_with_what_they_used_up():
    cost = Cost(np.array([True, False]), *np.array([[1, np.inf], [2e6, np.inf], [2, np.inf], [9e6, 9e6]]))
    table = plotted.reached({"stdp": {"published": cost}})
    assert table.columns.tolist()[:2] == ["task", "strategy"]
    assert table["level reached"].tolist() == ["yes", "no"]
    assert table["evaluations (millions)"].tolist() == pytest.approx([2, 9])


def test_without_any_run_the_tables_are_empty():
    assert plotted.progress({"stdp": {"enu": None}}).empty and plotted.finals({"stdp": {"enu": []}}).empty
