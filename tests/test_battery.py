"""The battery on scripted agents with known abilities, and on two evolved networks."""

import json
import math
import sys
from functools import lru_cache

import numpy as np
import pytest
import torch

from enu_lib import zoo
from enu_lib.analysis import agents, learning
from enu_lib.analysis.battery import Outcomes, battery, outcomes, standard, stays_after_poisons
from enu_lib.cli import main
from enu_lib.rollout import record_episodes, rollout
from enu_lib.tasks.altered import Altered
from enu_lib.tasks.maze import Maze
from enu_lib.trace import Trace

LEARNERS = ("looking", "memory-only", "latch")
MOMENTS = ("first", "second", "later")


@lru_cache
def of(agent):
    return battery(agent, n=120, seed=5, double=agent not in ("fixed-arm", "random"))


def evolved(name, *parts):
    entry = zoo.load(name)
    return battery(entry.model, entry.genome, entry.task, n=240, double=False, name=name, parts=parts)


def values(agent, *keys):
    return [of(agent)[key].value for key in keys]


@pytest.mark.parametrize(
    "agent, expected",
    [
        ("latch", [1, 0, 0, 0]),
        ("memory-only", [1, 1, 1, 1]),
        ("fixed-arm", [0, 0, 0, 0]),  # keeps eating poison until the end
    ],
)
def test_switching_distinguishes_a_latch_from_a_learner(agent, expected):
    assert values(agent, *(f"switching.{k}" for k in (1, 2, 3, 4))) == expected
    assert all(of(agent)[f"switching.{k}"].n > 20 for k in (1, 2, 3, 4))


def test_staying_after_two_poisons_is_seen_where_the_second_does_not_kill():
    shares = {agent: stays_after_poisons(agent, n=120, seed=5) for agent in ("memory-only", "alternating")}
    assert shares["memory-only"].value == 1 and shares["alternating"].high < 0.6
    for name, stays in (
        ("tmaze-hidden-enu-reverses", True),
        ("tmaze-hidden-enu-seed164", False),
    ):  # both stay in the published one
        entry = zoo.load(name)
        assert evolved(name, "hidden")["hidden.remembers"].low > 0.9
        assert (stays_after_poisons(entry.model, entry.genome, entry.task, n=240).low > 0.9) == stays


def test_swaps_distinguish_a_latch_from_agents_that_learn_anew():
    for agent in ("looking", "memory-only", "alternating"):
        assert values(agent, "swapped.1", "swapped.2") == [1, 1]
    assert values("latch", "swapped.2") == [0] and of("latch")["swapped.2"].n > 20
    assert values("fixed-arm", "swapped.1") == [0]


def test_an_alternating_agent_never_repeats_an_arm_and_starves_on_poison():
    assert values("alternating", *(f"switching.{k}" for k in (1, 2, 3, 4))) == [1, 1, 1, 1]
    assert of("alternating")["standard.food"].high < 2 and values("alternating", "standard.poison") == [2]


def test_switching_is_nan_without_a_second_poison():
    assert values("looking", "switching.1") == [1]
    assert of("looking")["switching.2"].n == 0 and math.isnan(of("looking")["switching.2"].value)
    assert of("omniscient")["switching.1"].n == 0
    assert all(n == 0 or not math.isnan(value) for _, value, _, _, n in of("looking").rows())


def test_a_part_run_alone_gives_the_measures_of_the_full_battery_and_an_unknown_part_is_named():
    found = battery("latch", n=120, seed=5, parts=("hidden", "switching"))
    assert {key.partition(".")[0] for key in found.measures} == {"switching", "swapped", "hidden"}
    for key, measure in found.measures.items():
        assert repr(measure) == repr(of("latch")[key])  # NaN is not equal to NaN
    with pytest.raises(ValueError, match=r"'memory'.*switching"):
        battery("latch", n=1, parts=("memory",))


@pytest.mark.parametrize("maze", ["standard", "every_food"])
def test_only_agents_that_use_sensors_make_no_mistake_after_a_change(maze):
    assert values("looking", f"{maze}.no_mistake") == [1]
    assert [of(agent)[f"{maze}.no_mistake"].value for agent in ("memory-only", "latch")] == [0, 0]
    assert all(of(agent)[f"{maze}.no_mistake"].n > 50 for agent in LEARNERS)


