"""Tables of stored runs against values computed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest

from enu_lib import widgets
from enu_lib.study import evidence, tables
from enu_lib.study.results import Record


def _run(model, seed, trials, held_out, generations=20, experiment="stdp"):
    generation = [10 * (i + 1) for i in range(len(held_out))]
    evaluations = 256 * 32 * generations
    places = dict(hidden=16, n_params=1073, seconds=2.0 * generations, processor="cpu", version="0", date="d", genome="g")
    return Record(
        experiment=experiment, model=model, seed=seed, generations=generations, evaluations=evaluations,
        generation=generation, held_out=held_out, trials=trials, scores={}, **places,
    )  # fmt: skip


RUNS = [
    *(_run("enu", s, [-1.0 - s, -3.0 - s], [-9.0, -0.0004]) for s in range(5)),
    *(_run("gru", s, [-10.0 - s, -10.0 - s], [-9.0, -5.0]) for s in range(5)),
    _run("gru-clip", 0, [-2.0, -2.0], [-9.0, -5.0]),
    _run("enu@small", 0, [-2.0, -2.0], [-0.0001], generations=10),
]


def test_curves_have_one_row_per_seed_and_keep_the_last_value_of_stopped_runs():
    found = tables.curves([RUNS[0], RUNS[1]._replace(generation=[10], held_out=[-7.0])], "stdp", "enu")
    assert found.generation.tolist() == [10, 20] and found.evaluations.tolist() == [81920, 163840]
    assert found.fitness.tolist() == [[-9.0, -0.0004], [-7.0, -7.0]]
    assert tables.curves(RUNS, "iaf", "enu") is None


def test_the_final_table_has_every_model_and_marks_missing_runs():
    found = evidence.gather(stored=RUNS)
    rows = {(r["task"], r["model"]): r for r in tables.final_table(RUNS, found)}
    enu, gru = rows["STDP", "ENU"], rows["STDP", "GRU"]
    assert (enu["evolutions"], enu["parameters"], enu["memory"]) == (5, 1073, 16)
    assert enu["first seed, mean"] == "-2" and enu["first seed, s.d."] == f"{2**0.5:.3g}"
    assert enu["over seeds, mean"] == "-4" and enu["median"] == "-4"
    assert float(enu["95% low"]) < -4 < float(enu["95% high"])
    assert gru["A"] == "1.00" and gru["p"] == f"{2 / 252:.2g}" and gru["remark"].startswith("neither median is at the level")
    easier = replace(found, level={"stdp": -5.0})
    gru = next(r for r in tables.final_table(RUNS, easier) if (r["task"], r["model"]) == ("STDP", "GRU"))
    assert gru["A"] == "1.00" and gru["remark"] == "" and gru["p"] == f"{2 / 252:.2g}"  # the only comparison of its family
    assert rows["STDP", "LSTM"]["remark"] == "not run yet" and rows["STDP", "LSTM"]["evolutions"] == 0
    assert rows["STDP", "GRU, clipped"]["remark"] == "too few evolutions"
    assert not any("@" in model for _, model in rows)
    assert {task for task, _ in rows} == {"IAF", "STDP", "complex STDP", "T-maze", "double T-maze"}


def test_speed_counts_generations_lives_and_seconds_to_the_level():
    found = evidence.gather(stored=RUNS)
    assert -0.0005 < found.level["stdp"] < -0.0004
    pairs = [("stdp", "enu"), ("stdp", "gru"), ("stdp", "lstm"), ("stdp", "enu@small")]
    enu, gru, lstm, small = tables.speed_table(RUNS, found, pairs)
    assert (enu["reach the level"], enu["generations"], enu["evaluations"]) == (5, "20", "163,840")
    assert enu["core-seconds"] == "40"
    assert (gru["reach the level"], gru["generations"], gru["evaluations"]) == (0, "never", "never")
    assert lstm["generations"] == "not run yet" and small["generations"] == "10"
    never = tables.costs(RUNS, "stdp", "gru", found.level["stdp"])
    assert np.isinf(never.evaluations).all() and not never.reached.any()
    assert never.spent.tolist() == [r.evaluations for r in RUNS if r.model == "gru"]
    assert len(tables.costs(RUNS, "stdp", "lstm", -1.0).reached) == 0


def test_savings_rank_costs_and_runs_below_the_level_rank_last():
    def runs(model, reach):
        return [_run(model, k, [-1.0] * 9, [-1.0] * n + [-0.0001]) for k, n in enumerate(reach)]

    never = _run("enu@published", 5, [-1.0] * 9, [-1.0] * 9, generations=90)
    both = [*runs("enu@annealed", (1, 2, 2, 3, 3)), *runs("enu@published", (4, 5, 6, 7, 8)), never]
    found = replace(evidence.gather(stored=both), level={"stdp": -0.0005})
    rows = tables.savings_table(both, found, [(t, "enu@annealed", "enu@published") for t in ("complex-stdp", "stdp")])
    assert [(r["task"], r["cost"]) for r in rows[:2]] == [("complex STDP", "evaluations"), ("STDP", "evaluations")]
    assert rows[3]["cost"] == "core-seconds" and rows[3]["A"] == rows[1]["A"]  # seconds per life are equal in all of these
    assert (rows[0]["model"], rows[0]["against"]) == ("ENU, annealed", "ENU, published")
    assert rows[0]["median"] == "not run yet" and rows[0]["A"] == rows[0]["p"] == ""
    assert rows[1]["A"].startswith("1.00") and float(rows[1]["p"]) == pytest.approx(2 * 2 / math.comb(11, 5), rel=0.05)
    assert float(rows[1]["median"].replace(",", "")) < float(rows[1]["median of the other"].replace(",", ""))
    (back,) = tables.savings_table(both, found, [("stdp", "enu@published", "enu@annealed")], ["evaluations"])
    assert back["A"].startswith("0.00")
    given_up = _run("enu@annealed", 5, [-1.0] * 9, [-1.0] * 2, generations=20)  # so that higher costs are censored
    (cut,) = tables.savings_table([*both, given_up], found, [("stdp", "enu@annealed", "enu@published")], ["evaluations"])
    assert cut["A"].startswith(f"{1 / 6 + 5 / 6 / 2:.2f}")  # one of six reached the level within 20 generations


def test_the_runs_explorer_offers_the_models_of_the_task():
    runs = [*RUNS, _run("shared", 0, [9.0], [8.0], experiment="tmaze"), _run("enu", 0, [9.0], [8.0], experiment="tmaze")]
    shown = widgets.runs_explorer(runs, {}, "stdp")
    task, model = shown.controls["experiment"], shown.controls["model"]
    assert [name for name, _ in model.options] == ["all", "ENU", "GRU", "GRU, clipped", "ENU, small"]
    before = shown.picture.value
    model.value = "enu@small"
    assert shown.picture.value != before
    drawn = []
    shown.picture.observe(drawn.append, "value")
    task.value = "tmaze"
    assert len(drawn) == 1, "the menus of both task and model have changed, and it is drawn once"
    assert model.value == "all" and [m for _, m in model.options] == ["all", "enu", "shared"]
    model.value = "enu"
    task.value = "stdp"
    assert model.value == "enu"


def test_a_table_as_markdown():
    rows = [{"task": "a", "value": "1,5"}, {"task": "b", "value": 2}]
    lines = [[text.strip() for text in line.strip("|").split("|")] for line in tables.markdown(rows).splitlines()]
    assert lines[0] == ["task", "value"] and set("".join(lines[1])) == {"-"} and lines[2:] == [["a", "1,5"], ["b", "2"]]
    assert r"x \| y" in tables.markdown([{"a": "x | y", "b": "0.50"}]) and "0.50" in tables.markdown([{"b": "0.50"}])


def cells_of(text):
    """The cells of a Markdown table, row by row."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def test_numbers_have_whole_counts_and_their_gaps_are_explained():
    table = {"enu": {"n": 2048, "food": 1.23456, "right": math.nan}, "gru": {"n": 7.0, "food": 0, "right": 1}}
    cells = cells_of(tables.numbers(table, 2, "model"))
    assert cells[0] == ["model", "n", "food", "right"]
    assert cells[2:] == [["enu", "2,048", "1.23", "none"], ["gru", "7", "0.00", "1.00"]]
    assert "none" in tables.numbers(table).splitlines()[-1] and "|" not in tables.numbers(table).splitlines()[-1]
    assert cells_of(tables.numbers({"enu": {"food": 13.4567, "steps": 398.7734}}, 3))[2] == ["enu", "13.457", "398.8"]
    without = tables.numbers(table, empty="")
    assert "none" not in without and "nan" not in without
    upright = cells_of(tables.numbers(table, 1, upright=True))
    assert upright[0][1:] == ["enu", "gru"] and upright[2:4] == [["n", "2,048", "7"], ["food", "1.2", "0.0"]]


