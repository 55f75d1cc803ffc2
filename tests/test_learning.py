"""Learning measures on agents with known behaviour, and on hand-made episodes."""

import math

import numpy as np
import pytest
import torch

import enu_lib as enu
from enu_lib.analysis import agents, learning
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import record_episodes
from enu_lib.tasks.maze import Maze, geometry


def test_win_stay_lose_shift_is_right_at_the_second_visit_and_after_one_mistake():
    found = learning.measures(agents.play(Maze(), "memory-only", 400))
    for key in ("second visit right", "later visits right", "right again after one mistake"):
        assert found[key] == 1.0
    assert found["no mistake after a change"] == 0.0 and found["changes met"] > 200
    assert found["episodes with a meal"] == found["episodes with two meals"] == 1.0


def test_the_looking_agent_makes_no_mistake_after_a_change():
    found = learning.measures(agents.play(Maze(), "looking", 400))
    assert found["no mistake after a change"] == found["second visit right"] == 1.0
    assert math.isnan(found["right again after one mistake"])  # no mistake occurs


def test_the_fixed_arm_agent_does_not_learn():
    found = learning.measures(agents.play(Maze(), "fixed-arm", 400))
    assert found["second visit right"] == pytest.approx(0.5, abs=0.1)
    assert found["second visit right after poison"] == 0.0 and found["second visit right after food"] == 1.0
    assert found["no mistake after a change"] == 0.0


def test_the_random_agent_is_right_at_chance():
    easy = Maze(energy=1e6, deadly_poisons=10**6, corridor=1, arm=1, steps=2000)
    found = learning.measures(agents.play(easy, "random", 300))
    assert found["second visit right"] == pytest.approx(0.5, abs=0.12)
    assert found["later visits right"] == pytest.approx(0.5, abs=0.05)


def test_visits_equal_a_hand_computation():
    maze = Maze(change=1.0)
    trace = agents.play(maze, "memory-only", 30, seed=3)
    v = learning.visits(trace)
    ends = geometry(maze).ends
    for life in range(30):
        mine = v.episode == life
        assert np.array_equal(v.number[mine], np.arange(mine.sum()))
        assert set(v.square[mine]) <= set(ends)
        assert v.food[mine].sum() == trace.task["foods"][0, life, -1].item()
        foods = v.food[mine].cumsum()
        expected = np.flatnonzero(np.diff(np.concatenate([[0], foods])) * (foods % 5 == 0)) + 1  # the visit after each fifth
        assert np.array_equal(np.flatnonzero(v.since_change[mine] == 0), expected[expected < mine.sum()])


def test_record_episodes_equals_rollout(near):
    network = Network(ORDERED, channels=4, hidden=16, noise=0.3)
    genome = network.init(enu.stream(1, "genome"))
    maze = Maze(steps=80, energy=40.0)
    slow, fast = enu.rollout(network, genome, maze, 60, seed=5), record_episodes(network, genome, maze, 60, seed=5)
    apart = (slow.task["square"] != fast.task["square"]).any(-1)  # rounding decides near-ties between votes
    near(apart.float().mean(), 0.15)
    assert slow.task.keys() == fast.task.keys()
    assert torch.equal(slow.x[:, :, 0], fast.x[:, :, 0]) and slow.x.shape == fast.x.shape


def test_walking_measures_visits_by_the_output_that_moves_forward():
    maze = Maze()
    for row in learning.walking(agents.play(maze, "omniscient", 72), maze):  # takes the shortest path every time
        assert row == {"food": 16, "episodes with a meal": 1, **{f"moves, {k} visit": 6 for k in ("first", "second", "later")}}
    ate = torch.zeros(1, 4, 120, dtype=torch.int64)
    for life, step, meal in ((0, 39, -1), (0, 63, 1), (0, 91, 1), (0, 119, 1), (1, 47, 1), (2, 55, 1)):
        ate[0, life, step] = meal
    task = {"ate": ate, "foods": (ate > 0).cumsum(-1), "food": torch.zeros_like(ate), "poison": torch.ones_like(ate)}
    does = torch.tensor([[1, 0, 2], [2, 1, 0], [2, 0, 1], [1, 2, 0]])  # forward: the second, third, second, third output
    task["action_of"] = does[None, :, None].expand(1, 4, 120, 3)
    first, second, third = learning.walking(enu.Trace(ate, ate, ate, None, task), Maze())
    assert second == {
        "food": 2, "episodes with a meal": 1, "moves, first visit": 12, "moves, second visit": 6, "moves, later visit": 7,
    }  # fmt: skip
    assert all(math.isnan(value) for value in first.values())  # no such episode
    assert third["food"] == third["episodes with a meal"] == 0.5
    assert third["moves, first visit"] == 12 and math.isnan(third["moves, second visit"])


def test_recovery_counts_visits_from_a_given_step():
    lives = agents.play(Maze(), "memory-only", 100, seed=4)
    v = learning.visits(lives)
    found = learning.recovery(v, 200, visits=3)
    begun = np.concatenate([[0], v.step[:-1] + 1]) * (v.number > 0)
    right, n = np.zeros(3, int), np.zeros(3, int)
    for life in range(100):  # the same, episode by episode
        for k, i in enumerate(np.flatnonzero((v.episode == life) & (begun >= 200))[:3]):
            if v.since_change[i] != 0:
                right[k] += v.food[i]
                n[k] += 1
    assert np.array_equal(found.right, right) and np.array_equal(found.n, n) and n[0] > 60


def test_recovery_from_step_zero_counts_all_visits():
    v = learning.visits(agents.play(Maze(), "fixed-arm", 50))
    found = learning.recovery(v, 0, visits=1)
    assert found.n[0] == 50 and found.right[0] == v.food[v.number == 0].sum()
