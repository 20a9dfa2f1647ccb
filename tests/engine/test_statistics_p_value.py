"""p-values against scipy and statsmodels, and their agreement with the intervals; Holm."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from claimbench.statistics.holm import holm, holm_adjusted
from claimbench.statistics.interval import median_interval, t_interval, wilson_interval
from claimbench.statistics.p_value import (
    replicate_p_value,
    score_p_value,
    sign_p_value,
    t_p_value,
)
from claimbench.statistics.rule import Condition, Rule

INF, NAN = math.inf, math.nan
TABLES = st.lists(st.sampled_from([-2.0, -1, 0, 1, 2, INF, -INF, NAN]), min_size=1, max_size=40)


def sample(seed, n=9):
    """Return normal effects with mean 0.4."""
    return np.random.default_rng(seed).normal(0.4, 1.0, n)


@pytest.mark.parametrize("seed", range(5))
def test_t_p_value_is_scipys(seed):
    """On the paper's side the p-value is scipy's two-sided one; on the other side 1 at most."""
    x = sample(seed)
    two_sided = stats.ttest_1samp(x, 0.1).pvalue
    above = t_p_value(x, Condition("above", 0.1))
    below = t_p_value(x, Condition("at most", 0.1))
    assert min(above, below) == pytest.approx(two_sided, rel=1e-9)
    assert max(above, below) == 1.0


@pytest.mark.parametrize("seed", range(5))
def test_equivalence_p_value_is_statsmodels_tost(seed):
    """Two one-sided tests have the p-value of statsmodels' paired TOST."""
    x = sample(seed, 12)
    rule = Rule(kind="equivalence", margin=0.9)
    expected = ttost_paired(x, np.zeros_like(x), -0.9, 0.9)[0]
    assert replicate_p_value(x, rule.reproduced) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("count", "n", "null"), [(9, 10, 0.5), (30, 40, 0.7), (5, 5, 0.2)])
def test_score_p_value_inverts_scipys_interval(count, n, null):
    """At level 1 - p a limit of scipy's continuity-corrected interval is the null itself."""
    above = score_p_value(np.arange(n) < count, Condition("above", null))
    limits = stats.binomtest(count, n).proportion_ci(1 - above, method="wilsoncc")
    assert limits.low == pytest.approx(null, rel=1e-9)
    below = score_p_value(np.arange(n) >= count, Condition("below", 1 - null))
    assert below == pytest.approx(above, rel=1e-12)


def test_score_p_value_of_less_than_half_a_success_is_one():
    """An excess that the continuity correction swallows speaks for neither side."""
    outcome = np.arange(5) < 3
    assert score_p_value(outcome, Condition("above", 0.55)) == 1.0
    assert score_p_value(outcome, Condition("below", 0.65)) == 1.0


@pytest.mark.parametrize(("count", "null"), [(0, 0.0), (1, 0.0), (5, 0.0)])
def test_score_p_value_at_a_null_of_zero(count, null):
    """One success refutes a rate of 0 for certain, none does not."""
    found = score_p_value(np.arange(5) < count, Condition("above", null))
    assert found == (0.0 if count else 1.0)


@pytest.mark.parametrize("above", range(9))
def test_sign_p_value_is_scipys_binomial_test(above):
    """The sign test's p-value is twice the exact one-sided binomial one, at most 1."""
    x = np.where(np.arange(8) < above, 1.0, -1.0)
    expected = stats.binomtest(above, 8, 0.5, alternative="greater").pvalue
    assert sign_p_value(x, Condition("above", 0.0)) == pytest.approx(min(1, 2 * expected))


@given(
    st.lists(st.integers(-8, 8), min_size=2, max_size=12),
    st.integers(-8, 8),
    st.sampled_from(["above", "below", "at most"]),
    st.sampled_from([0.90, 0.95]),
)
def test_t_p_value_decides_as_the_interval_does(x, null, relation, level):
    """p < 0.05 exactly where the limit lies beyond the null (equality apart, see constants)."""
    condition = Condition(relation, float(null), level)
    interval = t_interval(x, level=level)
    if abs(condition.room(interval)) > 1e-9 or interval.low == interval.high:
        assert (t_p_value(x, condition) <= 0.05) == condition.met(interval)


