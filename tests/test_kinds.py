"""Kinds of settings: what fits becomes plain Python, what does not fit is named, with what is accepted."""

import dataclasses
import json
import math
import sys
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest

import enu_lib as enu
from enu_lib import config
from enu_lib.base import kinds
from enu_lib.base.kinds import Between, conform, from_environment, require, shown
from enu_lib.config import from_config, with_settings


def test_numpy_numbers_become_plain_numbers():
    es = enu.ES(population=np.int64(16), sigma=np.float32(0.5), decay_generations=np.uint8(9))
    assert (type(es.population), type(es.sigma), type(es.decay_generations)) == (int, float, int)
    maze = enu.Maze(steps=np.int32(80), first_meal_counts=np.bool_(False), pairs=[[np.int64(0), 1]])
    assert type(maze.steps) is int and maze.first_meal_counts is False and maze.pairs == ((0, 1),)
    e = enu.experiments.get("stdp", profile="smoke", population=np.int64(16), settings={"task.steps": np.int16(60)})
    assert type(e.es.population) is int and from_config(json.loads(config.to_json(e))) == e
    assert enu.ENU(np.int64(3)).n_params == enu.ENU(3).n_params and type(enu.ES(sigma=1).sigma) is float


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


@dataclasses.dataclass(frozen=True)
class Unresolved:
    other: "Unknown" = None  # noqa: F821


def test_a_class_without_resolvable_annotations_accepts_any_value():
    assert kinds.kinds(Unresolved) == {"other": Any}
    assert with_settings(Unresolved(), {"other": "x"}).other == "x"


FLOAT32 = 3.4028234663852886e38  # the largest
FITS = [
    (int, 2**63 - 1, 2**63 - 1),
    (int, np.uint8(200), 200),
    (float, 3, 3.0),
    (float, np.float32(0.5), 0.5),
    (float, FLOAT32, FLOAT32),
    (bool, np.bool_(True), True),
    (str, np.str_("a"), "a"),
    (type(None), None, None),
    (kinds.Size, 1, 1),
    (kinds.Size, 2**16, 2**16),
    (kinds.Share, 0, 0.0),
    (kinds.Share, 1, 1.0),
    (kinds.Positive, 1e-300, 1e-300),
    (kinds.Measured, -math.inf, -math.inf),
    (float | None, None, None),
    (int | str, "x", "x"),
    (Literal["t", "double-t"], "t", "t"),
    (Literal[0, 1], np.int64(1), 1),
    (tuple[int, ...], [1, np.int8(2)], (1, 2)),
    (tuple[int, ...], (), ()),
    (tuple[int, str], [1, "x"], (1, "x")),
    (list[float], (1, 2), [1.0, 2.0]),
    (tuple[tuple[int, int], ...], [[0, 1], (2, 3)], ((0, 1), (2, 3))),
    (dict[str, float], {"a": 1}, {"a": 1.0}),
    (enu.ES, enu.ES(), enu.ES()),
    (Any, "x", "x"),
    (Callable[[int], int], abs, abs),  # not checked
]
UNFIT = [
    (int, True, "integer"),
    (int, 1.0, "integer"),
    (int, "3", "integer"),
    (int, 2**63, "integer"),
    (float, False, "number"),
    (float, math.nan, "finite"),
    (float, math.inf, "finite"),
    (float, 2 * FLOAT32, "finite"),
    (float, 10**400, "finite"),
    (bool, 1, "true or false"),
    (str, 3, "string"),
    (kinds.Size, 0, "1 to 65536"),
    (kinds.Size, 2**16 + 1, "1 to 65536"),
    (kinds.Share, 1.001, "0 to 1"),
    (kinds.Share, math.nan, "0 to 1"),
    (kinds.Positive, 0, "above 0"),
    (kinds.Positive, 2e9, "at most 1e+09"),
    (kinds.Measured, "good", "number"),
    (kinds.Size | None, 0, "None"),
    (Literal["t", "double-t"], "y", "t, double-t"),
    (Literal[0, 1], True, "0, 1"),
    (Literal["t", "double-t"], np.array(["t", "t"]), "t, double-t"),
    (tuple[int, ...], "12", "list"),
    (tuple[int, ...], [1, "x"], "list"),
    (tuple[int, str], [1], "list of 2"),
    (tuple[int, str], [1, "x", 2], "list of 2"),
    (list[float], {1.0}, "list"),
    (dict[str, float], [("a", 1.0)], "object"),
    (dict[str, float], {"a": "b"}, "object"),
    (dict[str, float], {1: 1.0}, "object"),
    (enu.ES, {}, "ES"),
]


@pytest.mark.parametrize("kind, value, plain", FITS, ids=str)
def test_a_valid_value_is_converted_to_plain_python_types(kind, value, plain):
    found = conform(kind, value, "x")
    assert found == plain and type(found) is type(plain)
    if isinstance(plain, (tuple, list)):
        assert [type(item) for item in found] == [type(item) for item in plain]


