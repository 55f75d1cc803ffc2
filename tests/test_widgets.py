"""Explorers: they show what the library computes, and each control has exactly the effect it should."""

import re
from dataclasses import replace

import pytest
import torch
from watched import GENOME, MAZE, NETWORK, SEED, equals, recorded, tick, watch

import enu_lib as enu
from enu_lib import es, live, widgets
from enu_lib.analysis import agents
from enu_lib.network import PUBLISHED, Network
from enu_lib.tasks.geometry import tables
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.widgets import life


def test_without_interventions_the_episode_equals_rollout_bit_for_bit():
    explorer = watch()
    explorer.speed.value = 60  # four steps per redraw
    tick(explorer, 10)
    explorer.play.value = 0  # the clock's stop button only resets it
    explorer.one.click()
    explorer.four.click()
    trace = recorded()
    equals(explorer, trace, 45)
    assert torch.equal(explorer.watched.life.x, trace.x[0, 0, 45])
    shown = explorer.watched.outputs
    assert torch.equal(torch.tensor(shown[4:, 1:46]), trace.model["neuron_output"][0, 0, :45, :, 0].T)
    assert not shown[:, 46:].any() and (shown[:3, :46] == trace.x[0, 0, :46, :3, 0].T.numpy()).all()
    tick(explorer, 10)
    assert explorer.watched.life.t == 60 and explorer.watched.life.over and "ended" in explorer.said.value


@pytest.mark.parametrize("name", agents.NAMES)
def test_reference_agents_behave_as_in_play(name):
    """Step by step, with the same maze and shuffling."""
    maze = Maze("double-t", steps=100)
    now, trace = life.begin(name, None, maze, seed=3), agents.play(maze, name, 1, seed=3)
    for t in range(100):
        now = life.step(now)
        assert torch.equal(now.y, trace.y[0, 0, t])
        assert all(torch.equal(getattr(now.maze_state, k)[0, 0], v[0, 0, t]) for k, v in trace.task.items())


def test_another_agent_takes_over_the_same_episode_from_its_start():
    explorer = widgets.MazeLife(NETWORK, GENOME, MAZE, seed=SEED, others=("looking", "latch"))
    explorer.lesion.index = 1
    explorer.four.click()
    explorer.chosen.value = "latch"
    assert explorer.watched.life.t == 0 and explorer.watched.life.agent == "latch" and explorer.lesion.disabled
    assert not explorer.active and explorer.lesion.index == 0
    while not explorer.watched.life.over:
        explorer.four.click()
    played = agents.play(MAZE, "latch", 1, SEED)
    last = explorer.watched.life.t - 1
    assert int(explorer.watched.life.maze_state.foods) == played.task["foods"][0, 0, last]
    explorer.chosen.index = 0
    explorer.four.click()
    equals(explorer, recorded(), 4)


def test_the_picture_shows_the_current_state():
    explorer = watch()
    grid = geometry(MAZE)

    def where(name):
        return re.search(rf'data-part="{name}"[^>]*transform="translate\((\d+) (\d+)\)', explorer.picture.value).groups()

    def center(square):
        return tuple(str(v) for v in live.scene.center(grid, int(square)))

    state = explorer.watched.life.maze_state
    assert where("food") == center(state.food) and where("poison") == center(state.poison)
    explorer.exchange.click()
    assert where("food") == center(state.poison) and where("poison") == center(state.food)
    before = explorer.picture.value
    explorer.one.click()
    assert explorer.picture.value != before
    squares = re.findall(r'data-synapse="(\d+)"', explorer.picture.value)
    assert [int(k) for k in squares] == list(range(48))
    explorer.again.click()
    assert explorer.watched.life.t == 0 and explorer.watched.life.seed == SEED + 1 and "swap" not in explorer.said.value


def test_the_end_of_an_episode_stops_the_clock():
    explorer = watch()
    explorer.play.playing = True
    tick(explorer, 200)
    assert explorer.watched.life.over and explorer.play.playing is False


def test_a_missing_genome_and_an_unknown_agent_are_errors():
    with pytest.raises(ValueError, match="genome"):
        widgets.MazeLife(NETWORK)
    with pytest.raises(ValueError, match="owl.*omniscient"):
        widgets.MazeLife("owl")


def test_pages_without_a_kernel_get_a_picture_and_a_sentence():
    for explorer in (watch(), widgets.Duel("looking"), widgets.MazeWalk(), widgets.LiveEvolution(live.small_synapse())):
        bundle = explorer._repr_mimebundle_()
        assert bundle["image/png"].startswith("iVBORw0KGgo") and bundle["text/plain"] == explorer.sentence
        assert "application/vnd.jupyter.widget-view+json" in bundle


def _walk_to_food(explorer):
    """Press the outputs that take the shortest path to the food."""
    maze, grid = explorer.maze, geometry(explorer.maze)
    state = explorer.you.life.maze_state
    routes, end = tables(geometry(maze)).routes, grid.ends.index(int(state.food))
    does = state.action_of[0, 0].tolist()
    before = int(state.foods)
    while int(explorer.you.life.maze_state.foods) == before:
        here = explorer.you.life.maze_state
        explorer.outputs[does.index(int(routes[end, here.square[0, 0], here.heading[0, 0]]))].click()


