"""An episode in the page with the reader's interventions: their effect, and a new episode without them."""

import dataclasses
import re

import pytest
import torch
from random_lives import outcome
from toy_script import Script, small

import enu_lib as enu
from enu_lib import live
from enu_lib.analysis.memory import principal_axis, project
from enu_lib.live import scene
from enu_lib.network import PUBLISHED, Network
from enu_lib.streams import normal, stream
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze, geometry


@pytest.fixture(scope="module")
def script():
    return Script()


@pytest.fixture(scope="module")
def toy():
    return live.toy(*small(), Maze(corridor=1, arm=1, energy=1000.0, change=1.0))


GO = """
    const { rules } = enuLive;
    // by hand to the food (1) or the poison (-1) of a T with a corridor and arms of one square
    const fetch = (what) => {
      const { food, poison } = life.mazeState, goal = what > 0 ? food : poison;
      const up = life.maze.ahead[life.maze.ahead[life.maze.start][0]][3];
      life.walk(rules.FORWARD);
      life.walk(goal === up ? rules.LEFT : rules.RIGHT);
      life.walk(rules.FORWARD);
    };"""


def test_walking_by_hand_moves_the_agent_and_the_network_watches(script, toy):
    found = script.life(
        toy,
        GO
        + """fetch(1); const said = [life.said], memory = Array.from(life.agentState.synapse.h);
            life.walk(rules.LEFT); said.push(life.said); life.walk(rules.FORWARD); said.push(life.said);
            const { mazeState, meals, history } = life;
            return { said, memory, place: mazeState, meals, length: history.length, reward: history[12][3] };""",
    )
    assert found["place"]["foods"] == 1 and found["meals"] == [[12, 1]] and found["reward"] == 1
    assert found["place"]["t"] == 20 and found["length"] == 21
    assert any(found["memory"]), "the network received its inputs"
    assert "food" in found["said"][0] and "left" in found["said"][1] and "wall" in found["said"][2]


def test_a_move_by_hand_drops_the_votes_of_a_move_under_way(script, toy):
    found = script.life(
        toy, "life.mazeState.votes.set([9, 0, 0]); life.mazeState.t = 2; life.walk(enuLive.rules.RIGHT); return life.mazeState;"
    )
    assert (found["t"], found["heading"], found["square"]) == (4, 1, toy.payload["maze"]["start"])


def test_the_second_poison_kills_and_says_so_unless_poison_is_harmless(script, toy):
    code = f"""{GO} %s
        fetch(-1); const said = [life.said];
        fetch(-1); said.push(life.said);
        life.step(); return {{ said, place: life.mazeState, last: life.said, changes: life.changes() }};"""
    found = script.life(toy, code % "")
    assert not found["place"]["alive"] and found["place"]["poisons"] == 2 and found["place"]["t"] == 24
    assert "poison" in found["said"][0].lower() and "kill" in found["said"][0] and "poison 2" in found["said"][1]
    assert "New episode" in found["last"]
    spared = script.life(toy, code % "life.makeHarmless(true);")
    assert spared["place"]["alive"] and spared["place"]["poisons"] == 2 and spared["place"]["t"] == 25
    assert "harmless" in spared["said"][0] and "harmless" in spared["changes"]
    code = "life.makeHarmless(true); fetch(-1); life.makeHarmless(false); fetch(-1); return life.mazeState;"
    again = script.life(toy, GO + code)
    assert again["alive"] and again["doses"] == 1, "only poison that is eaten while it is deadly counts"


def test_hunger_and_time_end_a_life(script):
    network, genome = small()
    for maze, moves in ((Maze(energy=3.0), 3), (Maze(steps=14, energy=100.0), 3)):
        found = script.life(
            live.toy(network, genome, maze), "while (!life.over()) life.step(); return [life.said, life.mazeState];"
        )
        assert f"move {moves}" in found[0] and found[1]["alive"] == (maze.steps == 14)
        assert found[1]["t"] == (12 if maze.steps == 400 else 14)


