"""Verdicts: a pure function of effects and a rule.

The table of rules, and what each interval promises, is `docs/statistics.md`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from claimbench.statistics import reason
from claimbench.statistics.bootstrap import bootstrap_intervals
from claimbench.statistics.effects import Effects, refuse_statistic, suited
from claimbench.statistics.interval import (
    FloatArray,
    Interval,
    exact_interval,
    replicate_interval,
    wilson_interval,
)
from claimbench.statistics.p_value import replicate_p_value, score_p_value
from claimbench.statistics.power import (
    needed_from_bootstrap,
    needed_from_replicates,
    replicates_needed,
    score_miss,
)
from claimbench.statistics.prediction import Printed, parse_printed
from claimbench.statistics.rule import Rule
from claimbench.words import Verdict

__all__ = [
    "LEAST_REPLICATES",
    "Condition",
    "Effects",
    "Judgement",
    "Printed",
    "Rule",
    "conjunction",
    "judge",
    "parse_printed",
    "with_control",
]

#: Below this no interval decides; identities and bounds on every instance are exempt.
LEAST_REPLICATES = 5


@dataclass(frozen=True, slots=True)
class Condition:
    """One named condition of a conjunction, judged on its own."""

    name: str
    verdict: Verdict
    interval: Interval
    replicates: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with what it rests on.

    Attributes
    ----------
    verdict, reason
        The verdict, and one sentence with the numbers.
    interval
        The effect. Of an equivalence the 95% interval where it is not reproduced, else the 90%.
    p_value
        Of the claim's conditions together; None where there is no test (exact, bootstrap, fewer
        than five replicates).
    replicates
        Effects of the judged column; empty for a statistic of the sample.
    needed
        Replicates that would settle an inconclusive claim; None otherwise and where it can't be
        computed. `claimbench.statistics.power.CAP` stands for "that many or more".
    tags
        What the verdict alone does not tell.
    room
        Signed distance of the deciding limit, and of the value, from the boundary of
        ``reproduced``: the weakest of several judgements has the least.
    conditions
        What the estimand named, in its order; of several opponents, those against the weakest.
    """

    verdict: Verdict
    reason: str
    interval: Interval
    p_value: float | None = None
    replicates: tuple[float, ...] = ()
    needed: int | None = None
    tags: tuple[str, ...] = ()
    room: tuple[float, float] = (-math.inf, -math.inf)
    conditions: tuple[Condition, ...] = ()


def judge(effects: Effects, rule: Rule, *, rng: np.random.Generator) -> Judgement:
    """Judge effects by a rule; several columns are a conjunction.

    Parameters
    ----------
    rng
        For the bootstrap of a statistic of the sample, and nothing else.

    Raises
    ------
    ContenderError
        When the effects don't suit the kind: `success` takes booleans per replicate, no other
        kind takes booleans, and identities and exact bounds take effects per replicate.
    """
    if effects.statistic is not None:
        refuse_statistic(rule)
        return _judge_sample(effects, rule, rng)
    values = effects.values
    if values is None:
        raise ValueError("effects hold neither values nor a statistic")
    columns = [_judge_column(suited(column, rule), rule) for column in values.T]
    names = effects.names or tuple(f"column {i}" for i in range(1, len(columns) + 1))
    told = zip(effects.names, columns, strict=False)  # nothing is told of columns without names
    return replace(
        conjunction(columns, names=names),
        conditions=tuple(
            Condition(name, part.verdict, part.interval, part.replicates) for name, part in told
        ),
    )


def _judge_column(values: FloatArray, rule: Rule) -> Judgement:
    if rule.instances:
        return _judge_instances(values, rule)
    make = wilson_interval if rule.kind == "success" else replicate_interval
    interval, narrow = (make(values, level=level) for level in rule.levels)
    p_value = needed = None
    if values.size >= LEAST_REPLICATES:
        p_value = (
            score_p_value(values, rule.reproduced[0])
            if rule.kind == "success"
            else replicate_p_value(values, rule.reproduced)
        )
    if _decide(interval, narrow, rule) == "inconclusive":
        needed = _needed(values, interval, rule)
    return _conclude(interval, narrow, rule, values=values, p_value=p_value, needed=needed)


def _judge_sample(effects: Effects, rule: Rule, rng: np.random.Generator) -> Judgement:
    assert effects.statistic is not None
    n = effects.n
    interval, narrow = bootstrap_intervals(
        effects.statistic, n, levels=rule.levels, rng=rng, draw=effects.draw
    )
    needed = None
    if _decide(interval, narrow, rule) == "inconclusive":
        targets = [rule.reproduced, *[[condition] for condition in rule.refuted]]
        needed = needed_from_bootstrap(interval, targets, least=max(n + 1, LEAST_REPLICATES))
    return _conclude(interval, narrow, rule, values=None, p_value=None, needed=needed)


def _needed(values: FloatArray, interval: Interval, rule: Rule) -> int | None:
    targets = [rule.reproduced, *[[condition] for condition in rule.refuted]]
    least = max(values.size + 1, LEAST_REPLICATES)
    if rule.kind != "success":
        return needed_from_replicates(values, targets, least=least)
    if values.size == 0:
        return None
    return replicates_needed(targets, score_miss(interval.value), least=least)


