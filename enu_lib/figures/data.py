"""The numbers behind a figure as tidy tables, one row per point, and their CSV text.

    data.long({"time (steps)": range(100), "memory value": range(16)}, {"value": memory})      # memory (100, 16)
    data.panels({"a": current, "b": memory})                                # one table, with a column "panel"

Columns are named as a reader would name them, with their unit in parentheses.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from enu_lib.analysis.phases import Phase
from enu_lib.analysis.units import FrequencyCurve, Window
from enu_lib.tasks.geometry import Geometry
from enu_lib.tasks.iaf import IAF, IAFBatch
from enu_lib.tasks.stdp import STDPBatch
from enu_lib.trace import Trace

DIGITS = 6  # significant digits of a number in a CSV file
TIME = "time (steps)"


def long(index: Mapping[str, ArrayLike | None], values: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Arrays as a table with one row per element.

    index: {name: labels} of the arrays' dimensions, in order; None: 1, 2, ...  values: {column: array or tensor}, all of one
    shape.  Raises ValueError if labels do not fit the shape, or a name is used twice.
    """
    arrays = {name: np.asarray(array) for name, array in values.items()}
    shape = next(iter(arrays.values())).shape
    labels = [
        np.arange(1, n + 1) if given is None else np.asarray(given) for n, given in zip(shape, index.values(), strict=True)
    ]
    for name, array in arrays.items():
        if array.shape != tuple(map(len, labels)):
            wanted = ", ".join(f"{len(each)} ({dimension})" for dimension, each in zip(index, labels, strict=True))
            raise ValueError(f"{name} has shape {array.shape}, its labels {wanted}: give one label for each element")
    if twice := index.keys() & values.keys():
        raise ValueError(f"{', '.join(sorted(twice))} names both labels and values: choose another name for one of them")
    where = np.indices(shape).reshape(len(shape), -1)
    columns = {name: each[at] for name, each, at in zip(index, labels, where, strict=True)}
    return pd.DataFrame(columns | {name: array.ravel() for name, array in arrays.items()})


def series(column: str, by: Mapping[str, ArrayLike], index: Mapping[str, ArrayLike | None], value: str) -> pd.DataFrame:
    """Several series {series: array} as one table: the name of the series in `column`, then `index` as in `long`."""
    return panels({name: long(index, {value: array}) for name, array in by.items()}, column)


def panels(tables: Mapping[str, pd.DataFrame], column: str = "panel") -> pd.DataFrame:
    """Several tables stacked, with their names in the first column; columns that a table lacks are left empty."""
    return pd.concat(dict(tables), names=[column]).reset_index(level=0).reset_index(drop=True)


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV text: numbers with `DIGITS` significant digits, missing ones (NaN) as empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.itertuples(index=False, name=None))
    return text.getvalue()


def _cell(value: object) -> str:
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
            "deviation of the mean (%)": 100 * curve.deviation.numpy(),
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


def spikes(trains: Mapping[str, ArrayLike]) -> pd.DataFrame:
    """Spike times of {series: trains (n, T) bool}, one row per spike; sequences are counted from 1."""
    tables = {}
    for series, train in trains.items():
        sequence, time = np.nonzero(np.asarray(train))
        tables[series] = pd.DataFrame({"sequence": sequence + 1, "spike time (steps)": time})
    return panels(tables, "series")


def one_generation(parent: ArrayLike, offspring: Any, weight: ArrayLike, after: ArrayLike, optimum: ArrayLike) -> pd.DataFrame:
    """Two genes of the parent, its offspring (with their weights), the parent after its step, and the optimum."""
    points = {"parent": [parent], "offspring": offspring, "parent after its step": [after], "optimum": [optimum]}
    tables = {name: pd.DataFrame(np.stack([*map(np.asarray, at)]), columns=["gene 1", "gene 2"]) for name, at in points.items()}
    tables["offspring"]["weight"] = np.asarray(weight)
    return panels(tables, "series")


def iaf_sequence(task: IAF, batch: IAFBatch, i: int = 0) -> pd.DataFrame:
    """Sequence i of the integrate-and-fire task: input, potential and spikes of the model neuron."""
    current = batch.inputs[i, :, 0] / task.input_scale
    values = {"input current (1/step)": current, "potential": batch.potential[i], "target spike": batch.spikes[i].int()}
    return long({TIME: range(len(current))}, values)


def stdp_sequence(batch: STDPBatch, i: int = 0) -> pd.DataFrame:
    """Sequence i of a plasticity task: its inputs, and the target output."""
    names = ("graded input", "presynaptic spike", "postsynaptic spike", "neuromodulator")
    values = {name: batch.inputs[i, :, channel] for channel, name in enumerate(names[: batch.inputs.shape[-1]])}
    return long({TIME: range(batch.inputs.shape[1])}, values | {"target output": batch.target[i]})


def episode(x: ArrayLike, y: ArrayLike, ate: ArrayLike) -> pd.DataFrame:
    """One episode in a maze: sensors and rewards x (T, 4, C), outputs y (T, 3), and meals (1: food, -1: poison)."""
    x, y = np.asarray(x), np.asarray(y)
    values = {f"sensor {k + 1}": x[:, k, 0] for k in range(3)} | {"reward, food": x[:, 3, 1], "reward, poison": x[:, 3, 2]}
    values |= {f"output {k + 1}": y[:, k] for k in range(3)}
    return long({TIME: range(len(x))}, {**values, "meal (1 food, -1 poison)": np.asarray(ate)})


def visit(grid: Geometry, episodes: Trace, phase: Phase) -> pd.DataFrame:
    """The steps of one phase of an episode: squares of agent, food and poison as row and column from the upper left."""
    steps = np.arange(phase.first, phase.last + 1)
    state = {
        name: episodes.task[name][0, phase.episode].numpy()[steps] for name in ("square", "heading", "food", "poison", "ate")
    }
    squares = np.array(grid.squares)
    columns = {"phase": phase.name, "episode": phase.episode, TIME: steps}
    for name, of in (("agent", "square"), ("food", "food"), ("poison", "poison")):
        columns |= {f"{name}, row": squares[state[of], 0], f"{name}, column": squares[state[of], 1]}
    headings = np.array(["east", "south", "west", "north"])
    return pd.DataFrame(columns | {"heading": headings[state["heading"]], "meal (1 food, -1 poison)": state["ate"]})
