"""The trimmed mean and its interval: for rounds of a clock, of which some are disturbed."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

from claimbench.statistics.interval import Interval, mean_and_sd

#: Cut off at either end.
SHARE = 0.2


def trimmed_error(x: npt.ArrayLike) -> tuple[float, float, int]:
    """Return trimmed mean, its standard error and degrees of freedom, of shape (n,).

    Source: J. W. Tukey and D. H. McLaughlin, Sankhya A 25 (1963) 331-352; the error is that of the
    winsorised sample over (1 - 2 share) sqrt(n).

    Raises
    ------
    ValueError
        When fewer than two numbers are left, or one is not finite.
    """
    ordered = np.sort(np.asarray(x, dtype=np.float64))
    n = ordered.size
    cut = int(SHARE * n)
    kept = ordered[cut : n - cut]
    if kept.size < 2 or not np.isfinite(ordered).all():
        raise ValueError("the trimmed mean takes finite numbers, of which two are left")
    winsorised = np.clip(ordered, kept[0], kept[-1])
    _, sd = mean_and_sd(winsorised)
    return float(kept.mean()), sd / ((1 - 2 * SHARE) * math.sqrt(n)), kept.size - 1


def trimmed_interval(x: npt.ArrayLike, *, level: float) -> Interval:
    """Return the interval of the 20% trimmed mean of finite numbers, shape (n,), n >= 2."""
    mean, error, freedom = trimmed_error(x)
    half = float(special.stdtrit(freedom, (1 + level) / 2)) * error
    n = int(np.size(x))
    return Interval(mean, mean - half, mean + half, level, n, "t", "trimmed mean")


def least_visible(x: npt.ArrayLike, *, tolerance: float, level: float, power: float = 0.8) -> float:
    """Return the least effect whose lower limit passes `tolerance` with this power."""
    _, error, freedom = trimmed_error(x)
    critical = float(special.stdtrit(freedom, (1 + level) / 2))
    return tolerance + (critical + float(special.ndtri(power))) * error


def rounds_needed(
    x: npt.ArrayLike, *, effect: float, tolerance: float, level: float, power: float
) -> int:
    """Return how many numbers, spread as these are, find this effect with this power.

    Raises
    ------
    ValueError
        When the effect is not above the tolerance.
    """
    if effect <= tolerance:
        raise ValueError(f"an effect of {effect} is not above the tolerance {tolerance}")
    _, error, _ = trimmed_error(x)
    one, n = error * math.sqrt(np.size(x)), int(np.size(x))
    while True:
        freedom = n - 2 * int(SHARE * n) - 1
        quantiles = float(special.stdtrit(freedom, (1 + level) / 2) + special.ndtri(power))
        needed = math.ceil((quantiles * one / (effect - tolerance)) ** 2)
        if needed <= n:
            return n
        # More numbers have smaller quantiles: from below, a step may go too far, but not by much.
        n = min(needed, 2 * n)
