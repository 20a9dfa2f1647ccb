"""One claim against its accepted result.

What was pre-registered differently is said first and not compared. A worse verdict regresses; so
does an effect whose 99% interval has moved for the worse by more than the tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from claimbench.gate.accepted import AcceptedClaim
from claimbench.gate.finding import ORDER, Finding, State
from claimbench.gate.movement import Movement
from claimbench.gate.parts import parts, shifts
from claimbench.record import ClaimRecord, Effect
from claimbench.wording import interval_words
from claimbench.words import Verdict

#: Of a claim's margin, what may be lost unnoticed.
SHARE = 0.25
#: Of a threshold's size where the claim has no margin, and of the effect's where both are zero.
SHARE_OF_SIZE = 0.05

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

    A finding of a race is `timed`: its state holds only when its ratios of seconds say so, too.
    """
    old = before.claim
    changed = _changed(before, after, run)
    if changed is not None:
        reason, cure = changed
        return _finding(old, after, "error", reason, cure=cure)
    if after.effect is None and old.effect is not None:
        return _finding(old, after, "inconclusive", after.reason)
    if _n(old) != _n(after):
        reason = f"it has {_n(after)} replicates, and {_n(old)} were accepted"
        cure = "run it without --replicates"
        return _finding(old, after, "inconclusive", reason, cure=cure)
    if _RANK[after.verdict] < _RANK[old.verdict]:
        reason = f"the verdict was {old.verdict} and is {after.verdict}. {after.reason}"
        # An effect that is finite no more, as nothing was solved, is not the clock's noise.
        timed = run.race and not _lost(old, after)
        return _finding(old, after, "regressed", reason, moved=not run.race, timed=timed)
    if run.race:
        if _RANK[after.verdict] > _RANK[old.verdict]:
            reason = f"the verdict was {old.verdict} and is {after.verdict}"
            return _finding(old, after, "improved", reason, timed=True)
        return _finding(old, after, "ok", "its seconds are compared as ratios", timed=True)
    state, reason, moved = _moved(before, after, run)
    if _RANK[after.verdict] > _RANK[old.verdict] and state != "regressed":
        state = "improved"
        reason = f"the verdict was {old.verdict} and is {after.verdict}"
    return _finding(old, after, state, reason, moved=moved)


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
    old_parts, new_parts = parts(before.claim), parts(after)
    if old_parts.keys() != new_parts.keys():
        names = ", ".join(sorted(old_parts.keys() ^ new_parts.keys()))
        return "error", f"its conditions are others than those accepted: {names}", True
    paired = run.seed == before.seed
    moved = shifts(after.kind, old_parts, new_parts, paired=paired)
    states = [
        _state(one.movement, tolerance(after, one.before.effect), one.after.name, after)
        for one in moved
    ]
    same = all(one.movement.same for one in moved)
    state, reason = max(states, key=lambda one: ORDER.index(one[0]))
    # On another machine or at other seeds the last bits are free to move.
    free = not paired or run.fingerprint != before.fingerprint
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


def _lost(old: ClaimRecord, new: ClaimRecord) -> bool:
    known = [one.effect is not None and one.effect.value is not None for one in (old, new)]
    return known == [True, False]


def _n(claim: ClaimRecord) -> int:
    return claim.effect.n if claim.effect is not None else 0


def _finding(
    old: ClaimRecord,
    new: ClaimRecord,
    state: State,
    reason: str,
    *,
    moved: bool = False,
    timed: bool = False,
    cure: str = "",
) -> Finding:
    return Finding(
        name=new.id,
        state=state,
        reason=reason,
        before=f"{old.verdict}, {interval_words(old.effect)}",
        after=f"{new.verdict}, {interval_words(new.effect)}",
        moved=moved,
        timed=timed,
        cure=cure,
        paper=new.paper,
        experiment=new.experiment,
    )
