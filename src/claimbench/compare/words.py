"""What moved, in words: the same in terminal, Markdown and page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from claimbench.compare.claims import STILL, Change, ClaimChange
from claimbench.compare.compared import Compared, Lone, LoneCandidate, RatioChange
from claimbench.gate.movement import Movement
from claimbench.record import ClaimRecord, Comparison, Effect, fingerprint_of
from claimbench.report.numerals import counted, listed, number, value_and_limits
from claimbench.report.run import facts
from claimbench.schema import finite
from claimbench.wording import verdict_counts

#: States of a ratio of seconds whose interval excludes no change.
SEEN = frozenset({"faster", "slower"})
#: Why the exit code is 0 whatever moved.
NO_GATE = "This is a comparison, not a gate: whatever moved, the exit code is 0."


def headline(found: Compared) -> str:
    """Return the comparison in one sentence, without its full stop."""
    n = len(found.claims)
    if not n:
        return "No claim was judged in both records"
    if found.count("unchanged") == len(found.quiet) == n:
        every = "The one claim" if n == 1 else f"All {n} claims"
        return f"Nothing moved: {every.lower()} in both records {_is(n)} equal bit for bit"
    parts = []
    verdicts = sum(one.before.verdict != one.after.verdict for one in found.claims)
    if verdicts:
        parts.append(f"{verdicts} changed {'its' if verdicts == 1 else 'their'} verdict")
    for words, states in (
        ("better", ("better",)),
        ("worse", ("worse",)),
        ("better in one part and worse in another", ("mixed",)),
        ("moved without a clear direction", ("moved", "unknown")),
        ("about seconds, which never stand still", ("seconds",)),
        ("not comparable", ("not compared",)),
    ):
        count = found.count(*states)
        if count:
            parts.append(
                f"{count} {_is(count) + ' ' if not words.startswith('moved') else ''}{words}"
            )
    if found.quiet:
        parts.append(f"{len(found.quiet)} did not move")
    return f"Of {counted(n, 'claim')} in both records, {listed(parts)}"


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def sides(found: Compared) -> list[tuple[str, str, str]]:
    """Return what was run, where and when: (fact, of A, of B)."""
    a, b = ({name: text for name, text, _ in facts(record)} for record in (found.a, found.b))
    names = ("Revision", "Written", "Profile", "Device", "Root seed")
    rows = [(name, a[name], b[name]) for name in names]
    rows.append(("Machine", fingerprint_of(found.a), fingerprint_of(found.b)))
    rows.append(("Verdicts", verdict_counts(found.a), verdict_counts(found.b)))
    return rows


def effect_words(effect: Effect | None, *, unit: bool = True) -> str:
    """Return ``0.12 [0.08, 0.16] dB``."""
    value, limits = value_and_limits(effect)
    name = effect.unit if effect is not None and unit else ""
    return " ".join(part for part in (value, limits, name) if part)


def verdict_words(side: ClaimRecord | Comparison) -> str:
    """Return the verdict, with what Holm's correction leaves of it."""
    return f"{side.verdict}{'' if getattr(side, 'holm', True) else ' (not after Holm)'}"


def as_effect(movement: Movement, level: float, unit: str = "") -> Effect:
    """Return a movement as an effect with its interval, which the report knows how to show."""
    low, high = finite(movement.low), finite(movement.high)
    return Effect(finite(movement.value), low, high, level, 0, unit=unit, interval="t")


def both(change: Change) -> tuple[str, str]:
    """Return the effects of both sides."""
    return effect_words(change.shift.before.effect), effect_words(change.shift.after.effect)


def shift_words(change: Change, *, unit: bool = True) -> str:
    """Return ``+0.12 [0.08, 0.16] dB, better, within the gate's tolerance of 0.2``."""
    effect, state = change.shift.after.effect, change.state
    if state == "unchanged":
        return "not one bit"
    if state == "unknown":
        return "can't be told: an effect is not finite"
    name = effect.unit if effect is not None and unit else ""
    moved = change.shift.movement
    value, limits = value_and_limits(as_effect(moved, change.shift.level))
    sign = "+" if moved.value > 0 else ""
    words = " ".join(part for part in (f"{sign}{value}", limits, name) if part)
    named = {"moved": "no clear direction", "last digits": "last digits only", "seconds": ""}
    parts = [words, named.get(state, state)]
    if state not in {"last digits", "seconds"}:
        parts.append(_within(moved, change.tolerance))
    return ", ".join(part for part in parts if part)


