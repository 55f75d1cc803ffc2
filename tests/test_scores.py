"""Scores of models that solve a task exactly, or not at all."""

import math

import pytest
import torch
from own_task import Follow
from perfect import Constant, IntegrateAndFire, Synapse

import enu_lib as enu
from enu_lib.analysis import learning, scores
from enu_lib.rollout import record_episodes
from enu_lib.streams import stream

GENOME = torch.zeros(1)
SHARES = ("target spikes met within 1 step", "unit spikes met within 1 step", "target spikes met exactly")


def test_a_perfect_spiking_unit_has_the_best_scores():
    found = scores(IntegrateAndFire(), GENOME, enu.IAF(), n=16)
    assert [found[share] for share in SHARES] == [1, 1, 1] and found["n"] == 16
    assert found["fitness"] == 0 and found["spikes, unit / target"] == 1
    assert found["f-I deviation, mean"] == found["f-I deviation, max"] == found["sequences with a spurious early spike"] == 0


def test_a_silent_unit_meets_no_spike_and_one_that_always_fires_meets_all_of_them():
    silent, constant = (scores(Constant(output), GENOME, enu.IAF(), n=16) for output in (0, 1))
    assert silent["target spikes met within 1 step"] == silent["spikes, unit / target"] == 0
    assert math.isnan(silent["unit spikes met within 1 step"]) and silent["f-I deviation, max"] == 1
    assert constant["target spikes met exactly"] == constant["sequences with a spurious early spike"] == 1
    assert constant["unit spikes met within 1 step"] < 1 < constant["spikes, unit / target"]


def test_a_perfect_synapse_follows_the_rule_and_a_rigid_one_is_off_by_its_mean_change():
    rule = sum(50 * math.exp(-d / 10) for d in range(1, 31)) / 30
    found, rigid = (scores(Synapse(plastic), GENOME, enu.STDP(), n=16) for plastic in (True, False))
    assert found["fitness"] == pytest.approx(0, abs=1e-9) and found["output RMSE"] == pytest.approx(0, abs=1e-5)
    assert found["window correlation with NT"] == pytest.approx(1) and "window correlation without NT" not in found
    assert found["mean |change| with NT, %"] == pytest.approx(rule, abs=1e-2)
    assert found["mean |change| without NT, %"] == pytest.approx(0, abs=1e-3)
    assert rigid["mean |change - target| with NT, %"] == pytest.approx(rule, abs=1e-2)
    assert rigid["mean |change| with NT, %"] == pytest.approx(0, abs=1e-3)
    assert rigid["fitness"] == pytest.approx(-(rigid["output RMSE"] ** 2)) and rigid["output RMSE"] > 0.01


def test_the_plain_rule_has_no_neuromodulator():
    cell = enu.ENU(3, 1, 4)
    found = scores(cell, cell.init(stream(1, "genome")), enu.STDP("plain"), n=4)
    assert "mean |change| with NT, %" in found and not any("without NT" in measure for measure in found)


def test_a_maze_is_scored_by_the_measures_of_learning_and_any_other_task_by_its_fitness():
    network, maze = enu.Network(channels=4, hidden=4), enu.Maze(steps=60)
    genome = network.init(stream(1, "genome"))
    expected = learning.measures(record_episodes(network, genome, maze, 8, 77))
    assert scores(network, genome, maze, n=8) == pytest.approx(expected, nan_ok=True)
    fitness = enu.rollout(network, genome, Follow(), 8, 77).fitness.mean().item()
    assert scores(network, genome, Follow(), n=8) == {"n": 8, "fitness": fitness}
