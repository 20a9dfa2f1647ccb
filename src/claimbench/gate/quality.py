"""One claim against its accepted result.

What was pre-registered differently is said first and not compared. A worse verdict regresses; so
does an effect whose 99% interval has moved for the worse by more than the tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from claimbench.gate.accepted import AcceptedClaim
from claimbench.gate.finding import ORDER, Finding, State
from claimbench.gate.movement import Movement, Values, movement
from claimbench.record import ClaimRecord, Comparison, Effect
from claimbench.wording import interval_words
from claimbench.words import Verdict

#: Of a claim's margin, what may be lost unnoticed.
SHARE = 0.25
#: Of a threshold's size where the claim has no margin, and of the effect's where both are zero.
SHARE_OF_SIZE = 0.05
#: All parts of a claim together.
LEVEL = 0.99

_RANK: Mapping[Verdict, int] = {
    "void": 0,
    "not reproduced": 1,
    "inconclusive": 2,
    "reproduced": 3,
}


@dataclass(frozen=True, slots=True)
class Run:
    """What a record says of the circumstances of one claim.

    Attributes
    ----------
    fingerprint
        Of the machine.
    data
        Content hash of what the paper may read.
    pins
        As in `AcceptedClaim`; `mismatched` names those whose installed version is not the pinned,
        and `install` is the command that mends it.
    race
        Whether the claim's experiment measures seconds.
    """

    fingerprint: str
    seed: int
    data: str
    pins: dict[str, dict[str, str | None]]
    mismatched: tuple[str, ...]
    race: bool
    install: str = ""


def tolerance(claim: ClaimRecord, accepted: Effect | None) -> float:
    """Return what an effect may lose: a quarter of the margin, else 5% of the threshold.

    Where both are zero, 5% of the accepted effect or its farther limit: with no tolerance at all a
    last bit that another machine rounds otherwise would be a regression.
    """
    if claim.margin > 0:
        return SHARE * claim.margin
    if claim.threshold:
        return SHARE_OF_SIZE * abs(claim.threshold)
    ends = (accepted.value, accepted.low, accepted.high) if accepted else ()
    return SHARE_OF_SIZE * max((abs(end) for end in ends if end is not None), default=0.0)


def compare(before: AcceptedClaim, after: ClaimRecord, run: Run) -> Finding:
    """Return what became of a claim.

    A finding of a race is `timed`: its state holds only when a rerun confirms it.
    """
    old = before.claim
    changed = _changed(before, after, run)
    if changed is not None:
        reason, cure = changed
        return _finding(old, after, run, "error", reason, cure=cure)
    if _n(old) != _n(after):
        reason = f"it has {_n(after)} replicates, and {_n(old)} were accepted"
        cure = "run it without --replicates"
        return _finding(old, after, run, "inconclusive", reason, cure=cure)
    if _RANK[after.verdict] < _RANK[old.verdict]:
        reason = f"the verdict was {old.verdict} and is {after.verdict}. {after.reason}"
        return _finding(old, after, run, "regressed", reason, moved=True)
    state, reason, moved = _moved(before, after, run)
    if _RANK[after.verdict] > _RANK[old.verdict] and state != "regressed":
        state = "improved"
        reason = f"the verdict was {old.verdict} and is {after.verdict}"
    return _finding(old, after, run, state, reason, moved=moved)


def _changed(before: AcceptedClaim, after: ClaimRecord, run: Run) -> tuple[str, str] | None:
    accept = 'claimbench accept RECORD --why "..."   (if the change is meant)'
    if before.claim.claim_hash != after.claim_hash:
        words = (
            "what was fixed before the run has changed: the claim, its experiment, or the source of"
            " problem, measure or estimand; the numbers can't be compared"
        )
        return words, accept
    if before.data != run.data:
        return "its data have changed; the numbers can't be compared", accept
    if run.mismatched:
        names = ", ".join(run.mismatched)
        return f"an opponent is not the one that is pinned: {names}", run.install
    moved = [name for name in run.pins if run.pins[name] != before.pins.get(name)]
    if moved:
        return f"the pin of an opponent has changed: {', '.join(moved)}", accept
    return None


def _moved(before: AcceptedClaim, after: ClaimRecord, run: Run) -> tuple[State, str, bool]:
    old_parts, new_parts = dict(_parts(before.claim)), dict(_parts(after))
    if old_parts.keys() != new_parts.keys():
        names = ", ".join(sorted(old_parts.keys() ^ new_parts.keys()))
        return "error", f"its conditions are others than those accepted: {names}", True
    paired = run.seed == before.seed and not run.race
    level = 1 - (1 - LEVEL) / len(old_parts)
    states: list[tuple[State, str]] = []
    same = True
    for name, old in old_parts.items():
        shift = movement(after.kind, old, new_parts[name], paired=paired, level=level)
        same &= shift.same
        states.append(_state(shift, tolerance(after, old[1]), name, after))
    state, reason = max(states, key=lambda one: ORDER.index(one[0]))
    # On another machine, in a race or at other seeds the last bits are free to move.
    free = run.race or not paired or run.fingerprint != before.fingerprint
    return state, reason, not same and not free


def _state(shift: Movement, allowed: float, name: str, claim: ClaimRecord) -> tuple[State, str]:
    of = f" ({name})" if name else ""
    if shift.same:
        return "ok", "not one bit has moved"
    if not shift.known:
        return "inconclusive", f"how far the effect moved can't be told: it is not finite{of}"
    words = (
        f"the effect moved by {shift.value:+.3g} [{shift.low:+.3g}, {shift.high:+.3g}]"
        f"{' ' + claim.effect.unit if claim.effect and claim.effect.unit else ''}{of}, positive for"
        f" the better; {allowed:.3g} may be lost"
    )
    if shift.high < -allowed:
        return "regressed", words
    if shift.low > allowed:
        return "improved", words
    return ("inconclusive" if shift.low < -allowed else "ok"), words


def _parts(claim: ClaimRecord) -> Iterator[tuple[str, tuple[Values, Effect | None]]]:
    """Yield what must hold, one by one: opponents and conditions, or the claim as a whole."""
    whole = Comparison(
        contender="",
        verdict=claim.verdict,
        effect=claim.effect,
        conditions=claim.conditions,
        replicates=claim.replicates,
    )
    for part in claim.against or [whole]:
        against = f"against {part.contender}" if part.contender else ""
        if part.conditions:
            for one in part.conditions:
                name = ", ".join(words for words in (against, one.name) if words)
                yield name, (one.replicates, one.effect)
        else:
            yield against, (part.replicates, part.effect)


def _n(claim: ClaimRecord) -> int:
    return claim.effect.n if claim.effect is not None else 0


def _finding(
    old: ClaimRecord,
    new: ClaimRecord,
    run: Run,
    state: State,
    reason: str,
    *,
    moved: bool = False,
    cure: str = "",
) -> Finding:
    return Finding(
        name=new.id,
        state=state,
        reason=reason,
        before=f"{old.verdict}, {interval_words(old.effect)}",
        after=f"{new.verdict}, {interval_words(new.effect)}",
        moved=moved,
        timed=run.race,
        cure=cure,
        paper=new.paper,
        experiment=new.experiment,
    )
