"""Explorers answer: what a reader does with a control has the consequences it should, and no others."""

import re
from dataclasses import replace

import pytest
import torch

import enu_lib as enu
from enu_lib import es, live, widgets
from enu_lib.analysis import agents
from enu_lib.analysis import interventions as iv
from enu_lib.network import PUBLISHED, SYMMETRIC, Network
from enu_lib.tasks.maze import Maze, geometry
from enu_lib.widgets import life

MAZE, NETWORK = Maze(steps=60), Network(SYMMETRIC, channels=4, hidden=8, noise=0.1)
GENOME = 2 * NETWORK.init(enu.stream(0, "genome"))
SEED = 4


def _live(intervene=None):
    return enu.rollout(NETWORK, GENOME, MAZE, 1, SEED, memory=True, intervene=intervene)


def _watch():
    """A life with two network steps a picture."""
    explorer = widgets.MazeLife(NETWORK, GENOME, MAZE, seed=SEED)
    explorer.speed.value = 30
    return explorer


def _tick(explorer, times=1):
    """As the browser's clock does."""
    for _ in range(times):
        explorer.play.value += 1


def _equals(explorer, trace, t):
    """The life that is being watched is the recorded one after t steps, bit for bit."""
    mind, place = explorer.watched.life.mind, explorer.watched.life.place
    assert explorer.watched.life.t == t
    for name, value in (("neuron_output", mind.output), ("synapse_memory", mind.synapse[0]), ("neuron_memory", mind.neuron[0])):
        assert torch.equal(value.flatten(), trace.model[name][0, 0, t - 1].flatten()), name
    for name, values in trace.task.items():
        assert torch.equal(getattr(place, name)[0, 0], values[0, 0, t - 1]), name


def test_doing_nothing_is_the_recorded_life_bit_for_bit():
    explorer = _watch()
    explorer.speed.value = 60  # four steps a picture
    _tick(explorer, 10)
    explorer.play.value = 0  # the clock's own stop button does nothing more
    explorer.one.click()
    explorer.four.click()
    trace = _live()
    _equals(explorer, trace, 45)
    assert torch.equal(explorer.watched.life.x, trace.x[0, 0, 45])
    shown = explorer.watched.outputs
    assert torch.equal(torch.tensor(shown[4:, 1:46]), trace.model["neuron_output"][0, 0, :45, :, 0].T)
    assert not shown[:, 46:].any() and (shown[:3, :46] == trace.x[0, 0, :46, :3, 0].T.numpy()).all()
    _tick(explorer, 10)
    assert explorer.watched.life.t == 60 and explorer.watched.life.over and "This life is over" in explorer.said.value


@pytest.mark.parametrize("name", agents.NAMES)
def test_a_reference_agent_lives_as_it_plays(name):
    """Step by step, and in the same maze and shuffle."""
    maze = Maze("double-t", steps=100)
    now, trace = life.begin(name, None, maze, seed=3), agents.play(maze, name, 1, seed=3)
    for t in range(100):
        now = life.step(now)
        assert torch.equal(now.y, trace.y[0, 0, t])
        assert all(torch.equal(getattr(now.place, k)[0, 0], v[0, 0, t]) for k, v in trace.task.items())


def test_frozen_compartments_and_lesions_are_the_library_s_bit_for_bit():
    explorer = _watch()
    _tick(explorer, 8)
    explorer.frozen["synapses"].value = True
    _tick(explorer, 8)
    explorer.lesion.value = "hidden 2"
    _tick(explorer, 8)
    frozen, silent = iv.freeze("synapses", since=16), iv.silence([1], since=32)
    assert explorer.steps_a_picture == 2
    assert "memory of synapses frozen; no neuron hears hidden 2" in explorer.said.value
    trace = _live(lambda t, state: silent(t, frozen(t, state)))
    _equals(explorer, trace, 48)
    plain = _live()
    assert not torch.equal(plain.model["neuron_output"][0, 0, 47], trace.model["neuron_output"][0, 0, 47])


def test_what_is_unticked_is_given_up():
    explorer = _watch()
    _tick(explorer, 5)
    explorer.frozen["neurons"].value = True
    explorer.lesion.value = "output 1"
    _tick(explorer, 5)
    explorer.frozen["neurons"].value = False
    explorer.lesion.value = "no neuron"
    assert not explorer.active and "frozen" not in explorer.said.value
    _tick(explorer, 5)
    frozen, silent = iv.freeze("neurons", since=10), iv.silence([3], since=10)

    def until_20(t, state):
        return silent(t, frozen(t, state)) if t < 20 else state

    _equals(explorer, _live(until_20), 30)


