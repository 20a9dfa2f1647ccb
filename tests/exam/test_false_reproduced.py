"""At the boundary of its rule, how often is a claim called reproduced though it should not be?

The engine's own judge on simulated effects; the oracle is the rate that docs/statistics.md states.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from exact_rates import most_false
from scipy import stats
from telling import Tell, of

from claimbench.statistics.rule import Rule
from claimbench.verdict import Effects, judge
from claimbench.words import Kind

#: Few replicates, as many as usual, many.
SIZES = (5, 10, 40)
Draw = Callable[[np.random.Generator, int], np.ndarray]


def normal(mean: float) -> Draw:
    return lambda rng, n: rng.normal(mean, 1.0, n)


def success(rate: float) -> Draw:
    return lambda rng, n: rng.random(n) < rate


def nearly(size: float) -> Draw:
    """Return effects of which one is a last bit beyond the margin."""
    return lambda rng, n: np.where(
        np.arange(n) == rng.integers(n), np.nextafter(size, 9), rng.uniform(-size, size, n)
    )


#: Kind -> where -> rule, effects at its boundary, the share that may be called reproduced.
BOUNDARIES: dict[str, dict[str, tuple[Rule, Draw, float]]] = {
    "superiority": {"no effect": (Rule(kind="superiority", margin=1.0), normal(0.0), 0.025)},
    "magnitude": {"no effect": (Rule(kind="magnitude", margin=1.0), normal(0.0), 0.025)},
    "non-inferiority": {
        "worse by the margin": (Rule(kind="non-inferiority", margin=1.0), normal(-1.0), 0.025)
    },
    # Two one-sided tests at 5% each: the kind that may err more often, as its table says.
    "equivalence": {
        "apart by a wide margin": (Rule(kind="equivalence", margin=5.0), normal(5.0), 0.05),
        "apart by a narrow margin": (Rule(kind="equivalence", margin=0.5), normal(-0.5), 0.05),
    },
    "rate": {
        "threshold and margin": (Rule(kind="rate", threshold=1.0, margin=0.5), normal(1.5), 0.025)
    },
    "bound": {
        "threshold and margin": (Rule(kind="bound", threshold=1.0, margin=0.5), normal(1.5), 0.025),
        "one instance beyond": (Rule(kind="bound", threshold=1.0, exact=True), nearly(1.0), 0.0),
    },
    "success": {
        f"rate {rate:g}": (Rule(kind="success", threshold=rate), success(rate), 0.025)
        for rate in (0.5, 0.8)
    },
    "identity": {"one instance beyond": (Rule(kind="identity", margin=1.0), nearly(1.0), 0.0)},
}
CASES = [(kind, where) for kind, cases in BOUNDARIES.items() for where in cases]


def false_reproduced(kind: str, where: str, n: int, draws: int) -> int:
    """Return how many draws at the boundary are called reproduced."""
    rule, draw, _ = BOUNDARIES[kind][where]
    rng = np.random.default_rng([20260101, n, zlib.crc32(f"{kind} {where}".encode())])
    found = 0
    for _ in range(draws):
        x: Any = draw(rng, n)
        effects = Effects.from_estimand(x, lambda _, x=x: x, n=n)
        found += judge(effects, rule, rng=rng).verdict == "reproduced"
    return found


def by_t_test(kind: str, where: str, n: int, draws: int) -> int | None:
    """Return how many of the same draws SciPy's t test would call reproduced, where it can tell.

    Its rate is exact for normal effects, whatever the draws happen to be.
    """
    rule, draw, _ = BOUNDARIES[kind][where]
    if rule.exact or kind in {"success", "identity"}:
        return None
    rng = np.random.default_rng([20260101, n, zlib.crc32(f"{kind} {where}".encode())])
    x = np.array([draw(rng, n) for _ in range(draws)])

    def p(limit: float, side: str) -> np.ndarray:
        found: np.ndarray = stats.ttest_1samp(x, limit, axis=1, alternative=side).pvalue
        return found

    if kind == "equivalence":
        inside = np.maximum(p(-rule.margin, "greater"), p(rule.margin, "less")) < 0.05
    elif kind in {"rate", "bound"}:
        inside = p(rule.threshold + rule.margin, "less") < 0.025
    else:
        inside = p(-rule.margin if kind == "non-inferiority" else 0.0, "greater") < 0.025
    return int(inside.sum())


def too_many(count: int, draws: int, rate: float) -> bool:
    """Tell whether the count says, with 99.9% certainty, that the rate is above the stated one."""
    return count > (stats.binom.ppf(0.999, draws, rate) if rate else 0)


def test_every_kind_has_a_boundary() -> None:
    """No kind of claim is left out."""
    assert set(BOUNDARIES) == set(get_args(Kind))


@pytest.mark.parametrize(("kind", "where"), CASES)
def test_a_claim_at_its_boundary_is_hardly_ever_reproduced(kind: str, where: str) -> None:
    """A small trial of the exam: 60 draws of five effects."""
    assert not too_many(false_reproduced(kind, where, 5, 60), 60, BOUNDARIES[kind][where][2])


def test_the_trial_sees_a_rule_that_lets_too_much_through() -> None:
    """At an effect of one standard deviation ten replicates call superiority more than often."""
    rule = Rule(kind="superiority", margin=1.0)
    BOUNDARIES["superiority"]["broken"] = (rule, normal(1.0), 0.025)
    try:
        count = false_reproduced("superiority", "broken", 10, 60)
    finally:
        del BOUNDARIES["superiority"]["broken"]
    assert too_many(count, 60, 0.025)


@pytest.mark.parametrize(
    ("kind", "where"), [case for case in CASES if by_t_test(*case, 5, 2) is not None]
)
def test_the_judge_agrees_with_the_t_test(kind: str, where: str) -> None:
    """On 60 draws at the boundary, as SciPy has it."""
    assert false_reproduced(kind, where, 10, 60) == by_t_test(kind, where, 10, 60)


@pytest.mark.exam
@pytest.mark.parametrize(("kind", "where"), CASES)
def test_false_reproduced_exam(kind: str, where: str, tell: Tell) -> None:
    """No more than the stated share of claims at the boundary, at few and at many replicates."""
    draws, stated = 2000, BOUNDARIES[kind][where][2]
    counts = {n: false_reproduced(kind, where, n, draws) for n in SIZES}
    own = {n: by_t_test(kind, where, n, draws) for n in SIZES}
    most = max(counts, key=lambda n: counts[n])
    exact = "" if own[most] is None else f"; by SciPy's t test on the same draws {own[most]}"
    tell(
        f'false "reproduced", {kind}, {where}',
        f"{of(counts[most], draws)} (n = {most}, the worst of {', '.join(map(str, SIZES))}){exact}",
        f"at most {stated:.1%}",
    )

    if None in own.values():
        assert not any(too_many(count, draws, stated) for count in counts.values()), counts
    else:
        # The t test errs exactly as often as stated: to agree with it on every draw is more than
        # a rate that chance moves.
        assert counts == own


@pytest.mark.exam
def test_false_success_exam(tell: Tell) -> None:
    """Successes are counted exactly: at no threshold from 0.5 on is the share above 2.5%."""
    shares = {n: most_false(n, 0.5, 1.0)[0] for n in SIZES}
    tell(
        'false "reproduced", success, any rate from 0.5',
        f"at most {max(shares.values()):.2%} (exact; n = {', '.join(map(str, SIZES))})",
        "at most 2.5%",
    )

    assert max(shares.values()) <= 0.025
