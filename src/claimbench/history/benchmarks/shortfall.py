"""A claim's effect as a number that asv reads rightly: less is better, and by what ratio."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Kinds whose effect should be large, and kinds that limit it from above.
_MORE_IS_BETTER = ("superiority", "magnitude", "non-inferiority", "success")
_LIMITED = ("rate", "bound")


def shortfall(claim: Mapping[str, Any]) -> float:
    """Return the effect with the sign, and from the point, that make less better.

    For superiority, magnitude and non-inferiority it is minus the effect; for success, rate and
    bound the distance beyond the threshold; for equivalence and identity the size of the effect.
    In margins; in thresholds where there is no margin; else in the unit of the estimand.

    Parameters
    ----------
    claim
        As the record has it.

    Returns
    -------
    float
        NaN when the effect is unknown or infinite.
    """
    effect = claim["effect"]
    if effect is None or effect["value"] is None:
        return math.nan
    value, threshold = effect["value"], claim["threshold"] or 0.0
    scale = claim["margin"] or abs(threshold) or 1.0
    if claim["kind"] in _MORE_IS_BETTER:
        return float((threshold - value) / scale)
    if claim["kind"] in _LIMITED:
        return float((value - threshold) / scale)
    return float(abs(value) / scale)


def tracked(claim: Mapping[str, Any]) -> float:
    """Return x + √(1 + x²) of the shortfall x, which is positive and grows with it.

    asv compares by ratios, so a negative number equal to itself would be reported as a change.
    Far above zero this is 2x, and far below 1/(2|x|): a tenth more, or less, is a tenth. Near zero
    it is exp(x): a tenth of the margin is a tenth.
    """
    return math.exp(math.asinh(shortfall(claim)))


def claim_at(name: str, commit: str, results: Path) -> dict[str, Any] | None:
    """Return a claim as the standard profile judged it at a commit, or None.

    Of several records the newest counts that is complete and was made with no change in the tree.

    Parameters
    ----------
    name
        ``<paper>/<claim>``.
    results
        The folder ``results/``: records of runs here, and those that are committed as accepted.
    """
    found = [
        json.loads(path.read_text(encoding="utf-8"))
        for folder in (results, results / "accepted")
        for path in (folder / "standard").glob(f"*/*-{commit[:8]}*.json")
        if ".gate." not in path.name
    ]
    usable = [
        record
        for record in found
        if record["complete"] and not record["dirty"] and record["revision"] == commit
    ]
    newest: dict[str, Any] = max(
        usable, key=lambda record: str(record["created"]), default={"claims": []}
    )
    return next((claim for claim in newest["claims"] if claim["id"] == name), None)
