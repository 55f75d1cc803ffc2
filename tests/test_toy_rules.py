"""The rules of the mazes in the page's script equal the library's, bit for bit, and so do the environments that it draws."""

import dataclasses
import random

import numpy as np
import pytest
import torch
from random_lives import maze as random_case
from toy_script import Script, follow, small

from enu_lib import live
from enu_lib.live.toy import rules
from enu_lib.streams import stream
from enu_lib.tasks.altered import reshuffled
from enu_lib.tasks.maze import Maze, geometry, shuffles
from enu_lib.widgets import life as lives


@pytest.fixture(scope="module")
def script():
    return Script()


WALK = """
    const s = enuLive.rules.begin(maze, environment), x = [], places = [JSON.parse(JSON.stringify(s, plain))];
    for (const y of outputs) {
      x.push(enuLive.rules.observe(maze, s, 3));
      enuLive.rules.step(maze, s, y);
      places.push(JSON.parse(JSON.stringify(s, plain)));
    }
    return { x, places };"""


def test_the_rules_equal_the_librarys_over_random_actions(script):
    """Every field after every step, bit for bit; all kinds of meals, changes and ends occur."""
    seen = {"food": 0, "poison": 0, "starved": 0, "poisoned": 0, "moved": 0, "undecided": 0}
    for seed in range(32):
        rng, generator = random.Random(seed), stream(seed, "toy maze")
        maze = dataclasses.replace(
            random_case(seed)[2],
            steps=160, corridor=rng.randint(1, 2), arm=rng.randint(1, 2), tie=rng.choice(["first", "nothing"]),
            move_every=rng.randint(1, 3), energy=rng.choice([4.0, 18.3, 60.0]), energy_cost=rng.choice([0.25, 0.1]),
            foods_per_period=rng.randint(1, 2),
            shuffle=rng.choice(["none", "sensors", "sensors+actions"]), change=rng.choice([0.5, 1.0]),
        )  # fmt: skip
        drawn = maze.reset(1, 1, generator)
        environment = {name: getattr(drawn, name)[0, 0].tolist() for name in ("sensor_of", "action_of", "places")}
        forward = environment["action_of"].index(0)
        outputs = [_random_outputs(rng, forward) for _ in range(maze.steps)]
        found = script(WALK, maze=rules(maze), environment=environment, outputs=outputs)
        follow(maze, environment, outputs, found["places"], found["x"])
        last = found["places"][-1]
        seen["food"] += last["foods"]
        seen["poison"] += last["poisons"]
        seen["poisoned"] += last["poisons"] >= maze.deadly_poisons
        seen["starved"] += last["energy"] <= 0
        seen["moved"] += len({place["food"] for place in found["places"]}) > 1
        moves = found["places"][maze.move_every :: maze.move_every]
        seen["undecided"] += sum(place["alive"] and place["action"] < 0 for place in moves)
    assert min(seen.values()) >= 5, seen


def _random_outputs(rng, forward):
    """Outputs in eighths, so that sums tie, with a preference for walking; or any float32 numbers, whose sums are rounded."""
    y = [rng.randint(0, 4) / 8 for _ in range(3)] if rng.random() < 0.8 else [float(np.float32(rng.random())) for _ in range(3)]
    y[forward] = 0.75 if rng.random() < 0.4 else y[forward]
    return y


def test_outputs_that_are_not_numbers_move_nothing(script):
    maze = Maze()
    code = """const s = enuLive.rules.begin(maze, first);
        for (let k = 0; k < 4; k++) enuLive.rules.step(maze, s, [NaN, 1, 0]);
        return s;"""
    first = {"sensor_of": [0, 1, 2], "action_of": [0, 1, 2], "places": [geometry(maze).ends]}
    found = script(code, maze=rules(maze), first=first)
    assert (found["t"], found["action"], found["square"], found["heading"]) == (4, -1, geometry(maze).start, 0)


