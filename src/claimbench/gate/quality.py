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
from claimbench.record import ClaimRecord
from claimbench.wording import interval_words
from claimbench.words import Verdict

#: Of a claim's margin, what may be lost unnoticed.
SHARE = 0.25
#: Of a threshold's size, where the claim has no margin.
SHARE_OF_THRESHOLD = 0.05

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
        As in `AcceptedClaim`; `mismatched` names those whose installed version is not the pinned.
    race
        Whether the claim's experiment measures seconds.
    """

    fingerprint: str
    seed: int
    data: str
    pins: dict[str, dict[str, str | None]]
    mismatched: tuple[str, ...]
    race: bool


def tolerance(claim: ClaimRecord) -> float:
    """Return what an effect may lose: a quarter of the margin, else 5% of the threshold."""
    if claim.margin > 0:
        return SHARE * claim.margin
    return SHARE_OF_THRESHOLD * abs(claim.threshold or 0.0)


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
        return f"an opponent is not the one that is pinned: {names}", "make setup"
    moved = [name for name in run.pins if run.pins[name] != before.pins.get(name)]
    if moved:
        return f"the pin of an opponent has changed: {', '.join(moved)}", accept
    return None


def _moved(before: AcceptedClaim, after: ClaimRecord, run: Run) -> tuple[State, str, bool]:
    old_parts, new_parts = parts(before.claim), parts(after)
    if old_parts.keys() != new_parts.keys():
        names = ", ".join(sorted(old_parts.keys() ^ new_parts.keys()))
        return "error", f"its conditions are others than those accepted: {names}", True
    paired = run.seed == before.seed and not run.race
    allowed = tolerance(after)
    moved = shifts(after.kind, old_parts, new_parts, paired=paired)
    states = [_state(shift.movement, allowed, shift.after.name, after) for shift in moved]
    same = all(shift.movement.same for shift in moved)
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