@pytest.mark.parametrize("kind, value, accepted", UNFIT, ids=str)
def test_what_does_not_fit_is_named_with_what_is_accepted(kind, value, accepted):
    with pytest.raises(ValueError) as refused:
        conform(kind, value, "the size")
    said = str(refused.value)
    assert said.startswith("the size ") and accepted in said and shown(value) in said


def test_nan_is_a_measurement_and_no_setting():
    assert math.isnan(conform(kinds.Measured, math.nan, "x"))
    bounds = Between(0, 1, nan=True)
    assert bounds.admits(math.nan) and bounds.admits(0) and not bounds.admits(-0.1) and not Between(0, 1).admits(math.nan)


def test_a_lower_bound_may_itself_be_left_out():
    assert not Between(0, 1, above=True).admits(0) and Between(0, 1, above=True).admits(1)


@pytest.mark.parametrize("text, number", [("7", 7), (" 12\n", 12), ("-3", -3), ("", None), ("  ", None), (None, None)])
def test_an_integer_in_an_environment_variable(text, number, monkeypatch):
    monkeypatch.delenv("ENU_TEST", raising=False)
    if text is not None:
        monkeypatch.setenv("ENU_TEST", text)
    assert from_environment(int, "ENU_TEST") == number
    assert from_environment(int, "ENU_TEST", 5) == (5 if number is None else number)


@pytest.mark.parametrize("text", ["many", "2.5", "1e3", "0", "-1", "65537", "-", "--2", "3 4", "9" * 400])
def test_a_variable_that_is_no_such_integer_is_named_with_its_value(text, monkeypatch):
    monkeypatch.setenv("ENU_TEST", text)
    with pytest.raises(ValueError, match="^ENU_TEST .*1 to 65536") as refused:
        from_environment(kinds.Size, "ENU_TEST", 5)
    assert text in str(refused.value) or "400 digits" in str(refused.value)


@dataclasses.dataclass(frozen=True)
class Checked:
    sizes: tuple[kinds.Size, ...] = (1,)
    share: kinds.Share = 0.5

    def __post_init__(self):
        kinds.check(self)


def test_fields_are_checked_and_converted_when_settings_are_made():
    made = Checked([np.int64(3)], 1)
    assert made == Checked((3,), 1.0) and type(made.sizes) is tuple and type(made.sizes[0]) is int and type(made.share) is float
    with pytest.raises(ValueError, match="^share .*1.5"):
        Checked(share=1.5)


def test_the_wanted_entries_of_an_object_are_returned_and_no_others():
    wanted = {"a": float, "b": tuple[int, ...]}
    found = require({"a": 1, "b": [2], "c": "more"}, wanted, "notes.json")
    assert found == {"a": 1.0, "b": (2,)} and type(found["a"]) is float


@pytest.mark.parametrize(
    "record, named",
    [([1], "[1]"), (None, "None"), ({"a": 1}, "'b', 'c'"), ({"a": "x", "b": 1, "c": 1}, "a takes"), ({}, "'a'")],
    ids=str,
)
def test_an_object_without_the_wanted_entries_is_named_with_what_is_wrong(record, named):
    with pytest.raises(ValueError) as refused:
        require(record, {"a": int, "b": int, "c": int}, "notes.json")
    assert str(refused.value).startswith("notes.json") and named in str(refused.value)


class Pair(NamedTuple):
    first: int
    second: str = "x"


def test_the_kinds_of_dataclasses_and_named_tuples_are_their_annotations():
    assert kinds.kinds(Pair) == {"first": int, "second": str}
    assert kinds.kinds(Checked) == {"sizes": tuple[kinds.Size, ...], "share": kinds.Share}
    assert kinds.kinds(object) == {}


def test_a_value_is_shown_on_one_short_line():
    assert shown("a\nb") == r"'a\nb'" and shown(3) == "3"
    for long in ("x" * 500, list(range(500)), np.zeros((40, 40)), 10**5000, {"a": "b" * 500}):
        assert len(shown(long)) <= 80 and "\n" not in shown(long)
    assert "400 digits" in shown(5 * 10**399) and "400 digits" in shown(-5 * 10**399)
    nested = []
    nested.append(nested)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(nested) == "[[...]]" and "list" in shown(deep)


def test_numbers_of_numpy_are_recognised_only_where_numpy_is_loaded(monkeypatch):
    assert kinds.is_numpy(np.int8(3), "integer") and not kinds.is_numpy(np.int8(3), "floating")
    assert not kinds.is_numpy(3, "integer")
    monkeypatch.delitem(sys.modules, "numpy")
    assert not kinds.is_numpy(3, "integer") and "numpy" not in sys.modules
