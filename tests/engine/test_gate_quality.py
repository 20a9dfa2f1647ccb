"""One claim against its accepted result."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from reporting import claim, effect

from claimbench.gate.accepted import AcceptedClaim
from claimbench.gate.finding import Finding
from claimbench.gate.quality import Run, compare, tolerance
from claimbench.record import ClaimRecord, Comparison, ConditionRecord

RUN = Run(fingerprint="a", seed=0, data="d", pins={"pot": {"POT": "1"}}, mismatched=(), race=False)
OTHER = dataclasses.replace(RUN, mismatched=("pot",), install="pip install -e '.[peers]'")
SPREAD = np.linspace(-0.05, 0.05, 10)


def judged(shift: float = 0.0, **changes: Any) -> ClaimRecord:
    """Return a claim of superiority with margin 0.4 and effects around 1 + shift."""
    replicates = [float(value) for value in 1 + shift + SPREAD]
    facts: dict[str, Any] = {
        "kind": "superiority",
        "margin": 0.4,
        "threshold": None,
        "effect": effect(1 + shift, 0.9 + shift, 1.1 + shift),
        "replicates": replicates,
    }
    return claim(**(facts | changes))


def found(old: ClaimRecord, new: ClaimRecord, run: Run = RUN, **accepted: Any) -> Finding:
    facts: dict[str, Any] = {
        "claim": old,
        "revision": "0123",
        "created": "20260101T000000Z",
        "fingerprint": "a",
        "seed": 0,
        "data": "d",
        "pins": RUN.pins,
        "race": False,
    }
    return compare(AcceptedClaim(**(facts | accepted)), new, run)


def noisy(shift: float, sd: float) -> ClaimRecord:
    """Return the claim with a shift that differs from replicate to replicate."""
    noise = sd * np.array([-1, 1, 0.5, -0.5, 0.2, -0.2, 1.1, -1.1, 0.7, -0.7])
    return judged(shift, replicates=[float(value) for value in 1 + shift + SPREAD + noise])


@pytest.mark.parametrize(
    ("new", "state"),
    [
        (judged(), "ok"),
        (judged(-0.05), "ok"),
        (judged(-0.099), "ok"),
        (judged(-0.101), "regressed"),
        (judged(0.101), "improved"),
        (noisy(-0.05, 0.01), "ok"),
        (noisy(-0.05, 0.2), "inconclusive"),
        (noisy(-0.6, 0.2), "regressed"),
    ],
)
def test_a_quarter_of_the_margin_may_be_lost(new: ClaimRecord, state: str) -> None:
    """By the whole 99% interval of the paired shift; what can't be told is inconclusive."""
    assert found(judged(), new).state == state


def test_numbers_that_moved_are_listed_on_the_same_machine_only() -> None:
    """Elsewhere last bits are free to move."""
    moved = judged(1e-12)

    assert found(judged(), moved).moved
    assert found(judged(), moved).state == "ok"
    assert not found(judged(), judged()).moved
    assert not found(judged(), moved, fingerprint="b").moved
    assert not found(judged(), moved, seed=5).moved


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        ("reproduced", "inconclusive", "regressed"),
        ("reproduced", "void", "regressed"),
        ("inconclusive", "not reproduced", "regressed"),
        ("not reproduced", "void", "regressed"),
        ("not reproduced", "inconclusive", "improved"),
        ("inconclusive", "reproduced", "improved"),
        ("not reproduced", "not reproduced", "ok"),
        ("void", "void", "ok"),
    ],
)
def test_a_worse_verdict_regresses(old: Any, new: Any, state: str) -> None:
    """Whatever the numbers did; a result that was bad from the start is no alarm."""
    assert found(judged(verdict=old), judged(verdict=new)).state == state


def test_a_better_verdict_does_not_hide_a_loss() -> None:
    """An effect that fell beyond the tolerance regresses all the same."""
    assert found(judged(verdict="inconclusive"), judged(-0.5)).state == "regressed"


