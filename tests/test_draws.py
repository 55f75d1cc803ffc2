"""Shuffles and noise drawn for each offspring: what is drawn, which offspring gets it, and that every backend uses it."""

import shlex
from dataclasses import dataclass, replace
from typing import ClassVar

import emulated_gpu
import pytest
import torch
from exact import Exact
from needs import EMULATED, NEEDS_COMPILER
from own_task import Follow, Lights

import enu_lib as enu
from enu_lib import es, experiments, kernels
from enu_lib.cli import main
from enu_lib.kernels import fused
from enu_lib.network import Network
from enu_lib.rollout import draw, play
from enu_lib.streams import branch, draw_noise, integers, stream
from enu_lib.study import published
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze, geometry, shuffles
from enu_lib.trace import Recorder
from enu_lib.widgets import life

BACKENDS = ["reference", "torch", pytest.param("cpp", marks=NEEDS_COMPILER)]
MAZE = Maze("t", "sensors+actions", steps=48, corridor=1, arm=1, own_shuffles=True)
NETWORK = Network(channels=4, hidden=8, noise=0.3, own_noise=True)
COUNT = 4  # environments


def offspring(rows=None):
    return es.breed(es.ES(population=6, sigma=0.3), es.init(NETWORK.init(stream(0, "genome"))), 3, rows=rows)


def drawn_lives(some=None, task=MAZE, network=NETWORK):
    """Genomes, or offspring, and what was drawn for each of them."""
    return draw(network, offspring().genomes if some is None else some, task, COUNT, stream(1, "environment"))


def outputs(backend, genomes, drawn, task=MAZE, network=NETWORK):
    """Outputs (P, B, T, 3) of episodes, from the kernel for whole episodes if there is one, else step by step."""
    if type(task) is Maze and backend != "reference":
        return kernels.maze_episodes(network, genomes, task, drawn.start, drawn.noise, 1, backend, record=True).outputs
    recorder, genomes = Recorder(network), genomes if torch.is_tensor(genomes) else genomes.genomes
    play(network, genomes, task, drawn, recorder, stepper=kernels.stepper(network, genomes, COUNT, 1, backend))
    return recorder.outputs()


# --- What is drawn


@pytest.mark.parametrize("shuffle, n", [("none", 1), ("sensors", 6), ("sensors+actions", 36)])
def test_each_offspring_gets_every_shuffle_equally_often_in_an_order_of_its_own(shuffle, n):
    maze = Maze(shuffle=shuffle, own_shuffles=True)
    state = maze.reset(5, 2 * n, stream(0, "maze"))
    drawn = torch.cat([state.sensor_of, state.action_of], 2)
    assert drawn.shape == (5, 2 * n, 6)
    for mine in drawn:
        found, counts = mine.unique(dim=0, return_counts=True)
        assert (counts == 2).all() and {tuple(row) for row in found.tolist()} == {(*s, *a) for s, a in shuffles(maze)}
    assert len(drawn.unique(dim=0)) == (1 if n == 1 else 5)


def test_unbalanced_shuffles_are_independent():
    state = Maze(shuffle="sensors", own_shuffles=True, balanced=False).reset(400, 6, stream(0, "maze"))
    kinds = (state.sensor_of * torch.tensor([9, 3, 1])).sum(2)
    each = torch.tensor([len(mine.unique()) for mine in kinds])
    assert each.min() < 6  # a balanced batch has all six
    counts = kinds.flatten().unique(return_counts=True)[1]
    assert len(counts) == 6 and (counts - 400).abs().max() < 5 * 400**0.5


def test_food_and_poison_are_where_they_are_without_the_setting():
    own, shared = (replace(MAZE, own_shuffles=on).reset(3, 12, stream(0, "maze")) for on in (True, False))
    assert torch.equal(own.places, shared.places) and len(own.sensor_of) == 3 and len(shared.sensor_of) == 1


