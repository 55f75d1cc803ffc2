"""The evidence for the claims against values computed by hand."""

import math

import numpy as np
import pytest

from enu_lib import experiments, zoo
from enu_lib.analysis import spiking
from enu_lib.analysis.battery import battery
from enu_lib.study import claims, design, evidence, ledger, results


def test_the_level_is_a_tenth_of_the_loss_without_learning():
    level = results.references().level
    for name in design.UNITS:
        assert evidence.unit_level(experiments.get(name).task, 512) == pytest.approx(level[name], rel=0.15)
    for name, layout in (("tmaze", "t"), ("double-tmaze", "double-t")):
        assert level[name] == results.references().agents[layout]["fixed-arm"]["fitness"]


def test_generations_until_a_level_is_reached():
    run = results.Record(*["x"] * 3, *[0] * 4, 1.0, *["x"] * 4, [10, 20, 30], [None, -0.5, -0.1], [], {})
    assert evidence.generations_to(run, -0.5) == 20
    assert evidence.generations_to(run, -0.2) == 30
    assert evidence.generations_to(run, 0.0) == float("inf")


def test_a_parent_with_nan_fitness_ranks_last():
    run = results.Record(*["x"] * 3, *[0] * 4, 1.0, *["x"] * 4, [10], [None], [-1.0, None], {"food": None, "n": 3})
    assert evidence.final_fitness(run) == -math.inf and evidence.generations_to(run, -1.0) == math.inf
    assert evidence.final_fitness(run._replace(trials=[-1.0, -3.0])) == -2.0
    ((scores,),) = evidence.gather(stored=[run]).scores.values()
    assert math.isnan(scores["food"]) and scores["n"] == 3


def test_what_kind_of_learner_a_network_is_and_whether_it_spikes_need_no_sweep():
    of_the_zoo = claims.judge(evidence.without_sweeps(), "C9", "C10")
    assert [f.claim.key for f in of_the_zoo] == ["C9", "C10"]
    assert ledger.as_details(of_the_zoo) == ledger.as_details(claims.judge(evidence.gather(), "C9", "C10"))


def test_stored_measures_of_networks_are_reproduced_from_the_genome():
    """Stored measures belong to the current genome and are reproduced from it.

    Other processors draw other noise, so spiking is compared within five standard deviations over seeds (and rounding).
    """
    e, stored = zoo.load("tmaze-enu"), evidence.gather()
    found = np.array([spiking.pulses_of(e.model, e.genome, e.task, seed=seed) for seed in range(50, 58)])
    mean, bound = found.mean(0), 5 * found.std(0, ddof=1) * (1 + 1 / len(found)) ** 0.5 + 1e-3
    known = {name: np.array([measures[k] for k in spiking.Pulses._fields]) for name, measures in stored.spiking.items()}
    alike = {name for name, values in known.items() if (np.abs(values - mean) <= bound).all()}
    assert alike == {e.name}, (known[e.name], mean, bound)  # and those of all other networks differ
    again = battery(e.model, e.genome, e.task, 240, double=False, parts=("standard", "switching"))
    for key, measure in again.measures.items():
        kept = stored.abilities[e.name][key]
        assert not measure.n or kept.low <= measure.high and measure.low <= kept.high, key
    assert len(stored.neutral) == evidence.NEUTRAL
