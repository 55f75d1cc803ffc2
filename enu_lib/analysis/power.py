"""Statistical power of a comparison of two models, the evolutions that it needs, and the smallest difference that it detects.

Differences are given as Vargha and Delaney's A (`enu_lib.analysis.stats`).  For the Mann-Whitney test, power is simulated for
two normal distributions of equal width, whose distance follows from A; the test is exact.  For the log-rank test it follows
from the number of events and the ratio of the hazards (Schoenfeld, 1981).
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from enu_lib.analysis.stats import ALPHA, LARGE

TARGET = 0.8  # the required power
DRAWS = 4000
STEP = 0.01  # step of A in the search of `detectable`
MOST = 256  # largest number of evolutions of each model that `needed` tries


@lru_cache
def critical(n: int, alpha: float = ALPHA) -> float:
    """The smallest A that is significant for n values in each sample, without ties; infinite if none is."""
    tail = 2 * np.cumsum(_divisions(n)) / math.comb(2 * n, n)  # two-sided p-value for U and n^2 - U
    significant = np.flatnonzero(tail < alpha)
    return (n * n - int(significant[-1])) / n**2 if len(significant) else math.inf


def _divisions(n: int) -> np.ndarray:
    """For U from 0 to n^2 / 2, the number of ways to divide 2n different values into two samples of n that have this U.

    These are the coefficients of the product of (1 - x^(n + i)) / (1 - x^i) for i from 1 to n, with a relative error below
    1e-9 for n up to MOST.
    """
    size = n * n // 2 + 1
    ways = np.zeros(size)
    ways[0] = 1
    for i in range(1, n + 1):
        ways[n + i :] -= ways[: max(0, size - n - i)].copy()
        rows = math.ceil(size / i)  # dividing by 1 - x^i is a cumulative sum over every i-th coefficient
        ways = np.pad(ways, (0, rows * i - size)).reshape(rows, i).cumsum(0).ravel()[:size]
    return ways


def power(n: int, difference: float, alpha: float = ALPHA) -> float:
    """The probability that n evolutions of each model show that the first is better, if A is `difference`."""
    return float(_shown(n, difference, alpha).mean())


def _shown(n: int, difference: float, alpha: float) -> np.ndarray:
    """For each simulated pair of samples, whether it shows the difference."""
    if difference >= 1:
        return np.full(DRAWS, critical(n, alpha) <= 1)
    shown: np.ndarray = _larger(n, difference) / n**2 >= critical(n, alpha)
    return shown


@lru_cache(64)  # the same samples serve all levels of significance
def _larger(n: int, difference: float) -> np.ndarray:
    """Mann-Whitney's U for each simulated pair of samples: the number of pairs of values in which the first one is larger."""
    first, second = np.random.default_rng(0).normal(size=(2, DRAWS, n))
    both = np.concatenate([first + math.sqrt(2) * NormalDist().inv_cdf(difference), second], 1)
    _, places = np.nonzero(both.argsort(1) < n)  # ranks of the first sample's values among all, from 0
    larger: np.ndarray = places.reshape(DRAWS, n).sum(1) - n * (n - 1) // 2
    return larger


def needed(difference: float, alpha: float = ALPHA, target: float = TARGET) -> int:
    """The number of evolutions of each model that show a difference A with the given power.

    Raises ValueError if MOST are too few.
    """
    low, high = 1, 2
    while power(high, difference, alpha) < target:
        low, high = high, 2 * high
        if high > MOST:
            raise ValueError(f"a difference of A = {difference:g} needs more than {MOST} evolutions: give one further from 0.5")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(middle, difference, alpha) >= target else (middle, high)
    return high


@lru_cache
def detectable(n: int, alpha: float = ALPHA, target: float = TARGET) -> float:
    """The smallest difference A that n evolutions of each model show with the given power; NaN if none."""
    steps = np.arange(round(0.5 / STEP) + 1)  # more of the same draws show a larger true difference, so bisection works
    low, high = -1, len(steps)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if power(n, 0.5 + STEP * middle, alpha) >= target else (middle, high)
    return 0.5 + STEP * high if high < len(steps) else math.nan


def log_rank_detectable(events: int, alpha: float = ALPHA, target: float = TARGET) -> float:
    """The smallest difference A in speed that a log-rank test shows with the given power; NaN without events.

    events: evolutions of both models that reach the level.  A = h / (1 + h) for a ratio h of the hazards.
    """
    if not events:
        return math.nan
    normal = NormalDist()
    ratio = math.exp(2 * (normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(target)) / math.sqrt(events))
    return ratio / (1 + ratio)


def likeness_power(n: int) -> float:
    """The probability that n evolutions of each of two equal models show that there is no large difference between them.

    They do if the 90% interval of A lies within 1 - LARGE to LARGE.  Computed in a normal approximation.
    """
    error = math.sqrt((2 * n + 1) / (12 * n**2))
    room = LARGE - 0.5 - NormalDist().inv_cdf(1 - ALPHA) * error
    return max(0.0, 2 * NormalDist().cdf(room / error) - 1)