@pytest.mark.parametrize("balanced", [True, False])
def test_draws_of_an_offspring_do_not_depend_on_how_many_there_are(balanced):
    maze = replace(MAZE, balanced=balanced)
    few, many = stream(0, "maze"), stream(0, "maze")
    some, every = maze.reset(3, 40, few), maze.reset(700, 40, many)
    assert torch.equal(some.sensor_of, every.sensor_of[:3]) and torch.equal(some.action_of, every.action_of[:3])
    assert torch.equal(integers(0, 2**40, (4,), few), integers(0, 2**40, (4,), many))  # nor do later draws
    noise, part = draw_noise(9, 5, few, (0, 700)), draw_noise(9, 5, many, (2, 4))
    assert torch.equal(noise.table, part.table) and torch.equal(noise.offsets, part.offsets)
    assert torch.equal(noise.shifts[2:4], part.shifts) and len(noise.shifts.unique(dim=0)) == 700


def test_noise_of_an_offspring_is_shifted_and_continues_at_the_start_of_its_table():
    noise = enu.streams.Noise(torch.arange(5.0), torch.tensor([[0, 3], [4, 1]]), torch.tensor([[0, 0], [1, 4]]))
    assert noise.at(0, (2, 2)).tolist() == [[[[0, 1], [2, 3]], [[3, 4], [0, 1]]], [[[1, 2], [3, 4]], [[2, 3], [4, 0]]]]
    assert noise.rows(1, 2).at(1, (2,)).tolist() == [[[0, 1], [0, 1]]]
    alike = noise._replace(shifts=None)
    assert torch.equal(noise.at(1, (3,))[0], alike.at(1, (3,))) and alike.rows(1, 2) is alike


# --- Who gets it


@pytest.mark.parametrize("backend", BACKENDS)
def test_offspring_with_equal_genomes_live_different_lives(backend):
    same = offspring().genomes[1:2].repeat(6, 1)

    def found(maze, network):  # different outputs up to the first move, and until the end
        y = outputs(backend, *drawn_lives(same, maze, network), maze, network)
        return [len(y[:, :, : maze.move_every].unique(dim=0)), len(y.unique(dim=0))]

    shared, alike = replace(MAZE, own_shuffles=False), replace(NETWORK, own_noise=False)
    if backend == "cpp":  # in batched products, equal rows may differ in rounding
        assert found(shared, alike) == [1, 1]
    assert found(shared, NETWORK) == found(MAZE, NETWORK) == [6, 6]
    assert found(MAZE, alike)[1] == 6  # before the first move there is nothing to see


@pytest.mark.parametrize("backend", BACKENDS)
def test_fitness_does_not_depend_on_which_genomes_are_played_together(backend, near):
    genomes, drawn = drawn_lives()
    together, every = play(NETWORK, genomes, MAZE, drawn, backend=backend), outputs(backend, genomes, drawn)
    for p in range(len(genomes)):
        mine = (v[p : p + 1] if len(v) == len(genomes) else v for v in drawn.start)
        own = drawn._replace(start=type(drawn.start)(*mine), noise=drawn.noise.rows(p, p + 1))
        alone = play(NETWORK, genomes[p : p + 1], MAZE, own, backend=backend)
        near((alone - together[p]).abs(), 1e-4)
        near((outputs(backend, genomes[p : p + 1], own) - every[p]).abs(), 1e-3)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("task", [MAZE, Altered(MAZE, hide=("wall",))], ids=["maze", "altered"])
@pytest.mark.parametrize("rows", [(0, 2), (2, 5), (3, 6), (5, 6)])
def test_any_share_of_the_offspring_gets_the_draws_of_these_offspring(backend, task, rows, near):
    every, some = (outputs(backend, *drawn_lives(offspring(r), task), task) for r in (None, rows))
    near((some - every[slice(*rows)]).abs(), 1e-3)
    assert backend != "cpp" or torch.equal(some, every[slice(*rows)])
    of_every, of_some = (enu.fitness(NETWORK, offspring(r), task, COUNT, stream(1, "x"), backend=backend) for r in (None, rows))
    near((of_some - of_every[slice(*rows)]).abs(), 1e-4)