def test_every_sensor_shows_something_else_after_a_shuffle(script, toy):
    code = """const said = [life.sensors()], maps = [life.mazeState.sensor_of];
        for (let k = 0; k < 20; k++) { life.shuffle(); maps.push(life.mazeState.sensor_of); }
        return { said: [...said, life.sensors(), life.said], maps, kinds: [0, 1, 2].map(life.kindOf) };"""
    found = script.life(toy, code)
    for before, after in zip(found["maps"], found["maps"][1:], strict=False):
        assert all(a != b for a, b in zip(before, after, strict=True)) and sorted(after) == [0, 1, 2]
    assert len({tuple(m) for m in found["maps"]}) == 3, "both ways occur"
    names = [["walls", "food", "poison"][found["maps"][-1].index(i)] for i in range(3)]
    assert found["kinds"] == names and all(f"{i + 1} shows {names[0]}" in found["said"][1] or i for i in range(3))


def test_a_new_episode_undoes_every_change_and_draws_another_environment(script, toy):
    code = """life.swap(); life.shuffle(); life.silence(2); life.freeze(true); life.setNoise(0.5); life.makeHarmless(true);
        const changes = [life.changes()]; life.step(); life.step(); const lives = [life.mazeState];
        for (let k = 0; k < 8; k++) {
          life.begin(); changes.push(life.changes()); lives.push(life.mazeState);
          const { synapse, neuron, output } = life.agentState;
          if (Math.max(...synapse.h, ...neuron.o, ...output, life.mazeState.t, life.meals.length))
            throw Error("something is left");
        }
        return { changes, changed: life.changed, number: life.number, lives };"""
    found = script.life(toy, code)
    for word in ("swapped once", "shuffled once", "output 3", "frozen", "0.5", "harmless"):
        assert word in found["changes"][0]
    assert len(set(found["changes"][1:])) == 1 and found["changes"][1] != found["changes"][0]
    assert found["changed"]["frozen"] is None and found["changed"]["noise"] == 0.01 and found["number"] == 9
    assert len({tuple(s["sensor_of"]) for s in found["lives"]}) > 2 and len({s["food"] for s in found["lives"]}) == 2


def test_projected_memories_equal_the_librarys(script):
    memory = normal(7, 5, generator=stream(3, "memory"))
    axis = principal_axis(memory)
    given = {"mean": axis.mean.tolist(), "direction": axis.direction.tolist(), "scale": axis.scale}
    found = script("return enuLive.project(axis, h);", axis=given, h=memory.flatten().tolist())
    assert found == pytest.approx(project(axis, memory).tolist(), abs=1e-5)


# ---- the face


def test_the_toy_refuses_what_it_cannot_play():
    network, genome = small()
    gru = Network(network.connections, channels=3, hidden=2, cell="gru")
    wide = Network(PUBLISHED, channels=64, hidden=64)
    cases = [
        ((gru, genome, Maze()), ("gru", "enu")),
        ((enu.ENU(1), genome, Maze()), ("ENU(", "choose")),
        ((network, genome, Altered(Maze())), ("Altered", "Maze")),
        ((network, genome, enu.STDP()), ("STDP", "Maze")),
        ((dataclasses.replace(network, n_outputs=2), genome, Maze()), ("2", "n_outputs=3")),
        ((network, genome[:-1], Maze()), (str(len(genome) - 1), str(len(genome)))),
        ((wide, torch.zeros(wide.n_params), Maze()), (str(wide.n_params), "hidden")),
        ((network, genome.clone().fill_(torch.nan), Maze()), ("finite",)),
    ]
    for arguments, words in cases:
        error, said = outcome(lambda arguments=arguments: live.toy(*arguments))
        assert error is ValueError and all(word in said for word in words), said


def test_the_picture_shows_the_first_environment():
    network, genome = small()
    for seed in range(4):
        piece = live.toy(network, genome, Maze(), seed)
        first = piece.payload["first"]
        for sensor in range(3):
            meaning = ["walls", "food", "poison"][first["sensor_of"].index(sensor)]
            assert f'<b data-part="meaning {sensor + 1}">{meaning}</b>' in piece.body
        x, y = scene.center(geometry(Maze()), first["places"][0][0])
        assert re.search(rf'data-part="food" [^>]*translate\({x} {y}\)', piece.body)
