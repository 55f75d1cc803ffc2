"""Statistics over independent evolutions: intervals, a rank test, effect sizes, correction for multiple comparisons.

Tests and intervals come from scipy.  The statistical unit is one evolution (one seed), since a claim about a model must hold
for further evolutions too; the 30 trial runs of one evolved parent only measure the precision of that parent's fitness.

Test: two-sided exact Mann-Whitney U.  Final losses are skewed (occasionally a run gets stuck), and with 5 to 10 values the
normality or equal variances that t and Welch tests assume cannot be checked.  Ranks need neither, and the exact
distribution is valid for small n.  With 5 against 5 the smallest p is 0.008.
Effect size: Vargha and Delaney's A, the probability that an evolution of the first model does better than one of the second
(ties count half).  0.5 means no effect; they call 0.71 and above (0.29 and below) large.
Equivalence: a large p-value does not show that two models are alike.  They count as alike if the 90% interval of A lies
within 0.29 to 0.71, which corresponds to two one-sided tests at 5% each.
Correction: Holm's, over the comparisons within one experiment.  The claims are confirmatory and the comparisons few, so we
control the family-wise error rate and not the false discovery rate (Benjamini-Hochberg).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

ALPHA = 0.05
LARGE = 0.71  # Vargha and Delaney (2000)
RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    """A mean with its 95% bootstrap confidence interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """Comparison of two samples of evolutions; higher values are better."""

    n: tuple[int, int]
    effect: float  # A: P(first > second) + P(equal) / 2
    low: float  # its 95% bootstrap interval
    high: float
    p: float  # two-sided: exact Mann-Whitney, or log-rank (`compare_times`)
    p_holm: float  # after Holm's correction; equal to p before `holm`
    inner: tuple[float, float]  # 90% bootstrap interval of A, for `alike`

    @property
    def text(self) -> str:
        """The comparison as one line."""
        first, second = self.n
        return f"A = {self.effect:.2f} [{self.low:.2f}, {self.high:.2f}], p = {self.p_holm:.2g}, n = {first} and {second}"

    @property
    def better(self) -> bool:
        """Whether the first sample is significantly better, after correction."""
        return self.effect > 0.5 and self.p_holm < ALPHA

    @property
    def worse(self) -> bool:
        """Whether the first sample is significantly worse, after correction."""
        return self.effect < 0.5 and self.p_holm < ALPHA

    @property
    def alike(self) -> bool:
        """Whether a large effect can be excluded in either direction (equivalence)."""
        return 1 - LARGE < self.inner[0] and self.inner[1] < LARGE


def interval(values: Sequence[float]) -> Interval:
    """Mean over independent evolutions with its 95% percentile bootstrap interval.

    With fewer than two different values the interval is the value itself (NaN without any value).
    """
    x = np.asarray(values, float)
    if not len(x):
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    value = float(x.mean())
    if len(x) < 2 or (x == x[0]).all():
        return Interval(value, value, value, len(x))
    from scipy import stats

    result = stats.bootstrap((x,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0))
    return Interval(value, float(result.confidence_interval.low), float(result.confidence_interval.high), len(x))


def standard_error(values: ArrayLike) -> float:
    """Standard error of the mean of values (n,); NaN for fewer than two of them."""
    x = np.asarray(values, float)
    return float(x.std(ddof=1)) / len(x) ** 0.5 if len(x) > 1 else float("nan")


def effect(a: ArrayLike, b: ArrayLike, axis: int = -1) -> Any:
    """Vargha and Delaney's A for samples along the last axis: Mann-Whitney's U divided by the number of pairs."""
    x, y = np.asarray(a)[..., :, None], np.asarray(b)[..., None, :]
    return (np.count_nonzero(x > y, (-2, -1)) + 0.5 * np.count_nonzero(x == y, (-2, -1))) / (x.shape[-2] * y.shape[-1])


