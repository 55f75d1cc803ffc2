"""Settings from every source: the command line, an experiment of one's own, the options and the seed of a run."""

import dataclasses
import json

import numpy as np
import pytest
import torch

import enu_lib as enu
from enu_lib.cli import main
from enu_lib.config import with_settings

INT64 = 2**63
UNFIT = [
    ("stdp", "target", "x"),
    ("stdp", "target", "true"),
    ("stdp", "target", "NaN"),
    ("stdp", "generations", "2.5"),
    ("stdp", "generations", "true"),
    ("stdp", "generations", "9" * 400),
    ("stdp", "environments", "1e3"),
    ("stdp", "environments", str(2**40)),
    ("stdp", "evaluate_every", "0"),
    ("stdp", "stages", "[1,2]"),
    ("stdp", "stages", '[{"type":"Stage","until":3,"task":5}]'),
    ("stdp", "stages", '[{"type":"Stage","until":"x","task":{"type":"STDP"}}]'),
    ("stdp", "task", "5"),
    ("stdp", "task", '{"type":"Maze"}'),
    ("stdp", "model", "null"),
    ("stdp", "es", '{"type":"ES","sigma":"wide"}'),
    ("stdp", "es", "{}"),
    ("stdp", "name", "3"),
    ("stdp", "es.breadth", "{}"),
    ("stdp", "es.breadth", "[]"),
    ("stdp", "es.power", "NaN"),
    ("stdp", "es.power", "-1"),
    ("stdp", "es.sigma", "Infinity"),
    ("stdp", "es.sigma", "9" * 400),
    ("stdp", "es.sigma", "1e999"),
    ("stdp", "es.learning_rate", "NaN"),
    ("stdp", "es.momentum", "1.5"),
    ("stdp", "es.population", str(INT64)),
    ("stdp", "es.population", "[16]"),
    ("stdp", "es.shaping", "linear"),
    ("stdp", "es.shaping", "null"),
    ("stdp", "es.optimizer", "5"),
    ("stdp", "model.hidden", str(2**31)),
    ("stdp", "model.n_out", str(INT64)),
    ("stdp", "model.gain", "Infinity"),
    ("stdp", "model.feedback", "1"),
    ("stdp", "model.noise", "-0.1"),
    ("stdp", "task.rule", "hebb"),
    ("stdp", "task.steps", str(2**31)),
    ("stdp", "task.spike_mean", "1e308"),
    ("stdp", "task.spike_mean", "-Infinity"),
    ("stdp", "task.spike_mean", "1e6"),
    ("stdp", "task.spike_sd", "1e-9"),
    ("stdp", "task.tau", "NaN"),
    ("iaf", "task.before", str(2**31)),
    ("iaf", "task.low", "1"),
    ("iaf", "task.factors", "0"),
    ("tmaze", "task.pairs", "5"),
    ("tmaze", "task.pairs", "[[0,1,2]]"),
    ("tmaze", "task.placements", "1"),
    ("tmaze", "task.placements", "[[0,0.5]]"),
    ("tmaze", "task.corridor", str(2**31)),
    ("tmaze", "task.arm", str(2**31)),
    ("tmaze", "task.energy_cost", "NaN"),
    ("tmaze", "task.energy", "0"),
    ("tmaze", "task.change", "-0.1"),
    ("tmaze", "task.first_meal_counts", "null"),
    ("tmaze", "task.layout", "y"),
    ("tmaze", "model.connections", "[1]"),
    ("tmaze", "model.connections", "[[]]"),
    ("tmaze", "model.connections", "[[0,-1]]"),
    ("tmaze", "model.connections", "[[0,99]]"),
    ("tmaze", "model.n_inputs", str(2**31)),
    ("tmaze", "model.n_inputs", str(INT64)),
    ("tmaze", "model.channels", "0"),
    ("tmaze", "model.cell", "rnn"),
]


@pytest.mark.parametrize("experiment, path, value", UNFIT, ids=lambda v: str(v)[:40])
def test_an_invalid_setting_is_a_one_line_error_with_name_and_value(experiment, path, value, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evolve", experiment, "--profile", "smoke", "--quiet", "--set", f"{path}={value}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("enu_lib: ") and said.count("\n") == 1 and len(said) < 500
    assert path.rpartition(".")[2] in said and not list(tmp_path.iterdir())
    try:
        given = json.loads(value)
    except ValueError:
        given = value
    if isinstance(given, (str, int)) and not isinstance(given, bool):
        assert str(given) in said or "400 digits" in said


def test_extreme_spike_time_settings_are_sampled_quickly():
    task = enu.STDP(steps=40, spike_mean=50)  # most spikes fall on the last step, but never both
    batch = task.sample(512, enu.stream(0, "test"))
    assert (batch.t_pre != batch.t_post).all() and 0.01 < task.apart < 0.2


def test_a_former_public_name_says_the_new_one():
    with pytest.raises(AttributeError, match=r"'Lesson'.*enu\.Stage"):
        _ = enu.Lesson


@pytest.mark.parametrize("seed", [0, 2**63 - 1, np.int64(3), np.uint64(2**63 - 1)])
def test_seeds_at_the_bounds_and_numpy_seeds_are_accepted(seed, tmp_path, small):
    run = enu.evolve(small, seed=seed, out=tmp_path / "r", progress=False)
    again = enu.load_run(tmp_path / "r")
    assert type(run.seed) is int and run.seed == again.seed == int(seed) and torch.equal(run.genome, again.genome)
    assert torch.equal(enu.evolve(small, seed=int(seed), progress=False).genome, run.genome)


def test_seeds_at_both_bounds_give_different_numbers():
    drawn = {seed: torch.rand(1, generator=enu.stream(seed, "x")).item() for seed in (0, 2**32, 2**63 - 1)}
    assert len(set(drawn.values())) == 3


@pytest.mark.parametrize("seed", [3.7, "3", -1, 2**63, True, None, np.float64(3)])
def test_invalid_seeds_are_rejected_everywhere(seed, small):
    for use in (
        lambda: enu.evolve(small, seed=seed, progress=False),
        lambda: enu.stream(seed, "x"),
        lambda: enu.rollout(small.model, torch.zeros(small.model.n_params), small.task, 2, seed=seed),
    ):
        with pytest.raises(ValueError, match="^seed .*0 to 9223372036854775807"):
            use()


@pytest.mark.parametrize("options", [{"threads": -1}, {"threads": 1.5}, {"time_limit": -1}, {"checkpoint_every": "often"}])
def test_options_of_a_run_are_checked(options, small):
    (name,) = options
    with pytest.raises(ValueError, match=f"^{name} "):
        enu.evolve(small, progress=False, **options)


@pytest.mark.parametrize("change", [{"task": 5}, {"task": enu.ENU(1)}, {"model": enu.STDP()}, {"stages": (3,)}, {"es": None}])
def test_an_experiment_needs_a_task_and_a_model(change, small):
    (name,) = change
    with pytest.raises(ValueError, match=f"^{name} "):
        dataclasses.replace(small, **change)


def test_an_experiment_too_large_for_memory_is_rejected_before_allocation(small):
    most = {"environments": 2**20, "evaluate_environments": 2**20, "task.steps": 10**6}
    for changes in ({"model.hidden": 2**12, "es.population": 2**20}, most):
        large = with_settings(small, changes)
        found = rf"{large.es.population} .*{large.model.n_params} .*GiB.*population, hidden or environments"
        with pytest.raises(ValueError, match=found):
            enu.evolve(large, progress=False)
