"""Numbers and verdicts in words, the same in terminal and command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from claimbench.record import Effect, Record
from claimbench.words import VERDICTS


def interval_words(effect: Effect | None) -> str:
    """Return ``0.12 [0.08, 0.16]``; an unbounded limit is an infinity sign."""
    if effect is None:
        return "none"
    if effect.at_infinity:
        infinity = "-∞" if effect.at_infinity == "below" else "∞"
        return f"{infinity} [{infinity}, {infinity}]"
    value = "undefined" if effect.value is None else f"{effect.value:.3g}"
    low = "-∞" if effect.low is None else f"{effect.low:.3g}"
    high = "∞" if effect.high is None else f"{effect.high:.3g}"
    return f"{value} [{low}, {high}]"


def source_words(source: Mapping[str, str]) -> str:
    """Return where a candidate comes from: ``my_solver.py:solve``, ``theirs (their-solvers 2.1)``.

    Parameters
    ----------
    source
        As a record has it; empty for who is no candidate.
    """
    if "entry_point" in source:
        package = " ".join(filter(None, (source.get("distribution"), source.get("version"))))
        return source["entry_point"] + (f" ({package})" if package else "")
    return ":".join(filter(None, (source.get("file"), source.get("object"))))


def verdict_counts(record: Record) -> str:
    """Return how many claims came out how: ``7 claims: 5 reproduced, 2 not reproduced``."""
    counts = Counter(claim.verdict for claim in record.claims)
    total = len(record.claims)
    parts = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict]]
    return f"{total} claim{'' if total == 1 else 's'}" + (f": {', '.join(parts)}" if parts else "")
