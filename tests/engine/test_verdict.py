"""Every row of the table of rules, at and around its boundary, and its sentence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from claimbench.errors import ContenderError
from claimbench.statistics.power import CAP
from claimbench.statistics.prediction import parse_printed
from claimbench.verdict import Effects, Rule, judge

INF, NAN = math.inf, math.nan
EPS = 1e-9
# Ten effects with mean 0: their 95% and 90% half-widths are what every boundary is built from.
NOISE = np.array([-1.5, -1.0, -0.7, -0.3, -0.1, 0.1, 0.3, 0.7, 1.0, 1.5])
SE = NOISE.std(ddof=1) / math.sqrt(10)
H95 = stats.t.ppf(0.975, 9) * SE
H90 = stats.t.ppf(0.95, 9) * SE

R, N, U = "reproduced", "not reproduced", "inconclusive"


def verdict(x, **rule):
    """Judge effects per replicate."""
    effects = Effects.per_replicate(x, n=len(x))
    return judge(effects, Rule(**rule), rng=np.random.default_rng(0))


SUPERIORITY = [
    (H95 + EPS, 0.1, R),
    (H95 - EPS, 0.1, U),
    (-H95 + 0.1 - EPS, 0.1, N),
    (-H95 + 0.1 + EPS, 0.1, U),
    (0.0, 0.1, U),
    (-H95 - EPS, 0.0, N),
    (-H95 + EPS, 0.0, U),
    (H95 + EPS, 99.0, R),
    (H95 - EPS, 99.0, N),
]


@pytest.mark.parametrize(("mean", "margin", "expected"), SUPERIORITY)
@pytest.mark.parametrize("kind", ["superiority", "magnitude"])
def test_superiority_needs_a_lower_limit_above_0(kind, mean, margin, expected):
    """L > 0 is reproduced, else U < margin is not, else nothing is decided."""
    assert verdict(NOISE + mean, kind=kind, margin=margin).verdict == expected


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        (H95 - 0.2 + EPS, R),
        (H95 - 0.2 - EPS, U),
        (-H95 - 0.2 + EPS, U),
        (-H95 - 0.2 - EPS, N),
    ],
)
def test_non_inferiority_needs_a_lower_limit_above_minus_the_margin(mean, expected):
    """L > -margin is reproduced, U < -margin is not."""
    assert verdict(NOISE + mean, kind="non-inferiority", margin=0.2).verdict == expected


@pytest.mark.parametrize(
    ("mean", "expected", "level"),
    [
        (0.0, R, 0.90),
        (2.0 - H90 - EPS, R, 0.90),
        (2.0 - H90 + EPS, U, 0.90),
        (-2.0 + H90 + EPS, R, 0.90),
        (-2.0 + H90 - EPS, U, 0.90),
        (2.0 + H95 - EPS, U, 0.90),
        (2.0 + H95 + EPS, N, 0.95),
        (-2.0 - H95 - EPS, N, 0.95),
        (-2.0 - H95 + EPS, U, 0.90),
    ],
)
def test_equivalence_needs_the_90_percent_interval_inside(mean, expected, level):
    """90% inside ±margin is reproduced, 95% outside is not; the deciding interval is shown."""
    found = verdict(NOISE + mean, kind="equivalence", margin=2.0)
    assert found.verdict == expected
    assert found.interval.level == level


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        (-1.8 - H95 - EPS, R),
        (-1.8 - H95 + EPS, U),
        (-1.8 + H95 - EPS, U),
        (-1.8 + H95 + EPS, N),
    ],
)
@pytest.mark.parametrize("kind", ["rate", "bound"])
def test_rates_and_bounds_need_an_upper_limit_at_most_threshold_plus_margin(kind, mean, expected):
    """U <= threshold + margin is reproduced, L beyond it is not."""
    found = verdict(NOISE + mean, kind=kind, threshold=-2.0, margin=0.2)
    assert found.verdict == expected


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1e-12, -1e-12, 0.0], R),
        ([1e-12, 1.1e-12, 0.0], N),
        ([-1.1e-12], N),
        ([0.0], R),
        ([0.0, NAN], N),
        ([0.0, -INF], N),
    ],
)
def test_identity_needs_every_effect_within_the_margin(x, expected):
    """One deviation beyond the margin, or an undefined one, is enough; one replicate suffices."""
    found = verdict(x, kind="identity", margin=1e-12)
    assert found.verdict == expected
    assert (found.interval.kind, found.interval.level, found.p_value) == ("exact", 1.0, None)


@pytest.mark.parametrize(
    ("x", "expected"),
    [([-5.0, 0.0], R), ([-5.0, EPS], N), ([1.0, 2.0], N), ([-5.0, NAN], N), ([-INF], R)],
)
def test_an_exact_bound_is_judged_on_every_instance(x, expected):
    """On a deterministic problem one instance beyond the bound refutes it."""
    found = verdict(x, kind="bound", threshold=0.0, exact=True)
    assert found.verdict == expected
    assert found.interval.value == max(x) or math.isnan(found.interval.value)


@pytest.mark.parametrize("kind", ["superiority", "non-inferiority", "equivalence", "rate"])
def test_exactness_changes_nothing_for_other_kinds(kind):
    """A mean over random instances stays an inference."""
    rule = {"kind": kind, "margin": 0.5, "threshold": 1.0 if kind == "rate" else None}
    assert verdict(NOISE, **rule, exact=True) == verdict(NOISE, **rule, exact=False)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("superiority", 0.0, N),
        ("superiority", EPS, R),
        ("non-inferiority", -0.5, U),
        ("non-inferiority", -0.5 + EPS, R),
        ("non-inferiority", -0.5 - EPS, N),
        ("equivalence", 0.5, U),
        ("equivalence", 0.5 - EPS, R),
        ("equivalence", 0.5 + EPS, N),
        ("rate", 1.5, R),
        ("rate", 1.5 + EPS, N),
        ("bound", 1.5, R),
    ],
)
def test_constant_effects_are_decided_at_the_boundary_itself(kind, value, expected):
    """An interval of width 0 shows which inequalities are strict."""
    threshold = 1.0 if kind in {"rate", "bound"} else None
    found = verdict([value] * 5, kind=kind, margin=0.5, threshold=threshold)
    assert found.verdict == expected
    assert found.interval.low == found.interval.high == value


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
@pytest.mark.parametrize(
    "kind", ["superiority", "magnitude", "non-inferiority", "equivalence", "rate", "bound"]
)
def test_fewer_than_five_replicates_decide_nothing(kind, n):
    """However large the effect, four replicates are too few."""
    threshold = 1.0 if kind in {"rate", "bound"} else None
    found = verdict([-50.0, -50.1, -49.9, -50.0][:n], kind=kind, margin=0.5, threshold=threshold)
    assert found.verdict == U
    assert found.tags == ("not enough replicates",)
    assert found.needed == 5
    assert found.p_value is None


@pytest.mark.parametrize("rule", [{"kind": "identity"}, {"kind": "bound", "threshold": 0.0}])
def test_no_instance_proves_nothing(rule):
    """An identity of nothing is not reproduced by its emptiness."""
    found = verdict([], **rule, exact=True)
    assert (found.verdict, found.needed) == (U, 1)
    assert found.reason == "There is no replicate to judge."


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([INF] * 6, R),
        ([-INF] * 6, N),
        ([NAN] * 6, U),
        ([INF] * 5, U),
        ([INF, *range(1, 9)], R),
        ([NAN, *range(1, 9)], R),
        ([NAN, NAN, *range(1, 9)], U),
        ([INF] * 10 + [-INF] * 10, U),
    ],
)
def test_infinite_and_undefined_effects_are_judged_by_the_median(x, expected):
    """Divergence is evidence: the order statistics decide, undefined effects at their worst."""
    found = verdict(x, kind="superiority", margin=0.1)
    assert found.verdict == expected
    assert found.interval.kind == "median"


def test_booleans_are_for_success_only():
    """The message says what to return."""
    with pytest.raises(ContenderError, match=r"kind rate is judged on numbers.*returned booleans"):
        verdict([True] * 6, kind="rate", threshold=0.5)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "success", "threshold": 0.5},
        {"kind": "identity"},
        {"kind": "bound", "threshold": 1.0, "exact": True},
    ],
)
def test_one_number_for_the_sample_does_not_suit_every_kind(rule):
    """What is judged on every replicate or instance needs an effect for each."""
    effects = Effects.of_sample(lambda _: 0.0, n=8)
    with pytest.raises(ContenderError, match=r"one number for the sample; allowed: one effect per"):
        judge(effects, Rule(**rule), rng=np.random.default_rng(0))


def test_a_statistic_of_the_sample_is_judged_by_the_bootstrap():
    """The slope of a mean curve has a bootstrap interval, no p-value and no replicates."""
    x = np.random.default_rng(1).normal(1.0, 0.3, 32)
    effects = Effects.of_sample(lambda i: x[i].mean(), n=32)
    found = judge(effects, Rule(kind="superiority", margin=0.1), rng=np.random.default_rng(2))
    assert found.verdict == R
    assert found.interval.kind == "bootstrap"
    assert (found.p_value, found.replicates, found.needed) == (None, (), None)
    again = judge(effects, Rule(kind="superiority", margin=0.1), rng=np.random.default_rng(2))
    assert again == found
    equal = judge(effects, Rule(kind="equivalence", margin=9.0), rng=np.random.default_rng(2))
    assert (equal.verdict, equal.interval.level) == (R, 0.90)


def test_a_small_effect_is_tagged():
    """Above 0 but below the margin is reproduced in direction, with a tag."""
    found = verdict(NOISE / 100 + 0.05, kind="superiority", margin=0.1)
    assert (found.verdict, found.tags) == (R, ("smaller than worth having",))
    assert verdict(NOISE / 100 + 0.15, kind="superiority", margin=0.1).tags == ()


@pytest.mark.parametrize(
    ("printed", "tag"),
    [
        ("5", "magnitude agrees"),
        ("7", "magnitude agrees"),
        ("9", "smaller than printed"),
        ("1", "larger than printed"),
        ("7 (n = 100)", "smaller than printed"),
    ],
)
def test_magnitude_is_compared_with_the_printed_number(printed, tag):
    """The tag says on which side of our prediction interval the paper's number lies."""
    rule = {"kind": "magnitude", "margin": 0.1, "printed": parse_printed(printed)}
    assert verdict(NOISE + 5, **rule).tags == (tag,)
    assert verdict(NOISE + 5, **{**rule, "kind": "superiority"}).tags == ()
    assert verdict([INF] * 8, **rule).tags == ()


def test_magnitude_without_a_printed_number_is_superiority():
    """No number, no tag."""
    assert verdict(NOISE + 5, kind="magnitude").tags == ()


def test_needed_is_given_for_inconclusive_claims_only():
    """A decided claim needs no more replicates; an inconclusive one more than it has."""
    assert verdict(NOISE + 5, kind="superiority").needed is None
    assert verdict(NOISE - 5, kind="superiority").needed is None
    assert verdict(NOISE, kind="superiority").needed == CAP
    assert 10 < verdict(NOISE + 0.6, kind="superiority").needed < 100
