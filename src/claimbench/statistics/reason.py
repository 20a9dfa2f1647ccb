"""The sentence that states a verdict: what was found, and the rule it met or missed."""

from __future__ import annotations

import math

import numpy as np

from claimbench.statistics.interval import FloatArray, Interval
from claimbench.statistics.power import CAP, POWER
from claimbench.statistics.prediction import Printed, prediction_interval, z_score
from claimbench.statistics.rule import Rule
from claimbench.statistics.wording import count, interval_phrase, percent, with_unit, words
from claimbench.words import Verdict


def too_few(interval: Interval, rule: Rule, least: int) -> str:
    """Return the sentence of a claim with fewer replicates than a verdict needs."""
    if interval.n == 0:
        return "There is no replicate to judge."
    value, low, high = words(interval.value, interval.low, interval.high)
    return (
        f"{with_unit(value, rule.unit)}, {interval_phrase(interval, low, high)}; "
        f"a verdict needs {least} replicates."
    )


def of_instances(interval: Interval, rule: Rule, outside: int) -> str:
    """Return the sentence of an identity, or of a bound on every instance."""
    boundary = rule.margin if rule.kind == "identity" else rule.boundary
    value, limit = words(interval.value, boundary)
    name = "largest deviation" if rule.kind == "identity" else "largest value"
    over = f"{name} {with_unit(value, rule.unit)} over {count(interval.n, 'instance')}"
    limit = f"±{limit}" if rule.kind == "identity" else limit
    if outside == 0:
        place = f"within {limit}" if rule.kind == "identity" else f"at or below {limit}"
        return f"{_capital(over)}, all {place}."
    place = f"outside {limit}" if rule.kind == "identity" else f"above {limit}"
    odd = " or undefined" if math.isnan(interval.value) else ""
    return f"{_capital(over)}, {outside:,} of them {place}{odd}."


def of_interval(
    interval: Interval,
    rule: Rule,
    verdict: Verdict,
    *,
    values: FloatArray | None,
    needed: int | None,
) -> str:
    """Return the sentence of a claim judged by an interval.

    Parameters
    ----------
    values
        The effects judged, shape (n,); None for a statistic of the sample.
    needed
        Replicates that would settle an inconclusive claim.
    """
    low, high, value, *_ = words(interval.low, interval.high, interval.value, rule.margin)
    found = with_unit(value, rule.unit)
    if interval.kind == "wilson" and values is not None:
        found = f"{value} ({int(values.sum()):,} of {interval.n:,})"
    if interval.kind == "median" and values is not None:
        odd = int(np.count_nonzero(~np.isfinite(values)))
        found = f"Median {found} ({odd:,} of {interval.n:,} effects infinite or undefined)"
    text = f"{found}, {interval_phrase(interval, low, high)}, {_place(interval, rule, verdict)}"
    if verdict != "inconclusive":
        return f"{text}."
    if needed is None:
        return f"{text}; how many replicates would settle it can't be computed."
    if needed >= CAP:
        return f"{text}; fewer than {CAP:,} replicates would not settle it with {POWER:.0%} power."
    return f"{text}; about {needed:,} replicates would settle it with {POWER:.0%} power."


def _place(interval: Interval, rule: Rule, verdict: Verdict) -> str:
    """Return where the interval lies, seen from the rule."""
    margin, *_ = words(rule.margin, interval.low, interval.high)
    if rule.kind in {"superiority", "magnitude"}:
        if verdict == "reproduced":
            small = interval.high < rule.margin
            return "lies above 0" + (f" but below the margin {margin}" if small else "")
        if verdict == "not reproduced":
            return f"lies below the margin {margin}" if rule.margin > 0 else "lies below 0"
        return f"excludes neither 0 nor the margin {margin}" if rule.margin > 0 else "contains 0"
    if rule.kind == "equivalence":
        if verdict == "reproduced":
            return f"lies within ±{margin}"
        if verdict == "not reproduced":
            return f"lies outside ±{margin}"
        outside = f"nor does the {percent(rule.level)} interval lie outside"
        return f"does not lie within ±{margin}, {outside}"
    boundary, name = _boundary(rule, interval)
    inclusive = rule.kind in {"rate", "bound"}
    if (verdict == "reproduced") == inclusive and verdict != "inconclusive":
        return f"lies {'at or below' if inclusive else 'below'} {boundary}, {name}"
    if verdict != "inconclusive":
        return f"lies above {boundary}, {name}"
    return f"contains {boundary}, {name}"


def _boundary(rule: Rule, interval: Interval) -> tuple[str, str]:
    if rule.kind == "non-inferiority":
        return words(-rule.margin, interval.low, interval.high)[0], "the margin"
    boundary, *_ = words(rule.boundary, interval.low, interval.high)
    if rule.kind == "success" or rule.margin == 0:
        return boundary, "the threshold"
    return boundary, "threshold plus margin"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def agreement(values: FloatArray, printed: Printed) -> tuple[str, str]:
    """Return the tag and the clause that compare finite effects, (n,), with a printed number."""
    low, high = prediction_interval(values, printed)
    number, least, most = words(printed.value, low, high)
    if low <= printed.value <= high:
        tag, place = "magnitude agrees", "inside"
    elif printed.value > high:
        tag, place = "smaller than printed", "above"
    else:
        tag, place = "larger than printed", "below"
    z = z_score(values, printed)
    score = "" if z is None else f" (z = {z:.2g})"
    return (
        tag,
        f"the printed {number} lies {place} its prediction interval {least} to {most}{score}",
    )