def test_a_swap_by_hand_is_a_life_with_the_places_exchanged():
    """At birth, it is the life of the twin who was born with the same shuffle and the other placement."""
    maze = Maze(steps=60, change=0.0)
    born = maze.reset(1, 72, enu.stream(0, "twins"))
    key = torch.cat([born.sensor_of[0], born.action_of[0]], 1)
    twin = next(b for b in range(1, 72) if torch.equal(key[b], key[0]))
    one, other = ({k: getattr(born, k)[:, b : b + 1] for k in born._fields} for b in (0, twin))
    begun = life.begin(None, None, maze, seed=1)
    swapped = life.swap(replace(begun, place=type(born)(**one)))
    assert all(torch.equal(getattr(swapped.place, k), v) for k, v in other.items())
    assert torch.equal(life.swap(swapped).place.places, one["places"])


def test_after_a_swap_the_life_goes_on_in_the_swapped_maze():
    """With the agent that eats most: the tally of a swap by hand in mid-life is that of a state changed by hand."""
    maze = Maze(steps=400, change=0.5)
    explorer = widgets.MazeLife("memory-only", maze=maze, seed=7)
    while int(explorer.watched.life.place.foods) < 7:
        explorer.four.click()
    t, before = explorer.watched.life.t, explorer.watched.life.place
    food, poison = int(before.food), int(before.poison)
    explorer.exchange.click()
    now = explorer.watched.life.place
    assert (int(now.food), int(now.poison)) == (poison, food) and {food, poison} == set(geometry(maze).ends)
    places = before.places.clone()
    places[:, :, 1:] = places[:, :, 1:].flip(-1)  # period 1 (foods 5 to 9) and all later ones
    expected = before._replace(food=before.poison, poison=before.food, places=places)
    assert all(torch.equal(getattr(now, k), getattr(expected, k)) for k in now._fields)
    belief, generator = explorer.watched.life.mind, enu.stream(7, "actions")
    for step in range(t, 400):
        belief, y = agents.act(maze, "memory-only", belief, expected, step, generator)
        expected, _ = maze.step(expected, y, step)
        belief = agents.learn(maze, "memory-only", belief, expected, step + 1)
    while not explorer.watched.life.over:
        explorer.four.click()
    now = explorer.watched.life.place
    assert (int(now.foods), int(now.poisons)) == (int(expected.foods), int(expected.poisons))
    assert int(now.poisons) > 0, "the agent goes back to where the food was"
    found = re.search(r"Since your swap at step (\d+): food (\d+), poison (\d+)", explorer.said.value)
    assert [int(v) for v in found.groups()] == [t, int(now.foods) - 7, int(now.poisons) - int(before.poisons)]


def test_a_network_goes_on_in_the_swapped_maze():
    """Its memory is what it was; only the maze's answer changes."""
    explorer = _watch()
    _tick(explorer, 6)
    explorer.exchange.click()
    before, noise = explorer.watched.life, explorer.watched.life.noise
    mind, place = before.mind, before.place
    for t in range(12, 60):
        x, z = MAZE.observe(place, t), noise.at(t, NETWORK.noise_shape)
        mind, y = NETWORK.step(NETWORK.unpack(GENOME[None]), mind, x, z)
        place, _ = MAZE.step(place, y, t)
    _tick(explorer, 24)
    now = explorer.watched.life
    assert now.t == 60 and torch.equal(now.mind.synapse[0], mind.synapse[0])
    assert all(torch.equal(getattr(now.place, k), getattr(place, k)) for k in place._fields)


def test_the_picture_shows_the_state():
    explorer = _watch()
    grid = geometry(MAZE)

    def where(name):
        return re.search(rf'data-part="{name}"[^>]*transform="translate\((\d+) (\d+)\)', explorer.picture.value).groups()

    def center(cell):
        return tuple(str(v) for v in live.scene.center(grid, int(cell)))

    place = explorer.watched.life.place
    assert where("food") == center(place.food) and where("poison") == center(place.poison)
    explorer.exchange.click()
    assert where("food") == center(place.poison) and where("poison") == center(place.food)
    before = explorer.picture.value
    explorer.one.click()
    assert explorer.picture.value != before
    squares = re.findall(r'data-synapse="(\d+)"', explorer.picture.value)
    assert [int(k) for k in squares] == list(range(48))
    explorer.again.click()
    assert explorer.watched.life.t == 0 and explorer.watched.life.seed == SEED + 1 and "swap" not in explorer.said.value


def test_a_life_that_ends_stops_the_clock():
    explorer = _watch()
    explorer.play.playing = True
    _tick(explorer, 200)
    assert explorer.watched.life.over and explorer.play.playing is False
    with pytest.raises(ValueError, match="a network needs a genome"):
        widgets.MazeLife(NETWORK)
    with pytest.raises(ValueError, match="unknown agent 'owl': choose one of omniscient"):
        widgets.MazeLife("owl")


def test_pages_without_a_kernel_get_a_picture_and_a_sentence():
    for explorer in (_watch(), widgets.Duel("looking"), widgets.MazeWalk(), widgets.LiveEvolution(live.small_synapse())):
        bundle = explorer._repr_mimebundle_()
        assert bundle["image/png"].startswith("iVBORw0KGgo") and bundle["text/plain"] == explorer.sentence
        assert "application/vnd.jupyter.widget-view+json" in bundle


