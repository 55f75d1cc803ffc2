"""Runs of the sweep with one setting changed: what a choice, a budget, an evolution strategy or a time constant is worth.

A variant is a model's name with @ and what is changed (`design.VARIANTS`).  Tables are lists of rows, as in `study.tables`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from enu_lib.analysis import stats
from enu_lib.study import tables
from enu_lib.study.design import MAIN, build, strategies
from enu_lib.study.evidence import Evidence
from enu_lib.study.model_name import without_variant
from enu_lib.study.results import Record, final_fitness
from enu_lib.study.tables import Cost, Row

CHOICES = {  # for the integrate-and-fire neuron
    "enu": "the sweep's settings",
    "enu@unscaled": "input not scaled",
    "enu@unrested": "no time since a spike at the start",
    "enu@constant": "mutations not narrowed",
    "enu@large": "twice the memory values",
}
SHARES = ("target spikes met within 1 step", "unit spikes met within 1 step")
NAMES = {"enu@published": "published: ", "enu@annealed": "annealed: ", "enu": "the sweep's: "}
TIME_CONSTANTS = {"enu@tau5": 5, "enu": 10, "enu@tau20": 20}  # steps; time constant of the target rule


def choices_table(runs: Sequence[Record]) -> list[Row]:
    """Integrate-and-fire units evolved with one choice undone: the smaller of two shares of spikes met, over evolutions."""
    rows: list[Row] = []
    for model, text in CHOICES.items():
        evolutions = tables.of(runs, "iaf", model)
        met = [min(run.scores[key] or 0.0 for key in SHARES) for run in evolutions]
        row: Row = {"settings": text, "evolutions": len(met), "worst": "", "median": "", "best": ""}
        if met:
            row |= {"worst": f"{min(met):.3f}", "median": f"{np.median(met):.3f}", "best": f"{max(met):.3f}"}
        rows.append(row)
    return rows


def budget_table(budgets: Mapping[str, Sequence[Record]], experiment: str = "complex-stdp") -> list[Row]:
    """Final fitness of every model under several budgets, {name: runs}, and how often the ENU's is higher (A)."""
    rows: list[Row] = []
    for budget, runs in budgets.items():
        final = {model: [final_fitness(run) for run in tables.of(runs, experiment, model)] for model in MAIN[experiment]}
        ours = final["enu"]
        for model, values in final.items():
            row: Row = {"budget": budget, "model": tables.name(model), "evolutions": len(values)}
            row |= dict.fromkeys(("median", "best", "worst", "A of ENU against it"), "")
            if values:
                row |= {"median": f"{np.median(values):.2g}", "best": f"{max(values):.2g}", "worst": f"{min(values):.2g}"}
            if values and ours and model != "enu":
                c = stats.compare(ours, values)
                row["A of ENU against it"] = f"{c.effect:.2f} [{c.low:.2f}, {c.high:.2f}]"
            rows.append(row)
    return rows


def strategies_of_enu(experiment: str) -> list[str]:
    """The ENU under every evolution strategy of the sweep: published, annealed, the sweep's own, the rest; each once."""
    others = [model for model in strategies(experiment) if without_variant(model) == "enu"]
    return list(dict.fromkeys([*NAMES, *others]))


def strategy(experiment: str, model: str) -> str:
    """An evolution strategy by its settings: offspring, s.d. of mutations, and what else is not as published."""
    e, own = build(experiment, model, "laptop"), build(experiment, "enu", "laptop")
    text = f"{NAMES.get(model, '')}{e.es.population} offspring, {e.es.sigma:g}"
    if e.es.sigma_final is not None:
        text += f" to {e.es.sigma_final:g} in {e.es.decay_generations:,}"
    if e.environments != own.environments:
        text += f", {e.environments} environments"
    return text + (", Adam, centred ranks" if e.es.optimizer == "adam" else "")


def strategy_costs(runs: Sequence[Record], known: Evidence, experiment: str) -> dict[str, Cost]:
    """The cost of reaching the experiment's level under every strategy of the ENU, by the strategy's settings."""
    level = known.level.get(experiment, math.inf)
    return {
        strategy(experiment, model): tables.costs(runs, experiment, model, level) for model in strategies_of_enu(experiment)
    }


def strategy_table(runs: Sequence[Record], known: Evidence, experiments: Sequence[str]) -> list[Row]:
    """How soon the ENU reaches each experiment's level under every strategy, as `tables.speed_table` says it."""
    pairs = [(experiment, model) for experiment in experiments for model in strategies_of_enu(experiment)]
    rows = tables.speed_table(runs, known, pairs)
    return [row | {"model": strategy(*pair)} for row, pair in zip(rows, pairs, strict=True)]


def rivals_of_annealed(experiment: str) -> list[tuple[str, str, str]]:
    """The annealed ENU against every other model, under the annealed strategy and under the sweep's."""
    others = [model for model in MAIN[experiment] if model != "enu"]
    return [(experiment, "enu@annealed", rival) for model in others for rival in (f"{model}@annealed", model)]


def time_constant_table(runs: Sequence[Record]) -> list[Row]:
    """Synapses evolved for rules of several time constants: what an exponential fitted to their windows says."""
    rows: list[Row] = []
    for model, asked in TIME_CONSTANTS.items():
        scores = [run.scores for run in tables.of(runs, "stdp", model) if run.scores.get("time constant, steps") is not None]
        if not scores:
            continue
        fitted, correlation, error = (
            np.array([math.nan if (v := run.get(key)) is None else v for run in scores], float)
            for key in ("time constant, steps", "window correlation with NT", "output RMSE")
        )
        rows.append(
            {
                "asked (steps)": asked,
                "evolutions": len(scores),
                "fitted, median": f"{np.median(fitted):.2f}",
                "fitted, all": f"{fitted.min():.2f} to {fitted.max():.2f}",
                "correlation with the rule, median": f"{np.median(correlation):.4f}",
                "RMSE of the output, median": f"{np.median(error):.4f}",
            }
        )
    return rows
