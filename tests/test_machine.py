"""The rules of the networks that ship, as the page on them says."""

import pytest

from enu_lib import zoo
from enu_lib.analysis.transplant import SOURCES
from enu_lib.figures.networks import short_names
from enu_lib.study import abilities, machine


@pytest.fixture(scope="module")
def dissected():
    return machine.dissect(zoo.load("tmaze-enu"), 24, seed=4)


@pytest.fixture(scope="module")
def earlier():
    return machine.dissect(zoo.load("tmaze-enu-three-runs"), 24, seed=4)


def test_what_the_first_poison_teaches_is_kept_in_the_synapses_from_the_sensors_and_the_reward_neuron(dissected):
    for found in (dissected.one, dissected.sight):
        assert found.intact > 0.9 and found.naive < 0.1
        lost, kept = (dict(zip(SOURCES, shares.tolist(), strict=True)) for shares in (found.source_forgets, found.source_knows))
        for name in ("sensors", "reward neuron"):
            assert lost[name] < 0.2 and kept[name] < 0.2, "necessary, but not sufficient"
        for name in ("hidden neurons", "output neurons"):
            assert lost[name] > 0.9 and kept[name] < 0.1, "neither"
        assert kept["sensors and reward neuron"] > 0.9


def test_an_earlier_network_keeps_it_in_the_synapses_of_the_right_turn_neuron(earlier):
    network = zoo.load("tmaze-enu-three-runs").model
    names = short_names(network)
    reward, right = network.connections[5].index(3), 5
    assert (names[3], names[network.n_inputs + right]) == ("R", "O3") and earlier.carrier == "R to O3"
    for found in (earlier.one, earlier.sight):
        assert (right, reward) in machine.necessary(found) and found.intact > 0.8 and found.naive < 0.2
        assert found.neuron_knows[right] > 0.8 and (found.neuron_knows[:right] < 0.2).all()
    sensors = [network.connections[right].index(s) for s in range(3)]
    assert machine.sufficient(earlier.one) == [(right, reward)]
    assert (right, reward) not in machine.sufficient(earlier.sight), "the bit alone does not say what poison looks like"
    assert (earlier.sight.forgets[right, sensors] < 0.85).all(), "each sensor shows the poison in a third of the episodes"


@pytest.mark.parametrize("name, agent", [("tmaze-enu", "looking-once"), ("tmaze-enu-three-runs", "once-bitten")])
def test_an_agent_that_follows_the_rule_in_words_does_as_the_network_does(name, agent):
    network = abilities.of_networks(zoo.load(name), "zoo")[name]
    rule = abilities.of_agents((agent,))[agent]
    assert machine.misses(network, rule) < 0.05
    for key in ("standard.no_mistake", "every_food.no_mistake", "left_alone.first", "exchanged.first", "exchanged.later"):
        assert abs(network[key].value - rule[key].value) < 0.05, key
    eaten, by_rule = (of["hidden.food"].value for of in (network, rule))
    if agent == "once-bitten":
        assert abs(by_rule / eaten - 1) < 0.06
    else:
        assert eaten < 1 < by_rule, "where its sensors show neither, the rule does not describe it, as the page says"
    assert len(machine.compared({name: network, agent: rule})) == len(machine.COMPARED)


def test_portraits_follow_the_memory_from_birth_to_death(dissected):
    assert len(dissected.paths) == len(dissected.events) <= machine.SHOWN
    assert all(
        path.shape == (len(path), 2) and 0 < event < len(path)
        for path, event in zip(dissected.paths, dissected.events, strict=True)
    )
    assert "sufficient: sensors and reward neuron" in machine.in_words(zoo.load("tmaze-enu"), dissected)
    rows = machine.summary("x", dissected)
    assert [row["episodes"] for row in rows] == [dissected.one.episodes, dissected.sight.episodes]
