"""Disturbing an evolved network: controls that change nothing, and disturbances that must."""

import math
from dataclasses import replace

import pytest

from enu_lib import rollout, zoo
from enu_lib.study import dissection
from enu_lib.study.evidence import Evidence

ENTRY = zoo.load("tmaze-enu")
MOMENT = 120


@pytest.fixture(scope="module")
def found():
    return dissection.disturb(ENTRY, n=12, moment=MOMENT, seed=3)


def test_every_compartment_is_reset_scrambled_and_frozen_and_one_control_is_not(found):
    wanted = {f"{part} {how}" for part in ("synapses", "neurons") for how in ("reset", "scrambled", "frozen")}
    assert set(found) == wanted | {dissection.UNTOUCHED} and next(iter(found)) == dissection.UNTOUCHED
    assert dissection.disturbances(ENTRY.model, MOMENT)[dissection.UNTOUCHED] is None


def test_food_is_counted_from_the_moment_on_in_the_same_episodes(found):
    assert len({len(d.eaten) for d in found.values()}) == 1
    untouched = rollout(ENTRY.model, ENTRY.genome, ENTRY.task, 12, seed=3, backend="auto")
    alive = untouched.task["alive"][0, :, MOMENT - 1]
    foods = untouched.task["foods"][0]
    assert found["untouched"].eaten.tolist() == (foods[:, -1] - foods[:, MOMENT - 1])[alive].tolist()


def test_a_memory_that_is_reset_matters(found):
    assert any(d.eaten.mean() < found["untouched"].eaten.mean() - 1 for name, d in found.items() if name != "untouched")
    rows = {row["memory"]: row for row in dissection.disturbed_table(found)}
    right, n = found["untouched"].recovery
    assert rows["untouched"]["right at the first visit after"] == f"{right[0]} of {n[0]}"
    assert rows["untouched"]["food after, mean"] == f"{found['untouched'].eaten.mean().item():.2f}"


def test_what_matters_is_said_of_synapses_and_neurons_separately(found):
    lost, kept = (found["untouched"]._replace(eaten=found["untouched"].eaten * share) for share in (0.25, 1.0))
    case = {**found, "synapses scrambled": lost, "neurons scrambled": kept}
    synapses, neurons, _ = dissection.stored_in_words(case).split(". ")
    assert "matters" in synapses and "25%" in synapses and "matters" not in neurons and "100%" in neurons
    synapses, neurons, _ = dissection.stored_in_words(case | {"neurons scrambled": lost, "synapses scrambled": kept}).split(
        ". "
    )
    assert "matters" in neurons and "matters" not in synapses


def test_the_maze_with_the_least_food_is_named():
    said = dissection.elsewhere_in_words({"as evolved": {"food": 8.0}, "large": {"food": 4.0}, "dark": {"food": 1.5}})
    assert "1 of the 2" in said and "dark" in said and "1.50" in said and "large" not in said


def test_every_other_maze_differs_in_one_thing():
    places = dissection.other_mazes(ENTRY.model, ENTRY.task)
    (_, first), *others = places.items()
    assert first == (ENTRY.model, ENTRY.task)
    for name, (network, maze) in others:
        assert (network, maze) != first, name
        assert network == ENTRY.model or maze == ENTRY.task, name
    assert places["no noise"][0].noise == 0 and places["noise x 10"][0].noise == pytest.approx(10 * ENTRY.model.noise)


def test_an_output_that_is_silenced_still_acts_but_is_not_heard():
    assert dissection.neuron_names(ENTRY.model) == [f"{k} {i}" for k in ("hidden", "output") for i in (1, 2, 3)]
    short = replace(ENTRY, experiment=replace(ENTRY.experiment, task=replace(ENTRY.task, steps=80)))
    found = dissection.silenced(short, n=6, seed=2, neurons=[0, 3])
    assert set(found) == {"hidden 1 silenced", "output 1 silenced"} and all(row["n"] == 6 for row in found.values())


def test_the_table_of_pulses_shows_networks_beside_evolution_without_selection():
    watched = {"evolved": rollout(ENTRY.model, ENTRY.genome, replace(ENTRY.task, steps=80), 3, seed=1, memory=True)}
    one = {"varying": 1.0, "rate": 4.0, "on": 0.25, "graded": 0.125, "length": 2.5}
    none = dict.fromkeys(one, math.nan) | {"varying": 0.0}
    rows = dissection.pulse_table(watched, slice(3, None), Evidence(spiking={"a": one, "b": none}, neutral=[one, one, none]))
    _, clock, a, b, without = rows
    assert list(clock.values())[1:] == ["25.0", "1.0", "25%", "0%"], "one step in four"
    assert [row["network"] for row in (a, b)] == ["a", "b"]
    assert list(a.values())[1:] == ["4.0", "2.5", "25%", "12%"] == list(without.values())[1:]
    assert set(list(b.values())[1:]) == {"no output varies"}