def test_the_published_maze_does_not_distinguish_a_latch_from_memory():
    one, other = (of(agent)["standard.food"] for agent in ("latch", "memory-only"))
    assert one == other and one.low < 11.3 < one.high


def test_scores_in_the_standard_maze_agree_with_ten_thousand_episodes():
    known = {"omniscient": (16, 0), "looking": (15.1, 0.5), "fixed-arm": (4.5, 1.8), "random": (0.03, 0.03)}
    for agent, (food, poison) in known.items():
        found = of(agent)
        for key, value in (("standard.food", food), ("standard.poison", poison)):
            assert found[key].value == pytest.approx(value, abs=0.05 + 2 * (found[key].high - found[key].low))


@pytest.mark.parametrize("agent", ["memory-only", "latch", "fixed-arm", "omniscient", "random"])
def test_agents_that_do_not_use_sensors_are_unaffected_by_reshuffled_or_hidden_sensors(agent):
    found = of(agent)
    for key in ("before", *MOMENTS):
        same = [found[f"{what}.{key}"] for what in ("left_alone", "exchanged", "reshuffled")]
        assert len({(m.low, m.high, m.n) for m in same}) == 1
    for what in ("food", "poison"):
        assert found[f"hidden.{what}"].value == found[f"standard.{what}"].value


def test_a_looking_agent_fails_after_a_reshuffle_of_sensors_and_recovers():
    assert values("looking", *(f"left_alone.{k}" for k in ("before", *MOMENTS))) == [1, 1, 1, 1]
    assert values("looking", *(f"exchanged.{k}" for k in ("before", *MOMENTS))) == [1, 0, 1, 1]
    reshuffled = of("looking")
    assert reshuffled["reshuffled.before"].value == 1 and reshuffled["reshuffled.first"].high < 0.6
    assert reshuffled["reshuffled.later"].low > 0.9


def test_a_looking_agent_relies_on_memory_when_food_and_poison_are_hidden():
    for what in ("food", "poison", "remembers"):
        assert of("looking")[f"hidden.{what}"] == of("memory-only")[f"hidden.{what}"]
    assert values("memory-only", "hidden.remembers") == values("latch", "hidden.remembers") == [1]
    assert of("fixed-arm")["hidden.remembers"].high < 0.9


def test_cutting_a_reward_affects_only_agents_that_learn_from_it():
    for agent in ("omniscient", "fixed-arm", "random"):  # do not learn
        assert values(agent, "cut_food.food", "cut_poison.food") == values(agent, *["standard.food"] * 2)
    for agent in ("latch", "memory-only"):  # learn from poison only; without its reward they never switch
        assert values(agent, "cut_food.food") == values(agent, "standard.food")
        assert values(agent, "cut_poison.food", "cut_poison.poison") == values("fixed-arm", "standard.food", "standard.poison")
    looking = of("looking")  # either reward identifies a sensor; without that for food, each agent must eat poison once
    assert looking["cut_food.poison"].low > looking["standard.poison"].high
    assert looking["cut_food.food"].value > 14 > looking["cut_poison.food"].high


def test_the_omniscient_agent_has_perfect_scores():
    found = of("omniscient").measures
    for key, measure in found.items():
        name = key.split(".")[1]
        if name == "poison":
            assert measure.value == 0
        elif name == "food":
            assert measure.value == pytest.approx(14 if "double" in key else 16, abs=0.4)
        elif measure.n:
            assert measure.value == 1
    assert found["double.second"].n == 120 and found["double.later"].n > 500


def test_visits_of_reference_agents_in_the_double_maze():
    for agent in ("looking", "memory-only"):
        assert values(agent, "double.second", "double.third", "double.later") == [1, 1, 1]
    assert values("looking", "double.no_mistake") == [1]
    assert "double.food" in of("latch").measures and "double.food" not in of("random").measures