def _walk_to_food(explorer):
    """Press the outputs that lead the walker to the food by the shortest way."""
    maze, grid = explorer.maze, geometry(explorer.maze)
    place = explorer.you.life.place
    routes, end = agents._routes(maze), grid.ends.index(int(place.food))
    does = place.action_of[0, 0].tolist()
    before = int(place.foods)
    while int(explorer.you.life.place.foods) == before:
        here = explorer.you.life.place
        explorer.outputs[does.index(int(routes[end, here.cell[0, 0], here.heading[0, 0]]))].click()


def test_walker_and_agent_lead_the_same_life_move_by_move():
    duel = widgets.Duel("omniscient", maze=Maze(steps=400), seed=6)
    mine, other = duel.you.life.place, duel.other.life.place
    assert all(torch.equal(getattr(mine, k), getattr(other, k)) for k in mine._fields)
    _walk_to_food(duel)
    assert duel.you.life.t == duel.other.life.t == 24
    assert torch.equal(duel.you.life.place.cell, duel.other.life.place.cell)
    assert int(duel.other.life.place.foods) == 1 and duel.said.value == "You are level."
    assert "You</b>, move 6: food 1, poison 0" in duel.picture.value
    for _ in range(6):
        duel.outputs[duel.you.life.place.action_of[0, 0].tolist().index(2)].click()  # turn on the spot
    assert duel.said.value == "You are 1 food behind."
    trace = agents.play(duel.maze, "omniscient", 1, seed=6)
    assert int(duel.other.life.place.foods) == int(trace.task["foods"][0, 0, 47])


def test_a_network_in_a_duel_lives_its_own_life():
    duel = widgets.Duel(NETWORK, GENOME, MAZE, seed=SEED)
    for k in (0, 1, 2, 0, 1):
        duel.outputs[k].click()
    trace = _live()
    assert torch.equal(duel.other.life.mind.output[0, 0], trace.model["neuron_output"][0, 0, 19])
    assert duel.you.life.t == 20


def test_a_blindfold_hides_both_mazes_until_the_end():
    duel = widgets.Duel("looking", seed=1)
    assert duel.picture.value.count("enu-maze") == 2
    duel.blind.value = True
    assert "enu-maze" not in duel.picture.value.replace("enu-hidden-maze", "") and "sensor 1" in duel.picture.value
    for _ in range(20):
        duel.outputs[0].click()
    assert duel.you.life.over and duel.picture.value.count('class="enu-maze"') == 2


def test_a_walk_by_hand_alone():
    walk = widgets.MazeWalk(Maze(), seed=2)
    _walk_to_food(walk)
    assert int(walk.you.life.place.foods) == 1 and "food 1" in walk.said.value
    walk.again.click()
    assert walk.seed == 3 and int(walk.you.life.place.foods) == 0
    with pytest.raises(ValueError, match="led by hand"):
        life.step(walk.you.life)


def test_evolution_while_you_watch_is_ask_and_tell_by_hand():
    """Also when mutations and offspring are changed on the way."""
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


def test_left_alone_it_is_the_library_s_evolution():
    explorer = widgets.LiveEvolution(live.small_synapse(4), seed=1)
    explorer.advance(4)
    run = enu.evolve(live.small_synapse(4), seed=1, progress=False)
    assert torch.equal(explorer.state.parent, run.parent)


def test_a_tick_evolves_draws_and_lets_go(monkeypatch):
    monkeypatch.setattr(widgets.live_evolution, "REDRAW", 0.0)
    explorer = widgets.LiveEvolution(live.small_synapse(), seed=0)
    first, loss = explorer.picture.value, explorer.losses[0]
    _tick(explorer, 4)
    assert explorer.state.generation >= 4 and explorer.picture.value != first and explorer.losses[-1] < loss
    assert f"Generation {explorer.state.generation}" in explorer.said.value
    explorer.other.click()
    assert explorer.seed == 1 and explorer.state.generation == 0


def test_an_error_is_shown_and_stops_the_clock():
    explorer = widgets.LiveEvolution(live.small_synapse(), seed=0)
    explorer.play.playing = True
    explorer.state = explorer.state._replace(parent=torch.full_like(explorer.state.parent, torch.nan))
    _tick(explorer)
    assert explorer.play.playing is False and "the fitness of every offspring is NaN" in explorer.said.value
    with pytest.raises(ValueError, match="draws STDP windows"):
        widgets.LiveEvolution(enu.experiments.get("iaf", profile="smoke"))


def test_published_networks_can_be_watched_too():
    network = Network(PUBLISHED, channels=3, hidden=4)
    explorer = widgets.MazeLife(network, network.init(enu.stream(1, "genome")), Maze("double-t", steps=40), seed=0)
    explorer.four.click()
    assert explorer.watched.life.t == 4 and len(re.findall("data-neuron", explorer.picture.value)) == 16
