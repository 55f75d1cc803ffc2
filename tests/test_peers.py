"""The benchmark's peers compute the same generation as the library, and are timed in the same rounds."""

import importlib.util
import os
from dataclasses import replace

import pytest
import torch
from needs import need

import enu_lib as enu
from enu_lib import es
from enu_lib.bench import generations
from enu_lib.bench.generations import PARTS, Job, Library
from enu_lib.bench.peer_compile import BLOCK, Episodes
from enu_lib.bench.peer_jax import Generation
from enu_lib.es import ES
from enu_lib.experiments import Experiment
from enu_lib.network import ORDERED, Network
from enu_lib.rollout import draw, play
from enu_lib.streams import stream

UNIT = Experiment("unit", enu.STDP(steps=40, spike_mean=20.0), enu.ENU(4, 1, 8), es=ES(8, 0.3), environments=5)
SMALL = enu.Maze(steps=60, energy=9.0, foods_per_period=1, change=1.0, corridor=1, arm=1)
NETWORK = Experiment("network", SMALL, Network(ORDERED, channels=3, hidden=8, noise=0.3), es=ES(16, 0.3), environments=6)
# A rounding error of 7e-7 (a dozen terms of 6e-8 each) grows by the gates' slope of 3 in each of the first steps; then the
# memory, whose values are within 1, forgets it.  A unit that amplified it without bound would exceed this by far.
BOUND = 1e-4


def first(experiment):
    return es.init(experiment.model.init(stream(0, "genome")))


def drawn_for(experiment, state=None):
    offspring = es.breed(experiment.es, state or first(experiment), 1)
    _, drawn = draw(experiment.model, offspring, experiment.task, experiment.environments, stream(2, "x"))
    return offspring, drawn, play(experiment.model, offspring, experiment.task, drawn, backend="reference")


def the_same_episodes(found, expected, near):
    """Equal for units; in mazes, except for a few episodes in which rounding decides between two actions."""
    far = (torch.as_tensor(found) - expected).abs() > BOUND
    near(far.float().mean(), 0.05)
    assert expected.unique().numel() > 5


def parent(peer):
    return torch.tensor(peer.parent.tolist())


def test_jax_gives_the_same_parents_in_two_generations_of_units(near):
    need(importlib.util.find_spec("jax"), "jax (the extra `peers`)")
    peer, state = Generation(UNIT, 1), first(UNIT)
    for _ in range(2):
        offspring, drawn, expected = drawn_for(UNIT, state)
        peer.advance(offspring.mutations, drawn)
        before, state = state, es.tell(UNIT.es, state, offspring.mutations, es.aggregate_fitness(UNIT.es, expected))
        near((parent(peer) - state.parent).abs().max(), 1e-5)  # the ranks are equal: sums of 4 mutations, with momentum
        assert (state.parent - before.parent).abs().max() > 0.1


def test_jax_draws_new_mutations_of_the_same_size_in_every_generation():
    need(importlib.util.find_spec("jax"), "jax (the extra `peers`)")
    peer = Generation(replace(UNIT, es=ES(64, 0.3)), 1)
    parents = [parent(peer)]
    for _ in range(2):
        peer.generation()
        parents.append(parent(peer))
    steps = [parents[1] - parents[0], parents[2] - parents[1] - 0.9 * (parents[1] - parents[0])]
    # the weights of the P / 2 mutations, differences of (rank / P)^5 over their sum, have an s.d. of 2.1 / P
    assert all(0.5 < step.std() / (0.3 * 2.1 / 64 * 32**0.5) < 2 for step in steps)
    assert torch.stack(steps).corrcoef()[0, 1].abs() < 0.5


@pytest.mark.parametrize("count", [False, True])
def test_the_maze_in_jax_equals_the_maze_at_every_step(near, count):
    """Agents act at random; some of them eat twice, or die."""
    need(importlib.util.find_spec("jax"), "jax (the extra `peers`)")
    import jax

    from enu_lib.bench import peer_jax_maze as mazes

    maze, b = replace(SMALL, steps=200, energy=30.0, count_poisons=count, meals_visible=count), 72
    state, y = maze.reset(1, b, stream(0, "maze")), torch.rand(maze.steps, b, 3, generator=stream(1, "y"))
    world, agents = mazes.drawn(state), mazes.begin(maze, b)
    both = jax.jit(lambda a, y, t: (mazes.observe(maze, a, world, 3), *mazes.step(maze, a, world, y, t)))
    for t in range(maze.steps):
        x = maze.observe(state, t)
        state, gained = maze.step(state, y[t][None], t)
        seen, agents, found = both(agents, y[t].T.numpy(), t)
        assert torch.equal(torch.tensor(seen.tolist()), x[0].transpose(0, 1))
        near((torch.tensor(found.tolist()) - gained[0]).abs(), 1e-6)
    assert state.foods.max() > 1 and state.poisons.max() > 1 and 0 < state.alive.sum() < b


def test_jax_gives_the_same_fitness_of_networks(near):
    need(importlib.util.find_spec("jax"), "jax (the extra `peers`)")
    offspring, drawn, expected = drawn_for(NETWORK)
    the_same_episodes(Generation(NETWORK, 1).fitness(offspring.genomes, drawn).tolist(), expected, near)


@pytest.mark.parametrize(
    "wrong", [{"model": enu.GRU(4)}, {"es": ES(8, 0.3, breadth=1.5)}, {"model": enu.ENU(4, noise=0.1)}, {"task": enu.IAF()}]
)
def test_experiments_that_the_peers_lack_are_refused(wrong):
    with pytest.raises(ValueError, match="unit"):
        Generation(replace(UNIT, **wrong), 1)


@pytest.mark.parametrize("experiment", [UNIT, NETWORK], ids=lambda e: e.name)
def test_what_is_compiled_gives_the_same_fitness_in_blocks(experiment, near):
    large = replace(experiment, es=ES(2 * BLOCK, 0.3))
    offspring, drawn, expected = drawn_for(large)
    the_same_episodes(Episodes(large, backend=None).fitness(offspring.genomes, drawn), expected, near)


def test_a_timed_generation_is_a_generation_of_evolve():
    small = enu.experiments.get("stdp", profile="smoke", generations=3)
    timed = Library(Job(small, "auto", 1))
    parts = [timed.generation() for _ in range(3)]
    assert torch.equal(timed.state.parent, enu.evolve(small, seed=generations.SEED, progress=False).parent)
    assert all(tuple(each) == PARTS and min(each.values()) > 0 for each in parts)


def test_times_are_relative_to_the_library_in_the_same_round():
    jobs = [Job(UNIT, path, 1) for path in ("torch", "plain torch")]
    ours, plain = generations.measure(jobs, rounds=3, apart=False)
    ratios = sorted(b / a for a, b in zip(ours["rounds"], plain["rounds"], strict=True))
    assert ours["times"] == 1 and plain["times"] == ratios[1] and plain["times_range"] == [ratios[0], ratios[2]]
    assert ours["seconds"] == sorted(ours["rounds"])[1] and set(ours["parts"]) == set(PARTS)


def test_cores_are_those_of_this_process():
    need(hasattr(os, "sched_getaffinity"), "system call that restricts a process to cores")
    mine = os.sched_getaffinity(0)
    assert len(generations.cores(1)) == 1 and generations.cores(10**6) == mine