def test_starvation_counts_as_a_wrong_visit_and_a_deadly_meal_only_once():
    t, b = 12, 4
    ate = torch.zeros(1, b, t, dtype=torch.int64)
    ate[0, :, 3] = torch.tensor([-1, 1, -1, 1])
    ate[0, 2, 7] = -1  # killed by its second poison
    alive = torch.ones(1, b, t, dtype=torch.bool)
    alive[0, 0, 9:] = alive[0, 2, 7:] = alive[0, 3, 9:] = False  # starved, killed, starved
    food = torch.zeros(1, b, t, dtype=torch.int64)
    food[0, 3, 3:] = 1  # the places change at its first meal
    task = {"ate": ate, "alive": alive, "food": food, "poison": 1 - food, "poisons": (ate < 0).cumsum(-1)}
    found = outcomes(Trace(ate, ate, ate, None, task))
    expected = Outcomes(
        episode=[0, 0, 1, 2, 2, 3, 3], number=[0, 1, 0, 0, 1, 0, 1], end=[3, 9, 3, 3, 7, 3, 9],
        food=[0, 0, 1, 0, 0, 1, 0], changed=[0, 0, 0, 0, 0, 0, 1], poisons=[0, 1, 0, 0, 1, 0, 0],
    )  # fmt: skip
    for name, values_of in expected._asdict().items():
        assert np.array_equal(getattr(found, name), values_of), name


def test_intervals_account_for_dependent_visits_within_an_episode():
    measure = of("fixed-arm")["hidden.remembers"]  # within an episode, visits are nearly all right or all wrong
    low, high = learning.interval(measure.value * measure.n, measure.n)
    assert measure.low < measure.value < measure.high and measure.high - measure.low > 1.3 * (high - low)
    wrong = of("fixed-arm")["left_alone.later"]  # five visits per episode, all wrong: n_eff is the number of episodes
    assert (wrong.low, wrong.high) == learning.interval(0, wrong.n / 5) and wrong.n > 500


def test_the_former_tmaze_network_is_a_latch():
    found = evolved("tmaze-enu-latch", "standard", "switching", "senses", "hidden")
    assert found["switching.1"].low > 0.95 and found["switching.2"].high < 0.05
    assert found["standard.no_mistake"].value == 0
    for what in ("food", "poison"):
        assert found[f"hidden.{what}"].low < found[f"standard.{what}"].value < found[f"hidden.{what}"].high
    for moment in MOMENTS:
        alone, exchanged = found[f"left_alone.{moment}"], found[f"exchanged.{moment}"]
        assert exchanged.low < alone.value < exchanged.high


def test_the_tmaze_network_learns_once_what_its_sensors_mean():
    found = evolved("tmaze-enu", "standard", "every_food", "senses")
    assert found["standard.food"].low > 13 and found["every_food.food"].low > 11
    assert found["standard.no_mistake"].low > 0.95 and found["every_food.no_mistake"].low > 0.95
    assert found["left_alone.first"].low > 0.95
    assert found["exchanged.first"].high < 0.05 and found["exchanged.later"].high < 0.2, "it does not relearn"


def test_the_double_tmaze_network_uses_its_sensors_but_does_not_relearn_them():
    found = evolved("double-tmaze-enu", "standard", "every_food", "senses", "hidden")
    assert found["standard.food"].low < 13.7 < found["standard.food"].high
    assert found["standard.no_mistake"].low > 0.9 and found["every_food.no_mistake"].low > 0.9
    assert found["hidden.food"].high < found["standard.food"].low  # memory alone is worse
    assert found["left_alone.first"].low > 0.9
    assert found["exchanged.first"].high < 0.1 and found["exchanged.later"].high < 0.1  # no recovery


def test_episodes_in_an_altered_maze_equal_rollout():
    """In most episodes: rounding decides where outputs are nearly equal, which is rare in this network."""
    entry = zoo.load("tmaze-enu-three-runs")
    maze = Altered(Maze(shuffle="sensors", steps=80, tie="nothing"), 30, ("food", "poison"), hide=("wall",), cut=("food",))
    slow, fast = (
        rollout(entry.model, entry.genome, maze, 12, seed=3),
        record_episodes(entry.model, entry.genome, maze, 12, seed=3),
    )
    assert slow.task.keys() == fast.task.keys() and torch.equal(slow.x[:, :, 0], fast.x[:, :, 0])
    assert torch.equal(slow.task["sensor_of"], fast.task["sensor_of"])
    assert (slow.task["square"] == fast.task["square"]).all(-1).float().mean() > 0.9


