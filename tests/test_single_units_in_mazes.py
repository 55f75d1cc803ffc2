"""A single unit in the place of the network: sizes, backends, errors, evolution and the battery.

`test_kernels.py` compares its episodes with the reference.
"""

import json

import pytest
import torch
from needs import NEEDS_COMPILER

import enu_lib as enu
from enu_lib import es, kernels
from enu_lib.analysis.battery import battery
from enu_lib.base.faults import Unavailable
from enu_lib.cli import main
from enu_lib.rollout import draw, record_episodes
from enu_lib.tasks.maze import Maze
from enu_lib.widgets import life

MAZE = Maze(corridor=1, arm=1, steps=120, energy=60.0)
UNIT = enu.GRU(MAZE.n_values, MAZE.n_outputs, 6, noise=0.1)


def _genomes(n):
    return torch.stack([UNIT.init(enu.stream(i, "genome")) for i in range(n)])


@pytest.mark.parametrize("profile", ["smoke", "laptop", "paper"])
def test_by_default_it_has_about_as_many_parameters_as_the_network(profile):
    one, network = (enu.experiments.get("tmaze", model, profile) for model in ("one-gru", "enu"))
    assert abs(one.model.n_params - network.model.n_params) < 0.04 * network.model.n_params
    assert (one.es, one.stages, one.generations, one.target) == (
        network.es,
        network.stages,
        network.generations,
        network.target,
    )
    assert enu.experiments.get("tmaze", "one-gru", profile, hidden=7).model.hidden == 7


def test_it_is_shown_what_every_input_neuron_shows():
    start = MAZE.reset(1, 3, enu.stream(0, "maze"))
    shown = MAZE.observe(start, 0)
    weights, state = UNIT.unpack(_genomes(2)), UNIT.reset(2, 3)
    _, expected = UNIT.step(weights, state, shown.reshape(1, 3, 12))
    stepper = kernels.stepper(UNIT, _genomes(2), 3)
    trace = enu.rollout(UNIT, _genomes(2), MAZE, 3, seed=0)
    assert trace.x.shape == (2, 3, MAZE.steps, 12) and torch.equal(stepper.step(shown.flatten(2), None, 0), expected)
    for sensor, channel in ((0, 1), (1, 2), (3, 0)):  # sensors use the first channel only, the reward neuron the other two
        assert not trace.x[..., 3 * sensor + channel].any()
    assert trace.x[..., [0, 3, 6]].any()


@NEEDS_COMPILER
def test_offspring_of_a_parent_score_as_their_genomes_do_and_threads_change_no_bit():
    state = es.init(_genomes(1)[0])
    offspring = es.breed(es.ES(population=10, sigma=0.3), state, seed=1)
    scores = [
        enu.fitness(UNIT, given, MAZE, 7, enu.stream(3, "maze"), threads=threads)
        for given in (offspring, offspring.genomes)
        for threads in (1, 2)
    ]
    assert all(torch.equal(scores[0], other) for other in scores[1:]) and scores[0].std() > 0


def test_nan_genomes_have_nan_fitness_on_every_backend():
    genomes = _genomes(2)
    genomes[1] = torch.nan
    for backend in ("reference", "auto", "torch"):
        fitness = enu.fitness(UNIT, genomes, MAZE, 3, enu.stream(0, "x"), backend=backend)
        assert fitness[1].isnan().all() and not fitness[0].isnan().any()


@NEEDS_COMPILER
def test_recorded_episodes_have_the_fitness_of_the_kernel(near):
    genome = _genomes(1)
    genomes, drawn = draw(UNIT, genome, MAZE, 9, enu.stream(4, "rollout"))
    lives = kernels.maze_episodes(UNIT, genomes, MAZE, drawn.start, drawn.noise, backend="cpp")
    trace = record_episodes(UNIT, genome[0], MAZE, 9, seed=4)
    near((trace.fitness.sum(-1) - lives.fitness).abs(), 1e-3)
    assert torch.equal(trace.task["foods"][0, :, -1], lives.foods[0])


def test_what_it_cannot_do_is_an_error_with_a_remedy():
    with pytest.raises(ValueError, match="'one-gru' is for mazes.*tmaze"):
        enu.experiments.get("stdp", "one-gru")
    with pytest.raises(ValueError, match="hidden .*got 0"):
        enu.experiments.get("tmaze", "one-gru", hidden=0)
    with pytest.raises(ValueError, match="not a GRU: use enu_lib.rollout"):
        life.begin(UNIT, _genomes(1)[0], MAZE)
    state = MAZE.reset(1, 2, enu.stream(0, "maze"))
    with pytest.raises(Unavailable, match="'torch'.*enu_lib.fitness"):
        kernels.maze_episodes(UNIT, _genomes(1), MAZE, state, backend="torch")


def test_it_evolves_is_resumed_and_is_tested_by_the_battery(tmp_path, capsys):
    command = ["evolve", "tmaze", "--model", "one-gru", "--profile", "smoke", "--out", str(tmp_path / "run"), "--quiet"]
    command += ["--set", "evaluate_every=1"]
    assert main([*command, "--generations", "2"]) == 0 and main([*command, "--generations", "3"]) == 0
    once = enu.evolve("tmaze", "one-gru", "smoke", generations=3, evaluate_every=1, progress=False)
    assert torch.equal(enu.load_run(tmp_path / "run").genome, once.genome)
    capsys.readouterr()
    assert main(["evaluate", str(tmp_path / "run"), "--n", "4", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    run = enu.load_run(tmp_path / "run")
    assert found == battery(run.model, run.genome, run.task, 4, name=str(tmp_path / "run")).as_json()