@pytest.mark.parametrize(
    ("new", "run", "accepted", "words"),
    [
        (judged(claim_hash="other"), RUN, {}, "what was fixed before the run has changed"),
        (judged(), dataclasses.replace(RUN, data="e"), {}, "its data have changed"),
        (judged(), OTHER, {}, "not the one that is pinned: pot"),
        (
            judged(),
            RUN,
            {"pins": {"pot": {"POT": "0.9"}}},
            "the pin of an opponent has changed: pot",
        ),
        (judged(), RUN, {"pins": {}}, "pin of an opponent has changed: pot"),
    ],
)
def test_what_was_fixed_differently_is_not_compared(
    new: ClaimRecord, run: Run, accepted: dict[str, Any], words: str
) -> None:
    """Said first, an error, with the command that mends it; even where the verdict is worse."""
    for one in (new, dataclasses.replace(new, verdict="not reproduced")):
        finding = found(judged(), one, run, **accepted)
        assert finding.state == "error"
        assert words in finding.reason
        assert finding.cure


def test_another_number_of_replicates_is_not_compared() -> None:
    """Fewer replicates are wider intervals, and no regression."""
    short = judged(replicates=[1.0] * 5, effect=effect(1, 0.9, 1.1, n=5), verdict="inconclusive")
    finding = found(judged(), short)

    assert finding.state == "inconclusive"
    assert "it has 5 replicates, and 10 were accepted" in finding.reason


def part(name: str, shift: float = 0.0) -> Comparison:
    values = [float(value) for value in 1 + shift + SPREAD]
    return Comparison(name, "reproduced", "", effect(1 + shift, 0.9, 1.1), replicates=values)


def test_each_opponent_is_compared_with_itself() -> None:
    """A second opponent's loss counts though the weakest, which the claim shows, has not moved."""
    old = judged(against=[part("a"), part("b", 0.5)])
    finding = found(old, judged(against=[part("a"), part("b", 0.3)]))

    assert finding.state == "regressed"
    assert "(against b)" in finding.reason


def condition(name: str, shift: float = 0.0) -> ConditionRecord:
    values = [float(value) for value in 1 + shift + SPREAD]
    return ConditionRecord(name, "reproduced", effect(1 + shift, 0.9, 1.1), values)


def test_each_condition_is_compared_with_itself() -> None:
    """By name; others than those accepted can't be compared."""
    old = judged(conditions=[condition("x"), condition("y", 0.5)])
    worse = found(old, judged(conditions=[condition("x"), condition("y", 0.3)]))
    other = found(old, judged(conditions=[condition("x"), condition("z", 0.5)]))

    assert (worse.state, other.state) == ("regressed", "error")
    assert "(y)" in worse.reason
    assert "others than those accepted: y, z" in other.reason


def test_without_a_margin_5_percent_may_be_lost() -> None:
    """Of the threshold; where that is zero, too, of the accepted effect or its farther limit."""
    accepted = effect(-0.1, -0.3, 0.2)

    assert tolerance(claim(margin=0.4), accepted) == pytest.approx(0.1)
    assert tolerance(claim(margin=0.0, threshold=-2.0), accepted) == pytest.approx(0.1)
    assert tolerance(claim(margin=0.0, threshold=0.0), accepted) == pytest.approx(0.015)
    assert tolerance(claim(margin=0.0, threshold=None), None) == 0


def test_a_last_bit_is_no_regression_where_nothing_may_be_lost() -> None:
    """Of a bound at zero without a margin, all effects worse by their rounding."""
    facts = {"kind": "bound", "margin": 0.0, "threshold": 0.0}
    old = judged(**facts)
    new = judged(**facts, replicates=[value * (1 + 2e-16) for value in old.replicates])
    finding = found(old, new, fingerprint="b")

    assert new.replicates != old.replicates
    assert finding.state == "ok"


@pytest.mark.parametrize(
    ("new", "state", "timed"),
    [
        (judged(-0.5), "ok", True),
        (judged(verdict="inconclusive"), "regressed", True),
        (judged(verdict="not reproduced", effect=effect(None, None, None)), "regressed", False),
    ],
)
def test_a_race_is_judged_by_its_seconds(new: ClaimRecord, state: str, *, timed: bool) -> None:
    """Effects are left to the ratios; a worse verdict waits for them, unless nothing was solved."""
    race = dataclasses.replace(RUN, race=True)
    finding = found(judged(), new, race)

    assert (finding.state, finding.timed, finding.moved) == (state, timed, False)
    better = found(judged(verdict="inconclusive"), judged(), race)
    assert (better.state, better.timed) == ("improved", True)


def test_a_claim_without_evidence_says_why() -> None:
    """An opponent that is not installed is no regression."""
    reason = "Not judged on evidence: contender pot is unavailable: no POT."
    finding = found(judged(), judged(effect=None, verdict="inconclusive", reason=reason))

    assert (finding.state, finding.reason) == ("inconclusive", reason)