def test_episodes_are_unchanged_before_the_alteration():
    plain = agents.play(Maze(), "looking", 60, seed=2)
    later = agents.play(Altered(Maze(), reshuffle_at=150), "looking", 60, seed=2)
    assert torch.equal(plain.x[:, :, :150], later.x[:, :, :150]) and not torch.equal(plain.x[:, :, 150:], later.x[:, :, 150:])
    before, after = (later.task["sensor_of"][0, :, t] for t in (148, 149))
    assert (before != after).all() and torch.equal(after.sort(-1).values, before.sort(-1).values)
    turned = {tuple((a[:, None] == b).long().argmax(0).tolist()) for a, b in zip(before, after, strict=True)}
    assert len(turned) == 2  # both rotations
    some = agents.play(Altered(Maze(), 150, ("food", "poison")), "looking", 60, seed=2).task["sensor_of"][0, :, 149]
    assert torch.equal(some, before[:, [0, 2, 1]])


def test_only_hidden_sensors_and_cut_rewards_are_blank():
    for kinds, rewards in ((("food", "poison"), ()), (("wall",), ("food",)), ((), ("poison",)), ((), ())):
        maze = Altered(Maze(), hide=kinds, cut=rewards)
        trace = agents.play(maze, "omniscient" if "food" in rewards else "fixed-arm", 30)
        state, shown = maze.reset(1, 30, torch.Generator().manual_seed(0)), trace.x
        expected = agents.play(Maze(), "omniscient" if "food" in rewards else "fixed-arm", 30).x.clone()
        for kind in kinds:
            sensor = trace.task["sensor_of"][0, :, 0, ("wall", "food", "poison").index(kind)]
            expected[0, torch.arange(30), :, sensor, 0] = 0
        for kind in rewards:
            assert expected[..., 3, 1 + ("food", "poison").index(kind)].any()
            expected[..., 3, 1 + ("food", "poison").index(kind)] = 0
        assert torch.equal(shown, expected) and not maze.done(state).any()


@pytest.mark.parametrize(
    "settings, named",
    [
        ({"hide": ("floor",)}, "floor"),
        ({"hide": "food"}, "food"),
        ({"cut": ("wall",)}, "wall"),
        ({"reshuffle_at": 400}, "400"),
        ({"reshuffle_at": 10, "reshuffle": ("food",)}, "food"),
        ({"reshuffle_at": 10, "reshuffle": ("food", "food")}, "food"),
    ],
)
def test_invalid_alterations_are_errors(settings, named):
    with pytest.raises(ValueError, match=named):
        Altered(Maze(), **settings)


def test_the_standard_maze_keeps_the_interface_of_the_task():
    task = Maze("double-t", "none", foods_per_period=1, tie="nothing", energy=9.0, explore_bonus=1.0, placements=((0, 1),))
    assert standard(task) == Maze("t", "none", tie="nothing") and standard() == Maze()


def test_the_command_prints_the_battery(capsys):
    assert main(["evaluate", "--agent", "latch", "--n", "120", "--seed", "5", "--double"]) == 0
    lines = capsys.readouterr().out.splitlines()
    known = of("latch")
    assert len(lines) == len(known.measures) + 2
    for line, measure in zip(lines[2:], known.measures.values(), strict=True):
        assert line.startswith(measure.text) and line.split()[-1] == str(measure.n)


def test_the_command_prints_the_battery_of_a_network_as_json(capsys, monkeypatch):
    entry, kept = zoo.load("tmaze-enu"), []

    def noted(model, genome, task, n, seed, *more):
        assert model == entry.model and torch.equal(genome, entry.genome) and task == entry.task
        kept.append(battery(model, genome, task, n, seed, *more))
        return kept[-1]

    monkeypatch.setattr(sys.modules[battery.__module__], "battery", noted)
    assert main(["evaluate", "tmaze-enu", "--n", "12", "--seed", "4", "--json"]) == 0
    (known,) = kept
    assert (known.agent, known.episodes, known.seed) == ("tmaze-enu", 12, 4) and len(known.measures) > 20
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(known.as_json()))


@pytest.mark.parametrize(
    "arguments, named", [(["--agent", "hero"], "hero"), ([], "--agent"), (["tmaze-enu", "--agent", "latch"], "--agent")]
)
def test_the_command_rejects_what_it_cannot_evaluate(arguments, named, capsys):
    assert main(["evaluate", *arguments]) == 2
    said = capsys.readouterr().err
    assert named in said and said.count("\n") == 1


def test_a_battery_needs_episodes_and_a_genome():
    with pytest.raises(ValueError, match="got 0"):
        battery("latch", n=0)
    with pytest.raises(ValueError, match="genome"):
        battery(zoo.load("tmaze-enu").model)
