"""Intervals against scipy, brute force and their invariances."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from claimbench.statistics.interval import (
    exact_interval,
    mean_and_sd,
    median_interval,
    median_rank,
    replicate_interval,
    t_interval,
    wilson_interval,
)

INF, NAN = math.inf, math.nan

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
samples = st.lists(numbers, min_size=2, max_size=30)


@pytest.mark.parametrize("n", [2, 5, 10, 40, 300])
@pytest.mark.parametrize("level", [0.90, 0.95, 0.99])
def test_t_interval_is_scipys(n, level):
    """The t interval is the one that scipy's one-sample t test gives."""
    x = np.random.default_rng(n).normal(3.0, 2.0, n)
    expected = stats.ttest_1samp(x, 0.0).confidence_interval(level)
    found = t_interval(x, level=level)
    assert found.low == pytest.approx(expected.low, rel=1e-10)
    assert found.high == pytest.approx(expected.high, rel=1e-10)
    assert found.value == pytest.approx(x.mean(), rel=1e-14)
    assert (found.level, found.n, found.kind, found.note) == (level, n, "t", "")


def test_mean_and_sd_have_the_closed_form():
    """1, 2, 3, 4 have mean 2.5 and variance 5/3."""
    mean, sd = mean_and_sd([1, 2, 3, 4])
    assert mean == 2.5
    assert sd == pytest.approx(math.sqrt(5 / 3), rel=1e-15)


@given(samples)
def test_t_interval_changes_sign_exactly(x):
    """Swapping the sides of a comparison swaps the sign of every bit of the t interval."""
    one, other = t_interval(x), t_interval([-v for v in x])
    assert (one.value, one.low, one.high) == (-other.value, -other.high, -other.low)


@given(samples, st.randoms(use_true_random=False))
def test_intervals_ignore_the_order_of_replicates(x, random):
    """Permuting the replicates changes no bit of any interval."""
    shuffled = list(x)
    random.shuffle(shuffled)
    for make in (t_interval, median_interval, exact_interval):
        assert make(x) == make(shuffled)


@given(samples, numbers)
def test_t_interval_shifts_with_a_constant(x, c):
    """Adding a constant to every effect shifts value and limits by it."""
    one, other = t_interval(x), t_interval([v + c for v in x])
    scale = max(abs(c), *(abs(v) for v in x), 1e-300)
    wide = 1 + abs(one.high - one.low) / scale
    for a, b in zip(
        (one.value, one.low, one.high), (other.value, other.low, other.high), strict=True
    ):
        assert abs(a + c - b) <= 1e-13 * scale * wide * 20


def test_one_replicate_has_an_unbounded_interval():
    """One replicate excludes nothing."""
    for make in (t_interval, median_interval):
        found = make([2.0])
        assert (found.value, found.low, found.high, found.n) == (2.0, -INF, INF, 1)


@pytest.mark.parametrize(
    "make", [t_interval, median_interval, wilson_interval, exact_interval, replicate_interval]
)
def test_no_replicate_has_no_interval(make):
    """Without replicates the value is undefined, the interval unbounded and of no kind."""
    found = make([])
    assert math.isnan(found.value)
    assert (found.low, found.high, found.n, found.kind) == (-INF, INF, 0, "none")


@pytest.mark.parametrize("value", [0.0, 0.1, -1e-300, 1e308, 1 / 3])
def test_constant_data_have_width_zero(value):
    """Equal effects give exactly their value, without rounding and without a warning."""
    found = t_interval([value] * 7)
    assert found.value == found.low == found.high == value


def test_effects_equal_up_to_rounding_have_a_width_of_rounding():
    """Effects that differ in the last bit give a sound interval as narrow as that bit."""
    x = [0.1, math.nextafter(0.1, 1), 0.1, math.nextafter(0.1, 0), 0.1, 0.1]
    found = t_interval(x)
    assert found.low <= 0.1 <= found.high
    assert found.high - found.low < 1e-15


def test_huge_and_tiny_effects_neither_overflow_nor_vanish():
    """Squares of 1e300 and of 1e-300 stay within the numbers."""
    x = np.array([1.0, 2.0, 4.0, 7.0])
    plain = t_interval(x)
    for scale in (2.0**1000, 2.0**-1000):
        found = t_interval(x * scale)
        assert found.low == plain.low * scale
        assert found.high == plain.high * scale
    assert t_interval([1.7e308, -1.7e308]).high == INF


@pytest.mark.parametrize("bad", [INF, -INF, NAN])
def test_t_interval_refuses_what_is_not_finite(bad):
    """The t interval says that it takes finite numbers only."""
    with pytest.raises(ValueError, match="finite numbers only"):
        t_interval([1.0, bad])


def test_a_table_is_no_sample():
    """Replicates have one axis."""
    with pytest.raises(ValueError, match=r"must have shape \(n,\), not \(2, 2\)"):
        t_interval(np.zeros((2, 2)))


