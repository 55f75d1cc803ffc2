"""Comparisons of two models on a task over independent evolutions, or the reason why they cannot be compared.

The statistical unit is one evolution: the evolved parent's mean fitness over 30 trial runs, or the number of generations to
reach a level.  For the choice of statistics see `enu_lib.analysis.stats`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from enu_lib.analysis import stats
from enu_lib.study.design import MAIN
from enu_lib.study.evidence import Evidence

MIN_SEEDS = 5  # minimal number of evolutions of each model for a comparison

Pair = tuple[str, str]
Values = Mapping[tuple[str, str], Sequence[float]]  # by (experiment, model), one value per evolution


def values_of_pair(e: Evidence, experiment: str, pair: Pair, values: Values) -> str | tuple[list[float], list[float]]:
    """The values of both models, or the reason why they cannot be compared."""
    a, b = (list(values.get((experiment, model), ())) for model in pair)
    if not a and not b:
        return "not run yet"
    if min(len(a), len(b)) < MIN_SEEDS:
        return f"too few evolutions ({len(a)} and {len(b)}, {MIN_SEEDS} each are needed)"
    finals = [e.final.get((experiment, model), ()) for model in pair]
    level = e.level.get(experiment, -math.inf)
    if not any(len(f) and float(np.median(f)) >= level for f in finals):
        return "neither median is at the level at which something has been learnt"
    return a, b


def compared(
    e: Evidence, experiment: str, pairs: Sequence[Pair], values: Values, less_is_better: bool = False
) -> dict[Pair, stats.Comparison | str]:
    """Comparisons of all pairs, Holm-corrected as one family; a string is the reason why a pair is not compared."""
    sign = -1 if less_is_better else 1
    each = {pair: values_of_pair(e, experiment, pair, values) for pair in pairs}
    both = {pair: v for pair, v in each.items() if not isinstance(v, str)}
    family = stats.holm([stats.compare([sign * x for x in a], [sign * x for x in b]) for a, b in both.values()])
    corrected = dict(zip(both, family, strict=True))
    return {pair: v if isinstance(v, str) else corrected[pair] for pair, v in each.items()}


def final_comparisons(e: Evidence, experiment: str) -> dict[Pair, stats.Comparison | str]:
    """Comparisons of final fitness: ENU against every other model of an experiment."""
    return compared(e, experiment, [("enu", other) for other in MAIN[experiment][1:]], e.final)


def speed_comparisons(e: Evidence, experiment: str) -> dict[Pair, stats.Comparison | str]:
    """Comparisons of generations to the level: ENU against GRU and LSTM, GRU against LSTM."""
    pairs = [("enu", "gru"), ("enu", "lstm"), ("gru", "lstm")]
    return compared(e, experiment, pairs, e.reached, less_is_better=True)
