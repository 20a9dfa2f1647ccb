"""Looking early: when, at which level, and how often that errs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from claimbench.statistics.bootstrap import bootstrap_interval
from claimbench.statistics.interval import t_interval
from claimbench.statistics.looks import LOOKS, look_sizes, settled, spent
from claimbench.verdict import Effects, Judgement, Rule, conjunction, judge, with_control

KINDS = {
    "superiority": {"margin": 0.5},
    "magnitude": {"margin": 0.5},
    "non-inferiority": {"margin": 0.5},
    "equivalence": {"margin": 0.5},
    "rate": {"margin": 0.5, "threshold": 0.0},
    "bound": {"margin": 0.5, "threshold": 0.0},
}
effects = st.lists(st.floats(-3, 3).map(lambda x: round(x, 3)), min_size=5, max_size=12)


def judged(x: object, rule: Rule) -> Judgement:
    values = np.asarray(x)
    return judge(Effects.per_replicate(values, n=len(values)), rule, rng=np.random.default_rng(0))


def test_four_looks_share_the_error_equally() -> None:
    """95% becomes 98.75%, the 90% of an equivalence 97.5%; a single look keeps its level."""
    assert spent(0.95) == pytest.approx(0.9875, abs=1e-15)
    assert spent(0.90) == pytest.approx(0.975, abs=1e-15)
    assert (spent(0.95, 1), spent(0.90, 1)) == (0.95, 0.90)


@pytest.mark.parametrize(
    ("replicates", "block", "sizes"),
    [
        (40, 1, (5, 10, 20, 40)),
        (40, 20, (20, 40)),
        (10, 5, (5, 10)),
        (12, 6, (6, 12)),
        (10, 10, (10,)),
        (5, 1, (5,)),
        (4, 1, (4,)),
        (8, 8, (8,)),
        (8, 1, (5, 8)),
        (64, 32, (32, 64)),
        (50, 10, (10, 20, 40, 50)),
        (100, 5, (10, 20, 40, 100)),
    ],
)
def test_looks_lie_at_the_ends_of_blocks(
    replicates: int, block: int, sizes: tuple[int, ...]
) -> None:
    """5, 10, 20 and 40 are rounded up to blocks, and the registered number is the last."""
    assert look_sizes(replicates, block) == sizes


@given(block=st.integers(1, 60), blocks=st.integers(1, 60))
def test_no_experiment_has_more_than_four_looks(block: int, blocks: int) -> None:
    """So that a quarter of the error at each is never more than the whole."""
    replicates = block * blocks
    sizes = look_sizes(replicates, block)

    assert len(sizes) <= 4
    assert sizes[-1] == replicates
    assert list(sizes) == sorted(set(sizes))
    assert all(n % block == 0 for n in sizes)
    for n in sizes[:-1]:  # the first whole block at or after a look
        assert any(n - block < look <= n for look in LOOKS)


@given(x=effects, kind=st.sampled_from([kind for kind in KINDS if kind != "equivalence"]))
def test_a_look_decides_by_the_interval_at_its_level(x: list[float], kind: str) -> None:
    """The limits are scipy's t at 98.75%, and the verdict is what they exclude."""
    rule = Rule(kind=kind, looks=4, printed=None, **KINDS[kind])  # type: ignore[arg-type]
    found = judged(x, rule)
    low, high = stats.t.interval(0.9875, len(x) - 1, np.mean(x), stats.sem(x) or 1e-300)

    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-9)
    assert found.interval.level == pytest.approx(0.9875)
    holds, fails = {
        "superiority": (low > 0, high < 0.5),
        "magnitude": (low > 0, high < 0.5),
        "non-inferiority": (low > -0.5, high < -0.5),
        "rate": (high <= 0.5, low > 0.5),
        "bound": (high <= 0.5, low > 0.5),
    }[kind]
    near = min(abs(limit - edge) for limit in (low, high) for edge in (-0.5, 0, 0.5)) < 1e-9
    expected = "reproduced" if holds else "not reproduced" if fails else "inconclusive"
    assert near or found.verdict == expected


@given(x=effects)
def test_an_equivalence_is_looked_at_with_two_one_sided_tests(x: list[float]) -> None:
    """97.5% inside the margins is reproduced, 98.75% outside is not."""
    found = judged(x, Rule(kind="equivalence", margin=0.5, looks=4))
    error, mean = stats.sem(x) or 1e-300, np.mean(x)
    inside = stats.t.interval(0.975, len(x) - 1, mean, error)
    outside = stats.t.interval(0.9875, len(x) - 1, mean, error)

    if max(abs(inside[0]), abs(inside[1])) < 0.5 - 1e-9:
        assert (found.verdict, found.interval.level) == ("reproduced", pytest.approx(0.975))
    elif outside[0] > 0.5 + 1e-9 or outside[1] < -0.5 - 1e-9:
        assert (found.verdict, found.interval.level) == ("not reproduced", pytest.approx(0.9875))
    elif outside[0] < 0.5 - 1e-9 and outside[1] > -0.5 + 1e-9:
        assert found.verdict != "not reproduced"