def _decide(interval: Interval, narrow: Interval, rule: Rule) -> Verdict:
    """Apply the table, first met row first; `narrow` decides inside an equivalence."""
    if interval.n < LEAST_REPLICATES:
        return "inconclusive"
    if all(
        condition.met(interval if condition.level == rule.level else narrow)
        for condition in rule.reproduced
    ):
        return "reproduced"
    if any(condition.met(interval) for condition in rule.refuted):
        return "not reproduced"
    return "inconclusive"


def _conclude(
    interval: Interval,
    narrow: Interval,
    rule: Rule,
    *,
    values: FloatArray | None,
    p_value: float | None,
    needed: int | None,
) -> Judgement:
    verdict = _decide(interval, narrow, rule)
    shown = interval if verdict == "not reproduced" else narrow
    replicates = () if values is None else tuple(values.tolist())
    room = _room(narrow, rule)
    if interval.n < LEAST_REPLICATES:
        return Judgement(
            verdict,
            reason.too_few(shown, rule, LEAST_REPLICATES),
            shown,
            replicates=replicates,
            needed=needed or LEAST_REPLICATES,
            tags=("not enough replicates",),
            room=room,
        )
    sentence = reason.of_interval(shown, rule, verdict, values=values, needed=needed)
    tags: list[str] = []
    if rule.kind in {"superiority", "magnitude"} and verdict == "reproduced":
        tags += ["smaller than worth having"] if interval.high < rule.margin else []
    if rule.kind == "magnitude" and rule.printed is not None and interval.kind == "t":
        tag, agreement = reason.agreement(np.asarray(values), rule.printed)
        tags.append(tag)
        sentence = f"{sentence[:-1]}; {agreement}."
    return Judgement(verdict, sentence, shown, p_value, replicates, needed, tuple(tags), room)


def _room(interval: Interval, rule: Rule) -> tuple[float, float]:
    limits = min(condition.room(interval) for condition in rule.reproduced)
    value = min(condition.distance(interval.value) for condition in rule.reproduced)
    return limits, -math.inf if math.isnan(value) else value


def _judge_instances(values: FloatArray, rule: Rule) -> Judgement:
    interval = exact_interval(values)
    if values.size == 0:
        return Judgement(
            "inconclusive",
            reason.too_few(interval, rule, 1),
            interval,
            needed=1,
            tags=("not enough replicates",),
        )
    sizes = np.abs(values) if rule.kind == "identity" else values
    boundary = rule.margin if rule.kind == "identity" else rule.boundary
    if rule.kind == "bound":
        interval = replace(interval, value=float(values.max()))
    outside = int(np.count_nonzero(~(sizes <= boundary)))
    worst = boundary - float(sizes.max())
    return Judgement(
        "not reproduced" if outside else "reproduced",
        reason.of_instances(interval, rule, outside),
        interval,
        replicates=tuple(values.tolist()),
        room=(-math.inf, -math.inf) if math.isnan(worst) else (worst, worst),
    )


def conjunction(judgements: Sequence[Judgement], *, names: Sequence[str] = ()) -> Judgement:
    """Join judgements that must all hold: several columns, or several opponents.

    Uncorrected, since all must hold: the error of the whole is no larger than that of one part
    (R. L. Berger, J. C. Hsu, Statist. Sci. 11 (1996) 283-319). The weakest is shown: among the
    parts with the verdict of the whole, the one with the least room. The p-value is the largest.

    Parameters
    ----------
    names
        What the parts are called in the sentence, for example ``column 2`` or ``sinkhorn``.

    Raises
    ------
    ValueError
        When there is nothing to join.
    """
    if not judgements:
        raise ValueError("a conjunction needs at least one judgement")
    if len(judgements) == 1:
        return judgements[0]
    order: tuple[Verdict, ...] = ("void", "not reproduced", "inconclusive", "reproduced")
    verdict = next(word for word in order if any(part.verdict == word for part in judgements))
    candidates = [i for i, part in enumerate(judgements) if part.verdict == verdict]
    weakest = min(candidates, key=lambda i: judgements[i].room)
    part = judgements[weakest]
    p_values = [each.p_value for each in judgements if each.p_value is not None]
    needed = [judgements[i].needed for i in candidates]
    known = [number for number in needed if number is not None]
    name = f" ({names[weakest]})" if names else ""
    return replace(
        part,
        reason=f"Weakest of {len(judgements)}{name}: {part.reason}",
        p_value=max(p_values) if len(p_values) == len(judgements) else None,
        needed=max(known) if len(known) == len(needed) else None,
    )


def with_control(judgement: Judgement, control: Judgement) -> Judgement:
    """Return the verdict after its negative control, judged by the same rule.

    A control that is ``not reproduced`` leaves the verdict; an ``inconclusive`` one lowers
    ``reproduced`` to ``inconclusive``; a ``reproduced`` one makes the claim ``void``.
    """
    sentence, told = judgement.reason.removesuffix("."), control.reason.removesuffix(".")
    if control.verdict in {"reproduced", "void"}:
        return replace(
            judgement,
            verdict="void",
            reason=f"{sentence}; but the control meets the rule too: {told}.",
            p_value=None,
            needed=None,
        )
    if control.verdict == "inconclusive" and judgement.verdict == "reproduced":
        return replace(
            judgement,
            verdict="inconclusive",
            reason=f"{sentence}; but the control is inconclusive: {told}.",
            needed=control.needed,
        )
    return judgement
