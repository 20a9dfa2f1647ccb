"""The bootstrap interval of a statistic that is one number for the whole sample.

The resampling and the limits are apart: the limits are a pure function of the resampled
statistics, which the coverage exam evaluates on statistics it has vectorised itself.
`scipy.stats.bootstrap` is the oracle of the tests; it is not called, because on degenerate
statistics it answers NaN with a warning, and because equivalence needs two levels of one
resampling.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from claimbench.errors import ContenderError
from claimbench.statistics.interval import LEVEL, FloatArray, Interval

Statistic = Callable[[npt.NDArray[np.int64]], float]

RESAMPLES = 9999


@dataclass(frozen=True, slots=True, eq=False)
class Resamples:
    """A statistic of a sample of n replicates, two or more, and of what is drawn from it.

    Attributes
    ----------
    distribution
        The statistic of each resample, shape (resamples,).
    left_out
        The statistic without one replicate each, shape (n,).
    """

    value: float
    distribution: FloatArray
    left_out: FloatArray


#: Draws the resamples: statistic, n, generator and their number -> what was found.
Resample = Callable[[Statistic, int, np.random.Generator, int], Resamples]


def _one(value: object) -> float:
    number = np.asarray(value)
    if number.ndim != 0 or number.dtype.kind not in "fiu":
        raise ContenderError(
            "an estimand of the sample returned no single number",
            value=f"shape {number.shape}, dtype {number.dtype}",
            allowed="one float",
            cure="return float(...) for the sample, or one effect per replicate, shape (n,)",
        )
    return float(number)


def _percentile(distribution: FloatArray, level: float) -> tuple[float, float]:
    """Limits by order statistics, without interpolation; NaN at its worst both ways."""
    undefined = np.isnan(distribution)
    lowest = np.sort(np.where(undefined, -np.inf, distribution))
    highest = np.sort(np.where(undefined, np.inf, distribution))
    rank = max(1, math.floor((distribution.size + 1) * (1 - level) / 2))
    return float(lowest[rank - 1]), float(highest[distribution.size - rank])


def _acceleration(left_out: FloatArray) -> float:
    """Efron's acceleration from the statistics without one replicate each, shape (n,)."""
    deviation = math.fsum(left_out / left_out.size) - left_out
    largest = float(np.abs(deviation).max())
    if largest == 0:
        return 0.0
    # Skewness has no scale; without one, squares neither overflow nor vanish.
    deviation = deviation / largest
    return math.fsum(deviation**3) / (6 * math.sqrt(math.fsum(deviation**2)) ** 3)


def bca_limits(
    value: float, distribution: FloatArray, left_out: FloatArray, *, level: float = LEVEL
) -> tuple[float, float, str]:
    """Return lower limit, upper limit and a note of the BCa interval.

    Parameters
    ----------
    value
        The statistic of the sample.
    distribution
        The statistic of each resample, shape (resamples,).
    left_out
        The statistic without one replicate each, shape (n,).

    Notes
    -----
    In order:

    1. All resamples equal and finite: an interval of width 0.
    2. The statistic, a resample or a leave-one-out value is infinite or NaN: the percentile
       interval by order statistics, NaN taken at its worst both ways. A statistic that one bad
       replicate makes undefined is undefined in 64% of the resamples, so this is unbounded.
    3. No resample, or every resample, lies below the statistic (ties count half): the bias
       correction is infinite; the percentile interval.
    4. Else BCa. Source: B. Efron, JASA 82 (1987) 171-185, equations 2.3 and 6.6.

    The note says which of 2 and 3 it was, else it is empty.
    """
    finite = bool(np.all(np.isfinite(distribution)))
    if finite and np.all(distribution == distribution[0]):
        return float(distribution[0]), float(distribution[0]), ""
    if not (finite and math.isfinite(value) and np.all(np.isfinite(left_out))):
        bad = int(np.count_nonzero(~np.isfinite(distribution)))
        note = f"percentile, {bad} of {distribution.size} resamples are infinite or undefined"
        return *_percentile(distribution, level), note
    below = np.count_nonzero(distribution < value) + np.count_nonzero(distribution <= value)
    share = float(below) / (2 * distribution.size)
    if not 0 < share < 1:
        note = "percentile, the sample lies outside all its resamples"
        return *_percentile(distribution, level), note
    bias = float(special.ndtri(share))
    acceleration = _acceleration(left_out)
    z = bias + special.ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    # The acceleration is at most 1/6 and z below 6 for any number of resamples in use, so that the
    # denominator is positive and the shares are in order.
    shares = special.ndtr(bias + z / (1 - acceleration * z))
    low, high = np.quantile(distribution, shares)
    return float(low), float(high), ""


def resample(statistic: Statistic, n: int, rng: np.random.Generator, resamples: int) -> Resamples:
    """Draw resamples and evaluate the statistic on each.

    Raises
    ------
    ContenderError
        When the statistic returns anything but one number.
    """
    everyone = np.arange(n, dtype=np.int64)
    # A resample may well be degenerate (one replicate n times): its value is judged, not warned of.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        value = _one(statistic(everyone))
        drawn = rng.integers(0, n, size=(resamples, n))
        distribution = np.array([_one(statistic(indices)) for indices in drawn])
        left_out = np.array([_one(statistic(np.delete(everyone, i))) for i in range(n)])
    return Resamples(value, distribution, left_out)


def bootstrap_intervals(
    statistic: Statistic,
    n: int,
    *,
    levels: Sequence[float],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    draw: Resample = resample,
) -> list[Interval]:
    """Return one bootstrap interval for each level, all from the same resamples.

    Parameters
    ----------
    statistic
        Maps replicate indices, integers of shape (m,), to one float. Both sides of a comparison
        see the same indices: that is what pairs them.
    n
        Replicates; with fewer than two the interval is unbounded.
    draw
        Finds the resamples, such as one that remembers what `resample` found.

    Raises
    ------
    ContenderError
        When the statistic returns anything but one number.
    """
    if n == 0:
        return [Interval(math.nan, -math.inf, math.inf, level, 0, "none") for level in levels]
    if n == 1:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            value = _one(statistic(np.zeros(1, dtype=np.int64)))
        return [Interval(value, -math.inf, math.inf, level, 1, "bootstrap") for level in levels]
    found = draw(statistic, n, rng, resamples)
    intervals = []
    for level in levels:
        low, high, note = bca_limits(found.value, found.distribution, found.left_out, level=level)
        intervals.append(Interval(found.value, low, high, level, n, "bootstrap", note))
    return intervals


def bootstrap_interval(
    statistic: Statistic,
    n: int,
    *,
    level: float = LEVEL,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the bootstrap interval of a statistic at one level; see `bootstrap_intervals`."""
    return bootstrap_intervals(statistic, n, levels=[level], rng=rng, resamples=resamples)[0]
