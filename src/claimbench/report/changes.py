"""What differs between a claim and its accepted result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claimbench.report.numerals import value_and_limits

if TYPE_CHECKING:
    from claimbench.record import ClaimRecord, Effect


@dataclass(frozen=True, slots=True)
class Change:
    """How a claim differs from what was accepted, one phrase for each difference.

    Attributes
    ----------
    words
        Empty where nothing that matters differs.
    """

    words: tuple[str, ...]

    def __bool__(self) -> bool:
        """Tell whether anything differs."""
        return bool(self.words)


def change_of(claim: ClaimRecord, accepted: ClaimRecord | None) -> Change:
    """Compare a claim with its accepted result.

    Last bits differ from machine to machine: an effect counts as moved when either interval
    excludes the other's effect. Whether that is worse is the gate's to say.
    """
    if accepted is None:
        return Change(("new",))
    words = []
    if claim.verdict != accepted.verdict:
        words.append(f"was {accepted.verdict}")
    if claim.claim_hash != accepted.claim_hash:
        words.append("the claim itself was edited")
    if _apart(claim.effect, accepted.effect):
        value, limits = value_and_limits(accepted.effect)
        words.append(f"effect was {value} {limits}".rstrip())
    return Change(tuple(words))


def _apart(one: Effect | None, other: Effect | None) -> bool:
    if one is None or other is None:
        return one is not other
    if one.at_infinity or other.at_infinity:
        return one.at_infinity != other.at_infinity
    return _excludes(one, other.value) or _excludes(other, one.value)


def _excludes(effect: Effect, value: float | None) -> bool:
    if value is None or effect.interval == "none":
        return False
    low, high = effect.low, effect.high
    # Rounding on another machine is no change of a result without any spread.
    slack = 1e-9 * max(abs(value), abs(effect.value or 0.0))
    below = low is not None and value < low - slack
    return below or (high is not None and value > high + slack)
