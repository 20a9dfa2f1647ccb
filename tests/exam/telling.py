"""How the exam words its figures."""

from __future__ import annotations

from collections.abc import Callable

from scipy import stats

#: What was measured, the figure, what it must be.
Tell = Callable[[str, str, str], None]


def of(count: int, number: int) -> str:
    """Return ``3 of 1000: 0.3%, 95% interval 0.06% to 0.87%`` (Clopper and Pearson 1934)."""
    interval = stats.binomtest(count, number).proportion_ci(0.95, method="exact")
    low, high = interval.low, interval.high
    return f"{count} of {number}: {count / number:.1%}, 95% interval {low:.2%} to {high:.2%}"
