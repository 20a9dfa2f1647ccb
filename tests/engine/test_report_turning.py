"""What would change a verdict, against the rule that judges."""

from __future__ import annotations

import dataclasses

import pytest
from reporting import claim, effect

from claimbench.record import Comparison
from claimbench.report.turning import turning
from claimbench.statistics.interval import Interval
from claimbench.statistics.power import CAP
from claimbench.statistics.rule import Rule
from claimbench.verdict import _decide


def judged(kind: str, low: float, high: float, *, margin=0.25, threshold=None, **changes):
    """Return a claim with this interval and the verdict that the engine gives it."""
    rule = Rule(kind=kind, margin=margin, threshold=threshold)
    middle = (low + high) / 2
    interval = Interval(middle, low, high, 0.95, 10, "t")
    shown = effect(middle, low, high)
    verdict = _decide(interval, interval, rule)
    return claim(
        kind=kind, margin=margin, threshold=threshold, effect=shown, verdict=verdict, **changes
    )


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            judged("superiority", 0.1, 0.3),
            "A lower limit of 0 or less; it is 0.1, 1 half width of the interval away.",
        ),
        (
            judged("superiority", -0.4, -0.2),
            "An upper limit of 0.25 or more; it is −0.2, 4.5 half widths of the interval away.",
        ),
        (
            judged("superiority", -0.1, 0.3),
            (
                "Reproduced with a lower limit above 0 (it is −0.1); not reproduced with an upper"
                " limit below 0.25 (it is 0.3)."
            ),
        ),
        (
            judged("non-inferiority", -0.2, 0.2),
            "A lower limit of −0.25 or less; it is −0.2, 0.25 half widths of the interval away.",
        ),
        (
            judged("equivalence", -0.1, 0.2),
            "An upper limit above 0.25; it is 0.20, 0.33 half widths of the interval away.",
        ),
        (
            judged("equivalence", 0.3, 0.5),
            "A lower limit of 0.25 or less; it is 0.3, 0.5 half widths of the interval away.",
        ),
        (
            judged("bound", 0.1, 0.4, threshold=0.5),
            "An upper limit above 0.75; it is 0.40, 2.3 half widths of the interval away.",
        ),
        (
            judged("rate", 0.8, 1.0, threshold=0.5),
            "A lower limit of 0.75 or less; it is 0.8, 0.5 half widths of the interval away.",
        ),
    ],
)
def test_the_deciding_limit_is_told_with_its_distance(one, words):
    """By kind and verdict; half widths of the interval are the unit of surprise."""
    assert turning(one) == words


def test_exact_claims_turn_on_an_instance():
    """One instance beyond the limit refutes an identity, and the farthest is named."""
    same = claim(kind="identity", margin=1.0, effect=effect(0.2, -0.6, 0.2, interval="exact"))
    broken = dataclasses.replace(same, verdict="not reproduced", effect=effect(0.2, -3.0, 0.2))

    assert turning(same) == "A single instance beyond ±1. The farthest is at 0.6."
    assert turning(broken) == "No instance beyond ±1. The farthest is at 3."


def test_a_control_that_is_unsure_is_what_has_to_change():
    """An effect that meets the rule is not asked to be larger."""
    held = judged("superiority", 0.1, 0.3, control=Comparison("c", "inconclusive"), needed=CAP)
    held = dataclasses.replace(held, verdict="inconclusive")

    assert turning(held) == (
        "The effect meets the rule; the control has to fail it clearly. It would take 10,000"
        " replicates or more: patience alone won't settle it."
    )


@pytest.mark.parametrize(
    "one",
    [
        claim(effect=None, verdict="inconclusive"),
        claim(effect=effect(None, None, None), verdict="reproduced"),
        claim(effect=effect(None, None, None, at_infinity="above")),
    ],
)
def test_without_numbers_nothing_is_told(one):
    """No effect, no limits, or all at infinity: silence instead of a made-up distance."""
    assert turning(one) == ""


def test_void_needs_another_control():
    """Whatever the effect is."""
    assert turning(claim(verdict="void")).startswith("A control that does not meet")
