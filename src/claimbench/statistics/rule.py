"""The rule of a claim: what its interval must meet, and what refutes it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from claimbench.errors import ClaimFileError
from claimbench.statistics.interval import LEVEL, Interval
from claimbench.statistics.looks import spent
from claimbench.statistics.prediction import Printed
from claimbench.words import KINDS, Kind

#: Two one-sided tests at 5% are a 90% interval inside the margins.
EQUIVALENCE_LEVEL = 0.90

WITH_THRESHOLD: tuple[Kind, ...] = ("rate", "bound", "success")

Relation = Literal["above", "below", "at most"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One limit of an interval beyond a number: ``low > null``, ``high < null``, ``high <= null``.

    Attributes
    ----------
    relation
        ``above``, ``below`` or ``at most``.
    null
        The number to be excluded.
    level
        Level of the two-sided interval that decides.
    """

    relation: Relation
    null: float
    level: float = LEVEL

    @property
    def tail(self) -> float:
        """The probability with which the interval errs on this side."""
        return (1 - self.level) / 2

    def distance(self, value: float) -> float:
        """Return how far `value` lies on the required side, negative on the other."""
        return value - self.null if self.relation == "above" else self.null - value

    def met(self, interval: Interval) -> bool:
        """Return whether the interval lies wholly on the required side."""
        if self.relation == "above":
            return interval.low > self.null
        if self.relation == "below":
            return interval.high < self.null
        return interval.high <= self.null

    def room(self, interval: Interval) -> float:
        """Return the distance of the deciding limit from the boundary; negative when unmet."""
        return self.distance(interval.low if self.relation == "above" else interval.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How the effects of a claim are judged.

    Attributes
    ----------
    kind
        A word of `claimbench.words.Kind`.
    margin
        The smallest effect that matters, in the estimand's unit.
    threshold
        For the kinds rate, bound and success, else None.
    exact
        The instances are the whole population (a deterministic problem): a bound is judged on
        each of them. Other kinds are judged as ever.
    unit
        The estimand's unit, for the sentence.
    printed
        The paper's number, for the tags of the kind magnitude.
    looks
        Among how many looks the error is divided; 1 where the sample is fixed.

    Raises
    ------
    ClaimFileError
        When margin or threshold don't fit the kind.
    """

    kind: Kind
    margin: float = 0.0
    threshold: float | None = None
    exact: bool = False
    unit: str = ""
    printed: Printed | None = None
    looks: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ClaimFileError("the kind of a claim is unknown", value=self.kind, allowed=KINDS)
        least = "above 0" if self.kind == "equivalence" else "0 or more"
        wrong = self.margin <= 0 if self.kind == "equivalence" else self.margin < 0
        if wrong or not math.isfinite(self.margin):
            raise ClaimFileError(
                f"the margin of a claim of kind {self.kind} is impossible",
                value=self.margin,
                allowed=f"a finite number, {least}",
                cure="edit `margin` in claim.toml",
            )
        self._check_threshold()

    def _check_threshold(self) -> None:
        if self.kind not in WITH_THRESHOLD:
            if self.threshold is not None:
                raise ClaimFileError(
                    f"a claim of kind {self.kind} has no threshold",
                    value=self.threshold,
                    allowed=f"a threshold for the kinds {', '.join(WITH_THRESHOLD)}",
                    cure="remove `threshold` from claim.toml, or change `kind`",
                )
            return
        # A rate of 1 can't be exceeded: such a claim could never be reproduced.
        allowed = "0 <= threshold < 1" if self.kind == "success" else "a finite number"
        if self.threshold is None:
            raise ClaimFileError(
                f"a claim of kind {self.kind} needs a threshold",
                allowed=allowed,
                cure="add `threshold` to claim.toml",
            )
        if not math.isfinite(self.threshold) or (
            self.kind == "success" and not 0 <= self.threshold < 1
        ):
            raise ClaimFileError(
                f"the threshold of a claim of kind {self.kind} is impossible",
                value=self.threshold,
                allowed=allowed,
                cure="edit `threshold` in claim.toml",
            )

    @property
    def boundary(self) -> float:
        """``threshold + margin`` of a rate or bound, ``threshold`` of a success."""
        if self.threshold is None:
            raise ValueError(f"a claim of kind {self.kind} has no threshold")
        return self.threshold if self.kind == "success" else self.threshold + self.margin

    @property
    def instances(self) -> bool:
        """Whether every instance must meet the rule, without inference."""
        return self.kind == "identity" or (self.kind == "bound" and self.exact)

    @property
    def level(self) -> float:
        """Level of the interval that decides, but for what lies inside an equivalence's."""
        return spent(LEVEL, self.looks)

    @property
    def levels(self) -> tuple[float, float]:
        """Levels of the intervals that refute a claim and that reproduce it."""
        return self.level, self.reproduced[0].level

    @property
    def reproduced(self) -> tuple[Condition, ...]:
        """Conditions that must all be met for ``reproduced``."""
        if self.kind in {"superiority", "magnitude"}:
            return (Condition("above", 0.0, self.level),)
        if self.kind == "non-inferiority":
            return (Condition("above", -self.margin, self.level),)
        if self.kind == "equivalence":
            inside = spent(EQUIVALENCE_LEVEL, self.looks)
            return (
                Condition("above", -self.margin, inside),
                Condition("below", self.margin, inside),
            )
        if self.kind == "identity":
            return (Condition("at most", self.margin, self.level),)
        side: Relation = "above" if self.kind == "success" else "at most"
        return (Condition(side, self.boundary, self.level),)

    @property
    def refuted(self) -> tuple[Condition, ...]:
        """Conditions of which one is enough for ``not reproduced``."""
        if self.kind in {"superiority", "magnitude"}:
            return (Condition("below", self.margin, self.level),)
        if self.kind == "non-inferiority":
            return (Condition("below", -self.margin, self.level),)
        if self.kind == "equivalence":
            return (
                Condition("above", self.margin, self.level),
                Condition("below", -self.margin, self.level),
            )
        if self.kind == "identity":
            return (Condition("above", self.margin, self.level),)
        side: Relation = "below" if self.kind == "success" else "above"
        return (Condition(side, self.boundary, self.level),)
