"""Means over episodes and shares of visits, with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from enu_lib.analysis.learning import interval


@dataclass(frozen=True)
class Measure:
    """A proportion (95% Wilson interval) or a mean (1.96 standard errors).  Without any events, value is NaN and n is 0."""

    text: str
    value: float
    low: float
    high: float
    n: int  # episodes, or visits counted


def mean(text: str, values: np.ndarray) -> Measure:
    """The mean of one value per episode (n,)."""
    value, n = float(values.mean()), len(values)
    half = 1.96 * float(values.std(ddof=1)) / n**0.5 if n > 1 else 0.0
    return Measure(text, value, value - half, value + half, n)


def share(text: str, food: np.ndarray, episode: np.ndarray) -> Measure:
    """The proportion of visits that ended with food.  food (M,) bool; episode (M,), the episode of each visit.

    Visits within an episode are not independent.  The interval therefore uses an effective number of visits, from the
    variance between episodes (linearised ratio estimator); without any variance, the number of episodes.
    """
    right, episode = food.astype(float), np.unique(episode, return_inverse=True)[1]
    if not len(right):
        return Measure(text, math.nan, 0.0, 1.0, 0)
    value, n_episodes = float(right.mean()), int(episode.max()) + 1
    between = float((np.bincount(episode, right - value) ** 2).sum()) / len(right) ** 2
    effective = min(len(right), value * (1 - value) / between) if between > 0 else n_episodes
    low, high = interval(value * effective, effective)
    return Measure(text, value, low, high, len(right))
