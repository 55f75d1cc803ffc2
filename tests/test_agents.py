"""Reference agents: their scores, and the behaviour of single agents step by step."""

import pytest
import torch

from enu_lib.analysis import agents
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.geometry import tables
from enu_lib.tasks.maze import Maze, geometry

GOLDEN = {  # (layout, agent): food, poison, over ten thousand episodes
    ("t", "omniscient"): (16.0, 0.0),
    ("t", "looking"): (15.1, 0.5),
    ("t", "memory-only"): (11.3, 1.4),
    ("t", "fixed-arm"): (4.5, 1.8),
    ("t", "random"): (0.03, 0.03),
    ("double-t", "omniscient"): (13.97, 0.0),
    ("double-t", "looking"): (11.48, 0.5),
    ("double-t", "memory-only"): (10.66, 0.87),
    ("double-t", "fixed-arm"): (2.6, 0.6),
    ("double-t", "random"): (0.15, 0.14),
}


@pytest.mark.parametrize("layout, agent", GOLDEN, ids=str)
def test_scores_equal_the_reference_values(layout, agent):
    food, poison = GOLDEN[layout, agent]
    found = agents.scores(Maze(layout), agent, 2500)
    assert found["food"] == pytest.approx(food, abs=0.05 + 3 * found["food s.e."])
    assert found["poison"] == pytest.approx(poison, abs=0.06)


@pytest.mark.parametrize("layout", ["t", "double-t"])
def test_fitness_follows_from_the_meals(layout):
    trace = agents.play(Maze(layout), "memory-only", 200)
    foods, poisons, alive = (trace.task[k][0, :, -1].float() for k in ("foods", "poisons", "alive"))
    steps = 1 + trace.task["alive"][0, :, :-1].float().sum(-1)
    first_was_poison = ((trace.task["ate"][0] != 0).long().argmax(1)[:, None] == torch.arange(400)) & (trace.task["ate"][0] < 0)
    bonus = 2.0 * first_was_poison.any(1)  # the first meal counts +1 whichever it is
    assert torch.allclose(trace.fitness[0].sum(-1), foods - poisons + bonus + 0.025 * steps, atol=1e-3)
    assert set(alive.tolist()) <= {0.0, 1.0}


def test_a_looking_agent_eats_poison_at_most_once():
    trace = agents.play(Maze("double-t"), "looking", 500)
    assert trace.task["poisons"][0, :, -1].max() == 1
    after_a_meal = trace.task["ate"][0].abs().cumsum(-1) > 1
    assert not (trace.task["ate"][0][after_a_meal] < 0).any()


def test_the_omniscient_agent_needs_six_moves_per_food():
    trace = agents.play(Maze(), "omniscient", 20)
    meals = trace.task["ate"][0].nonzero()
    assert ((meals[:, 1] + 1) % 24 == 0).all() and len(meals) == 20 * 16


def test_routes_are_shortest_paths():
    maze = Maze("double-t")
    g, table = geometry(maze), tables(geometry(maze)).routes
    lengths = []
    for number, end in enumerate(g.ends):
        square, heading, n = g.start, 0, 0
        while square != end:
            action = table[number, square, heading].item()
            if action == 0:
                square = g.ahead[square][heading]
            heading = (heading + (0, -1, 1)[action]) % 4
            n += 1
        lengths.append(n)
    assert lengths == [6, 6, 8, 8]  # three forward, one turn, two forward; two more turns first on the other side


def test_an_unknown_agent_is_an_error():
    with pytest.raises(ValueError, match="greedy.*omniscient"):
        agents.play(Maze(), "greedy")


def test_a_once_bitten_agent_avoids_what_its_first_poison_looked_like():
    trace = agents.play(Maze(), "once-bitten", 200)
    assert trace.task["poisons"][0, :, -1].max() == 1
    ate, square = trace.task["ate"][0], trace.task["square"][0]
    left, right = geometry(Maze()).ends
    for b in range(200):
        meals = ate[b].nonzero().flatten().tolist()
        poisoned = [t for t in meals if ate[b, t] < 0]
        before = [t for t in meals if not poisoned or t <= poisoned[0]]
        places = [trace.task["food" if ate[b, t] > 0 else "poison"][0, b, t - 1].item() for t in before]
        assert set(places) <= {left}, "the first end until its first poison"
        assert not (square[b] == right).any(), "a meal sends the agent back in the same step"


def test_looking_once_relies_on_sight_after_poison_and_never_relearns():
    """A direct way to the next meal has 6 moves; turning around in front of an arm adds 4."""
    once, looking = (agents.play(Maze(), name, 100).task["ate"][0] for name in ("looking-once", "looking"))
    for ate, moves in ((once, 10), (looking, 6)):
        assert (ate < 0).sum(1).max() == 1
        for meals in ate:
            first, second = meals.nonzero().flatten().tolist()[:2]
            assert second - first == 4 * (moves if meals[first] < 0 else 6)
    exchanged = Altered(Maze(steps=800, deadly_poisons=1000), 400, ("food", "poison"))
    later = [agents.play(exchanged, name, 100).task["poisons"][0, :, -1].float().mean() for name in ("looking", "looking-once")]
    assert later[0] < 3 and later[1] > 8
