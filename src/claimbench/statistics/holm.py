"""Holm's correction over the primary claims of a run."""

from __future__ import annotations

from collections.abc import Mapping

ALPHA = 0.05


def holm_adjusted(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return Holm's adjusted p-values, under the names given.

    Valid under any dependence. Source: S. Holm, Scand. J. Statist. 6 (1979) 65-70.

    Raises
    ------
    ValueError
        When a p-value lies outside [0, 1] or is NaN.
    """
    wrong = {name: p for name, p in p_values.items() if not 0 <= p <= 1}
    if wrong:
        raise ValueError(f"p-values lie in [0, 1], found {wrong}")
    adjusted: dict[str, float] = {}
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: p_values[name])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def holm(p_values: Mapping[str, float], *, alpha: float = ALPHA) -> dict[str, bool]:
    """Return, for each name, whether its claim survives at a family-wise error of `alpha`."""
    return {name: p <= alpha for name, p in holm_adjusted(p_values).items()}
