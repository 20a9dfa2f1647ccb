"""How far an effect has moved from its accepted value, for better or for worse.

Source: paired comparison at equal seeds with a t interval; a statistic of the sample, which has no
effects per replicate, by the spread that its own intervals tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from claimbench.record import Effect
from claimbench.statistics.interval import mean_and_sd, t_interval
from claimbench.words import Kind

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Movement:
    """A shift of an effect, positive for the better, with its interval.

    Attributes
    ----------
    same
        Not one bit differs.
    known
        False where the shift can't be told: an effect that is infinite in one of the runs.
    """

    value: float
    low: float
    high: float
    same: bool
    known: bool = True


_UNKNOWN = Movement(math.nan, -math.inf, math.inf, same=False, known=False)
_NONE = Movement(0.0, 0.0, 0.0, same=True)


def movement(
    kind: Kind,
    before: tuple[Values, Effect | None],
    after: tuple[Values, Effect | None],
    *,
    paired: bool,
    level: float,
) -> Movement:
    """Return how far an effect moved.

    Parameters
    ----------
    before, after
        Effects of the replicates (may be empty), and the effect with its interval.
    paired
        Whether equal positions are equal seeds.
    """
    if list(before[0]) == list(after[0]) and before[1] == after[1]:
        return _NONE
    if None in before[0] or None in after[0] or not before[1] or not after[1]:
        return _UNKNOWN
    old, new = (np.asarray(values, dtype=float) for values in (before[0], after[0]))
    if old.size == new.size >= 2 and paired:
        change = t_interval(new - old, level=level)
        shift, half = change.value, (change.high - change.low) / 2
        ends = float(old.mean()), float(new.mean())
    elif old.size >= 2 and new.size >= 2:
        ends = float(old.mean()), float(new.mean())
        shift, half = ends[1] - ends[0], _welch(old, new, level)
    else:
        values = (before[1].value, after[1].value)
        errors = [_standard_error(effect) for effect in (before[1], after[1])]
        if None in values or None in errors:
            return _UNKNOWN
        ends = float(values[0] or 0), float(values[1] or 0)
        shift = ends[1] - ends[0]
        half = float(special.ndtri((1 + level) / 2)) * math.hypot(*(e or 0.0 for e in errors))
    better = _better(kind, shift, *ends)
    return Movement(better, better - half, better + half, same=False)


def _better(kind: Kind, shift: float, old: float, new: float) -> float:
    match kind:
        case "rate" | "bound":
            return -shift
        case "equivalence" | "identity":
            return abs(old) - abs(new)  # towards zero is better, from either side
        case _:
            return shift


def _welch(old: np.ndarray, new: np.ndarray, level: float) -> float:
    """Return the half width of Welch's interval of a difference of means."""
    parts = np.array([mean_and_sd(side)[1] / math.sqrt(side.size) for side in (old, new)])
    error = math.hypot(*parts)
    if error == 0:
        return 0.0
    shares = (parts / error) ** 2
    freedom = 1 / (shares**2 / [old.size - 1, new.size - 1]).sum()
    return float(special.stdtrit(freedom, (1 + level) / 2)) * error


def _standard_error(effect: Effect) -> float | None:
    if effect.low is None or effect.high is None:
        return None
    if effect.level >= 1:  # all instances, nothing sampled
        return 0.0
    return (effect.high - effect.low) / 2 / float(special.ndtri((1 + effect.level) / 2))
