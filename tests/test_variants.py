"""Tables of the sweep's runs with one setting changed, worked out by hand."""

import math

import numpy as np
import pytest

from enu_lib.study import evidence, variants
from enu_lib.study.results import Record, load

MET, RIGHT = variants.SHARES


def run(experiment, model, seed, fitness=-1.0, held_out=(-9.0, -5.0), scores=None):
    return Record(
        experiment=experiment, model=model, seed=seed, hidden=16, n_params=1, generations=20, evaluations=20 * 256 * 32,
        seconds=40.0, processor="cpu", version="0", date="d", genome="g", generation=[10, 20], held_out=list(held_out),
        trials=[fitness] * 3, scores=scores or {},
    )  # fmt: skip


def test_a_choice_is_worth_the_smaller_of_two_shares():
    runs = [run("iaf", "enu", s, scores={MET: met, RIGHT: right}) for s, (met, right) in enumerate([(0.9, 0.5), (0.7, 0.8)])]
    runs += [run("iaf", "enu@large", 0, scores={MET: None, RIGHT: 1.0})]
    rows = {row["settings"]: row for row in variants.choices_table(runs)}
    assert list(rows) == list(variants.CHOICES.values())
    enu, large, none = (rows[variants.CHOICES[m]] for m in ("enu", "enu@large", "enu@unscaled"))
    assert (enu["evolutions"], enu["worst"], enu["median"], enu["best"]) == (2, "0.500", "0.600", "0.700")
    assert large["best"] == "0.000", "a unit that never fires meets no spike"
    assert none["evolutions"] == 0 and none["median"] == ""


def test_budgets_compare_the_enu_with_each_model_within_a_budget():
    short = [run("complex-stdp", "enu", s, -1.0 - s) for s in range(5)]
    short += [run("complex-stdp", "gru", s, -10.0 - s) for s in range(5)]
    rows = {(r["budget"], r["model"]): r for r in variants.budget_table({"short": short, "long": []})}
    assert (rows["short", "ENU"]["median"], rows["short", "ENU"]["best"], rows["short", "ENU"]["worst"]) == ("-3", "-1", "-5")
    assert rows["short", "GRU"]["A of ENU against it"].startswith("1.00 [")
    assert rows["short", "ENU"]["A of ENU against it"] == "" and rows["long", "GRU"]["evolutions"] == 0


@pytest.mark.parametrize("experiment", ["stdp", "complex-stdp"])
def test_every_strategy_stands_once_and_says_its_settings(experiment):
    models = variants.strategies_of_enu(experiment)
    assert len(set(models)) == len(models) and {"enu", "enu@published", "enu@annealed"} <= set(models)
    texts = [variants.strategy(experiment, model) for model in models]
    assert len(set(texts)) == len(texts)
    published = variants.strategy(experiment, "enu@published")
    assert "512" in published and "0.01" in published and "to" not in published.split()


def test_costs_and_table_agree_on_who_arrives():
    runs = [run("stdp", "enu", s, held_out=(-9.0, -0.0001 if s < 2 else -9.0)) for s in range(3)]
    found = evidence.gather(stored=runs)
    level = found.level["stdp"]
    assert -9.0 < level < -0.0001
    cost = variants.strategy_costs(runs, found, "stdp")[variants.strategy("stdp", "enu")]
    assert cost.reached.tolist() == [True, True, False] and cost.generations[:2].tolist() == [20, 20]
    row = next(r for r in variants.strategy_table(runs, found, ["stdp"]) if r["model"] == variants.strategy("stdp", "enu"))
    assert (row["evolutions"], row["reach the level"]) == (3, 2)


def test_the_annealed_enu_meets_every_other_model_under_both_strategies():
    found = variants.rivals_of_annealed("complex-stdp")
    assert len(set(found)) == 6 and {rival for _, _, rival in found} == {
        name + end for name in ("nfenu", "gru", "lstm") for end in ("", "@annealed")
    }


def test_time_constants_are_summed_up_by_the_rule_that_was_asked_for():
    names = ("time constant, steps", "window correlation with NT", "output RMSE")
    runs = [run("stdp", "enu@tau5", s, scores=dict(zip(names, (4.0 + s, 0.9, 0.01), strict=True))) for s in range(3)]
    runs += [run("stdp", "enu", 0, scores={names[0]: None})]
    (row,) = variants.time_constant_table(runs)
    assert (row["asked (steps)"], row["evolutions"], row["fitted, median"]) == (5, 3, "5.00")
    assert row["fitted, all"] == "4.00 to 6.00"
    shipped = variants.time_constant_table(load("laptop").runs)
    fitted = np.array([float(r["fitted, median"]) for r in shipped])
    assert [r["asked (steps)"] for r in shipped] == [5, 10, 20] and (np.diff(fitted) > 0).all()
    assert not any(math.isnan(v) for v in fitted)