@pytest.mark.parametrize(("count", "n"), [(0, 5), (5, 5), (3, 10), (1, 40), (39, 40), (1, 1)])
@pytest.mark.parametrize("level", [0.90, 0.95])
def test_wilson_interval_is_scipys(count, n, level):
    """The Wilson interval is the continuity-corrected one of scipy's binomial test."""
    expected = stats.binomtest(count, n).proportion_ci(level, method="wilsoncc")
    found = wilson_interval(np.arange(n) < count, level=level)
    assert found.value == count / n
    assert found.low == pytest.approx(expected.low, abs=1e-14)
    assert found.high == pytest.approx(expected.high, abs=1e-14)


@pytest.mark.parametrize("n", [2, 7, 1000, 10**7])
@pytest.mark.parametrize("level", [0.5, 0.99, 0.999999])
def test_wilson_interval_holds_its_rate_and_mirrors(n, level):
    """The rate lies inside, and failures have one minus the limits of successes."""
    for count in {1, n // 3, n - 1}:
        outcome = np.arange(n) < count
        found, mirrored = (
            wilson_interval(outcome, level=level),
            wilson_interval(~outcome, level=level),
        )
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert found.low == pytest.approx(1 - mirrored.high, abs=1e-15)
        assert found.high == pytest.approx(1 - mirrored.low, abs=1e-15)


def test_wilson_limits_are_zero_and_one_exactly():
    """No success leaves the lower limit at 0, only successes the upper one at 1."""
    for n in range(1, 60):
        assert wilson_interval([False] * n).low == 0.0
        assert wilson_interval([True] * n).high == 1.0


@pytest.mark.parametrize("n", range(1, 15))
@pytest.mark.parametrize("level", [0.75, 0.80, 0.90, 0.95])
def test_median_rank_is_the_brute_force_one(n, level):
    """Counting all 2^n patterns of sides gives the same rank, and no larger one covers."""
    below = np.array([sum(pattern) for pattern in product((0, 1), repeat=n)])

    def coverage(rank):
        # [x_(rank), x_(n+1-rank)] holds the median unless too few lie on one of its sides.
        return np.mean((below >= rank) & (n - below >= rank))

    rank = median_rank(n, level)
    assert rank == 0 or coverage(rank) >= level
    assert coverage(rank + 1) < level


def test_median_interval_of_five_is_unbounded():
    """At 95% five replicates are too few for order statistics, six are enough."""
    assert median_interval([1, 2, 3, 4, 5]).low == -INF
    six = median_interval([1, 2, 3, 4, 5, 6])
    assert (six.low, six.value, six.high) == (1, 3.5, 6)
    assert median_interval([1, 2, 3, 4, 5], level=0.90).low == 1


def test_infinite_effects_turn_the_interval_into_the_medians():
    """One infinite effect keeps a finite median and finite lower limit."""
    found = replicate_interval([1, 2, 3, 4, 5, 6, INF])
    assert found.kind == "median"
    assert (found.low, found.value, found.high) == (1, 4, INF)
    assert replicate_interval([1, 2, 3]).kind == "t"


def test_an_undefined_effect_is_taken_at_its_worst_both_ways():
    """NaN widens the interval on both sides, and leaves a median that it can't move."""
    x = [1.0, 2, 3, 4, 5, 6, 7, 8, NAN]
    found = median_interval(x)
    low, high = median_interval([*x[:-1], -INF]), median_interval([*x[:-1], INF])
    assert (found.low, found.high) == (low.low, high.high)
    assert math.isnan(found.value)
    assert median_interval([2.0] * 8 + [NAN]).value == 2.0


@pytest.mark.parametrize(
    ("x", "value", "low", "high"),
    [
        ([INF] * 8, INF, INF, INF),
        ([-INF] * 8, -INF, -INF, -INF),
        ([NAN] * 8, NAN, -INF, INF),
        ([INF] * 4 + [-INF] * 4, NAN, -INF, INF),
        ([INF] * 3, INF, -INF, INF),
    ],
)
def test_wholly_infinite_or_undefined_effects_have_an_interval(x, value, low, high):
    """All diverged, all censored and all undefined give defined limits without a warning."""
    found = replicate_interval(x)
    assert (found.low, found.high) == (low, high)
    assert found.value == value or (math.isnan(value) and math.isnan(found.value))


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=30))
def test_median_interval_changes_sign_exactly(x):
    """Swapping sides swaps the median interval too, with infinite and undefined effects."""
    one, other = median_interval(x), median_interval([-v for v in x])
    assert (one.low, one.high) == (-other.high, -other.low)
    assert one.value == -other.value or math.isnan(one.value) == math.isnan(other.value)


def test_exact_interval_is_the_range():
    """The exact interval has the range as limits and the largest modulus as value."""
    found = exact_interval([0.5, -3.0, 2.0])
    assert (found.value, found.low, found.high, found.level) == (-3.0, -3.0, 2.0, 1.0)
    assert exact_interval([-1.0, 1.0]).value == exact_interval([1.0, -1.0]).value == 1.0
    assert exact_interval([1.0, INF]).value == INF
    undefined = exact_interval([1.0, NAN])
    assert math.isnan(undefined.value)
    assert (undefined.low, undefined.high) == (-INF, INF)
