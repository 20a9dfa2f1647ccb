"""The rule in words and as a region, against the rule that judges."""

from __future__ import annotations

import pytest
from reporting import claim, effect

from claimbench.report.rules import region, rule
from claimbench.statistics.rule import Rule
from claimbench.words import KINDS


def rule_of(kind: str, *, margin: float = 0.25) -> tuple[Rule, float | None]:
    threshold = 0.5 if kind in {"rate", "bound", "success"} else None
    return Rule(kind=kind, margin=margin, threshold=threshold), threshold


@pytest.mark.parametrize("kind", KINDS)
def test_region_is_where_the_judge_says_reproduced(kind):
    """The shaded region has the very limits at which the verdict's conditions change."""
    judged, threshold = rule_of(kind)
    conditions = {condition.relation: condition.null for condition in judged.reproduced}
    if kind == "identity":  # judged on absolute values
        conditions = {"above": -conditions["at most"], "at most": conditions["at most"]}

    shown = region(claim(kind=kind, margin=0.25, threshold=threshold))

    assert shown.low == conditions.get("above")
    assert shown.high == conditions.get("below", conditions.get("at most"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_rule_in_words(kind):
    """The sentence names both outcomes and the numbers that decide."""
    threshold = rule_of(kind)[1]
    sentence = rule(claim(kind=kind, margin=0.25, threshold=threshold, effect=None))
    decisive = "0.75" if kind in {"rate", "bound"} else "0.5" if kind == "success" else "0.25"

    assert sentence.startswith("Reproduced when ")
    assert "not reproduced" in sentence.lower()
    assert decisive in sentence
    assert ("inconclusive" in sentence) == (kind != "identity")


def test_exact_bound_is_judged_on_every_instance():
    """A bound on the whole population is stated without an interval."""
    exact = claim(kind="bound", margin=0.0, threshold=2.0, effect=effect(1, 0, 1, interval="exact"))

    assert "on every instance" in rule(exact)
    assert "limit" not in rule(exact)
