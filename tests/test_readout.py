"""Outputs read in other ways: readings by hand, and agents that must or must not notice."""

import pytest
import torch

from enu_lib import zoo
from enu_lib.analysis import readout
from enu_lib.rollout import record_episodes
from enu_lib.tasks.maze import Maze

ENTRY = zoo.load("tmaze-enu")


def test_readings_equal_a_hand_computation():
    y = [torch.tensor([[[0.1, 0.6]]]), torch.tensor([[[0.5, 0.2]]]), torch.tensor([[[0.9, 0.4]]])]
    assert readout.smoothed(2)(y)[0, 0].tolist() == pytest.approx([0.7, 0.3])
    assert readout.smoothed(9)(y)[0, 0].tolist() == pytest.approx([0.5, 0.4])
    assert readout.delayed(1)(y)[0, 0].tolist() == pytest.approx([0.5, 0.2])
    assert readout.delayed(3)(y)[0, 0].tolist() == [0, 0]
    assert readout.two_levels(torch.tensor([0.0, 0.1]), torch.tensor([1.0, 0.9]))(y)[0, 0].tolist() == pytest.approx([1, 0.1])


def test_outputs_read_as_they_are_give_the_recorded_episodes():
    found = readout.food(ENTRY.model, ENTRY.genome, ENTRY.task, 24, seed=3)
    plain = record_episodes(ENTRY.model, ENTRY.genome, ENTRY.task, 24, seed=3)
    assert torch.equal(found["as they are"], plain.task["foods"][0, :, -1].float())
    assert set(found) == {"as they are", "two levels", "smoothed over a move", "delayed by a step"}


def test_a_delay_of_a_whole_move_costs_food():
    """Every move then follows from what was seen a move before; the sums over a move stay as they are."""
    maze = Maze("t", "sensors")
    lived = [
        readout.food_with(ENTRY.model, ENTRY.genome, maze, reading, 24, 3)
        for reading in (readout.delayed(0), readout.delayed(4))
    ]
    assert lived[1].mean() < 0.5 * lived[0].mean()
