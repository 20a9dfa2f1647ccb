"""One claim in two records: whether it can be compared, and how far each part of it moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from claimbench.gate.gate import circumstances
from claimbench.gate.parts import Part, Shift, parts, parts_of, shifts
from claimbench.gate.quality import Run, tolerance
from claimbench.record import ClaimRecord, Comparison, Record

State = Literal[
    "not compared",
    "worse",
    "mixed",
    "better",
    "unknown",
    "moved",
    "seconds",
    "last digits",
    "unchanged",
]
#: From what a reader must see first to what is folded away.
ORDER: tuple[State, ...] = get_args(State)
#: Nothing to see.
STILL: frozenset[State] = frozenset({"last digits", "unchanged"})
#: Of the tolerance, or of the effect: what rounding alone may move on another machine.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Change:
    """How far one part of a claim moved, or its control's or a candidate's.

    Attributes
    ----------
    role
        Empty for what the claim itself must meet.
    tolerance
        What the gate lets pass, in the unit of the effect.
    race
        Whether seconds decide: they move from run to run by more than the rounds of one run tell,
        so that no direction is told.
    """

    shift: Shift
    role: Literal["", "control", "candidate"]
    tolerance: float
    race: bool = False

    @property
    def name(self) -> str:
        """The part's name; empty for the claim as a whole."""
        return self.shift.after.name

    @property
    def state(self) -> State:
        """What the interval of the shift says; `worse` and `better` exclude zero."""
        moved = self.shift.movement
        if moved.same:
            return "unchanged"
        if not moved.known:
            return "unknown"
        if self.race:
            return "seconds"
        effects = (self.shift.before.effect, self.shift.after.effect)
        sizes = [abs(one.value) for one in effects if one is not None and one.value is not None]
        if max(abs(moved.low), abs(moved.high)) <= ROUNDING * max(self.tolerance, *sizes):
            return "last digits"
        return "better" if moved.low > 0 else "worse" if moved.high < 0 else "moved"


