"""The kind success, judged on booleans by Wilson's continuity-corrected interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from claimbench.errors import ContenderError
from claimbench.verdict import Effects, Rule, judge

R, N, U = "reproduced", "not reproduced", "inconclusive"


def verdict(x, threshold, **rule):
    """Judge booleans per replicate."""
    effects = Effects.per_replicate(x, n=len(x))
    rule = Rule(kind="success", threshold=threshold, **rule)
    return judge(effects, rule, rng=np.random.default_rng(0))


@pytest.mark.parametrize("count", range(21))
def test_success_follows_wilsons_interval(count):
    """Wilson's lower limit above the threshold is reproduced, its upper one below is not."""
    low, high = stats.binomtest(count, 20).proportion_ci(method="wilsoncc")
    expected = R if low > 0.6 else N if high < 0.6 else U
    found = verdict(np.arange(20) < count, 0.6)
    assert found.verdict == expected
    assert found.interval.kind == "wilson"
    assert found.replicates == tuple([1.0] * count + [0.0] * (20 - count))


def test_the_margin_of_a_success_is_not_used():
    """A success is judged against its threshold alone, as the table says."""
    x = np.arange(20) < 13
    assert verdict(x, 0.4, margin=0.3) == verdict(x, 0.4)
    assert verdict(x, 0.4).verdict == R


def test_success_takes_ones_and_zeros_too():
    """Numbers that are 0 or 1 are booleans."""
    as_numbers = verdict([1.0] * 9 + [0.0], 0.3)
    assert as_numbers == verdict([True] * 9 + [False], 0.3)


def test_fewer_than_five_successes_decide_nothing():
    """Booleans need five replicates too."""
    found = verdict([True] * 4, 0.1)
    assert (found.verdict, found.tags) == (U, ("not enough replicates",))


def test_success_refuses_other_numbers():
    """The first number that is neither 0 nor 1 is shown."""
    with pytest.raises(ContenderError, match=r"judged on booleans: 0.25; allowed: True or False"):
        verdict([1.0, 0.25, 0.5], 0.5)


def test_needed_of_an_inconclusive_success():
    """Replicates are asked for where the interval holds the threshold, and enough of them."""
    # By scipy, 9 of 10 lie above 0.5 and 8 do not.
    limits = [stats.binomtest(count, 10).proportion_ci(method="wilsoncc") for count in (9, 8)]
    assert [low > 0.5 for low, _ in limits] == [True, False]
    assert verdict(np.arange(10) < 9, 0.5).needed is None
    needed = verdict(np.arange(10) < 8, 0.5).needed

    def power(n):
        lows = [stats.binomtest(k, n).proportion_ci(method="wilsoncc").low for k in range(n + 1)]
        return stats.binom.pmf(np.arange(n + 1), n, 0.8)[np.array(lows) > 0.5].sum()

    assert power(needed - 1) < 0.8 <= min(power(n) for n in range(needed, needed + 30))
