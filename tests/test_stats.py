"""Statistics against values computed by hand or by enumeration."""

from itertools import combinations

import numpy as np
import pytest
import scipy.stats

from enu_lib.analysis import stats


def test_complete_separation_of_five_and_five_has_the_smallest_p():
    found = stats.compare([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])
    assert found.effect == found.low == found.high == 1.0
    assert found.p == pytest.approx(2 / 252)  # two of the C(10, 5) permutations are as extreme
    assert found.n == (5, 5) and found.better
    turned = stats.compare([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])
    assert turned.effect == 0.0 and turned.p == found.p and turned.worse and not turned.better and not turned.alike
    assert not found.worse and not found.alike


def test_the_effect_counts_pairs_and_half_of_ties():
    assert stats.effect([1, 3, 5], [2, 3]) == pytest.approx((0 + 1 + 0.5 + 2) / 6)
    many = stats.effect(np.array([[1, 3, 5], [2, 2, 2]]), np.array([[2, 3], [2, 2]]))
    assert many == pytest.approx([3.5 / 6, 0.5])


@pytest.mark.parametrize("a, b", [([1, 2, 2, 9], [2, 3, 4, 4]), ([np.inf, 3, np.inf], [1, 2, 3]), ([1, 4, 2.5], [3, 0, 2])])
def test_p_equals_an_exact_permutation_test(a, b):
    both, n = np.array([*a, *b], float), len(a)
    seen = []
    for chosen in combinations(range(len(both)), n):
        first = np.isin(np.arange(len(both)), chosen)
        seen.append(abs(float(stats.effect(both[first], both[~first])) - 0.5))
    extreme = np.mean(np.array(seen) >= abs(float(stats.effect(a, b)) - 0.5) - 1e-12)
    assert stats.compare(a, b).p == pytest.approx(extreme)


def test_only_ties_give_no_difference():
    found = stats.compare([np.inf] * 5, [np.inf] * 5)
    assert (found.effect, found.p) == (0.5, 1.0) and found.alike and not found.better


def test_alike_requires_an_interval_without_large_effects():
    few = stats.compare([1, 4, 5, 8], [2, 3, 6, 7])
    assert (few.effect, few.p) == (0.5, 1.0) and not few.alike
    even, odd = [[4 * i + k + 2 * (i % 2) * (1 - k) for i in range(30)] for k in (0, 1)]
    many = stats.compare(even, odd)
    assert 1 - stats.LARGE < many.inner[0] < many.effect < many.inner[1] < stats.LARGE and many.alike
    assert many.low < many.inner[0] and many.inner[1] < many.high
    far = stats.compare([5, 7, 8], [1, 2, 6])  # n too small for any p < 0.05
    assert far.p > stats.ALPHA and far.effect > stats.LARGE and not far.alike and not far.better


def test_holm_equals_a_hand_computation():
    separate, middle, weak = (
        stats.compare([6, 7, 8, 9, 10], b) for b in ([1, 2, 3, 4, 5], [1, 2, 3, 4, 6.5], [1, 2, 9.5, 11, 3])
    )
    ps = [separate.p, middle.p, weak.p]
    assert ps[0] < ps[1] < ps[2]
    weakest, best, second = stats.holm([weak, separate, middle])
    assert best.p_holm == pytest.approx(3 * ps[0])
    assert second.p_holm == pytest.approx(max(3 * ps[0], 2 * ps[1]))
    assert weakest.p_holm == pytest.approx(max(2 * ps[1], ps[2]))
    assert stats.holm([]) == []


def test_intervals_contain_the_value_and_are_reproducible():
    values = [1.0, 2.0, 3.0, 4.0, 10.0]
    found = stats.interval(values)
    assert found.low < found.value == 4.0 < found.high and found.n == 5
    assert found == stats.interval(values)
    assert stats.interval([2.0]) == stats.Interval(2.0, 2.0, 2.0, 1)
    assert stats.interval([3.0, 3.0]).high == 3.0 and stats.interval([]).n == 0


def test_the_interval_of_the_mean_has_nearly_nominal_coverage():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        found = stats.interval(rng.normal(5, 2, 20))
        held += found.low <= 5 <= found.high
    assert 49 <= held <= 60  # 95%, minus the undercoverage of the percentile bootstrap at n = 20


def test_an_empty_sample_is_an_error():
    with pytest.raises(ValueError, match="got 0 and 2"):
        stats.compare([], [1, 2])


@pytest.mark.parametrize("seed", range(6))
def test_the_exact_p_value_equals_that_of_listing_all_divisions(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 4, 3 + seed % 3).astype(float), rng.integers(0, 4, 4).astype(float)  # ties
    x[0] = [0.5, np.inf][seed % 2]
    listed = scipy.stats.mannwhitneyu(x, y, alternative="two-sided", method=scipy.stats.PermutationMethod())
    assert stats.rank_sum_p(x, y) == pytest.approx(listed.pvalue, abs=1e-12)


def test_the_log_rank_test_equals_a_hand_computation():
    """Times 1, 3 and one censored at 5, against 2, 4, 4.

    Expected events of the first at times 1 to 4: 3/6, 2/5, 2/4, 2 x 1/3; their sum is 2.0667, observed are 2.  Variances:
    1/4, 6/25, 1/4, and 2 x 1/3 x 2/3 x 1/2 for two events among three: 0.9622.  So z = -0.0667 / 0.9809 = -0.068.
    """
    p = stats.log_rank_p([1, 3, np.inf], [2, 4, 4], 5)
    assert p == pytest.approx(2 * scipy.stats.norm.cdf(-0.0667 / 0.9809), abs=2e-4)
    assert stats.log_rank_p([2, 4, 4], [1, 3, np.inf], 5) == pytest.approx(p)
    assert stats.log_rank_p([np.inf] * 3, [np.inf] * 4, 5) == 1
    assert stats.log_rank_p([5, 5], [5, 5, 5], 9) == 1, "all at the same time"


def test_times_are_better_if_sooner_and_equal_if_both_were_given_up():
    sooner = stats.compare_times([1, 2, 3, 4, 5, 6, 7, 8], [9, 10, 11, 12, 13, 14, np.inf, np.inf], 20)
    assert sooner.effect == 1 and sooner.better and sooner.p < 0.001
    mixed = stats.compare_times([1, np.inf], [2, np.inf], 20)
    assert mixed.effect == (1 + 1 + 0 + 0.5) / 4  # sooner than both; given up: later than one, equal to one
    turned = stats.compare_times([9, 10, 11, 12, 13, 14, np.inf, np.inf], [1, 2, 3, 4, 5, 6, 7, 8], 20)
    assert turned.effect == 0 and turned.worse and turned.p == pytest.approx(sooner.p)
