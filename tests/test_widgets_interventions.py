"""Interventions in an explorer of a maze: freezing, lesions, swaps and exchanged sensors have their effect and no other."""

import re
from dataclasses import replace

import torch
from watched import GENOME, MAZE, NETWORK, SEED, equals, recorded, tick, watch

import enu_lib as enu
from enu_lib import widgets
from enu_lib.analysis import agents
from enu_lib.analysis import interventions as iv
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.widgets import life


def test_freezing_and_lesions_equal_the_interventions_in_rollout_bit_for_bit():
    explorer = watch()
    tick(explorer, 8)
    explorer.frozen["synapses"].value = True
    tick(explorer, 8)
    explorer.lesion.value = "hidden 2"
    tick(explorer, 8)
    frozen, silent = iv.freeze("synapses", since=16), iv.silence([1], since=32)
    assert explorer.steps_per_picture == 2
    assert "synapses" in explorer.said.value and "hidden 2" in explorer.said.value
    trace = recorded(lambda t, state: silent(t, frozen(t, state)))
    equals(explorer, trace, 48)
    plain = recorded()
    assert not torch.equal(plain.model["neuron_output"][0, 0, 47], trace.model["neuron_output"][0, 0, 47])


def test_unticked_interventions_end():
    explorer = watch()
    tick(explorer, 5)
    explorer.frozen["neurons"].value = True
    explorer.lesion.value = "output 1"
    tick(explorer, 5)
    explorer.frozen["neurons"].value = False
    explorer.lesion.index = 0
    assert not explorer.active and "neurons" not in explorer.said.value and "output 1" not in explorer.said.value
    tick(explorer, 5)
    frozen, silent = iv.freeze("neurons", since=10), iv.silence([3], since=10)

    def until_20(t, state):
        return silent(t, frozen(t, state)) if t < 20 else state

    equals(explorer, recorded(until_20), 30)


def test_a_swap_at_the_start_equals_an_episode_with_exchanged_places():
    """Compared with an episode that was drawn with the same shuffling and the opposite places."""
    maze = Maze(steps=60, change=0.0)
    born = maze.reset(1, 72, enu.stream(0, "twins"))
    key = torch.cat([born.sensor_of[0], born.action_of[0]], 1)
    twin = next(b for b in range(1, 72) if torch.equal(key[b], key[0]))
    one, other = ({k: getattr(born, k)[:, b : b + 1] for k in born._fields} for b in (0, twin))
    begun = life.begin(None, None, maze, seed=1)
    swapped = life.swap(replace(begun, maze_state=type(born)(**one)))
    assert all(torch.equal(getattr(swapped.maze_state, k), v) for k, v in other.items())
    assert torch.equal(life.swap(swapped).maze_state.places, one["places"])


def test_a_swap_in_mid_episode_exchanges_all_later_places():
    """Compared with a reference agent in a maze state that the test itself changes."""
    maze = Maze(steps=400, change=0.5)
    explorer = widgets.MazeLife("memory-only", maze=maze, seed=7)
    while int(explorer.watched.life.maze_state.foods) < 7:
        explorer.four.click()
    t, before = explorer.watched.life.t, explorer.watched.life.maze_state
    food, poison = int(before.food), int(before.poison)
    explorer.exchange.click()
    now = explorer.watched.life.maze_state
    assert (int(now.food), int(now.poison)) == (poison, food) and {food, poison} == set(geometry(maze).ends)
    places = before.places.clone()
    places[:, :, 1:] = places[:, :, 1:].flip(-1)  # period 1 (foods 5 to 9) and all later ones
    expected = before._replace(food=before.poison, poison=before.food, places=places)
    assert all(torch.equal(getattr(now, k), getattr(expected, k)) for k in now._fields)
    belief, generator = explorer.watched.life.agent_state, enu.stream(7, "actions")
    for step in range(t, 400):
        belief, y = agents.act(maze, "memory-only", belief, expected, step, generator)
        expected, _ = maze.step(expected, y, step)
        belief = agents.learn(maze, "memory-only", belief, expected, step + 1)
    while not explorer.watched.life.over:
        explorer.four.click()
    now = explorer.watched.life.maze_state
    assert (int(now.foods), int(now.poisons)) == (int(expected.foods), int(expected.poisons))
    assert int(now.poisons) > 0, "after the swap, the agent returns to the former place of food"
    counts = [t, int(now.foods) - 7, int(now.poisons) - int(before.poisons)]
    assert ", ".join(map(str, counts)) in ", ".join(re.findall(r"\d+", explorer.said.value))


def test_a_swap_changes_the_maze_but_not_the_network_s_memory():
    explorer = watch()
    tick(explorer, 6)
    explorer.exchange.click()
    before, noise = explorer.watched.life, explorer.watched.life.noise
    agent_state, state = before.agent_state, before.maze_state
    for t in range(12, 60):
        x, z = MAZE.observe(state, t), noise.at(t, NETWORK.noise_shape)
        agent_state, y = NETWORK.step(NETWORK.unpack(GENOME[None]), agent_state, x, z)
        state, _ = MAZE.step(state, y, t)
    tick(explorer, 24)
    now = explorer.watched.life
    assert now.t == 60 and torch.equal(now.agent_state.synapse[0], agent_state.synapse[0])
    assert all(torch.equal(getattr(now.maze_state, k), getattr(state, k)) for k in state._fields)


def test_sensors_exchanged_by_hand_give_the_episode_of_the_altered_maze():
    explorer = watch()
    tick(explorer, 4)
    explorer.sensors.click()
    while not explorer.watched.life.over:
        explorer.four.click()
    altered = enu.rollout(NETWORK, GENOME, Altered(MAZE, 8, ("food", "poison")), 1, SEED, memory=True)
    equals(explorer, altered, explorer.watched.life.t)
    assert "step 8:" in explorer.said.value


def test_reshuffled_sensors_all_show_something_else():
    begun = life.begin(None, None, MAZE, seed=1)
    now, before = (x.maze_state.sensor_of.flatten() for x in (life.exchange(begun, life.RESHUFFLED), begun))
    assert sorted(now.tolist()) == [0, 1, 2] and (now != before).all()
