"""The phase search on scripted agents with known phases, and on the evolved network."""

from dataclasses import replace

import pytest
import torch

from enu_lib import zoo
from enu_lib.analysis import agents
from enu_lib.analysis.phases import find_groups, find_phases
from enu_lib.rollout import record_episodes
from enu_lib.tasks.maze import Maze, geometry


def _played(agent, n=200, layout="t", seed=1, **rules):
    maze = Maze(layout, **rules)
    trace = agents.play(maze, agent, n, seed=seed)
    return trace, maze


def test_a_memory_only_agent_shows_mistakes_in_two_episodes():
    trace, maze = _played("memory-only")
    found = find_phases(trace, maze)
    ate, places = trace.task["ate"][0], trace.task["food"][0]
    assert [ate[p.episode, p.last].item() for p in found] == [-1, 1, 1, -1, 1]
    assert all(not ate[p.episode, p.first : p.last].any() for p in found)
    first, second, before, after, then = found
    assert (first.first, first.episode, second.first) == (0, second.episode, first.last + 1)
    assert before.episode == after.episode == then.episode != first.episode  # since the second poison kills
    assert after.first == before.last + 1 and then.first == after.last + 1
    where = [places[p.episode, p.last - 1].item() for p in found]
    assert where[0] == where[1] and where[2] != where[3] == where[4]


def test_a_looking_agent_shows_all_phases_in_one_episode():
    trace, maze = _played("looking")
    found = find_phases(trace, maze)
    assert len({p.episode for p in found}) == 1 and len(found) == 5
    _, _, before, seen, other = found
    ate = trace.task["ate"][0, found[0].episode]
    assert "seen" in seen.name and seen.first == before.last + 1 and seen.last == other.first
    assert ate[other.last] == 1 and not ate[seen.first : other.last].any()
    grid, episode, t = geometry(maze), seen.episode, seen.last
    square, heading = (trace.task[k][0, episode, t - 1].item() for k in ("square", "heading"))
    assert grid.ahead[square][heading] == trace.task["poison"][0, episode, t - 1].item()


@pytest.mark.parametrize("layout", ["t", "double-t"])
def test_an_agent_without_learning_shows_no_phases(layout):
    trace, maze = _played("fixed-arm", layout=layout)
    assert find_phases(trace, maze) is None
    assert not any(find_groups(trace, maze))


def test_without_changes_there_is_no_reversal_learning():
    trace, maze = _played("looking", change=0.0)
    assert find_phases(trace, maze) is None
    learnt, anew = find_groups(trace, maze)
    assert len(learnt) == 2 and anew == []


def test_episodes_without_a_meal_have_no_phases():
    trace, maze = _played("looking", 3, steps=8)
    assert find_groups(trace, maze) == [[], []] and find_phases(trace, maze) is None


def test_the_four_phases_of_the_double_maze():
    trace, maze = _played("looking", 400, "double-t")
    found = find_phases(trace, maze)
    assert [p.name.split(":")[0] for p in found] == [
        "first visit", "second visit", "the former place holds poison", "a side holds neither",
    ]  # fmt: skip
    ate, squares = trace.task["ate"][0], trace.task["square"][0]
    assert [ate[p.episode, p.last].item() for p in found] == [-1, 1, 1, 1]
    grid, crossing = geometry(maze), found[3]
    columns = {grid.squares[s][1] for s in squares[crossing.episode, crossing.first : crossing.last].tolist()}
    assert {1, grid.shape[1] - 2} <= columns  # it visited both sides
    food, poison = (trace.task[k][0, crossing.episode, crossing.last - 1].item() for k in ("food", "poison"))
    assert grid.squares[food][1] == grid.squares[poison][1]


def test_a_frame_shows_the_path_to_the_meal():
    import matplotlib.pyplot as plt
    import numpy as np

    from enu_lib import figures

    trace, maze = _played("looking")
    grid, found = geometry(maze), find_phases(trace, maze)
    for phase in found:
        fig, ax = plt.subplots()
        figures.learning.frame(ax, grid, trace, phase)
        drawn = np.stack(ax.lines[2].get_data(), 1)[:, ::-1]  # lines 0 and 1 mark food and poison; (row, column)
        way = np.rint(drawn).astype(int)  # it is drawn beside the middle of the squares
        assert np.abs(np.diff(way, axis=0)).sum(1).max() <= 1  # between neighbouring squares
        times = sorted(int(n) for text in ax.texts for n in text.get_text().split())
        assert times[0] == phase.first and times[-1] <= phase.last
        assert (phase.first > 0 and "left for" in phase.name) or tuple(way[0]) == grid.squares[grid.start]
        ate = trace.task["ate"][0, phase.episode, phase.last].item()
        if ate:
            eaten = trace.task["food" if ate > 0 else "poison"][0, phase.episode, phase.last - 1].item()
            assert tuple(way[-1]) == grid.squares[eaten]
        plt.close(fig)


def test_the_double_t_network_eats_at_all_placements_and_shows_all_phases():
    entry = zoo.load("double-tmaze-enu")
    lives = record_episodes(entry.model, entry.genome, entry.task, 2048, seed=41)
    assert find_phases(lives, entry.task) is not None
    still = record_episodes(entry.model, entry.genome, replace(entry.task, change=0.0), 480, seed=42)
    places = torch.stack([still.task[name][0, :, 0] for name in ("food", "poison")], 1)
    for pair in places.unique(dim=0):
        assert still.task["foods"][0, (places == pair).all(1), -1].float().mean() > 2