def compare(a: Sequence[float], b: Sequence[float]) -> Comparison:
    """Test, effect size and intervals for two samples of independent evolutions.  Raises ValueError for an empty sample."""
    return _compare(tuple(map(float, a)), tuple(map(float, b)))


@lru_cache(maxsize=1024)  # one page needs the same comparison several times
def _compare(a: tuple[float, ...], b: tuple[float, ...]) -> Comparison:
    if not len(a) or not len(b):
        raise ValueError(f"a comparison needs values in both samples, got {len(a)} and {len(b)}")
    from scipy import stats

    x, y = np.asarray(a, float), np.asarray(b, float)
    value = float(effect(x, y))
    both = np.concatenate([x, y])
    if (both == both[0]).all():
        return Comparison((len(x), len(y)), value, value, value, 1.0, 1.0, (value, value))
    p = rank_sum_p(x, y)
    low = high = inner_low = inner_high = value
    if min(len(x), len(y)) > 1:
        draws = stats.bootstrap(
            (x, y), effect, n_resamples=RESAMPLES, method="percentile", vectorized=True, rng=np.random.default_rng(0)
        )
        low, high = (float(v) for v in draws.confidence_interval)
        inner_low, inner_high = (float(v) for v in np.quantile(draws.bootstrap_distribution, (ALPHA, 1 - ALPHA)))
    return Comparison((len(x), len(y)), value, low, high, p, p, (inner_low, inner_high))


def rank_sum_p(x: np.ndarray, y: np.ndarray) -> float:
    """Exact two-sided p-value of the rank sum of x, over all divisions of the pooled values; ties are allowed.

    It is twice the smaller tail, at most 1, as in scipy's permutation test.
    """
    from scipy import stats

    ranks = np.rint(2 * stats.rankdata(np.concatenate([x, y]))).astype(int)  # doubled, so that midranks are whole
    share, observed = _rank_sums(ranks, len(x)), int(ranks[: len(x)].sum())
    return float(min(1.0, 2 * min(share[: observed + 1].sum(), share[observed:].sum())))


def _rank_sums(ranks: np.ndarray, n: int) -> np.ndarray:
    """The proportion of divisions in which n of these whole numbers sum to 0, 1, 2, ...

    Divisions are not listed, but counted by their sum, adding one number after another.
    """
    ways = np.zeros((n + 1, ranks.sum() + 1))  # (numbers taken, their sum): number of divisions
    ways[0, 0] = 1
    for rank in ranks:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    share: np.ndarray = ways[-1] / ways[-1].sum()
    return share


def log_rank_p(first: Sequence[float], second: Sequence[float], given_up: float) -> float:
    """Two-sided p-value of the log-rank test for two samples of times; 1 if there are no events or all are simultaneous.

    given_up: the time at which evolutions ended; an infinite time means no event by then (censored).
    """
    from scipy import stats

    samples = []
    for times in (np.asarray(first, float), np.asarray(second, float)):
        ended = np.isinf(times)
        samples.append(stats.CensoredData(uncensored=times[~ended], right=np.full(ended.sum(), given_up)))
    if not any(sample.num_censored() < len(sample) for sample in samples):
        return 1.0
    with np.errstate(invalid="ignore"):
        p = float(stats.logrank(*samples).pvalue)
    return 1.0 if math.isnan(p) else p  # 0 / 0 where all events occur at the same time


def compare_times(first: Sequence[float], second: Sequence[float], given_up: float) -> Comparison:
    """Comparison of two samples of times, with a log-rank test; sooner is better.  See `log_rank_p` for the arguments.

    A: probability that one of the first is sooner; two without an event by the end count as equal.
    """
    ranks = compare([-t for t in first], [-t for t in second])
    p = log_rank_p(first, second, given_up)
    return replace(ranks, p=p, p_holm=p)


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of one family with Holm-corrected p-values."""
    p = np.array([c.p for c in comparisons])
    order = np.argsort(p)
    corrected = np.empty(len(p))
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)  # times the number of tests left
    return [replace(c, p_holm=float(value)) for c, value in zip(comparisons, corrected, strict=True)]
