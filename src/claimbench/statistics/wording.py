"""Numbers and intervals in words, for the sentence that states a verdict."""

from __future__ import annotations

import math

import numpy as np

from claimbench.statistics.interval import Interval


def _text(value: float, digits: int) -> str:
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "infinity" if value > 0 else "-infinity"
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e7:
        # A whole number keeps its last digits: 12345 is not 12300.
        whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
        precision = max(digits, whole)
        return np.format_float_positional(
            value, precision=precision, fractional=False, unique=True, trim="-"
        )
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"


def words(*values: float) -> list[str]:
    """Return the numbers with the fewest digits, three or more, that tell different ones apart."""
    distinct = len({str(value) for value in values})
    for digits in range(3, 18):
        texts = [_text(value, digits) for value in values]
        if len(set(texts)) >= distinct:
            break
    return texts


def count(n: int, noun: str) -> str:
    """Return ``1 replicate``, ``10 replicates``."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def with_unit(text: str, unit: str) -> str:
    """Return ``1.86 nats``, or the bare number when there is no unit."""
    return f"{text} {unit}" if unit else text


def percent(level: float) -> str:
    """Return ``95%`` or ``98.75%``."""
    return f"{100 * level:.4g}%"


_NAMES = {
    "t": "interval",
    "wilson": "Wilson interval",
    "bootstrap": "bootstrap interval",
    "median": "interval of the median",
    "exact": "range",
    "none": "interval",
}


def interval_phrase(interval: Interval, low: str, high: str) -> str:
    """Return ``95% interval 1.71 to 2.01 over 10 replicates``."""
    note = f" ({interval.note})" if interval.note else ""
    unbounded = math.isinf(interval.low) and math.isinf(interval.high)
    span = "unbounded" if unbounded and interval.low < interval.high else f"{low} to {high}"
    return (
        f"{percent(interval.level)} {_NAMES[interval.kind]}{note} {span} "
        f"over {count(interval.n, 'replicate')}"
    )