def test_a_duel_is_the_same_episode_for_both_move_by_move():
    duel = widgets.Duel("omniscient", maze=Maze(steps=400), seed=6)
    mine, other = duel.you.life.maze_state, duel.other.life.maze_state
    assert all(torch.equal(getattr(mine, k), getattr(other, k)) for k in mine._fields)
    _walk_to_food(duel)
    assert duel.you.life.t == duel.other.life.t == 24
    assert torch.equal(duel.you.life.maze_state.square, duel.other.life.maze_state.square)
    assert int(duel.other.life.maze_state.foods) == 1 and "tied" in duel.said.value
    assert duel.you.tally() in duel.picture.value
    for _ in range(6):
        duel.outputs[duel.you.life.maze_state.action_of[0, 0].tolist().index(2)].click()  # turn on the spot
    assert "1 food behind" in duel.said.value
    trace = agents.play(duel.maze, "omniscient", 1, seed=6)
    assert int(duel.other.life.maze_state.foods) == int(trace.task["foods"][0, 0, 47])


def test_a_network_in_a_duel_behaves_as_in_rollout():
    duel = widgets.Duel(NETWORK, GENOME, MAZE, seed=SEED)
    for k in (0, 1, 2, 0, 1):
        duel.outputs[k].click()
    trace = recorded()
    assert torch.equal(duel.other.life.agent_state.output[0, 0], trace.model["neuron_output"][0, 0, 19])
    assert duel.you.life.t == 20


def test_the_blindfold_hides_both_mazes_until_the_end():
    duel = widgets.Duel("looking", seed=1)
    assert duel.picture.value.count("enu-maze") == 2
    duel.blind.value = True
    assert "enu-maze" not in duel.picture.value.replace("enu-hidden-maze", "") and "sensor 1" in duel.picture.value
    for _ in range(20):
        duel.outputs[0].click()
    assert duel.you.life.over and duel.picture.value.count('class="enu-maze"') == 2


def test_the_outputs_can_be_controlled_by_hand_without_an_agent():
    walk = widgets.MazeWalk(Maze(), seed=2)
    _walk_to_food(walk)
    assert int(walk.you.life.maze_state.foods) == 1 and "food 1" in walk.said.value
    walk.again.click()
    assert walk.seed == 3 and int(walk.you.life.maze_state.foods) == 0
    with pytest.raises(ValueError, match="put"):
        life.step(walk.you.life)


def test_live_evolution_equals_ask_and_tell():
    """Including changes of mutation s.d. and population during the run."""
    explorer = widgets.LiveEvolution(live.small_synapse(), seed=3)
    e = explorer.experiment
    explorer.advance(3)
    explorer.population.value, explorer.sigma.value, explorer.narrow.value = 64, 0.1, False
    explorer.advance(2)
    state = es.init(e.model.init(enu.stream(3, "genome")))
    wide = replace(e.es, population=64, sigma=0.1, sigma_final=None)
    for settings in (e.es, e.es, e.es, wide, wide):
        genomes, mutations = es.ask(settings, state, 3)
        f = enu.fitness(e.model, genomes, e.task, e.environments, enu.stream(3, "environment", state.generation))
        state = es.tell(settings, state, mutations, es.aggregate_fitness(settings, f))
    assert explorer.state.generation == 5 and torch.equal(explorer.state.parent, state.parent)
    explorer.again.click()
    assert explorer.state.generation == 0 and explorer.generations == [0]


def test_live_evolution_without_changes_equals_evolve():
    explorer = widgets.LiveEvolution(live.small_synapse(4), seed=1)
    explorer.advance(4)
    run = enu.evolve(live.small_synapse(4), seed=1, progress=False)
    assert torch.equal(explorer.state.parent, run.parent)


def test_a_tick_evolves_and_redraws(monkeypatch):
    monkeypatch.setattr(widgets.live_evolution, "REDRAW_SECONDS", 0.0)
    explorer = widgets.LiveEvolution(live.small_synapse(), seed=0)
    first, loss = explorer.picture.value, explorer.losses[0]
    tick(explorer, 4)
    assert explorer.state.generation >= 4 and explorer.picture.value != first and explorer.losses[-1] < loss
    assert f"Generation {explorer.state.generation}" in explorer.said.value
    explorer.other.click()
    assert explorer.seed == 1 and explorer.state.generation == 0


def test_an_error_is_shown_and_stops_the_clock():
    explorer = widgets.LiveEvolution(live.small_synapse(), seed=0)
    explorer.play.playing = True
    explorer.state = explorer.state._replace(parent=torch.full_like(explorer.state.parent, torch.nan))
    tick(explorer)
    assert explorer.play.playing is False and "generation 0" in explorer.said.value and "NaN" in explorer.said.value
    with pytest.raises(ValueError, match="IAF.*stdp"):
        widgets.LiveEvolution(enu.experiments.get("iaf", profile="smoke"))


def test_networks_with_the_published_wiring_can_be_watched():
    network = Network(PUBLISHED, channels=3, hidden=4)
    explorer = widgets.MazeLife(network, network.init(enu.stream(1, "genome")), Maze("double-t", steps=40), seed=0)
    explorer.four.click()
    assert explorer.watched.life.t == 4 and len(re.findall("data-neuron", explorer.picture.value)) == 16