def test_lives_in_parts_that_fit_the_cache_get_the_draws_of_their_offspring(monkeypatch, near):
    genomes, drawn = drawn_lives(offspring().genomes.repeat(3, 1))
    whole = outputs("torch", genomes, drawn)
    monkeypatch.setattr(fused, "CACHE", 0)  # eight at a time
    near((outputs("torch", genomes, drawn) - whole).abs(), 1e-3)
    assert len(whole.unique(dim=0)) == len(genomes)


def test_an_altered_maze_draws_what_the_maze_draws():
    plain, altered = (
        enu.fitness(NETWORK, offspring(), task, COUNT, stream(2, "x"), backend="reference") for task in (MAZE, Altered(MAZE))
    )
    assert torch.equal(plain, altered)


def test_an_interactive_episode_is_that_of_a_rollout():
    genome = offspring().parent
    trace, now = enu.rollout(NETWORK, genome, MAZE, 1, seed=4), life.begin(NETWORK, genome, MAZE, seed=4)
    for t in range(12):
        now = life.step(now)
        assert torch.equal(now.y, trace.y[0, 0, t])


@dataclass(frozen=True)
class Own(Follow):
    """A task that draws lights for each offspring."""

    more: int = 0
    own_shuffles: ClassVar[bool] = True

    def reset(self, population, environments, generator):
        return Lights(integers(0, 3, (population + self.more, environments), branch(generator, "lights")))


def test_a_task_of_ones_own_can_draw_for_each_offspring(near):
    every, some = (enu.fitness(NETWORK, offspring(r), Own(), COUNT, stream(2, "x")) for r in (None, (2, 5)))
    near((some - every[2:5]).abs(), 1e-4)
    _, drawn = draw(NETWORK, offspring((2, 5)), Own(), COUNT, stream(2, "x"))
    assert torch.equal(drawn.start.lit, Own().reset(6, COUNT, stream(2, "x")).lit[2:5])
    with pytest.raises(ValueError, match=rf"reset.*\(1 or 6, {COUNT}, ..\).*\(7, {COUNT}\)"):
        enu.fitness(NETWORK, offspring(), Own(more=1), COUNT, stream(2, "x"))


# --- Every backend


@pytest.mark.parametrize("backend", [*BACKENDS[1:], pytest.param("emulated gpu", marks=EMULATED)])
def test_episodes_of_every_backend_equal_the_exact_ones(backend, near):
    """Outputs in the first three moves are near the exact ones; all outputs, replayed in the maze, give the same fitness."""
    genomes, drawn = drawn_lives(offspring().genomes[2:])
    assert drawn.noise.shifts.shape == (4, COUNT) and (drawn.noise.offsets[0] + drawn.noise.shifts).max() >= 65536
    if backend == "emulated gpu":
        lives = emulated_gpu.maze_episodes(NETWORK, genomes, MAZE, drawn.start, drawn.noise)
    else:
        lives = kernels.maze_episodes(NETWORK, genomes, MAZE, drawn.start, drawn.noise, 2, backend, record=True)
    start = (v.expand(len(genomes), *v.shape[1:]) for v in drawn.start)
    state, total, exact = type(drawn.start)(*start), 0.0, Exact(NETWORK, genomes, COUNT)
    for t in range(MAZE.steps):
        if t < 3 * MAZE.move_every:
            y, bound = exact.step(MAZE.observe(state, t), drawn.noise.at(t, NETWORK.noise_shape))
            near((lives.outputs[:, :, t] - y).abs() * state.alive[..., None], bound)
        state, gained = MAZE.step(state, lives.outputs[:, :, t], t)
        total += gained
    near((lives.fitness - total).abs(), 1e-3)
    assert (state.foods + state.poisons).sum() > 0 and lives.outputs.std() > 0.01


