"""What would change a verdict, with the numbers that decide it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claimbench.report.numerals import interval, number
from claimbench.report.rules import region
from claimbench.statistics.power import CAP

if TYPE_CHECKING:
    from claimbench.record import ClaimRecord, Effect


def turning(claim: ClaimRecord) -> str:
    """Return what would change the verdict of a claim; empty where nothing can be told."""
    effect = claim.effect
    if claim.verdict == "void":
        return "A control that does not meet the claim's own rule. No effect of the method's can."
    if effect is None or effect.at_infinity:
        return ""
    if _exact(claim, effect):
        return _instances(claim, effect)
    if claim.verdict == "reproduced":
        return _reproduced(claim, effect)
    if claim.verdict == "not reproduced":
        return _refuted(claim, effect)
    return _open(claim, effect)


def _exact(claim: ClaimRecord, effect: Effect) -> bool:
    return claim.kind == "identity" or effect.interval == "exact"


def _instances(claim: ClaimRecord, effect: Effect) -> str:
    ends = [x for x in (effect.low, effect.value, effect.high) if x is not None]
    asked = region(claim)
    if not ends or asked.high is None:
        return ""
    worst = max(map(abs, ends)) if claim.kind == "identity" else max(ends)
    limit = f"±{number(asked.high)}" if claim.kind == "identity" else number(asked.high)
    if claim.verdict == "reproduced":
        return f"A single instance beyond {limit}. The farthest is at {number(worst)}."
    if claim.verdict == "not reproduced":
        return f"No instance beyond {limit}. The farthest is at {number(worst)}."
    return ""


def _reproduced(claim: ClaimRecord, effect: Effect) -> str:
    """Return how far the nearest limit is from the end of the region."""
    asked = region(claim)
    _, low, high = interval(effect)
    found = []
    if asked.low is not None and effect.low is not None:
        text = f"A lower limit of {number(asked.low)} or less; it is {low}"
        found.append((effect.low - asked.low, text))
    if asked.high is not None and effect.high is not None:
        text = f"An upper limit above {number(asked.high)}; it is {high}"
        found.append((asked.high - effect.high, text))
    if not found:
        return ""
    room, text = min(found)
    return f"{text}{_shift(room, effect)}."


def _shift(room: float, effect: Effect) -> str:
    """Return a distance in units of the interval's half width."""
    if effect.low is None or effect.high is None or effect.high <= effect.low:
        return ""
    widths = number(abs(room) / ((effect.high - effect.low) / 2), 2)
    return f", {widths} half width{'' if widths == '1' else 's'} of the interval away"


def _refutes(claim: ClaimRecord) -> tuple[float | None, float | None]:
    """Return what refutes: an upper limit below the first, or a lower limit above the second."""
    threshold = claim.threshold if claim.threshold is not None else 0.0
    match claim.kind:
        case "superiority" | "magnitude":
            return claim.margin, None
        case "non-inferiority":
            return -claim.margin, None
        case "success":
            return threshold, None
        case "equivalence":
            return -claim.margin, claim.margin
        case _:
            return None, threshold + claim.margin


def _refuted(claim: ClaimRecord, effect: Effect) -> str:
    below, above = _refutes(claim)
    _, low, high = interval(effect)
    if below is not None and effect.high is not None and effect.high < below:
        shift = _shift(below - effect.high, effect)
        return f"An upper limit of {number(below)} or more; it is {high}{shift}."
    if above is not None and effect.low is not None and effect.low > above:
        shift = _shift(effect.low - above, effect)
        return f"A lower limit of {number(above)} or less; it is {low}{shift}."
    return ""


def _open(claim: ClaimRecord, effect: Effect) -> str:
    asked = region(claim)
    _, low, high = interval(effect)
    fits_low = asked.low is None or (effect.low is not None and effect.low > asked.low)
    fits_high = asked.high is None or (effect.high is not None and effect.high <= asked.high)
    words = []
    if fits_low and fits_high:
        if claim.control.verdict == "inconclusive":
            words.append("The effect meets the rule; the control has to fail it clearly.")
        elif claim.requires:
            words.append("The effect meets the rule; what it means nothing without has to hold.")
    else:
        ends = []
        if not fits_low:
            ends.append(f"a lower limit above {number(asked.low)} (it is {low})")
        if not fits_high:
            ends.append(f"an upper limit of at most {number(asked.high)} (it is {high})")
        words.append(f"Reproduced with {' and '.join(ends)}{_not_reproduced(claim, low, high)}.")
    if claim.needed is not None:
        words.append(_needed(claim.needed))
    return " ".join(words)


def _not_reproduced(claim: ClaimRecord, low: str, high: str) -> str:
    below, above = _refutes(claim)
    ends = []
    if below is not None:
        ends.append(f"an upper limit below {number(below)} (it is {high})")
    if above is not None:
        ends.append(f"a lower limit above {number(above)} (it is {low})")
    return f"; not reproduced with {' or '.join(ends)}"


def _needed(needed: int) -> str:
    if needed >= CAP:
        return f"It would take {CAP:,} replicates or more: patience alone won't settle it."
    return (
        f"About {needed:,} replicates would settle it with 80% power:"
        f" add --replicates {needed} to the command."
    )
