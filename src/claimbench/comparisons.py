"""Judgements as the record has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from claimbench.record import Comparison, ConditionRecord, Effect, finite
from claimbench.statistics.interval import Interval
from claimbench.verdict import Judgement


def effect_of(interval: Interval, unit: str) -> Effect | None:
    """Return the effect; None where there is nothing to show."""
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
        if interval.high == -math.inf
        else ("above" if interval.low == math.inf else ""),
    )


def comparison(name: str, judgement: Judgement, unit: str, where: Mapping[str, Any]) -> Comparison:
    """Return a subject's, or an opponent's, own judgement."""
    return Comparison(
        contender=name,
        verdict=judgement.verdict,
        reason=judgement.reason,
        effect=effect_of(judgement.interval, unit),
        where=dict(where),
        conditions=conditions_of(judgement, unit),
        replicates=[finite(value) for value in judgement.replicates],
    )


def conditions_of(judgement: Judgement, unit: str) -> list[ConditionRecord]:
    """Return what the estimand named, one by one."""
    return [
        ConditionRecord(
            each.name,
            each.verdict,
            effect_of(each.interval, unit),
            [finite(value) for value in each.replicates],
        )
        for each in judgement.conditions
    ]
