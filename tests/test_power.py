"""Power of the tests, against exact values, hand computations and simulations of the tests themselves."""

import math

import numpy as np
import pytest

from enu_lib.analysis import power, stats


@pytest.mark.parametrize("n, expected", [(3, math.inf), (4, 1.0), (5, 23 / 25)])
def test_the_smallest_significant_difference_is_that_of_the_exact_test(n, expected):
    """Four of each: 2 of C(8, 4) = 70 divisions, p = 0.029.  Five: U = 23 has 4 of 252 divisions in its tail, p = 0.032."""
    assert power.critical(n) == pytest.approx(expected)


@pytest.mark.parametrize("n, alpha", [(6, 0.05), (10, 0.01), (20, 0.05 / 3), (60, 0.05)])
def test_a_difference_is_significant_from_the_critical_one_on(n, alpha):
    wanted = round(power.critical(n, alpha) * n * n)
    for u, significant in ((wanted, True), (wanted - 1, False)):
        full, rest = divmod(u, n)
        x = np.array([n + 1.0] * full + ([rest + 0.5] if rest else []) + [0.0] * (n - full - bool(rest)))
        x += np.arange(n) * 1e-6  # no ties
        y = np.arange(1.0, n + 1)
        assert stats.effect(x, y) == pytest.approx(u / n**2)
        assert (stats.rank_sum_p(x, y) < alpha) == significant


def test_power_agrees_with_a_simulation_of_the_test():
    rng, shift = np.random.default_rng(5), math.sqrt(2) * 0.8416212  # A = 0.8
    seen = [stats.rank_sum_p(rng.normal(shift, 1, 12), rng.normal(0, 1, 12)) < 0.05 for _ in range(400)]
    assert power.power(12, 0.8) == pytest.approx(np.mean(seen), abs=0.07)
    assert power.power(12, 0.5) == pytest.approx(0.025, abs=0.01)  # the level, in one direction
    assert power.power(12, 1.0) == 1 and power.power(3, 1.0) == 0


@pytest.mark.parametrize("difference, shift", [(0.7, 0.7416), (0.8, 1.1902)])
def test_the_number_of_evolutions_agrees_with_the_asymptotic_efficiency(difference, shift):
    """Of three comparisons, the first: a t test needs 2 (2.394 + 0.842)^2 / shift^2 of each, ranks 1 / 0.955 times as many."""
    asymptotic = 2 * (2.394 + 0.842) ** 2 / shift**2 / 0.955
    assert asymptotic - 1 < power.needed(difference, 0.05 / 3) < asymptotic + 3


def test_the_smallest_visible_difference_is_seen_and_a_smaller_one_is_not():
    for n in (12, 30):
        seen = power.detectable(n)
        assert power.power(n, seen) >= 0.8 > power.power(n, seen - 0.01)
    assert math.isnan(power.detectable(3))
    with pytest.raises(ValueError, match=r"0\.51.*256"):
        power.needed(0.51)


def test_the_power_of_a_log_rank_test_equals_a_hand_computation():
    """Schoenfeld: (1.960 + 0.842)^2 / (ln 2)^2 x 4 = 65.4 events for a ratio of 2, A = 2/3."""
    assert power.log_rank_detectable(65) > 2 / 3 > power.log_rank_detectable(66)
    assert math.isnan(power.log_rank_detectable(0))


def test_the_power_of_a_log_rank_test_agrees_with_a_simulation_of_it():
    rng = np.random.default_rng(2)
    seen = [stats.log_rank_p(rng.exponential(1, 30), rng.exponential(2.5, 30), math.inf) < 0.05 for _ in range(120)]
    assert power.log_rank_detectable(60, target=float(np.mean(seen))) == pytest.approx(2.5 / 3.5, abs=0.02)


def test_likeness_needs_many_evolutions():
    """n = 30: s.d. sqrt(61 / 10800) = 0.0752, 0.21 - 1.645 x 0.0752 = 0.0864 = 1.149 s.d., and P(|z| < 1.149) = 0.75."""
    assert power.likeness_power(30) == pytest.approx(0.75, abs=0.005)
    assert power.likeness_power(10) == 0 < power.likeness_power(20) < power.likeness_power(40)
