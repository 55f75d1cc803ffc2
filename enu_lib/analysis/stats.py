"""Statistics over independent evolutions: intervals, a rank test, effect sizes, correction for several comparisons.

Tests, intervals and corrections come from scipy and statsmodels; what is ours is the choice, and a line for the effect.  The
unit is one evolution (one seed), since what is claimed of a model is claimed of the next evolution too; 30 trial runs of one
evolved parent only say how well that one parent is known.

Test: Mann-Whitney's U, exact, two-sided.  Final losses are skewed (now and then a run is stuck) and there are 5 to 10 of
them, so that neither normality nor equal variances, which t and Welch tests lean on, can be had or checked; ranks need
neither, and their exact distribution needs no large n.  With 5 against 5 the smallest p is 0.008.
Effect: Vargha and Delaney's A, the probability that an evolution of the first model ends better than one of the second
(ties count half); 0.5 is none, 0.71 and above (0.29 and below) is what they call large.
Likeness: a large p-value does not show that two models are alike.  They count as alike if the 90% interval of A lies within
0.29 to 0.71, which amounts to two one-sided tests of equivalence, each at 5%.
Correction: Holm's, over the comparisons made within one experiment.  The claims are confirmatory and the comparisons few, so
the chance of a single false one is what must be held, not the share of false ones among many (Benjamini-Hochberg).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

ALPHA = 0.05
LARGE = 0.71  # Vargha and Delaney (2000)
RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    """A mean with its bootstrap confidence interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """Two samples of evolutions, higher is better."""

    n: tuple[int, int]
    effect: float  # A: P(first > second) + P(equal) / 2
    low: float  # its 95% bootstrap interval
    high: float
    p: float  # exact Mann-Whitney, two-sided
    p_holm: float  # after correction; equal to p until `holm` has seen it
    inner: tuple[float, float]  # 90% bootstrap interval of A, for `alike`

    @property
    def better(self) -> bool:
        """Whether the first is better, after correction."""
        return self.effect > 0.5 and self.p_holm < ALPHA

    @property
    def worse(self) -> bool:
        """Whether the first is worse, after correction."""
        return self.effect < 0.5 and self.p_holm < ALPHA

    @property
    def alike(self) -> bool:
        """Whether an effect as large as LARGE can be excluded, either way."""
        return 1 - LARGE < self.inner[0] and self.inner[1] < LARGE


def interval(values: Sequence[float]) -> Interval:
    """Mean over independent evolutions with its 95% percentile bootstrap interval.

    With fewer than two values, or none that differ, the interval is the value itself (NaN where there is none).
    """
    x = np.asarray(values, float)
    if not len(x):
        return Interval(float("nan"), float("nan"), float("nan"), 0)
    value = float(x.mean())
    if len(x) < 2 or (x == x[0]).all():
        return Interval(value, value, value, len(x))
    from scipy import stats

    found = stats.bootstrap((x,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0))
    return Interval(value, float(found.confidence_interval.low), float(found.confidence_interval.high), len(x))


def effect(a: Any, b: Any, axis: int = -1) -> Any:
    """Vargha and Delaney's A of samples along the last axis: Mann-Whitney's U over the number of pairs."""
    x, y = np.asarray(a)[..., :, None], np.asarray(b)[..., None, :]
    return (np.count_nonzero(x > y, (-2, -1)) + 0.5 * np.count_nonzero(x == y, (-2, -1))) / (x.shape[-2] * y.shape[-1])


def compare(a: Sequence[float], b: Sequence[float]) -> Comparison:
    """Compare two samples of independent evolutions; higher is better.  Raises ValueError for an empty one."""
    return _compare(tuple(map(float, a)), tuple(map(float, b)))


@lru_cache(maxsize=1024)  # a page asks for the same comparison several times
def _compare(a: tuple[float, ...], b: tuple[float, ...]) -> Comparison:
    if not len(a) or not len(b):
        raise ValueError(f"a comparison needs values of both, got {len(a)} and {len(b)}")
    from scipy import stats

    x, y = np.asarray(a, float), np.asarray(b, float)
    value = float(effect(x, y))
    both = np.concatenate([x, y])
    if (both == both[0]).all():
        return Comparison((len(x), len(y)), value, value, value, 1.0, 1.0, (value, value))
    untied = len(np.unique(both)) == len(both)
    # with ties the textbook's exact table does not hold; then all divisions of the values are gone through
    method = "exact" if untied else stats.PermutationMethod(n_resamples=200_000, rng=np.random.default_rng(0))
    p = float(stats.mannwhitneyu(x, y, alternative="two-sided", method=method).pvalue)
    low = high = inner_low = inner_high = value
    if min(len(x), len(y)) > 1:
        draws = stats.bootstrap(
            (x, y), effect, n_resamples=RESAMPLES, method="percentile", vectorized=True, rng=np.random.default_rng(0)
        )
        low, high = (float(v) for v in draws.confidence_interval)
        inner_low, inner_high = (float(v) for v in np.quantile(draws.bootstrap_distribution, (ALPHA, 1 - ALPHA)))
    return Comparison((len(x), len(y)), value, low, high, p, p, (inner_low, inner_high))


def holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of one family with corrected p-values."""
    if not comparisons:
        return []
    from statsmodels.stats.multitest import multipletests

    corrected = multipletests([c.p for c in comparisons], method="holm")[1]
    return [replace(c, p_holm=float(p)) for c, p in zip(comparisons, corrected, strict=True)]