def test_names_of_several_parts_have_a_column_each():
    text = tables.numbers({("t", "looking"): {"food": 2.0}}, 1, ("maze", "agent"))
    assert cells_of(text)[2] == ["t", "looking", "2.0"]


def test_settings_of_evolutions_are_rounded_and_whole_numbers_are_not():
    (row,) = tables.made({"unit": {"generations": 3000, "s.d.": 0.001987654}})
    assert row == {"": "unit", "generations": "3,000", "s.d.": "0.002"}


def test_the_summary_of_the_final_table_has_six_columns_of_it():
    rows = tables.final_table(RUNS, evidence.gather(stored=RUNS), ["stdp"])
    summary = tables.final_summary(rows)
    assert len(summary) == len(rows) and all(len(row) == 6 for row in summary)
    whole, short = ({row["model"]: row for row in table} for table in (rows, summary))
    assert any(str(value).startswith(whole["ENU"]["over seeds, mean"]) for value in short["ENU"].values())
    assert all(s["A"] == r["A"] and s["p"] == r["p"] for s, r in zip(summary, rows, strict=True))


def test_the_behaviour_table_lists_every_evolution():
    scores = ({"food": 2.0, "right": 0.5}, {"food": 9.512, "right": None})
    runs = [_run("enu", k, [float(k)], [1.0], experiment="tmaze")._replace(scores=s) for k, s in enumerate(scores)]
    rows = {row["model"]: row for row in tables.behaviour_table(runs, "tmaze", ["food", "right"])}
    assert rows["ENU"] == {"model": "ENU", "evolutions": 2, "food": "9.51, 2.00", "right": "none, 0.50"}
    assert rows["GRU"]["food"] == "not run yet" and rows["GRU"]["evolutions"] == 0
    found = evidence.gather(stored=runs)
    *models, last = tables.eaten_table(runs, replace(found, references={"t": {"fixed-arm": {"food": 4.406}}}), "tmaze")
    assert [row["model"] for row in models] == list(rows) and last["food"] == "4.41"


def test_a_folded_table_is_the_table_between_blank_lines():
    rows = [{"a": 1, "b": "x|y"}]
    head, rest = tables.folded("more", rows).split("\n\n", 1)
    assert "<summary>more</summary>" in head and rest == tables.markdown(rows) + "\n</details>"
