"""The rule of each kind of claim, in words and as the region where the claim holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claimbench.report.numerals import number, percent
from claimbench.statistics.interval import LEVEL
from claimbench.statistics.looks import LOOKS, spent
from claimbench.statistics.rule import EQUIVALENCE_LEVEL

if TYPE_CHECKING:
    from claimbench.record import ClaimRecord


@dataclass(frozen=True, slots=True)
class Region:
    """Where an interval must lie for ``reproduced``; None is unbounded.

    Attributes
    ----------
    reference
        The value of no effect: zero, or the claim's threshold.
    marks
        Further values that the rule names, such as the margin.
    words
        The region as a phrase, for readers who don't see the picture.
    """

    low: float | None
    high: float | None
    reference: float
    marks: tuple[float, ...]
    words: str


def region(claim: ClaimRecord) -> Region:
    """Return the region in which the claim's whole interval must lie."""
    margin = claim.margin
    threshold = claim.threshold if claim.threshold is not None else 0.0
    match claim.kind:
        case "superiority" | "magnitude":
            return Region(0.0, None, 0.0, (margin,) if margin else (), "above 0")
        case "non-inferiority":
            return Region(-margin, None, 0.0, (), f"above {number(-margin)}")
        case "equivalence" | "identity":
            return Region(-margin, margin, 0.0, (), f"within ±{number(margin)}")
        case "rate" | "bound":
            limit = threshold + margin
            return Region(None, limit, threshold, (), f"at most {number(limit)}")
        case "success":
            return Region(threshold, None, threshold, (), f"above {number(threshold)}")


def rule(claim: ClaimRecord) -> str:
    """Return the pre-registered rule as a sentence."""
    unit = f" {claim.effect.unit}" if claim.effect is not None and claim.effect.unit else ""
    level = percent(claim.effect.level if claim.effect is not None else 0.95)
    looks = 1 if claim.look is None else len(LOOKS)
    inside, outside = percent(spent(EQUIVALENCE_LEVEL, looks)), percent(spent(LEVEL, looks))
    margin = f"{number(claim.margin)}{unit}"
    threshold = claim.threshold if claim.threshold is not None else 0.0
    limit = f"{number(threshold + claim.margin)}{unit}"
    sum_ = "the threshold" if not claim.margin else "threshold plus margin"
    match claim.kind:
        case "superiority" | "magnitude":
            words = (
                f"Reproduced when the lower {level} limit of the effect is above 0; not reproduced"
                f" when the upper limit is below the margin, {margin}"
            )
        case "non-inferiority":
            words = (
                f"Reproduced when the lower {level} limit of the effect is above minus the margin,"
                f" {number(-claim.margin)}{unit}; not reproduced when the upper limit is below it"
            )
        case "equivalence":
            words = (
                f"Reproduced when the {inside} interval of the effect lies inside ±{margin}; not"
                f" reproduced when the {outside} interval lies outside"
            )
        case "bound" if claim.effect is not None and claim.effect.interval == "exact":
            return (
                f"Reproduced when the effect is at most {limit} ({sum_}) on every instance;"
                " otherwise not reproduced."
            )
        case "rate" | "bound":
            words = (
                f"Reproduced when the upper {level} limit of the effect is at most {limit}"
                f" ({sum_}); not reproduced when the lower limit is above it"
            )
        case "success":
            words = (
                f"Reproduced when the lower {level} limit of the success rate is above"
                f" {number(threshold)}; not reproduced when the upper limit is below it"
            )
        case "identity":
            return (
                f"Reproduced when the size of the effect is at most {margin} on every instance;"
                " otherwise not reproduced."
            )
    return f"{words}; otherwise inconclusive."
