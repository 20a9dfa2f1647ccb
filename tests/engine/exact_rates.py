"""Exact coverage and false verdicts of a rate's interval: sums over the binomial distribution.

Between two neighbouring limits the same counts decide: coverage is there a function of the rate
with one maximum and no minimum, a share of false verdicts is monotone. Extremes lie next to the
limits, so that looking there finds them at every rate, not only at those of a grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from scipy import stats

from claimbench.statistics.interval import wilson_interval

Row = tuple[str, str, int, str]

SIZES = (5, 10, 20, 40, 100)
GRID = np.linspace(0, 1, 20_001)[1:-1]
USED, PLAIN = "used", "wilson"


@cache
def limits(n: int, method: str = USED) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper limits for 0 to n successes: the engine's, or scipy's `method`."""
    if method == USED:
        found = [wilson_interval(np.arange(n) < count) for count in range(n + 1)]
    else:
        found = [stats.binomtest(count, n).proportion_ci(method=method) for count in range(n + 1)]
    low, high = np.array([(each.low, each.high) for each in found]).T
    return low, high


def share(n: int, rate: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the probability of a table of counts, shape (n + 1, rates), at each rate."""
    return (stats.binom.pmf(np.arange(n + 1)[:, None], n, rate) * counts).sum(axis=0)


def coverage(n: int, rate: np.ndarray, method: str = USED) -> np.ndarray:
    """Return the probability that the interval holds the rate."""
    low, high = limits(n, method)
    return share(n, rate, (low[:, None] <= rate) & (rate <= high[:, None]))


def false_reproduced(n: int, threshold: np.ndarray, method: str = USED) -> np.ndarray:
    """Return the probability of "reproduced" at a rate equal to the threshold."""
    return share(n, threshold, limits(n, method)[0][:, None] > threshold)


def false_refuted(n: int, threshold: np.ndarray, method: str = USED) -> np.ndarray:
    """Return the probability of "not reproduced" at a rate equal to the threshold."""
    return share(n, threshold, limits(n, method)[1][:, None] < threshold)


def extremes(n: int, least: float = 0.0, most: float = 1.0, method: str = USED) -> np.ndarray:
    """Return the rates in (least, most) where extremes can lie: next to limits and to the ends."""
    ends = np.concatenate([*limits(n, method), [least, most]])
    rates = np.unique([np.nextafter(ends, 0.0), np.nextafter(ends, 1.0)])
    return rates[(rates > least) & (rates < most)]


def least_coverage(
    n: int, least: float = 0.0, most: float = 1.0, method: str = USED
) -> tuple[float, float]:
    """Return the smallest coverage of rates in (least, most), and its rate."""
    rates = extremes(n, least, most, method)
    found = coverage(n, rates, method)
    return float(found.min()), float(rates[found.argmin()])


def most_false(
    n: int, least: float = 0.0, most: float = 1.0, method: str = USED
) -> tuple[float, float]:
    """Return the largest share of false "reproduced" in (least, most), and its threshold."""
    rates = extremes(n, least, most, method)
    found = false_reproduced(n, rates, method)
    return float(found.max()), float(rates[found.argmax()])


def percent(part: float) -> str:
    """Return a share in per cent with one decimal."""
    return f"{100 * part:.1f}"


def coverage_rows() -> Iterator[Row]:
    """Yield interval, effects, n and coverage of a nominal 95%."""
    for n in SIZES:
        (found, at), mean = least_coverage(n), coverage(n, GRID).mean()
        text = f"{percent(mean)} on average, at least {percent(found)} at {at:.3g} (exact)"
        yield "Wilson", "successes, over all rates", n, text
        text = f"at least {percent(least_coverage(n, 0.1, 0.9)[0])} (exact)"
        yield "Wilson", "successes, rates 0.1 to 0.9", n, text


def error_rows() -> Iterator[Row]:
    """Yield kind, effects, n and the share of false "reproduced" at the boundary."""
    for n in SIZES:
        for least, most in ((0.0, 0.1), (0.1, 0.5), (0.5, 1.0)):
            found, at = most_false(n, least, most)
            text = f"up to {percent(found)} at {at:.3g} (exact)" if found else "0.0 (exact)"
            yield "success", f"threshold {least:g} to {most:g}, Wilson", n, text


def correction_rows() -> Iterator[tuple[object, ...]]:
    """Yield n, the least coverage and the most false "reproduced", each without and with it."""
    for n in SIZES:
        yield (
            n,
            *(percent(least_coverage(n, method=method)[0]) for method in (PLAIN, USED)),
            *(percent(most_false(n, 0.5, 1.0, method)[0]) for method in (PLAIN, USED)),
        )
