"""Settings as JSON and back, in today's form and in those of earlier versions; copies with fields changed."""

import dataclasses
import importlib.metadata
import json
import math
from typing import Any

import numpy as np
import pytest
import torch

import enu_lib as enu
from enu_lib import config
from enu_lib.cli import main
from enu_lib.config import from_config, to_config, with_settings
from enu_lib.storage.folder import read_tensors, write_tensors
from enu_lib.storage.seal import sealed
from enu_lib.study import results


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


@dataclasses.dataclass(frozen=True)
class Plain:
    """User-defined settings without checks of their own."""

    steps: int = 3
    scale: float | None = 1.0
    names: tuple[str, ...] = ()
    table: dict[str, float] = dataclasses.field(default_factory=dict)


@pytest.mark.parametrize(
    "path, value", [("steps", 1.5), ("steps", True), ("scale", math.nan), ("names", ["a", 3]), ("table", {"a": "b"})]
)
def test_a_user_s_own_settings_are_checked_by_their_annotations(path, value):
    with pytest.raises(ValueError, match=f"^{path} "):
        with_settings(Plain(), {path: value})
    good = {"steps": np.int64(4), "scale": None, "names": ["a"], "table": {"a": 1}}
    assert with_settings(Plain(), good) == Plain(4, None, ("a",), {"a": 1.0})


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


@config.register
@dataclasses.dataclass(frozen=True)
class Renamed:
    """A stored class of our own that had another name, other fields and another behaviour."""

    width: int = 3
    rule: str = "new"
    anything: Any = 1.0
    former_names = ("Named",)
    renamed = {"size": "width"}
    older = {"rule": "old"}


def test_a_class_of_our_own_is_stored_and_read():
    for settings in (Renamed(), Renamed(7, "other", (1, (None, True, "x"), Renamed()))):
        assert from_config(json.loads(config.to_json(settings))) == settings


def test_files_of_a_class_of_our_own_stay_readable():
    assert from_config({"type": "Named", "size": 5}) == Renamed(5, "old")
    assert from_config({"type": "Renamed", "width": 5, "rule": "new"}) == Renamed(5, "new")
    assert with_settings(Renamed(), {"size": 5}) == Renamed(5)


def test_a_class_that_is_no_dataclass_cannot_be_registered():
    with pytest.raises(TypeError, match="Bare .*dataclass"):
        config.register(type("Bare", (), {}))


def test_a_field_that_would_hide_the_name_of_its_class_is_refused():
    with pytest.raises(TypeError, match="Typed .*'type'.*rename"):
        config.register(dataclasses.make_dataclass("Typed", [("type", str)]))


def test_a_field_that_the_class_computes_itself_is_computed_again():
    @config.register
    @dataclasses.dataclass
    class Doubled:
        half: int = 1
        whole: int = dataclasses.field(init=False)

        def __post_init__(self):
            self.whole = 2 * self.half

    assert from_config(to_config(Doubled(4))) == Doubled(4)


def test_a_class_that_is_not_registered_says_how_to_register_it():
    with pytest.raises(ValueError, match="'Plain'.*register"):
        from_config(to_config(Plain()))


@pytest.mark.parametrize("value", [{1, 2}, 1j, b"x", Plain, [{"x": {3}}], torch.zeros(2)], ids=repr)
def test_what_json_cannot_hold_is_refused_with_what_it_can(value):
    with pytest.raises(TypeError) as refused:
        to_config(value)
    inner = "{3}" if isinstance(value, list) else repr(value)
    assert inner in str(refused.value) and "numbers, strings" in str(refused.value)


def test_an_object_that_json_cannot_hold_is_named_by_its_class_with_what_to_do():
    class Bare:
        pass

    with pytest.raises(TypeError) as refused:
        to_config(Bare())
    words = str(refused.value)
    assert "Bare" in words and "0x" not in words and "@dataclass(frozen=True)" in words and "@enu_lib.register" in words


def test_plain_values_are_stored_as_they_are_and_lists_read_as_tuples():
    value = {"a": [1, 2.5, None, True, "x"], "b": {"c": ()}, 3: np.float32(0.5)}
    stored = to_config(value)
    assert stored == {"a": [1, 2.5, None, True, "x"], "b": {"c": []}, "3": 0.5} and type(stored["3"]) is float
    assert from_config(json.loads(json.dumps(stored))) == {"a": (1, 2.5, None, True, "x"), "b": {"c": ()}, "3": 0.5}


@pytest.mark.parametrize("text", ["", "{", "[1,]", "{'a': 1}", b'"\xff"', "9" * 5000], ids=lambda text: repr(text)[:20])
def test_invalid_json_is_an_error_that_names_its_source(text):
    with pytest.raises(ValueError, match="^notes.json .*JSON"):
        config.parse_json(text, "notes.json")


def test_an_unknown_field_is_named_with_those_that_there_are(small):
    for path, owner in (("es.sigmma", small.es), ("sigma", small), ("task.spike", small.task)):
        with pytest.raises(ValueError) as refused:
            with_settings(small, {path: 1})
        said = str(refused.value)
        assert repr(path.rpartition(".")[2]) in said and all(field.name in said for field in dataclasses.fields(owner))


@pytest.mark.parametrize(
    "path, meant", [("sigma", ["es.sigma"]), ("tau", ["task.tau"]), ("hidden", ["model.hidden"]), ("es.hidden", [])]
)
def test_a_setting_without_its_path_is_told_the_path(path, meant, small):
    with pytest.raises(ValueError) as refused:
        with_settings(small, {path: 1})
    assert [other for other in ("es.sigma", "task.tau", "model.hidden") if other in str(refused.value)] == meant


@pytest.mark.parametrize("path, value", [("es.sigma", "wide"), ("generations", 2.5), ("task.steps", -1)])
def test_an_unfit_value_is_named_with_its_whole_path(path, value, small):
    with pytest.raises(ValueError) as refused:
        with_settings(small, {"es.momentum": 0.5, path: value})
    assert path in str(refused.value) and repr(value) in str(refused.value)


def test_a_part_of_a_single_value_is_an_error_that_names_both(small):
    with pytest.raises(ValueError, match="es.sigma .*'low'"):
        with_settings(small, {"es.sigma.low": 1})


def test_a_field_for_any_value_keeps_the_type_that_it_has():
    assert with_settings(Renamed(), {"anything": 2}).anything == 2.0
    assert with_settings(Renamed(anything=None), {"anything": "x"}).anything == "x"
    with pytest.raises(ValueError, match="anything .*'x'"):
        with_settings(Renamed(), {"anything": "x"})


def test_the_version_is_known_also_where_nothing_is_installed(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", {"enu_lib": "7.8"}.__getitem__)
    assert config.library_version() == "7.8"

    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    assert config.library_version() == "not installed"
