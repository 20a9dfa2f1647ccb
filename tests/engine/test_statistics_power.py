"""Replicates needed, and agreement with printed numbers, against statsmodels and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from claimbench.errors import ClaimFileError
from claimbench.statistics.interval import Interval, median_interval, wilson_interval
from claimbench.statistics.power import (
    CAP,
    needed_from_bootstrap,
    needed_from_replicates,
    replicates_needed,
    score_miss,
    sign_miss,
    t_miss,
    upper_sd,
)
from claimbench.statistics.prediction import (
    Printed,
    parse_printed,
    prediction_interval,
    z_score,
)
from claimbench.statistics.rule import Condition, Rule

INF, NAN = math.inf, math.nan
ABOVE_0 = [[Condition("above", 0.0)]]


@pytest.mark.parametrize("d", [2.0, 1.0, 0.8, 0.5, 0.2, 0.05])
def test_needed_is_statsmodels_t_power(d):
    """For one condition the number is that of statsmodels' TTestPower, rounded up."""
    exact = TTestPower().solve_power(d, alpha=0.025, power=0.8, alternative="larger")
    assert replicates_needed(ABOVE_0, t_miss(d, 1.0), least=2) == math.ceil(exact)


def test_needed_matches_the_numbers_of_the_specification():
    """d = 1 needs 10 pairs, d = 0.8 needs 15, d = 0.5 needs 34."""
    found = [replicates_needed(ABOVE_0, t_miss(d, 1.0), least=2) for d in (1.0, 0.8, 0.5)]
    assert found == [10, 15, 34]


def test_upper_sd_is_the_chi_square_limit():
    """The true standard deviation lies below the upper limit in 80% of samples."""
    x = np.random.default_rng(0).normal(0.0, 3.0, size=(20_000, 6))
    sd = x.std(axis=1, ddof=1)
    factor = upper_sd(1.0, 6)
    assert factor == pytest.approx(math.sqrt(5 / stats.chi2.ppf(0.2, 5)))
    assert np.mean(sd * factor > 3.0) == pytest.approx(0.8, abs=0.01)


def test_needed_takes_the_nearer_of_two_ends():
    """An effect close to 0 is settled as not reproduced, one close to the margin as reproduced."""
    rule = Rule(kind="superiority", margin=1.0)
    targets = [rule.reproduced, rule.refuted]
    near_zero = replicates_needed(targets, t_miss(0.2, 1.0), least=2)
    near_margin = replicates_needed(targets, t_miss(0.8, 1.0), least=2)
    assert near_zero == near_margin == 15


def test_needed_of_equivalence_has_the_power_promised():
    """At the number for TOST a simulation reproduces equivalence in 80%, and not far more."""
    rule = Rule(kind="equivalence", margin=0.5)
    n = replicates_needed([rule.reproduced], t_miss(0.1, 1.0), least=2)
    x = np.random.default_rng(1).normal(0.1, 1.0, size=(4000, n))
    half = stats.t.ppf(0.95, n - 1) * x.std(axis=1, ddof=1) / math.sqrt(n)
    inside = np.abs(x.mean(axis=1)) + half < 0.5
    assert 0.78 < inside.mean() < 0.85


@pytest.mark.parametrize("relation", ["above", "below"])
def test_needed_of_a_rate_is_the_brute_force_one(relation):
    """For a success rate the power is that of counting which outcomes Wilson's interval decides."""
    condition = Condition(relation, 0.5)
    rate = 0.75 if relation == "above" else 0.25

    def power(n):
        met = [condition.met(wilson_interval(np.arange(n) < count)) for count in range(n + 1)]
        return stats.binom.pmf(np.arange(n + 1), n, rate)[met].sum()

    caught = 1 - score_miss(rate)(np.arange(5, 60), condition)
    assert caught == pytest.approx([power(n) for n in range(5, 60)], abs=1e-12)


def test_needed_of_a_median_is_the_brute_force_one():
    """For infinite effects the power is that of the order statistics' interval."""
    condition = Condition("above", 0.0)
    x = [1.0] * 6 + [INF, -INF]

    def power(n):
        met = [
            condition.met(median_interval([1.0] * count + [-1.0] * (n - count)))
            for count in range(n + 1)
        ]
        return stats.binom.pmf(np.arange(n + 1), n, 7 / 8)[met].sum()

    caught = 1 - sign_miss(x)(np.arange(1, 40), condition)
    assert caught == pytest.approx([power(n) for n in range(1, 40)], abs=1e-12)
    needed = needed_from_replicates(x, [[condition]], least=9)
    assert power(needed) >= 0.8 > power(needed - 1)


def test_needed_of_five_infinite_effects_is_six():
    """Five effects on one side can't bound the median, six can."""
    assert needed_from_replicates([INF] * 5, ABOVE_0, least=6) == 6


def test_needed_uses_the_upper_limit_of_the_sd():
    """The estimate's own standard deviation would promise too much."""
    x = np.array([0.1, 0.9, -0.6, 1.4, 0.2])
    found = needed_from_replicates(x, ABOVE_0, least=6)
    d = x.mean() / upper_sd(x.std(ddof=1), 5)
    exact = TTestPower().solve_power(d, alpha=0.025, power=0.8, alternative="larger")
    assert found == math.ceil(exact)


