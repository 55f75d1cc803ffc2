"""What is said of an agent's abilities agrees with its battery."""

import math
import re

import matplotlib.pyplot as plt

from enu_lib import figures
from enu_lib.analysis.battery import battery
from enu_lib.analysis.measures import Measure
from enu_lib.base.names import AGENTS
from enu_lib.study import abilities, evidence
from enu_lib.study.abilities import poison_table, reversal_in_words, reverses, reverses_again, swap_table


def found(switching, swapped=(1.0, 1.0, 1.0), stays=1.0, sees=0.6):
    shares = {"hidden.remembers": stays, "left_alone.first": sees}
    measures = {key: Measure("", share, share - 0.04, share + 0.04, 200) for key, share in shares.items()}
    for key, values in (("switching", switching), ("swapped", swapped)):
        for k, v in enumerate(values):
            measures[f"{key}.{k + 1}"] = Measure("", math.nan if v is None else v, 0, 1, 0 if v is None else 20)
    return measures


def test_the_tables_show_every_poison_and_swap_and_what_was_not_met():
    poisons, swaps = poison_table(found((1.0, 0.04, None, None))), swap_table(found((1.0,) * 4, (0.5, 0.25, None)))
    assert [row["next visit ends with food"] for row in poisons] == ["100%", "4%", "none", "none"]
    assert [row["food within two visits"] for row in swaps] == ["50%", "25%", "none"]
    assert [row["95% interval"] for row in swaps] == ["0% to 100%", "0% to 100%", ""]


def test_the_words_tell_agents_that_reverse_from_those_that_do_not():
    latch, learner = found((0.97, 0.04, 0, 0), (0.5, 0.0, None)), found((0.97, None, None, None), (1.0, 0.98, 0.96))
    never, harmless = found((0.1, 0.9, 0, 0)), found((None,) * 4)
    unmet, arbitrary = found((0.97, None, None, None), (1.0, None, None)), found((0.5,) * 4, (0.75,) * 3, 0.5)
    alternating = found((1.0,) * 4, stays=0.41)
    text = [reversal_in_words(f, alternating) for f in (latch, learner, never, harmless, unmet, arbitrary)]
    assert len(set(text)) == 6
    assert all(value in text[0] for value in ("97%", "4%", "0%")) and "98%" in text[1] and "41%" in text[1]
    assert "**" not in text[4], "without a second swap, there is no verdict"
    sighted, sometimes = (reversal_in_words(found((0.97,) * 4, stays=0.0, sees=s), alternating) for s in (1.0, 0.95))
    assert "100%" in sighted and "60%" in sighted and "alternate between" in sometimes


def test_an_agent_that_alternates_or_chooses_arms_at_random_is_not_said_to_reverse():
    """Although it finds the food within two visits of most swaps."""
    learners = ("memory-only", "looking", "tmaze-enu", "tmaze-harmless-enu-seed1")
    stored = abilities.of_agents((*learners, "alternating", "latch"))
    arbitrary = found((0.5,) * 4, (0.75,) * 3, 0.5)
    text = {name: reversal_in_words(of, stored["alternating"]) for name, of in {**stored, "arbitrary": arbitrary}.items()}
    verdicts = {name: re.findall(r"\*\*(.+?)\*\*", words)[0] for name, words in text.items()}
    assert len({verdicts[name] for name in learners}) == 1
    assert "on sight" in text.pop("tmaze-enu") and not any("on sight" in words for words in text.values())
    learners = [name for name in learners if name in text]
    assert verdicts["alternating"] == verdicts["arbitrary"] and len(set(verdicts.values())) == 3
    assert all(f"{stored['alternating']['hidden.remembers'].value:.0%}" in text[name] for name in learners)


def test_stored_agents_are_those_of_the_battery():
    (stored,) = abilities.of_agents(("latch",)).values()
    again = battery("latch", n=160, seed=3, parts=("standard", "switching"))
    for key, measure in again.measures.items():
        assert not measure.n or (stored[key].low <= measure.high and measure.low <= stored[key].high), key
    assert stored["standard.food"].n == abilities.episodes("zoo")