@given(x=effects, kind=st.sampled_from(sorted(KINDS)))
def test_the_p_value_counts_the_looks(x: list[float], kind: str) -> None:
    """It is four times that of a fixed sample, at most 1: below 5% where the look decides."""
    fixed = judged(x, Rule(kind=kind, **KINDS[kind])).p_value  # type: ignore[arg-type]
    found = judged(x, Rule(kind=kind, looks=4, **KINDS[kind]))  # type: ignore[arg-type]

    assert fixed is not None
    assert found.p_value is not None
    if fixed < 1:
        assert found.p_value == pytest.approx(min(1.0, 4 * fixed))
    if abs(found.p_value - 0.05) > 1e-9:
        assert (found.p_value < 0.05) == (found.verdict == "reproduced")


def test_a_success_is_looked_at_with_wilson_at_the_level() -> None:
    """The rate is above the threshold, and the interval is wider than at 95%."""
    x = np.array([True] * 19 + [False])
    found = judged(x, Rule(kind="success", threshold=0.5, looks=4))
    low, high = proportion_confint(19, 20, alpha=0.0125, method="wilson")

    assert found.verdict == "reproduced"
    # The engine's is continuity-corrected, so no narrower than statsmodels'.
    assert found.interval.low == pytest.approx(low, abs=0.05)
    assert found.interval.low <= low < high <= found.interval.high
    assert judged(x, Rule(kind="success", threshold=0.7, looks=4)).verdict == "inconclusive"
    assert judged(x, Rule(kind="success", threshold=0.7)).verdict == "reproduced"


def test_a_statistic_of_the_sample_is_looked_at_with_the_bootstrap_at_the_level() -> None:
    """From the same resamples, further out."""
    x = np.random.default_rng(1).normal(0.3, 1.0, 20)
    rule = Rule(kind="superiority", looks=4)
    statistic = lambda chosen: float(x[chosen].mean())
    found = judge(Effects.of_sample(statistic, n=20), rule, rng=np.random.default_rng(2))
    at = bootstrap_interval(statistic, 20, level=rule.level, rng=np.random.default_rng(2))

    assert found.interval == at
    assert found.p_value is None


def test_the_sentence_tells_the_level() -> None:
    """98.75%, not the 99% that it would be rounded to."""
    x = [1.0, 1.1, 0.9, 1.05, 0.95]

    assert "98.75% interval" in judged(x, Rule(kind="superiority", looks=4)).reason
    assert "95% interval" in judged(x, Rule(kind="superiority")).reason
    wide = judged([-3.0, 3.0, -2.0, 2.0, 0.0], Rule(kind="equivalence", margin=1.0, looks=4))
    assert "97.5% interval" in wide.reason
    assert "nor does the 98.75% interval lie outside" in wide.reason


def test_what_is_undecided_asks_for_more() -> None:
    """Whatever else a verdict is, it settles a claim about means."""
    assert not settled("inconclusive", instances=False)
    assert all(settled(v, instances=False) for v in ("reproduced", "not reproduced", "void"))


def test_a_claim_on_every_instance_ends_with_a_counterexample_alone() -> None:
    """What has held so far may fail at the next instance, and so may the control's."""
    assert settled("not reproduced", instances=True)
    assert not any(settled(v, instances=True) for v in ("reproduced", "inconclusive", "void"))


def test_all_parts_must_be_decided() -> None:
    """A conjunction with an open part is open, and so is a claim whose control is."""
    rule = Rule(kind="superiority", margin=0.1, looks=4)
    good, bad = judged([1.0, 1.1, 0.9, 1.0, 1.0], rule), judged([-1.0, -1.1, -0.9, -1, -1], rule)
    unclear = judged([-3.0, 3.0, -2.0, 2.5, 0.0], rule)

    def open_(part: Judgement, control: Judgement) -> bool:
        return not settled(with_control(part, control).verdict, instances=False)

    assert open_(conjunction([good, unclear]), bad)
    assert not open_(conjunction([bad, unclear]), bad)
    assert open_(good, unclear)
    assert not open_(good, bad)
    assert not open_(bad, unclear)


def wrong_at_some_look(level: float, draws: int, rng: np.random.Generator) -> float:
    """Return the share of normal samples that some look says have a mean other than theirs."""
    wrong = 0
    for x in rng.normal(size=(draws, max(LOOKS))):
        intervals = (t_interval(x[:n], level=level) for n in LOOKS)
        wrong += any(one.low > 0 or one.high < 0 for one in intervals)
    return wrong / draws


def test_looking_four_times_errs_no_more_than_once() -> None:
    """A small trial of the exam: 4.2% at the spent level, and 15% where nothing is spent."""
    rng = np.random.default_rng(20)

    # Four standard errors of 1,500 draws, around the shares that a large simulation finds.
    assert wrong_at_some_look(spent(0.95), 1500, rng) == pytest.approx(0.042, abs=0.021)
    assert wrong_at_some_look(0.95, 1500, rng) == pytest.approx(0.153, abs=0.037)