@pytest.mark.parametrize("share", [0.55, 0.6, 0.7, 0.8, 0.95])
def test_needed_is_the_last_tooth_of_the_saw(share):
    """The search in octaves finds what the scan of every number finds."""
    scan = np.arange(6, 2001)
    x = [1.0] * round(20 * share) + [-1.0] * round(20 * (1 - share))
    for miss, null in ((score_miss(share), 0.5), (sign_miss(x), 0.0)):
        condition = Condition("above", null)
        last = scan[miss(scan, condition) > 0.2][-1]
        assert replicates_needed([[condition]], miss, least=6, cap=2000) == last + 1


def test_needed_ends_at_the_cap():
    """On the boundary, or all undefined, no number is enough: the cap stands for that."""
    assert replicates_needed(ABOVE_0, t_miss(0.0, 1.0), least=5) == CAP
    assert needed_from_replicates([0.0] * 5, ABOVE_0, least=6) == CAP
    assert needed_from_replicates([NAN] * 9, ABOVE_0, least=10) == CAP
    assert replicates_needed(ABOVE_0, t_miss(0.0, 1.0), least=CAP + 5) == CAP + 5


def test_needed_of_one_replicate_is_unknown():
    """Without a spread there is nothing to extrapolate."""
    assert needed_from_replicates([1.0], ABOVE_0, least=5) is None


def test_power_near_one_is_numerically_sound():
    """Large effects neither warn nor turn NaN, up to the cap."""
    n = np.arange(5, CAP + 1)
    for mean, sd in ((1e300, 1e-300), (1.0, 0.0), (3.0, 0.1)):
        miss = t_miss(mean, sd)(n, Condition("above", 0.0))
        assert np.all((miss >= 0) & (miss < 0.05))


def test_needed_from_a_bootstrap_is_that_of_a_mean_with_its_width():
    """A bootstrap interval as wide as a normal mean's needs about what that mean needs."""
    half = 1.96 * 1.0 / math.sqrt(20)
    interval = Interval(0.3, 0.3 - half, 0.3 + half, 0.95, 20, "bootstrap")
    expected = replicates_needed(ABOVE_0, t_miss(0.3, upper_sd(1.0, 20)), least=21)
    assert needed_from_bootstrap(interval, ABOVE_0, least=21) == expected
    unbounded = Interval(0.3, -INF, 1.0, 0.95, 20, "bootstrap")
    assert needed_from_bootstrap(unbounded, ABOVE_0, least=21) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", Printed(80.0)),
        ("80 ± 3", Printed(80.0, 3.0)),
        ("80±3 (n = 5)", Printed(80.0, 3.0, 5)),
        ("80 +- 3 (n=5)", Printed(80.0, 3.0, 5)),
        ("-0.5 +/- 1e-2", Printed(-0.5, 0.01)),
        ("1e-3 nats", Printed(0.001)),
        ("2.3 times (n = 3)", Printed(2.3, None, 3)),
        ("93.4 %", Printed(93.4)),
        ("3.5 ± 1.9 points", Printed(3.5, 1.9)),
        (" .5 ", Printed(0.5)),
        ("", None),
        ("  ", None),
    ],
)
def test_printed_numbers_are_read(text, expected):
    """A number is read with its spread, unit and number of runs; a blank is no number."""
    assert parse_printed(text) == expected


@pytest.mark.parametrize(
    "text", ["many", "80 ±", "80 (n = 0)", "80 ± -3", "1,000", "80 90", "1e999", "80 (n = x)"]
)
def test_printed_text_that_is_no_number_is_refused(text):
    """The message shows the text, what is allowed and where to mend it."""
    with pytest.raises(ClaimFileError, match=r"can't be read: .*allowed: a number.*edit `printed`"):
        parse_printed(text)


def test_prediction_interval_covers_a_paper_drawn_alike():
    """A paper's mean of 3 runs from the same distribution lies inside in 95% of cases."""
    rng = np.random.default_rng(2)
    ours, papers = rng.normal(size=(4000, 8)), rng.normal(size=(4000, 3)).mean(axis=1)
    inside = 0
    for x, paper in zip(ours, papers, strict=True):
        low, high = prediction_interval(x, Printed(paper, None, 3))
        inside += low <= paper <= high
    assert inside / 4000 == pytest.approx(0.95, abs=0.012)


def test_z_score_is_the_difference_in_standard_errors():
    """(2 - 5) / sqrt(1/4 + 9/9) for mean 2, sd 1, n = 4 against 5 ± 3 (n = 9)."""
    x = np.array([1.0, 1.0, 3.0, 3.0])
    x = 2 + (x - 2) / x.std(ddof=1)
    assert z_score(x, Printed(5.0, 3.0, 9)) == pytest.approx(-3 / math.sqrt(1.25))
    assert z_score(x, Printed(5.0)) is None
    assert z_score([2.0, 2.0], Printed(5.0, 0.0)) is None
