"""Confidence intervals of an effect from one number per replicate.

Limits may be infinite: an unbounded interval says that the data exclude nothing on that side.
Sums are `math.fsum`, exactly rounded, so that the order of replicates changes no bit and
swapping the two sides of a comparison swaps the sign exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from claimbench.words import IntervalKind

LEVEL = 0.95

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval with its estimate.

    Attributes
    ----------
    value
        The estimate; NaN when undefined.
    low, high
        The limits, ``-inf`` and ``inf`` where unbounded.
    level
        Nominal coverage, for example 0.95; 1 for an exact interval.
    n
        Replicates.
    kind
        How it was made, a word of `claimbench.words.IntervalKind`.
    note
        Why it is not the usual interval of its kind; empty when it is.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    kind: IntervalKind
    note: str = ""


def _none(level: float) -> Interval:
    return Interval(math.nan, -math.inf, math.inf, level, 0, "none")


def _vector(x: npt.ArrayLike) -> FloatArray:
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"replicates must have shape (n,), not {values.shape}")
    return values


def mean_and_sd(x: npt.ArrayLike) -> tuple[float, float]:
    """Return mean and standard deviation (n - 1) of finite numbers, shape (n,), n >= 1.

    Constant data have exactly their value as mean and 0 as standard deviation; a single number
    has an undefined (NaN) one. Scaling by a power of two keeps squares from overflowing.
    """
    values = _vector(x)
    first = float(values[0])
    if values.size == 1:
        return first, math.nan
    if np.all(values == first):
        return first, 0.0
    exponent = int(np.frexp(np.abs(values).max())[1])
    scaled = np.ldexp(values, -exponent)
    mean = math.fsum(scaled) / values.size
    sd = math.sqrt(math.fsum((scaled - mean) ** 2) / (values.size - 1))
    with np.errstate(over="ignore"):
        return float(np.ldexp(mean, exponent)), float(np.ldexp(sd, exponent))


def t_interval(x: npt.ArrayLike, *, level: float = LEVEL) -> Interval:
    """Return Student's t interval of the mean of finite numbers, shape (n,).

    Unbounded for one replicate; of width 0 for constant data.

    Raises
    ------
    ValueError
        When a number is infinite or NaN: `replicate_interval` chooses the median's then.
    """
    values = _vector(x)
    n = values.size
    if n == 0:
        return _none(level)
    if not np.all(np.isfinite(values)):
        raise ValueError("the t interval takes finite numbers only")
    mean, sd = mean_and_sd(values)
    if n == 1:
        return Interval(mean, -math.inf, math.inf, level, 1, "t")
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * sd / math.sqrt(n)
    return Interval(mean, mean - half, mean + half, level, n, "t")


def wilson_interval(successes: npt.ArrayLike, *, level: float = LEVEL) -> Interval:
    """Return Wilson's score interval, continuity-corrected, of a rate from booleans, shape (n,).

    Source: E. B. Wilson, JASA 22 (1927) 209-212; the correction as in R. G. Newcombe, Statist.
    Med. 17 (1998) 857-872, method 4. What it costs and keeps is measured in docs/statistics.md.
    """
    outcome = _vector(successes)
    n = outcome.size
    if n == 0:
        return _none(level)
    count = int(np.count_nonzero(outcome))
    z = float(special.ndtri((1 + level) / 2))
    low, high = _score_low(count, n, z), 1 - _score_low(n - count, n, z)
    return Interval(count / n, low, high, level, n, "wilson")


def _score_low(count: int, n: int, z: float) -> float:
    """Return the rate r < count / n at which count - 1/2 - n r = z sqrt(n r (1 - r)), or 0."""
    if count == 0:
        return 0.0
    m = count - 0.5
    # The smaller root of a quadratic, written without the difference that would cancel.
    return 2 * m * m / n / (2 * m + z * z + z * math.sqrt(z * z + 4 * m * (1 - m / n)))


def median_rank(n: int, level: float) -> int:
    """Return l such that [x_(l), x_(n+1-l)] covers the median with at least `level`, or 0.

    The largest l with P(B <= l - 1) <= (1 - level)/2, B binomial (n, 1/2); 0 when not even the
    whole range covers (n <= 5 at 95%).
    """
    tail = special.bdtr(np.arange((n + 1) // 2, dtype=np.float64), n, 0.5)
    return int(np.searchsorted(tail, (1 - level) / 2, side="right"))


def _middle(ordered: FloatArray) -> float:
    n = ordered.size
    low, high = float(ordered[(n - 1) // 2]), float(ordered[n // 2])
    return low if low == high else low / 2 + high / 2


def median_interval(x: npt.ArrayLike, *, level: float = LEVEL) -> Interval:
    """Return the interval of the median by order statistics, shape (n,), conservative.

    Numbers may be infinite. NaN stands for "undefined" and is taken at its worst both ways: as
    ``-inf`` for the lower limit and as ``inf`` for the upper one. Unbounded when n is too small
    for the level, so for 5 replicates at 95%.

    Source: exact binomial tails, e.g. W. J. Conover, Practical Nonparametric Statistics, 3.2.
    """
    values = _vector(x)
    n = values.size
    if n == 0:
        return _none(level)
    undefined = np.isnan(values)
    lowest = np.sort(np.where(undefined, -np.inf, values))
    highest = np.sort(np.where(undefined, np.inf, values))
    value = _middle(lowest)
    if value != _middle(highest):
        value = math.nan
    rank = median_rank(n, level)
    if rank == 0:
        return Interval(value, -math.inf, math.inf, level, n, "median")
    return Interval(value, float(lowest[rank - 1]), float(highest[n - rank]), level, n, "median")


def exact_interval(x: npt.ArrayLike) -> Interval:
    """Return the range of all instances, shape (n,), with the entry of largest modulus as value.

    Nothing is sampled, so the level is 1. With a NaN the value is NaN and the range unbounded.
    """
    values = _vector(x)
    if values.size == 0:
        return _none(1.0)
    if np.any(np.isnan(values)):
        return Interval(math.nan, -math.inf, math.inf, 1.0, values.size, "exact")
    low, high = float(values.min()), float(values.max())
    # At equal moduli the positive one: the answer must not depend on the order of instances.
    value = high if abs(high) >= abs(low) else low
    return Interval(value, low, high, 1.0, values.size, "exact")


def replicate_interval(x: npt.ArrayLike, *, level: float = LEVEL) -> Interval:
    """Return the t interval of finite effects, else the median's, shape (n,)."""
    values = _vector(x)
    if np.all(np.isfinite(values)):
        return t_interval(values, level=level)
    return median_interval(values, level=level)