@given(TABLES, st.sampled_from(["above", "below", "at most"]), st.sampled_from([0.90, 0.95]))
def test_sign_p_value_decides_as_the_median_interval_does(x, relation, level):
    """p <= 0.05 exactly where the median's limit lies beyond the null, ties and NaN included."""
    condition = Condition(relation, 0.0, level)
    assert (sign_p_value(x, condition) <= 0.05) == condition.met(median_interval(x, level=level))


@given(st.integers(1, 60), st.data(), st.floats(0.01, 0.99))
def test_score_p_value_decides_as_the_wilson_interval_does(n, data, null):
    """p <= 0.05 exactly where Wilson's limit lies beyond the threshold, on either side."""
    outcome = np.arange(n) < data.draw(st.integers(0, n))
    condition = Condition(data.draw(st.sampled_from(["above", "below"])), null)
    interval = wilson_interval(outcome)
    if abs(condition.room(interval)) > 1e-12:
        assert (score_p_value(outcome, condition) <= 0.05) == condition.met(interval)


@pytest.mark.parametrize(
    ("value", "relation", "expected"),
    [(1.0, "above", 1.0), (1.1, "above", 0.0), (1.0, "at most", 0.0), (1.0, "below", 1.0)],
)
def test_constant_data_have_a_certain_p_value(value, relation, expected):
    """Effects that are all equal are on one side for certain; equality counts where it may."""
    assert t_p_value([value] * 6, Condition(relation, 1.0)) == expected


def test_replicate_p_value_chooses_the_test_and_needs_two():
    """Finite effects are tested by t, others by signs; one replicate by nothing."""
    conditions = (Condition("above", 0.0),)
    assert replicate_p_value([1.0, 2, 4], conditions) == t_p_value([1.0, 2, 4], conditions[0])
    x = [1.0, 2, INF]
    assert replicate_p_value(x, conditions) == sign_p_value(x, conditions[0])
    assert sign_p_value(x, conditions[0]) == pytest.approx(0.25)
    assert replicate_p_value([1.0], conditions) is None


def test_tiny_effects_are_tested_without_a_warning():
    """Subnormal spreads divide nothing by zero."""
    assert t_p_value([5e-324, 0.0, 5e-324, 0.0, 0.0], Condition("above", -1.0)) < 1e-9


@settings(max_examples=20)  # multipletests takes 0.1 s
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_statsmodels(p):
    """Adjusted p-values and survivors are those of statsmodels' multipletests."""
    names = {f"claim-{i}": value for i, value in enumerate(p)}
    reject, adjusted, *_ = multipletests(p, alpha=0.05, method="holm")
    assert list(holm_adjusted(names).values()) == pytest.approx(list(adjusted), abs=1e-12)
    if all(abs(value - 0.05) > 1e-12 for value in adjusted):
        assert list(holm(names).values()) == list(reject)
    assert list(holm(names)) == list(names)


def test_holm_of_a_small_family():
    """0.01, 0.02, 0.04 survive alone and together; 0.03 twice and 0.01 lose the pair."""
    assert holm_adjusted({"a": 0.01, "b": 0.02, "c": 0.04}) == {"a": 0.03, "b": 0.04, "c": 0.04}
    assert holm({"a": 0.03, "b": 0.01, "c": 0.03}) == {"a": False, "b": True, "c": False}
    assert holm({}) == {}


@pytest.mark.parametrize("bad", [-0.1, 1.1, NAN])
def test_holm_refuses_what_is_no_p_value(bad):
    """A p-value outside [0, 1] is named."""
    with pytest.raises(ValueError, match=r"lie in \[0, 1\], found \{'b': "):
        holm({"a": 0.5, "b": bad})