@pytest.mark.parametrize("backend", BACKENDS[1:])
def test_steppers_equal_the_reference(backend, near):
    genomes, (p, b) = offspring().genomes, (6, 5)
    noise, stepper = draw_noise(12, b, stream(2, "noise"), (0, p)), kernels.stepper(NETWORK, genomes, b, 2, backend)
    exact = Exact(NETWORK, genomes, b)
    for t in range(12):
        x = torch.rand(1, b, 4, 2, generator=stream(t, "x"))
        y, bound = exact.step(x, noise.at(t, NETWORK.noise_shape))
        near((stepper.step(x, noise, t) - y).abs(), bound)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("n_out", [1, 3])
def test_single_units_equal_the_exact_outputs(backend, n_out, near, monkeypatch):
    monkeypatch.setattr(fused, "CACHE", 0)  # torch computes eight offspring at a time
    cell, (p, b, steps) = enu.make_cell("enu", 2, n_out, 8, noise=0.1), (40, 60, 10)
    genomes = cell.init(stream(0, "genome")) + 0.2 * torch.randn(p, cell.n_params, generator=stream(1, "spread"))
    genomes[:, -n_out:] += 0.3
    inputs = torch.rand(b, steps, 2, generator=stream(0, "inputs"))
    noise = draw_noise(steps, b, stream(0, "noise"), (3, 3 + p))
    found, exact = kernels.unit_outputs(cell, genomes, inputs, noise, 2, backend), Exact(cell, genomes, b)
    for t in range(steps):
        y, bound = exact.step(inputs[None, :, t], noise.at(t, cell.noise_shape))
        near((found[:, :, t] - y).abs(), bound)


# --- Evolving with it


def test_a_run_with_these_settings_resumes_to_the_same_genome(tmp_path):
    settings = {"task.own_shuffles": True, "model.own_noise": True}
    e = experiments.get("tmaze", profile="smoke", generations=3, settings=settings)
    whole, other = (enu.evolve(x, progress=False) for x in (e, replace(e, model=replace(e.model, own_noise=False))))
    enu.evolve(replace(e, generations=1), out=tmp_path / "run", progress=False)
    resumed = enu.evolve(e, out=tmp_path / "run", progress=False)
    assert torch.equal(whole.parent, resumed.parent) and not torch.equal(whole.parent, other.parent)
    assert enu.load_run(tmp_path / "run").experiment == e


# --- The four conditions of the published settings


def test_each_condition_is_the_published_experiment_with_its_changes():
    plain = experiments.get("tmaze", profile="paper", generations=published.GENERATIONS)
    control, tie, own, small = map(published.experiment, published.CONDITIONS)
    assert tie == plain and control == replace(plain, task=replace(plain.task, tie="nothing"))
    assert own.task == replace(plain.task, own_shuffles=True, balanced=False, reward_steps=1)
    assert own.model == small.model == replace(plain.model, own_noise=True)
    assert small.task == replace(own.task, corridor=1, arm=1, facing="wall") and geometry(small.task).shape == (5, 5)
    grid = geometry(small.task)
    assert grid.ahead[grid.start][0] == -1  # it faces a wall
    with pytest.raises(ValueError, match="'big'.*control.*small"):
        published.experiment("big")


@pytest.mark.parametrize("condition", published.CONDITIONS)
def test_the_command_of_a_condition_runs_its_experiment(condition, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    python, module, library, *words = shlex.split(published.command(condition, seed=3, generations=1, cpu=True))
    assert (python, module, library) == ("python", "-m", "enu_lib")
    few = {"es.population": 4, "environments": 2, "evaluate_environments": 2, "task.steps": 40}
    assert main([*words, "--quiet", *(word for k, v in few.items() for word in ("--set", f"{k}={v}"))]) == 0
    run = enu.load_run(words[-1])
    wanted = published.experiment(condition, 1, cpu=True)
    assert run.seed == 3 and run.experiment == enu.config.with_settings(wanted, few)
    assert [row["command"] for row in published.table(5)] == [published.command(c, 5) for c in published.CONDITIONS]