@pytest.mark.parametrize("count", [False, True])
def test_swap_and_shuffle_equal_the_librarys(script, count):
    maze = Maze("double-t", steps=400, foods_per_period=1, count_poisons=count)
    network, genome = small()
    piece = live.toy(network, genome, maze, 5)
    before = lives.begin(None, None, maze, 1)
    begun = maze.reset(1, 1, stream(5, "toy"))
    assert piece.payload["first"]["places"] == begun.places[0, 0].tolist()
    for foods, poisons in ((0, 0), (3, 1)):
        now = foods + poisons if count else foods  # the period
        food, poison = begun.places[:, :, now].unbind(-1)
        eaten = {"foods": torch.tensor([[foods]]), "poisons": torch.tensor([[poisons]])}
        state = begun._replace(**eaten, food=food, poison=poison)
        wanted = lives.swap(dataclasses.replace(before, maze_state=state)).maze_state
        assert wanted.places[:, :, :now].equal(begun.places[:, :, :now])
        assert wanted.places[:, :, now:].equal(begun.places[:, :, now:].flip(-1))
        code = f"""life.mazeState.foods = {foods}; life.mazeState.poisons = {poisons};
            [life.mazeState.food, life.mazeState.poison] = life.mazeState.places[{now}];
            life.swap(); return life.mazeState;"""
        found = script.life(piece, code)
        assert found["places"] == wanted.places[0, 0].tolist()
        assert (found["food"], found["poison"]) == (int(wanted.food), int(wanted.poison))
    two = maze.reset(1, 2, stream(5, "toy"))
    for by, wanted in enumerate(reshuffled(two).sensor_of[0].tolist(), 1):
        code = f"const s = {{ sensor_of }}; enuLive.rules.reshuffle(s, {by}); return s.sensor_of;"
        assert script(code, sensor_of=two.sensor_of[0, by - 1].tolist()) == wanted


@pytest.mark.parametrize(
    "maze", [Maze(), Maze("double-t", change=0.25), Maze(placements=((0, 1),), shuffle="none", change=1.0)]
)
def test_environments_are_drawn_as_the_task_draws_them(script, maze):
    """Every shuffle and placement, equally often; places change with the task's probability, two always to the other."""
    n = 1200
    code = f"const numbers = enuLive.random(7); return Array.from({{ length: {n} }}, () => enuLive.rules.draw(maze, numbers));"
    drawn = script(code, maze=rules(maze))
    meanings = [(tuple(d["sensor_of"]), tuple(d["action_of"])) for d in drawn]
    places = np.array([d["places"] for d in drawn])
    assert set(meanings) == set(shuffles(maze)) and places.shape[1:] == (22, 2)
    first = {tuple(p) for p in places[:, 0].tolist()}
    assert first == {tuple(p) for p in rules(maze)["placements"]}
    for values, kinds in ((meanings, len(shuffles(maze))), ([tuple(p) for p in places[:, 0].tolist()], len(first))):
        counts = np.array([values.count(v) for v in set(values)])
        assert np.abs(counts - n / kinds).max() <= 5 * np.sqrt(n / kinds)
    changed = (places[:, 1:] != places[:, :-1]).any(-1).mean()
    wanted = maze.change * (1 if len(first) == 2 else 1 - 1 / len(first))
    assert abs(changed - wanted) <= 5 * np.sqrt(0.25 / (n * 21))


def test_noise_is_standard_normal_and_independent(script):
    values = np.array(script("const r = enuLive.random(3); return Array.from({ length: 40000 }, r.normal);"))
    n = len(values)
    assert abs(values.mean()) < 5 / np.sqrt(n) and abs(values.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((values**4).mean() - 3) < 5 * np.sqrt(96 / n) and abs((values[1:] * values[:-1]).mean()) < 5 / np.sqrt(n)
    first = script("return Array.from({ length: 1000 }, (_, seed) => enuLive.random(seed).uniform());")
    assert len(set(first)) == 1000 and abs(np.mean(first) - 0.5) < 5 / np.sqrt(12 * 1000), "neighbouring seeds differ"
