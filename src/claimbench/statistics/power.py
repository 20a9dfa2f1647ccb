"""How many replicates would settle an inconclusive claim.

Settling means ``reproduced`` or ``not reproduced`` with 80% power, if the effect is the one
estimated and the standard deviation its upper 80% limit: a pilot's own estimate is optimistic.
Source: C. Colas, O. Sigaud, P.-Y. Oudeyer, How many random seeds?, arXiv 1806.08295, section 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from claimbench.statistics.interval import FloatArray, Interval, mean_and_sd
from claimbench.statistics.rule import Condition

POWER = 0.80
#: The search ends here: a claim that needs more can't be settled by patience.
CAP = 10_000

Counts = npt.NDArray[np.int64]
#: Probability that a condition is missed, for each number of replicates of shape (m,).
Miss = Callable[[Counts, Condition], FloatArray]


def upper_sd(sd: float, n: int) -> float:
    """Return the upper 80% confidence limit of a standard deviation estimated from n >= 2."""
    return sd * math.sqrt((n - 1) / float(special.chdtri(n - 1, 0.8)))


def t_miss(mean: float, sd: float) -> Miss:
    """Return the probability that a t interval misses a condition, for normal effects."""

    def miss(n: Counts, condition: Condition) -> FloatArray:
        distance = condition.distance(mean)
        if not distance > 0:
            return np.ones(n.shape)
        # At 20 the miss is below 1e-16 for every n >= 5; from 36 on nctdtr answers NaN.
        shift = np.full(n.shape, 20.0) if sd == 0 else np.minimum(distance / sd * np.sqrt(n), 20.0)
        critical = special.stdtrit(n - 1, 1 - condition.tail)
        return np.asarray(special.nctdtr(n - 1, shift, critical), dtype=np.float64)

    return miss


def sign_miss(x: npt.ArrayLike) -> Miss:
    """Return the probability that a median interval misses, for effects drawn from `x`."""
    values = np.asarray(x, dtype=np.float64)

    def miss(n: Counts, condition: Condition) -> FloatArray:
        gap = values - condition.null
        on_side = np.count_nonzero((gap if condition.relation == "above" else -gap) > 0)
        against = 1 - on_side / values.size
        allowed = _most_against(n, condition.tail)
        caught = np.where(allowed < 0, 0.0, special.bdtr(np.maximum(allowed, 0), n, against))
        return np.asarray(1 - caught, dtype=np.float64)

    return miss


def _most_against(n: Counts, tail: float) -> FloatArray:
    """Return the largest k with P(B <= k) <= tail, B binomial (n, 1/2), or -1."""
    k = np.nan_to_num(np.floor(special.bdtrik(tail, n, 0.5)), nan=0.0)
    k = np.where(special.bdtr(k + 1, n, 0.5) <= tail, k + 1, k)
    k = np.where(special.bdtr(np.maximum(k, 0), n, 0.5) > tail, k - 1, k)
    return np.asarray(k, dtype=np.float64)


def score_miss(rate: float) -> Miss:
    """Return the probability that `wilson_interval` misses, for successes at `rate`."""

    def miss(n: Counts, condition: Condition) -> FloatArray:
        z = float(special.ndtri(1 - condition.tail))
        null = condition.null
        half = z * np.sqrt(n * null * (1 - null)) + 0.5
        if condition.relation == "above":
            allowed = np.floor(n * null + half)
            caught = np.where(allowed >= n, 0.0, special.bdtrc(np.minimum(allowed, n), n, rate))
        else:
            allowed = np.ceil(n * null - half) - 1
            caught = np.where(allowed < 0, 0.0, special.bdtr(np.maximum(allowed, 0), n, rate))
        return np.asarray(1 - caught, dtype=np.float64)

    return miss


def replicates_needed(
    targets: Sequence[Sequence[Condition]], miss: Miss, *, least: int, cap: int = CAP
) -> int:
    """Return the replicates from which on one of the targets is met with 80% power.

    Parameters
    ----------
    targets
        Groups of conditions; a group is met when all of it is (its power is bounded from below
        by one minus the sum of the misses).
    miss
        Probability of missing a condition as a function of the number of replicates.
    least
        The answer is no smaller.
    cap
        Returned when more would be needed, or no number is enough.
    """
    cap = max(cap, least)
    best = cap
    for group in targets:
        best = min(best, _first_enough(group, miss, least, best))
    return best


def _first_enough(group: Sequence[Condition], miss: Miss, least: int, cap: int) -> int:
    """Return the number from which on the power stays enough, or `cap`.

    The power of exact tests climbs in a saw-tooth, whose teeth are gone at twice the first number
    that is enough: a coarse grid finds the last octave that falls short, a fine one its end.
    """

    def short(n: Counts) -> Counts:
        return n[~(1 - sum(miss(n, condition) for condition in group) >= POWER)]

    lacking = short(np.unique(np.geomspace(least, cap, 64).astype(np.int64)))
    start = least if lacking.size == 0 else int(lacking[-1])
    if start == cap:
        return cap
    lacking = short(np.arange(start, min(cap, 2 * start + 20) + 1))
    return start if lacking.size == 0 else int(lacking[-1]) + 1


def needed_from_replicates(
    x: npt.ArrayLike, targets: Sequence[Sequence[Condition]], *, least: int
) -> int | None:
    """Return `replicates_needed` for effects of shape (n,); None for n < 2."""
    values = np.asarray(x, dtype=np.float64)
    if values.size < 2:
        return None
    if not np.all(np.isfinite(values)):
        return replicates_needed(targets, sign_miss(values), least=least)
    mean, sd = mean_and_sd(values)
    return replicates_needed(targets, t_miss(mean, upper_sd(sd, values.size)), least=least)


def needed_from_bootstrap(
    interval: Interval, targets: Sequence[Sequence[Condition]], *, least: int
) -> int | None:
    """Return `replicates_needed` as if the statistic were a mean with an interval this wide.

    None when the interval is unbounded or the statistic undefined.
    """
    width = interval.high - interval.low
    if interval.n < 2 or not math.isfinite(width) or not math.isfinite(interval.value):
        return None
    quantile = float(special.ndtri((1 + interval.level) / 2))
    sd = width / (2 * quantile) * math.sqrt(interval.n)
    miss = t_miss(interval.value, upper_sd(sd, interval.n))
    return replicates_needed(targets, miss, least=least)
