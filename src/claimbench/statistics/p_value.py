"""p-values that agree with the intervals: p <= 0.05 exactly where the interval decides.

A condition judged by one limit of a 95% interval has twice the one-sided p-value, at most 1 (so
an effect on the wrong side never looks significant); one judged by a 90% interval, as in
equivalence, the one-sided p-value itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from claimbench.statistics.holm import ALPHA
from claimbench.statistics.interval import mean_and_sd
from claimbench.statistics.rule import Condition


def _scaled(tail: float, condition: Condition) -> float:
    return min(1.0, tail * ALPHA / condition.tail)


def t_p_value(x: npt.ArrayLike, condition: Condition) -> float:
    """Return the p-value of Student's t test of a condition, finite x of shape (n,), n >= 2."""
    values = np.asarray(x, dtype=np.float64)
    mean, sd = mean_and_sd(values)
    distance = condition.distance(mean)
    if sd == 0:
        met = distance >= 0 if condition.relation == "at most" else distance > 0
        return 0.0 if met else 1.0
    t = distance * math.sqrt(values.size) / sd
    return _scaled(float(special.stdtr(values.size - 1, -t)), condition)


def sign_p_value(x: npt.ArrayLike, condition: Condition) -> float:
    """Return the p-value of the exact sign test of a condition, x of shape (n,).

    Infinite numbers count by their sign; NaN counts against the condition.
    """
    values = np.asarray(x, dtype=np.float64)
    if condition.relation == "above":
        on_side = values > condition.null
    elif condition.relation == "below":
        on_side = values < condition.null
    else:
        on_side = values <= condition.null
    against = values.size - int(np.count_nonzero(on_side))
    return _scaled(float(special.bdtr(float(against), values.size, 0.5)), condition)


def score_p_value(successes: npt.ArrayLike, condition: Condition) -> float:
    """Return the p-value of the continuity-corrected score test, booleans of shape (n,)."""
    outcome = np.asarray(successes, dtype=np.float64)
    n = outcome.size
    # In counts: half a success is the correction that `wilson_interval` makes.
    distance = n * condition.distance(np.count_nonzero(outcome) / n) - 0.5
    variance = n * condition.null * (1 - condition.null)
    if variance == 0:
        return 0.0 if distance > 0 else 1.0
    return _scaled(float(special.ndtr(-distance / math.sqrt(variance))), condition)


def replicate_p_value(x: npt.ArrayLike, conditions: Sequence[Condition]) -> float | None:
    """Return the p-value that all conditions hold: the largest (intersection-union test).

    By t for finite numbers, else by the sign test; None for fewer than two replicates.
    """
    values = np.asarray(x, dtype=np.float64)
    if values.size < 2:
        return None
    test = t_p_value if bool(np.all(np.isfinite(values))) else sign_p_value
    return max(test(values, condition) for condition in conditions)
