"""The kind of learner that a battery shows: agents whose kind is known, and the measures that its words must name."""

import math
from functools import lru_cache

import pytest

from enu_lib.analysis.battery import Battery, Measure, battery
from enu_lib.study.abilities import NEEDED, Kind, kind, poison_table, reversal_in_words, senses_in_words, table
from enu_lib.tasks.maze import Maze


@lru_cache
def of(agent):
    return battery(agent, n=160, seed=3, parts=NEEDED)


@pytest.mark.parametrize(
    "agent, expected",
    [
        ("latch", Kind("once", False)),
        ("memory-only", Kind("again", False)),
        ("fixed-arm", Kind("never", False)),
        ("looking", Kind(None, True)),  # it meets no second poison
    ],
)
def test_scripted_agents_are_of_the_kind_that_they_are_made_to_be(agent, expected):
    assert kind(of(agent)) == expected


def found(switching, shown=(10.0, 9.8, 10.2), hidden=(10.0, 9.8, 10.2)):
    measures = {
        f"switching.{k + 1}": Measure("", math.nan if v is None else v, 0, 1, 0 if v is None else 20)
        for k, v in enumerate(switching)
    }
    measures |= {key: Measure("", *v, 160) for key, v in (("standard.food", shown), ("hidden.food", hidden))}
    return Battery("network", 160, 1, Maze(), measures)


def test_the_table_shows_every_poison_and_what_was_not_met():
    (row,) = table([found((1.0, 0.04, None, None), hidden=(9.75, 9, 10))])
    assert row["food"] == "10.00" and row["food, food and poison hidden"] == "9.75"
    assert [row[f"right after poison {k}"] for k in (1, 2, 3, 4)] == ["100%", "4%", "none", "none"]


def test_the_words_name_what_was_measured():
    learner = found((0.97, 0.04, 0.0, 0.0), (13.5, 13.2, 13.8), (11.25, 11.0, 11.5))
    assert all(value in reversal_in_words(learner) for value in ("97%", "4%"))
    assert all(value in senses_in_words(learner) for value in ("13.50", "13.20 to 13.80", "11.25"))
    assert len({reversal_in_words(found(v)) for v in ((0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.9, None))}) == 4
    rows = poison_table(learner)
    assert [(r["poisons eaten"], r["next visit ends with food"], r["visits"]) for r in rows[:2]] == [
        (1, "97%", 20),
        (2, "4%", 20),
    ]


def test_eating_a_little_less_in_the_dark_is_no_use_of_sensors():
    assert not kind(found((1.0, 0.0), (10.0, 9.7, 10.3), (9.6, 9.3, 9.9))).uses_sensors
    assert kind(found((1.0, 0.0), (10.0, 9.7, 10.3), (9.3, 9.0, 9.6))).uses_sensors
