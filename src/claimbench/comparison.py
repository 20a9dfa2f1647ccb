"""Judgements as a record has them: effects, comparisons, conditions, candidates."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from claimbench.claim import Claim
from claimbench.record import Comparison, ConditionRecord, Effect
from claimbench.schema import finite
from claimbench.statistics.interval import Interval
from claimbench.verdict import Judgement, conjunction, with_control


def joined(parts: Mapping[str, Judgement]) -> Judgement:
    """Return the judgement of a subject against all its opponents."""
    return conjunction(list(parts.values()), names=list(parts))


def unheard(reason: str) -> Judgement:
    """Return the judgement of whom no evidence can be heard about."""
    nothing = Interval(np.nan, -np.inf, np.inf, 0.95, 0, "none")
    return Judgement("inconclusive", f"Not judged on evidence: {reason}.", nothing)


def effect(interval: Interval, unit: str) -> Effect | None:
    """Return an interval as a record has it."""
    if interval.kind == "none":
        return None
    return Effect(
        value=finite(interval.value),
        low=finite(interval.low),
        high=finite(interval.high),
        level=interval.level,
        n=interval.n,
        unit=unit,
        interval=interval.kind,
        at_infinity="below"
        if interval.high == -np.inf
        else ("above" if interval.low == np.inf else ""),
    )


def comparison(
    name: str,
    judgement: Judgement,
    unit: str,
    where: Mapping[str, Any],
    against: Mapping[str, Judgement] | None = None,
) -> Comparison:
    """Return the judgement of one subject, or against one opponent, as a record has it.

    Parameters
    ----------
    against
        Opponent -> judgement: for a candidate, whose meetings are told one by one.
    """
    return Comparison(
        contender=name,
        verdict=judgement.verdict,
        reason=judgement.reason,
        effect=effect(judgement.interval, unit),
        where=dict(where),
        conditions=conditions(judgement, unit),
        replicates=[finite(value) for value in judgement.replicates],
        against=[comparison(other, part, unit, where) for other, part in (against or {}).items()],
    )


def conditions(judgement: Judgement, unit: str) -> list[ConditionRecord]:
    """Return the named conditions of a judgement."""
    return [
        ConditionRecord(
            each.name,
            each.verdict,
            effect(each.interval, unit),
            [finite(value) for value in each.replicates],
        )
        for each in judgement.conditions
    ]


def candidate(
    claim: Claim, name: str, parts: Mapping[str, Judgement], control: Judgement
) -> Comparison:
    """Return what the claim's rule says of a candidate.

    The verdict is about the claim's own opponents, as the method's is, and no more than the claim's
    control allows. Whether the candidate also beats the method is told beside it.

    Parameters
    ----------
    parts
        Opponent -> judgement, the method among them; alone under an empty name.
    """
    meeting = parts.get(claim.method)
    own = {other: part for other, part in parts.items() if other != claim.method}
    whole = with_control(joined(own), control)
    found = comparison(name, whole, claim.unit, claim.where, parts if claim.against else None)
    if not claim.against:
        return found
    told = f"Against {' and '.join(own)}: {whole.verdict}. {whole.reason}"
    if meeting is not None:
        told += f" Against the method {claim.method}: {meeting.verdict}. {meeting.reason}"
    return dataclasses.replace(found, reason=told)