@dataclass(frozen=True, slots=True)
class ClaimChange:
    """One claim that both records judged.

    Attributes
    ----------
    why_not
        Why its numbers are not compared; empty when they are.
    cautions
        What to know when reading the numbers.
    lone
        Parts that only one record has, in words.
    """

    before: ClaimRecord
    after: ClaimRecord
    why_not: str
    cautions: tuple[str, ...]
    changes: tuple[Change, ...]
    lone: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """What its own parts say together; where these are still, whether anything else moved."""
        if self.why_not:
            return "not compared"
        own, others = (
            {change.state for change in self.changes if bool(change.role) is other}
            for other in (False, True)
        )
        if {"worse", "better"} <= own:
            return "mixed"
        if own - STILL:
            return min(own, key=ORDER.index)
        if others - STILL or self.lone:
            return "seconds" if others - STILL == {"seconds"} else "moved"
        return "last digits" if "last digits" in own | others else "unchanged"

    @property
    def verdict_moved(self) -> bool:
        """Whether the verdict differs, the control's, or what Holm's correction leaves of it."""
        sides = [
            (claim.verdict, claim.holm, claim.control.verdict)
            for claim in (self.before, self.after)
        ]
        return sides[0] != sides[1]

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to see: it is folded away."""
        return self.state in STILL and not self.verdict_moved


def compare_claim(
    before: ClaimRecord, after: ClaimRecord, records: tuple[Record, Record]
) -> ClaimChange:
    """Return what became of a claim from the first record to the second."""
    old, new = records
    runs = circumstances(before, old), circumstances(after, new)
    why_not = _why_not((before, after), runs, records)
    if why_not:
        return ClaimChange(before, after, why_not, tuple(_pins(*runs)), ())
    found = [
        Change(shift, "", tolerance(after, shift.before.effect), runs[1].race)
        for shift in shifts(after.kind, *_alike(parts(before), parts(after)), paired=_paired(runs))
    ]
    found += _others("control", (before.control, after.control), after, runs)
    candidates = {one.contender: one for one in after.candidates}
    for one in before.candidates:
        if one.contender in candidates:
            both = (one, candidates[one.contender])
            found += _others("candidate", both, after, runs)
    cautions = (*_pins(*runs), *_cautions((before, after), runs[1]))
    lone = tuple(_lone(parts(before), parts(after)))
    return ClaimChange(before, after, "", cautions, tuple(found), lone)


def _others(
    role: Literal["control", "candidate"],
    both: tuple[Comparison, Comparison],
    claim: ClaimRecord,
    runs: tuple[Run, Run],
) -> Iterator[Change]:
    named = [parts_of(one, f"{role} {one.contender}") for one in both]
    for shift in shifts(claim.kind, *_alike(*named), paired=_paired(runs)):
        yield Change(shift, role, tolerance(claim, shift.before.effect), runs[1].race)


def _paired(runs: tuple[Run, Run]) -> bool:
    return runs[0].seed == runs[1].seed and not runs[1].race


def _alike(
    before: Mapping[str, Part], after: Mapping[str, Part]
) -> tuple[Mapping[str, Part], Mapping[str, Part]]:
    """Return the parts without the effects of replicates that only one record has."""

    def known(own: Mapping[str, Part], other: Mapping[str, Part]) -> dict[str, Part]:
        return {
            name: part
            if name not in other or other[name].replicates
            else Part(part.name, part.verdict, part.effect, [])
            for name, part in own.items()
        }

    return known(before, after), known(after, before)


def _why_not(
    claims: tuple[ClaimRecord, ClaimRecord],
    runs: tuple[Run, Run],
    records: tuple[Record, Record],
) -> str:
    if claims[0].claim_hash != claims[1].claim_hash:
        return (
            "what was fixed before the run differs: the claim, its experiment, or the source of"
            " problem, measure or estimand"
        )
    if same_data(*records, claims[0].paper) is False:
        return "its data differ"
    designs = [_design(claim, record) for claim, record in zip(claims, records, strict=True)]
    if designs[0] != designs[1]:
        return "its experiment has other settings or cells"
    if any(run.race for run in runs) and runs[0].fingerprint != runs[1].fingerprint:
        return "it is about seconds, and the machines differ"
    return ""


def same_data(before: Record, after: Record, paper: str) -> bool | None:
    """Tell whether a paper read the same data in both runs; None where a record does not say."""
    own = [record.data.get("papers", {}).get(paper) for record in (before, after)]
    if own[0] is not None and own[1] is not None:
        return bool(own[0] == own[1])
    whole = [record.data.get("hash") for record in (before, after)]
    return True if whole[0] == whole[1] else None


def _design(claim: ClaimRecord, record: Record) -> Any:
    """Return what an experiment ran but for its number of replicates; None where nothing says."""
    for paper in record.papers:
        if paper.id == claim.paper and claim.experiment in paper.experiments:
            design = paper.experiments[claim.experiment]
            return design.get("settings"), design.get("cells")
    return None


def _pins(before: Run, after: Run) -> Iterator[str]:
    names = [
        name
        for name in sorted(before.pins | after.pins)
        if before.pins.get(name) != after.pins.get(name)
    ]
    if names:
        yield f"other pins: {', '.join(names)}"
    for side, run in (("A", before), ("B", after)):
        if run.mismatched:
            yield f"in {side} other versions ran than are pinned: {', '.join(run.mismatched)}"


def _cautions(claims: tuple[ClaimRecord, ClaimRecord], run: Run) -> Iterator[str]:
    n = [claim.effect.n if claim.effect else 0 for claim in claims]
    if n[0] != n[1]:
        yield f"{n[0]} and {n[1]} replicates, so they are not paired"
    if run.race:
        yield "seconds decide: the intervals tell the noise within the runs, not that between them"


def _lone(before: Mapping[str, Part], after: Mapping[str, Part]) -> Iterator[str]:
    for side, own, other in (("A", before, after), ("B", after, before)):
        for name in sorted(own.keys() - other.keys()):
            yield f"{name or 'the claim as a whole'}: only in {side}"
