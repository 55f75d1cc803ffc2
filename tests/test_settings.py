"""Settings: types and bounds are checked for every source of a value; accepted values become plain Python."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch

import enu_lib as enu
from enu_lib import config
from enu_lib.base import kinds
from enu_lib.cli import main
from enu_lib.config import from_config, to_config, with_settings
from enu_lib.storage.folder import read_tensors, write_tensors
from enu_lib.storage.seal import sealed
from enu_lib.study import results

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


@pytest.mark.parametrize(
    "make",
    [
        lambda: enu.ES(population=2**20, sigma=1e9, power=1e9),
        lambda: enu.ENU(1, 1, 2**16),
        lambda: enu.Maze(steps=10**6, corridor=1000, arm=1000),
        lambda: enu.STDP(steps=40, spike_mean=50),
        lambda: enu.IAF(steps=4, before=10**6),
    ],
)
def test_values_at_the_bounds_are_accepted(make):
    settings = make()
    assert from_config(json.loads(config.to_json(settings))) == settings


def test_extreme_spike_time_settings_are_sampled_quickly():
    task = enu.STDP(steps=40, spike_mean=50)  # most spikes fall on the last step, but never both
    batch = task.sample(512, enu.stream(0, "test"))
    assert (batch.t_pre != batch.t_post).all() and 0.01 < task.apart < 0.2


def test_numpy_numbers_become_plain_numbers():
    es = enu.ES(population=np.int64(16), sigma=np.float32(0.5), decay_generations=np.uint8(9))
    assert (type(es.population), type(es.sigma), type(es.decay_generations)) == (int, float, int)
    maze = enu.Maze(steps=np.int32(80), first_meal_counts=np.bool_(False), pairs=[[np.int64(0), 1]])
    assert type(maze.steps) is int and maze.first_meal_counts is False and maze.pairs == ((0, 1),)
    e = enu.experiments.get("stdp", profile="smoke", population=np.int64(16), settings={"task.steps": np.int16(60)})
    assert type(e.es.population) is int and from_config(json.loads(config.to_json(e))) == e
    assert enu.ENU(np.int64(3)).n_params == enu.ENU(3).n_params and type(enu.ES(sigma=1).sigma) is float


def test_settings_that_depend_on_each_other_may_be_given_in_any_order():
    changes = {"task.spike_mean": 500.0, "task.steps": 600, "es.population": 8}
    e = enu.experiments.get("stdp", profile="smoke")
    for order in (changes, dict(reversed(changes.items()))):
        found = with_settings(e, order)
        assert (found.task.spike_mean, found.task.steps, found.es.population) == (500.0, 600, 8)
    whole = with_settings(e, {"es.sigma": 0.5, "es": enu.ES(population=8)})  # the whole first, then a part
    assert (whole.es.population, whole.es.sigma) == (8, 0.5)


@pytest.mark.parametrize("name", enu.experiments.NAMES)
@pytest.mark.parametrize("profile", enu.experiments.PROFILES)
def test_every_experiment_survives_storing_and_loading(name, profile):
    e = enu.experiments.get(name, profile=profile)
    assert from_config(json.loads(config.to_json(e))) == e
    assert e.bytes < 4e9


def test_every_stored_configuration_loads():
    stored = [enu.zoo.load(name).provenance["experiment"] for name in enu.zoo.names()]
    stored += results.load("laptop").configs.values()
    assert len(stored) > 40
    for record in stored:
        found = from_config(record)
        again = to_config(found)
        assert from_config(again) == found
        assert all(again[key] == record[key] for key in ("name", "generations", "environments", "model_name", "profile"))


def _with_former_names(value):
    """JSON settings as they were written when a stage of a curriculum was called a lesson."""
    if isinstance(value, dict):
        former = {"stages": "lessons", "stage_ends": "lesson_ends"}
        return {former.get(key, key): _with_former_names(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_former_names(item) for item in value]
    return "Lesson" if value == "Stage" else value


def test_settings_with_former_names_are_read():
    e = enu.experiments.get("tmaze", profile="laptop")
    former = _with_former_names(to_config(e))
    assert len(former["lessons"]) == len(e.stages) and former["lessons"][0]["type"] == "Lesson"
    assert from_config(former) == e
    stages = from_config(former["lessons"])[:1]
    for name in ("lessons", "stages"):
        assert with_settings(e, {name: stages}).stages == enu.experiments.get("tmaze", **{name: stages}).stages == stages


def test_former_names_on_the_command_line(tmp_path):
    lesson = '[{"type":"Lesson","until":2,"task":{"type":"STDP","rule":"complex"}}]'
    out = tmp_path / "r"
    assert main(["evolve", "stdp", "--profile", "smoke", "--quiet", "--out", str(out), "--set", f"lessons={lesson}"]) == 0
    assert enu.load_run(out).experiment.stages == (enu.Stage(2, enu.STDP("complex")),)


def test_a_run_folder_with_former_names_resumes(tmp_path, small):
    staged = dataclasses.replace(small, stages=(enu.Stage(2, enu.STDP("complex")),))
    out = tmp_path / "r"
    enu.evolve(dataclasses.replace(staged, generations=3), out=out, progress=False)
    written = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(sealed(_with_former_names(written))))
    tensors, meta = read_tensors(out / "checkpoint.safetensors")
    assert meta["stage_ends"] == [2]
    write_tensors(out / "checkpoint.safetensors", tensors, _with_former_names(meta))
    assert enu.load_run(out).stage_ends == (2,)
    resumed, whole = enu.evolve(staged, out=out, progress=False), enu.evolve(staged, progress=False)
    assert resumed.stage_ends == (2,) and torch.equal(resumed.parent, whole.parent)


def test_a_former_public_name_says_the_new_one():
    with pytest.raises(AttributeError, match=r"'Lesson'.*enu\.Stage"):
        _ = enu.Lesson


@dataclasses.dataclass(frozen=True)
class Plain:
    """User-defined settings without checks of their own."""

    steps: int = 3
    scale: float | None = 1.0
    names: tuple[str, ...] = ()
    table: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Unresolved:
    other: "Unknown" = None  # noqa: F821


@pytest.mark.parametrize(
    "path, value", [("steps", 1.5), ("steps", True), ("scale", math.nan), ("names", ["a", 3]), ("table", {"a": "b"})]
)
def test_a_user_s_own_settings_are_checked_by_their_annotations(path, value):
    with pytest.raises(ValueError, match=f"^{path} "):
        with_settings(Plain(), {path: value})
    good = {"steps": np.int64(4), "scale": None, "names": ["a"], "table": {"a": 1}}
    assert with_settings(Plain(), good) == Plain(4, None, ("a",), {"a": 1.0})


def test_a_class_without_resolvable_annotations_accepts_any_value():
    assert kinds.kinds(Unresolved) == {"other": Any}
    assert with_settings(Unresolved(), {"other": "x"}).other == "x"


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


@pytest.mark.parametrize("depth, fits", [(config.MAX_DEPTH, True), (config.MAX_DEPTH + 1, False), (100_000, False)])
def test_deeply_nested_json_is_rejected(depth, fits):
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        text = opened * depth + ("1" if opened != "[" else "") + closed * depth
        if fits:
            assert config.parse_json(text, "here") is not None
        else:
            with pytest.raises(ValueError, match=f"^here .*{config.MAX_DEPTH}"):
                config.parse_json(text, "here")


@pytest.mark.parametrize("record", [{"type": []}, {"type": {}}, {"type": "Nobody"}, {"type": None}, {"type": "ES", "speed": 3}])
def test_unknown_stored_settings_are_rejected(record):
    with pytest.raises(ValueError) as refused:
        from_config(record)
    assert str(record["type"]) in str(refused.value)