def test_agents_that_use_their_sensors_are_told_from_those_that_do_not():
    agents = abilities.of_agents(("looking", "latch", "memory-only", "alternating"))
    text = {name: abilities.in_words(of, agents) for name, of in agents.items()}
    assert "has learnt what its sensors mean" in text["looking"]
    assert all("has learnt what its sensors mean" not in text[name] for name in ("latch", "memory-only", "alternating"))
    row = abilities.across(agents, {"switching.2": "a\nb"})[0]
    assert row == {"measure": "a b", "looking": "none", "latch": "0.00", "memory-only": "1.00", "alternating": "1.00"}


def test_the_rule_for_knowing_the_sensors_tells_agents_that_use_them_from_all_others():
    names = (
        "looking",
        "looking-once",
        "once-bitten",
        "omniscient",
        "latch",
        "memory-only",
        "alternating",
        "fixed-arm",
        "random",
    )
    stored = abilities.of_agents(names)
    assert [name for name in names if abilities.knows_its_sensors(stored[name])] == ["looking", "looking-once", "once-bitten"]


def test_the_panel_draws_every_measure_that_was_met():
    ax = plt.subplots()[1]
    agents = abilities.of_agents(("looking", "latch"))
    figures.abilities.measures(ax, agents, {"switching.1": "first", "switching.2": "second"})
    drawn = {line.get_label(): line.get_xdata().tolist() for line in ax.lines}
    assert drawn == {"looking": [1.0], "latch": [1.0, 0.0]}
    plt.close("all")


def test_visits_around_an_exchange_are_drawn_and_tabulated_without_those_that_never_happened():
    agents = {"looking": {-1: Measure("", 1.0, 0.9, 1.0, 9), 1: Measure("", 0.0, 0.0, 0.1, 9)},
              "network": {-1: Measure("", 0.5, 0.4, 0.6, 9), 1: Measure("", math.nan, 0.0, 1.0, 0)}}  # fmt: skip
    ax = plt.subplots()[1]
    figures.abilities.around(ax, agents, ["network"])
    drawn = {line.get_label(): line.get_ydata().tolist() for line in ax.lines if not line.get_label().startswith("_")}
    assert drawn == {"looking": [1.0, 0.0], "network": [0.5]}
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["-1", "1"]
    rows = abilities.around_table(agents, (-1, 1))
    assert rows[0] == {"agent": "looking", "visit -1": "100%", "visit 1": "0%"} and list(rows[1]) == list(rows[0])
    plt.close("all")


def test_some_networks_relearn_when_their_sensors_exchange_their_meanings_and_others_never():
    stored = abilities.of_agents(("tmaze-enu", "tmaze-enu-relearns"))
    never, again = (stored[name]["exchanged.later"] for name in ("tmaze-enu", "tmaze-enu-relearns"))
    assert never.high < 0.1 and again.low > 0.9
    for network in stored.values():
        assert network["exchanged.first"].high < 0.5 < network["left_alone.first"].low and network["standard.food"].low > 14


def test_only_an_agent_that_switches_and_stays_reverses():
    assert reverses(found((0.9, 1.0, 0.95, 0.0), stays=0.9))
    assert not reverses(found((1.0, 1.0, 1.0, 1.0), stays=0.56))  # the second arm only directly after poison
    stored = evidence.without_sweeps().abilities
    passing = {name for name, tested in stored.items() if name in AGENTS and reverses(tested)}
    after_two = {share: Measure("", share, 0, 1, 20) for share in (0.85, 0.9)}
    always = found((0.9, 1.0, 0.95, 0.0), stays=0.9)
    assert reverses_again(always, after_two[0.9]) and not reverses_again(always, after_two[0.85])
    assert not reverses_again(found((1.0, 0.0, 0.0, 0.0)), after_two[0.9])  # a latch
    assert passing == {"memory-only"}  # those that look eat one poison, so whether they switch again is unknown
