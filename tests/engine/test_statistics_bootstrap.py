"""The bootstrap against scipy's, and its rules for degenerate statistics."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from claimbench.errors import ContenderError
from claimbench.statistics.bootstrap import bca_limits, bootstrap_interval, bootstrap_intervals

INF, NAN = math.inf, math.nan


def rng(seed=0):
    """Return a generator."""
    return np.random.default_rng(seed)


@pytest.mark.parametrize("level", [0.90, 0.95])
@pytest.mark.parametrize("name", ["mean", "ratio", "median"])
def test_limits_are_scipys_bca(level, name):
    """With the same generator the limits are those of scipy.stats.bootstrap."""
    x = rng(1).lognormal(0.0, 1.0, size=(24, 2))
    statistic = {
        "mean": lambda i: x[i, 0].mean(),
        "ratio": lambda i: math.log(x[i, 0].mean() / x[i, 1].mean()),
        "median": lambda i: float(np.median(x[i, 0])),
    }[name]
    found = bootstrap_interval(statistic, 24, level=level, rng=rng(2), resamples=999)
    scipys = stats.bootstrap(
        (np.arange(24),),
        lambda i: statistic(i.astype(int)),
        vectorized=False,
        method="BCa",
        confidence_level=level,
        n_resamples=999,
        rng=rng(2),
    ).confidence_interval
    assert found.low == pytest.approx(scipys.low, rel=1e-9)
    assert found.high == pytest.approx(scipys.high, rel=1e-9)
    assert found.value == statistic(np.arange(24))
    assert (found.level, found.n, found.kind, found.note) == (level, 24, "bootstrap", "")


def test_levels_share_the_resamples():
    """Two levels in one call are the two single calls with the same generator."""
    x = rng(3).normal(size=12)
    both = bootstrap_intervals(lambda i: x[i].mean(), 12, levels=(0.95, 0.90), rng=rng(4))
    single = [
        bootstrap_interval(lambda i: x[i].mean(), 12, level=level, rng=rng(4))
        for level in (0.95, 0.90)
    ]
    assert both == single
    assert both[0].low < both[1].low < both[1].high < both[0].high


def test_the_statistic_sees_integer_indices_of_its_sample():
    """Indices are integers within the sample, so that both sides are drawn together."""
    seen = []
    bootstrap_interval(lambda i: float(seen.append(i) or i[0]), 6, rng=rng(), resamples=50)
    assert all(i.dtype.kind == "i" and i.min() >= 0 and i.max() < 6 for i in seen)
    assert np.array_equal(seen[0], np.arange(6))
    assert len(seen) == 1 + 50 + 6


def test_constant_data_have_width_zero():
    """A statistic that no resampling moves has an interval of width 0, without a warning."""
    found = bootstrap_interval(lambda _: 0.3, 8, rng=rng(), resamples=200)
    assert (found.value, found.low, found.high, found.note) == (0.3, 0.3, 0.3, "")


def test_values_equal_up_to_rounding_are_sound():
    """Resamples that differ by rounding only give an interval as narrow as rounding."""
    x = np.full(9, 0.1)
    x[::2] = math.nextafter(0.1, 1)
    found = bootstrap_interval(lambda i: x[i].mean(), 9, rng=rng(), resamples=500)
    assert found.high - found.low < 1e-15
    assert abs(found.value - 0.1) < 1e-15


def test_one_bad_replicate_makes_the_interval_unbounded_where_it_leads():
    """An infinite replicate leaves the other limit, an undefined one leaves none."""
    x = rng(5).normal(size=20)
    x[3] = INF
    one = bootstrap_interval(lambda i: x[i].mean(), 20, rng=rng(), resamples=999)
    assert one.high == INF
    assert math.isfinite(one.low)
    assert "infinite or undefined" in one.note
    x[3] = NAN
    none = bootstrap_interval(lambda i: x[i].mean(), 20, rng=rng(), resamples=999)
    assert (none.low, none.high) == (-INF, INF)
    assert math.isnan(none.value)


def test_a_few_undefined_resamples_take_the_percentile_interval():
    """Resamples undefined by chance are counted in the note and taken at their worst."""
    distribution = np.concatenate([np.arange(1.0, 1000.0), [NAN] * 10])
    low, high, note = bca_limits(500.0, distribution, np.arange(5.0))
    # 1,009 resamples: rank floor(1010 * 0.025) = 25, ten of them lost to the worst case.
    assert (low, high) == (15.0, 985.0)
    assert note == "percentile, 10 of 1009 resamples are infinite or undefined"


def test_a_sample_outside_its_resamples_takes_the_percentile_interval():
    """Where the bias correction is infinite the percentile interval stands in, and says so."""
    distribution = np.arange(1.0, 1000.0)
    low, high, note = bca_limits(5000.0, distribution, np.arange(5.0))
    assert (low, high) == (25.0, 975.0)
    assert note == "percentile, the sample lies outside all its resamples"


def test_leave_one_out_values_that_agree_have_no_acceleration():
    """Equal leave-one-out values leave the bias-corrected percentiles: here the plain ones."""
    distribution = np.arange(-500.0, 501.0)
    low, high, note = bca_limits(0.0, distribution, np.full(6, 0.1))
    assert (low, high) == tuple(np.quantile(distribution, [0.025, 0.975]))
    assert note == ""


def test_one_replicate_is_unbounded_and_none_has_no_interval():
    """Resampling one replicate would give width 0: it is unbounded instead."""
    one = bootstrap_interval(lambda _: 2.0, 1, rng=rng())
    assert (one.value, one.low, one.high) == (2.0, -INF, INF)
    none = bootstrap_interval(lambda _: 2.0, 0, rng=rng())
    assert (none.n, none.kind) == (0, "none")


def test_warnings_of_degenerate_resamples_do_not_escape():
    """A slope through one point repeated divides 0 by 0: counted, not warned of."""
    x = np.array([0.0, 1.0, 2.0])
    y = np.array([0.0, 1.1, 1.9])

    def slope(i):
        centred = x[i] - x[i].mean()
        if not np.any(centred):
            warnings.warn("degenerate", RuntimeWarning, stacklevel=1)
        return (centred * y[i]).sum() / (centred**2).sum()

    found = bootstrap_interval(slope, 3, rng=rng(), resamples=300)
    assert "infinite or undefined" in found.note


@pytest.mark.parametrize("wrong", [np.zeros(2), "3", True, None, 1j])
def test_a_statistic_that_is_no_number_is_refused(wrong):
    """The message says what came back and what is allowed."""
    with pytest.raises(ContenderError, match=r"no single number.*allowed: one float.*mend it"):
        bootstrap_interval(lambda _: wrong, 6, rng=rng())
