"""Tables of stored runs for the pages.  Statistics: `enu_lib.analysis.stats`; verdicts: `enu_lib.study.claims`.

A table is a list of rows, dicts with the same keys; `markdown` formats it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from tabulate import tabulate

from enu_lib.analysis import stats
from enu_lib.experiments import LAYOUTS
from enu_lib.study import comparisons, evidence
from enu_lib.study.design import LABEL, MAIN
from enu_lib.study.evidence import Evidence
from enu_lib.study.model_name import ModelName
from enu_lib.study.results import Record

Row = dict[str, str | int]


class Curves(NamedTuple):
    """Held-out fitness of all S runs of one model: generations (G,), episodes so far (G,), fitness (S, G)."""

    generation: np.ndarray
    evaluations: np.ndarray
    fitness: np.ndarray


def of(runs: Sequence[Record], experiment: str, model: str) -> list[Record]:
    """The runs of a model on an experiment, sorted by seed."""
    return sorted((r for r in runs if (r.experiment, r.model) == (experiment, model)), key=lambda r: r.seed)


def curves(runs: Sequence[Record], experiment: str, model: str) -> Curves | None:
    """Fitness curves of all seeds, None without runs; a run that stopped at its target keeps its last value."""
    own = of(runs, experiment, model)
    if not own:
        return None
    longest = max(own, key=lambda r: len(r.generation))
    fitness = np.full((len(own), len(longest.generation)), np.nan)
    for row, run in zip(fitness, own, strict=True):
        row[: len(run.held_out)] = [math.nan if f is None else f for f in run.held_out]
        row[len(run.held_out) :] = row[len(run.held_out) - 1]
    generation = np.array(longest.generation)
    return Curves(generation, generation * (longest.evaluations // longest.generations), fitness)


def name(model: str) -> str:
    """The name of a model in figures and tables."""
    parts = ModelName.parse(model)
    remarks = ["clipped" if parts.clipped else "", "matched size" if parts.matched else "", parts.variant]
    return ", ".join([LABEL.get(parts.kind, parts.kind), *filter(None, remarks)])


def final_table(runs: Sequence[Record], known: Evidence, experiments: Sequence[str] = tuple(MAIN)) -> list[Row]:
    """Final fitness as in extended data Table 1: one row per model and experiment, including models without runs.

    first seed: mean and s.d. over 30 trial runs of one evolved parent, as in the paper.  over seeds: mean over evolutions
    with its 95% bootstrap interval.  A, p: ENU against this model (p after Holm's correction).
    """
    rows = []
    for experiment in experiments:
        models = MAIN[experiment]
        compared = comparisons.final_comparisons(known, experiment)
        rows += [_row(of(runs, experiment, m), experiment, m, known, compared.get(("enu", m))) for m in models]
        evolved = {r.model for r in runs if r.experiment == experiment}
        extra = sorted({m for m in evolved if not ModelName.parse(m).variant} - set(models))
        rows += [_row(of(runs, experiment, m), experiment, m, known, _alone(known, experiment, m)) for m in extra]
    return rows


def final_summary(rows: Sequence[Row]) -> list[Row]:
    """Six columns of `final_table`: what was compared, on how many evolutions, mean with its interval, A and p."""
    return [
        {
            "task": row["task"],
            "model": row["model"],
            "evolutions": row["evolutions"],
            "mean over seeds [95% interval]": f"{row['over seeds, mean']} [{row['95% low']}, {row['95% high']}]"
            if row["evolutions"]
            else row["remark"],
            "A": row["A"],
            "p": row["p"],
        }
        for row in rows
    ]


def _alone(known: Evidence, experiment: str, model: str) -> stats.Comparison | str:
    """ENU against a model that checks one of our choices: a single, uncorrected comparison."""
    a, b = known.final.get((experiment, "enu"), ()), known.final.get((experiment, model), ())
    return stats.compare(a, b) if min(len(a), len(b)) >= comparisons.MIN_SEEDS else "too few evolutions"


def _row(runs: list[Record], experiment: str, model: str, known: Evidence, compared: stats.Comparison | str | None) -> Row:
    row: Row = {"task": LABEL[experiment], "model": name(model), "memory": "", "parameters": "", "evolutions": len(runs)}
    empty = ("first seed, mean", "first seed, s.d.", "over seeds, mean", "95% low", "95% high", "median", "A", "p", "remark")
    row |= dict.fromkeys(empty, "")
    if not runs:
        return row | {"remark": "not run yet"}
    trials = np.array([math.nan if t is None else t for t in runs[0].trials])
    mean = stats.interval(known.final[experiment, model])
    row |= {
        "memory": runs[0].hidden,
        "parameters": runs[0].n_params,
        "first seed, mean": _digits(trials.mean()),
        "first seed, s.d.": _digits(trials.std(ddof=1)),
        "over seeds, mean": _digits(mean.value),
        "95% low": _digits(mean.low),
        "95% high": _digits(mean.high),
        "median": _digits(float(np.median(known.final[experiment, model]))),
    }
    remark = "" if model in MAIN[experiment] else "p not corrected"
    if isinstance(compared, str) and isinstance(alone := _alone(known, experiment, model), stats.Comparison):
        compared, remark = alone, f"{compared}; p not corrected"  # no verdict, but the effect is shown
    if isinstance(compared, stats.Comparison):
        row |= {"A": f"{compared.effect:.2f}", "p": f"{compared.p_holm:.2g}", "remark": remark}
    elif compared is not None:
        row["remark"] = compared
    return row


def counts(known: Evidence, experiments: Sequence[str]) -> str:
    """The number of evolutions of each model, as text for captions."""
    each = {t: ", ".join(f"{name(m)} {len(known.final.get((t, m), ()))}" for m in MAIN[t]) for t in experiments}
    return "; ".join(f"{LABEL[t]} {text}" for t, text in each.items())


class Cost(NamedTuple):
    """The cost of reaching a level for each evolution of a model, (S,); inf if it was not reached."""

    reached: np.ndarray  # bool
    generations: np.ndarray
    evaluations: np.ndarray
    seconds: np.ndarray  # core-seconds
    spent: np.ndarray  # evaluations of the whole run: episodes or sequences


def costs(runs: Sequence[Record], experiment: str, model: str, level: float) -> Cost:
    """The cost of reaching a held-out fitness, for each seed."""
    those = of(runs, experiment, model)
    generations = np.array([evidence.generations_to(r, level) for r in those], float)
    evaluations, seconds, spent = (
        np.array([(r.evaluations / r.generations, r.seconds / r.generations, r.evaluations) for r in those], float)
        .reshape(-1, 3)
        .T
    )
    reached = np.isfinite(generations)

    def until(each: np.ndarray) -> np.ndarray:
        return np.multiply(generations, each, where=reached, out=np.full_like(generations, math.inf))

    return Cost(reached, generations, until(evaluations), until(seconds), spent)


def speed_table(runs: Sequence[Record], known: Evidence, pairs: Sequence[tuple[str, str]]) -> list[Row]:
    """The number of runs of each (experiment, model) that reach the level, and the generations, evaluations and seconds needed.

    Medians over all runs; "never" if half of them or more do not reach it.
    """
    rows: list[Row] = []
    for experiment, model in pairs:
        cost = costs(runs, experiment, model, known.level.get(experiment, math.inf))
        rows.append(
            {
                "task": LABEL[experiment],
                "model": name(model),
                "evolutions": len(cost.reached),
                "reach the level": int(cost.reached.sum()),
                "generations": _median(cost.generations),
                "evaluations": _median(cost.evaluations),
                "core-seconds": _median(cost.seconds),
            }
        )
    return rows


def savings_table(
    runs: Sequence[Record],
    known: Evidence,
    comparisons: Sequence[tuple[str, str, str]],
    units: Sequence[str] = ("evaluations", "core-seconds"),
) -> list[Row]:
    """The median cost of reaching the level for each (experiment, model, other model), with a comparison.

    A: probability that an evolution of the model is cheaper than one of the other; p after Holm's correction over all rows.
    Runs are censored: if one ended without reaching the level, all runs that took more evaluations than it count as not
    reaching it.
    """
    rows: list[Row] = []
    compared: list[stats.Comparison] = []
    where = []
    for unit in units:
        for task, *models in comparisons:
            both = [costs(runs, task, model, known.level.get(task, math.inf)) for model in models]
            values = [{"evaluations": cost.evaluations, "core-seconds": cost.seconds}[unit] for cost in both]
            row: Row = {"task": LABEL[task], "cost": unit, "model": name(models[0]), "against": name(models[1])}
            row |= {"median": _median(values[0]), "median of the other": _median(values[1]), "A": "", "p": ""}
            if all(len(v) for v in values):
                given_up = min(cost.spent[~cost.reached].min(initial=math.inf) for cost in both)
                cut = [np.where(cost.evaluations <= given_up, v, math.inf) for cost, v in zip(both, values, strict=True)]
                compared.append(stats.compare(*((-v).tolist() for v in cut)))
                where.append(len(rows))
            rows.append(row)
    for i, c in zip(where, stats.holm(compared), strict=True):
        rows[i] |= {"A": f"{c.effect:.2f} [{c.low:.2f}, {c.high:.2f}]", "p": f"{c.p_holm:.2g}"}
    return rows


def behaviour_table(runs: Sequence[Record], experiment: str, measures: Sequence[str]) -> list[Row]:
    """The given scores of every evolution of each model, sorted by final fitness, best first."""
    rows = []
    for model in MAIN[experiment]:
        those = sorted(
            of(runs, experiment, model), key=lambda r: -float(np.mean([math.nan if t is None else t for t in r.trials]))
        )
        row: Row = {"model": name(model), "evolutions": len(those)}
        for measure in measures:
            values = [r.scores.get(measure) for r in those]
            row[measure] = ", ".join("none" if v is None else f"{v:.2f}" for v in values) or "not run yet"
        rows.append(row)
    return rows


def eaten_table(runs: Sequence[Record], known: Evidence, experiment: str) -> list[Row]:
    """Food in a maze for every evolution of each model, and for an agent that always takes the same arm."""
    rows = behaviour_table(runs, experiment, ("food", "second visit right after poison"))
    food = known.references.get(LAYOUTS[experiment], {}).get("fixed-arm", {}).get("food", math.nan)
    last: Row = {**dict.fromkeys(rows[0], ""), "model": "the same arm always", "food": f"{food:.2f}"}
    return [*rows, last]


def _median(values: np.ndarray) -> str:
    if not len(values):
        return "not run yet"
    middle = float(np.median(values))
    return f"{middle:,.0f}" if math.isfinite(middle) else "never"


def _digits(value: float) -> str:
    return f"{value:.3g}"


COUNTS = ("n", "changes met", "episodes", "generations", "environments", "evolutions", "visits")
NO_CASE = "*none*: no such case."


def numbers(
    table: Mapping[Any, Mapping[str, Any]],
    digits: int = 2,
    first: str | Sequence[str] = "",
    *,
    upright: bool = False,
    empty: str = "none",
) -> str:
    """{row: {column: number}} as a Markdown table: counts as whole numbers, other numbers with `digits` decimals.

    Numbers of 100 and more have at most one decimal.

    first: heading of the row names, several if these are tuples.  upright: transposed, for many measures of few things.
    empty: text for a missing number (NaN, None); "none" is explained below the table.
    """
    heads = [first] if isinstance(first, str) else list(first)
    texts = {name: {key: _number(key, value, digits, empty) for key, value in row.items()} for name, row in table.items()}
    missing = empty == "none" and any(text == empty for row in texts.values() for text in row.values())
    if upright:
        keys = list(next(iter(texts.values())))
        texts = {key: {str(name): row[key] for name, row in texts.items()} for key in keys}
    rows = [
        {**dict(zip(heads, name if isinstance(name, tuple) else (name,), strict=True)), **row} for name, row in texts.items()
    ]
    return markdown(rows) + (f"\n{NO_CASE}\n" if missing else "")


def made(settings: Mapping[str, Mapping[str, float]]) -> list[Row]:
    """The main settings of evolutions, {name: `Entry.made`}, one row each."""
    return [
        {"": name, **{key: f"{value:.2g}" if isinstance(value, float) else f"{value:,}" for key, value in row.items()}}
        for name, row in settings.items()
    ]


def _number(key: str, value: Any, digits: int, empty: str) -> str:
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return empty
    if abs(value) >= 100:
        digits = min(digits, 1)
    return f"{value:,.0f}" if key in COUNTS else f"{value:,.{digits}f}"


def markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """A table as Markdown; vertical bars in cells are escaped."""
    escaped = [{key: str(value).replace("|", "\\|") for key, value in row.items()} for row in rows]
    return tabulate(escaped, headers="keys", tablefmt="github", disable_numparse=True) + "\n"


def folded(summary: str, rows: Sequence[Mapping[str, object]]) -> str:
    """A table as Markdown, folded under a summary line."""
    return under(summary, markdown(rows))


def commands(summary: str, lines: Sequence[str]) -> str:
    """Commands as Markdown, folded under a summary line."""
    return under(summary, "\n".join(["```", *lines, "```"]))


def under(summary: str, text: str) -> str:
    """Markdown folded under a summary line."""
    return f"<details><summary>{summary}</summary>\n\n{text}\n</details>"
