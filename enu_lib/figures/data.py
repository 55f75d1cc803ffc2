"""The numbers behind a figure as tidy tables, one row per point, and their CSV text.

    data.long({"time (steps)": range(100), "memory value": range(16)}, {"value": memory})      # memory (100, 16)
    data.panels({"a": current, "b": memory})                                # one table, with a column "panel"

Columns are named as a reader would name them, with their unit in parentheses.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from enu_lib.analysis.units import FrequencyCurve, Window

DIGITS = 6  # significant digits of a number in a CSV file
TIME = "time (steps)"


def long(index: Mapping[str, Sequence[Any]], values: Mapping[str, Any]) -> pd.DataFrame:
    """Arrays as a table with a row for each element.

    index: names and labels of the arrays' dimensions, in their order.  values: arrays (or tensors) of this shape, by column.
    """
    shape = tuple(len(labels) for labels in index.values())
    labels = [np.asarray(list(of)) for of in index.values()]
    where = np.indices(shape).reshape(len(shape), -1)
    columns = {name: of[at] for (name, of), at in zip(zip(index, labels, strict=True), where, strict=True)}
    for name, array in values.items():
        array = np.asarray(array)
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, but {', '.join(index)} have {shape}: give one label for each")
        columns[name] = array.ravel()
    return pd.DataFrame(columns)


def panels(tables: Mapping[str, pd.DataFrame], column: str = "panel") -> pd.DataFrame:
    """Several tables below each other, with their names in the first column; what a table lacks is left empty."""
    return pd.concat(dict(tables), names=[column]).reset_index(level=0).reset_index(drop=True)


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV: numbers with `DIGITS` significant digits, nothing where a number is missing (NaN)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.itertuples(index=False, name=None))
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, float | np.floating):
        return "" if math.isnan(value) else f"{float(value) + 0.0:.{DIGITS}g}"  # + 0.0: zero has no sign
    return str(value)


def frequency(curve: FrequencyCurve) -> pd.DataFrame:
    """A firing-frequency curve, with the deviation of the evolved unit from the model neuron."""
    return pd.DataFrame(
        {
            "mean input current (1/step)": curve.current.numpy(),
            "model neuron, mean (spikes/step)": curve.target.numpy(),
            "model neuron, s.d. (spikes/step)": curve.target_sd.numpy(),
            "evolved unit, mean (spikes/step)": curve.evolved.numpy(),
            "evolved unit, s.d. (spikes/step)": curve.evolved_sd.numpy(),
            "deviation of the mean (%)": 100 * (curve.evolved / curve.target - 1).numpy(),
            "sequences": curve.n,
        }
    )


def window(change: Window) -> pd.DataFrame:
    """A plasticity window: the rule, and the evolved unit's mean and s.d. over sequences."""
    return pd.DataFrame(
        {
            "t_post - t_pre (steps)": change.distance.numpy(),
            "change, rule (%)": change.target.numpy(),
            "change, evolved unit, mean (%)": change.evolved.numpy(),
            "change, evolved unit, s.d. (%)": change.evolved_sd.numpy(),
            "sequences": change.n,
        }
    )


def spikes(trains: Mapping[str, Any]) -> pd.DataFrame:
    """Times of the spikes of {series: trains (n, T) bool}, a row for each spike; sequences are counted from 1."""
    found = {}
    for series, train in trains.items():
        sequence, time = np.nonzero(np.asarray(train))
        found[series] = pd.DataFrame({"sequence": sequence + 1, "spike time (steps)": time})
    return panels(found, "series")
