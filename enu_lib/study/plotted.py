"""The numbers of the sweep's figures as tidy tables, one row per point: what `enu_lib.study.panels` draws.

Single units are drawn by their loss (lower is better), mazes by fitness (higher is better): a column for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from enu_lib.figures import data
from enu_lib.study.design import LABEL, UNITS
from enu_lib.study.tables import Cost, Curves, name


def _measure(task: str) -> tuple[str, int]:
    return ("loss", -1) if task in UNITS else ("fitness", 1)


def progress(shown: Mapping[str, Mapping[str, Curves | None]]) -> pd.DataFrame:
    """Held-out loss or fitness of every evolution of {task: {model: curves}} against generations."""
    parts: list[pd.DataFrame] = []
    for task, models in shown.items():
        measure, sign = _measure(task)
        for model, curves in models.items():
            if curves is not None:
                index = {"evolution": None, "generation": curves.generation}
                parts.append(_of(data.long(index, {f"held-out {measure}": sign * curves.fitness}), task, model))
    return _joined(parts)


def finals(final: Mapping[str, Mapping[str, Sequence[float]]]) -> pd.DataFrame:
    """Final loss or fitness of every evolution of {task: {model: final fitness}}."""
    parts: list[pd.DataFrame] = []
    for task, models in final.items():
        measure, sign = _measure(task)
        for model, values in models.items():
            table = data.long({"evolution": None}, {f"final {measure}": sign * np.asarray(values, float)})
            parts.append(_of(table, task, model))
    return _joined(parts)


def levels(level: Mapping[str, float], tasks: Sequence[str]) -> pd.DataFrame:
    """The loss or fitness from which each task counts as learnt."""
    rows = []
    for task in tasks:
        measure, sign = _measure(task)
        rows.append({"task": LABEL[task], measure: sign * level.get(task, np.nan)})
    return pd.DataFrame(rows)


def reached(costs: Mapping[str, Mapping[str, Cost]]) -> pd.DataFrame:
    """Evaluations until each evolution of {task: {strategy: cost}} reached the level; if it never did, all that it used."""
    parts: list[pd.DataFrame] = []
    for task, strategies in costs.items():
        for strategy, cost in strategies.items():
            table = pd.DataFrame(
                {
                    "evolution": range(1, len(cost.reached) + 1),
                    "level reached": np.where(cost.reached, "yes", "no"),
                    "evaluations (millions)": np.where(cost.reached, cost.evaluations, cost.spent) / 1e6,
                }
            )
            table.insert(0, "task", LABEL[task])
            table.insert(1, "strategy", strategy)
            parts.append(table)
    return _joined(parts)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables that have rows, stacked."""
    kept = [part for part in parts if len(part)]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame({"task": []})


def _of(table: pd.DataFrame, task: str, model: str) -> pd.DataFrame:
    table.insert(0, "task", LABEL[task])
    table.insert(1, "model", name(model))
    return table