def _within(moved: Movement, tolerance: float) -> str:
    if tolerance == 0:
        return ""
    allowed = f"the gate's tolerance of {number(tolerance)}"
    if max(abs(moved.low), abs(moved.high)) <= tolerance:
        return f"within {allowed}"
    if moved.low > tolerance or moved.high < -tolerance:
        return f"beyond {allowed}"
    return f"perhaps beyond {allowed}"


def name_words(change: Change) -> str:
    """Return the name of a part; the claim as a whole has one as well."""
    return change.name or "effect"


def label(claim: ClaimChange) -> str:
    """Return what became of a claim in a word or two."""
    if claim.before.verdict != claim.after.verdict:
        still = claim.state in {*STILL, "not compared"}
        return "verdict changed" if still else f"verdict changed, {claim.state}"
    return "control changed" if claim.quiet is False and claim.state in STILL else claim.state


def seen(claim: ClaimChange) -> tuple[list[Change], int]:
    """Return the parts to show of a claim, and how many more that it must meet did not move."""
    shown = [one for one in claim.changes if one.state not in STILL]
    return shown, sum(not one.role for one in claim.changes) - sum(not one.role for one in shown)


def verdict_changes(claim: ClaimChange) -> Iterator[str]:
    """Yield what became of the verdict and of the control's, where either changed."""
    sides = [verdict_words(one) for one in (claim.before, claim.after)]
    if sides[0] != sides[1]:
        yield f"verdict: {sides[0]} in A, {sides[1]} in B. {claim.after.reason}"
    controls = [one.control.verdict for one in (claim.before, claim.after)]
    if controls[0] != controls[1]:
        yield f"control: {controls[0]} in A, {controls[1]} in B"


def quiet_words(found: Compared) -> str:
    """Return how many claims did not move."""
    digits = sum(one.state == "last digits" for one in found.quiet)
    moved = f", {digits} of them but for last digits" if digits else ""
    return f"{counted(len(found.quiet), 'claim')} did not move{moved}."


def single(claim: ClaimChange) -> bool:
    """Tell whether the claim's only part says all that its own effect says."""
    return sum(not one.role for one in claim.changes) == 1


def method(found: Compared) -> str:
    """Return how the intervals of shifts were made."""
    pairs = "paired by replicate" if found.a.seed == found.b.seed else "not paired: other seeds"
    return (
        "Shifts are positive for the better. Their intervals hold with 99% for all parts of a"
        f" claim together, {pairs}."
    )


def apart_words(claim: ClaimChange) -> str:
    """Return both sides of a claim whose numbers are not compared."""
    a, b = (
        f"{verdict_words(one)}, {effect_words(one.effect)}" for one in (claim.before, claim.after)
    )
    pins = "".join(f"; {one}" for one in claim.cautions)
    return f"{a} in A; {b if a != b else 'the same'} in B{pins}"


def ratio_words(change: RatioChange) -> str:
    """Return ``0.31 in A, 0.33 in B: 6% slower [2%, 11%]`` as change of the ratio."""
    if change.state == "unchanged":
        return "not one bit"
    moved = change.movement
    low, value, high = (math.expm1(-end) for end in (moved.high, moved.value, moved.low))
    state = "no change seen" if change.state == "same" else change.state
    return f"{value:+.1%} [{low:+.1%}, {high:+.1%}], {state}".replace("-", "−")


def lone_words(one: Lone) -> str:
    """Return what the one record says of a claim that the other did not judge."""
    return f"{verdict_words(one.claim)}, {effect_words(one.claim.effect)}; {one.why}"


def candidate_words(one: LoneCandidate) -> str:
    """Return what a candidate reached, beside the claim's method."""
    return (
        f"{verdict_words(one.candidate)}, {effect_words(one.candidate.effect)}; the method"
        f" {one.claim.method}: {verdict_words(one.claim)}, {effect_words(one.claim.effect)}"
    )
