"""Two records as a whole: what to know first, claims, candidates, seconds and contenders."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claimbench.compare.claims import ORDER, ClaimChange, State, compare_claim, same_data
from claimbench.gate.movement import Movement
from claimbench.gate.parts import LEVEL
from claimbench.gate.timing import races, ratio_shift, ratios
from claimbench.record import ClaimRecord, Comparison, Record, fingerprint_of, read_record
from claimbench.report.numerals import counted, listed

Side = Literal["A", "B"]


@dataclass(frozen=True, slots=True)
class Lone:
    """A claim that only one record judged.

    Attributes
    ----------
    why
        What the other record says of it.
    """

    side: Side
    claim: ClaimRecord
    why: str


@dataclass(frozen=True, slots=True)
class LoneCandidate:
    """A candidate that only one record has, at one claim."""

    side: Side
    claim: ClaimRecord
    candidate: Comparison


@dataclass(frozen=True, slots=True)
class RatioChange:
    """The seconds of a method over an opponent's, in a race inside each run.

    Attributes
    ----------
    before, after
        The ratios.
    movement
        Of the natural logarithm of the ratio, positive for faster.
    """

    name: str
    before: float
    after: float
    movement: Movement
    level: float

    @property
    def state(self) -> str:
        """``faster`` or ``slower`` where the interval excludes no change."""
        if self.movement.same:
            return "unchanged"
        return "faster" if self.movement.low > 0 else "slower" if self.movement.high < 0 else "same"


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs between record A and record B.

    Attributes
    ----------
    notes
        What to know before any number.
    claims
        Those in both, by what a reader must see first.
    seconds_note
        Why seconds are not compared, or how they are.
    contenders
        What became of contenders, one sentence each.
    """

    a: Record
    b: Record
    notes: tuple[str, ...]
    claims: tuple[ClaimChange, ...]
    lone: tuple[Lone, ...]
    candidates: tuple[LoneCandidate, ...]
    seconds: tuple[RatioChange, ...]
    seconds_note: str
    contenders: tuple[str, ...]

    @property
    def moved(self) -> tuple[ClaimChange, ...]:
        """The claims whose numbers or verdicts moved."""
        return tuple(one for one in self.claims if not one.quiet and not one.why_not)

    @property
    def apart(self) -> dict[str, list[ClaimChange]]:
        """The claims whose numbers are not compared, by why."""
        found: dict[str, list[ClaimChange]] = {}
        for one in self.claims:
            if one.why_not:
                found.setdefault(one.why_not, []).append(one)
        return found

    @property
    def quiet(self) -> tuple[ClaimChange, ...]:
        """The claims that are folded away."""
        return tuple(one for one in self.claims if one.quiet)

    def count(self, *states: State) -> int:
        """Return how many claims are in one of `states`."""
        return sum(one.state in states for one in self.claims)


def compare(a: Path, b: Path) -> Compared:
    """Compare two records.

    Raises
    ------
    RecordError
        When one can't be read.
    """
    records = read_record(a), read_record(b)
    old, new = ({claim.id: claim for claim in record.claims} for record in records)
    claims = [compare_claim(old[name], new[name], records) for name in old if name in new]
    claims.sort(key=lambda one: (not one.verdict_moved, ORDER.index(one.state), one.after.id))
    first, second = records
    sides: tuple[tuple[Side, Record, Record], ...] = (("A", first, second), ("B", second, first))
    lone = [
        Lone(side, claim, _why_absent(claim, other))
        for side, own, other in sides
        for claim in sorted(own.claims, key=lambda one: one.id)
        if claim.id not in {one.id for one in other.claims}
    ]
    seconds, note = _seconds(records, (a, b))
    return Compared(
        *records,
        notes=tuple(_notes(records, claims)),
        claims=tuple(claims),
        lone=tuple(lone),
        candidates=tuple(one for side in sides for one in _candidates(*side)),
        seconds=tuple(seconds),
        seconds_note=note,
        contenders=tuple(_contenders(*records)),
    )


def machines_differ(records: tuple[Record, Record]) -> list[str]:
    """Return the facts of the fingerprint that differ, as ``cpu: X, Y``."""
    old, new = (record.fingerprint for record in records)
    return [
        f"{name}: {old.get(name, 'not told')}, {new.get(name, 'not told')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _notes(records: tuple[Record, Record], claims: list[ClaimChange]) -> Iterator[str]:
    a, b = records
    goalposts = sum(one.before.claim_hash != one.after.claim_hash for one in claims)
    if goalposts:
        yield (
            f"The goalposts of {counted(goalposts, 'claim')} differ, so their numbers are not"
            " compared: see “not compared” below."
        )
    papers = [paper.id for paper in a.papers if paper.id in {other.id for other in b.papers}]
    if any(same_data(a, b, paper) is None for paper in papers):
        yield "A record does not say which data each paper read: whether they differ is not known."
    data = sorted(paper for paper in papers if same_data(a, b, paper) is False)
    if data:
        yield f"The data of {listed(data)} differ, so their numbers are not compared."
    pins = [{name: _versions(pin) for name, pin in record.pins.items()} for record in records]
    other = sorted(
        name for name in pins[0].keys() & pins[1].keys() if pins[0][name] != pins[1][name]
    )
    if other:
        each = ", ".join(f"{name} ({pins[0][name]}; {pins[1][name]})" for name in other)
        yield f"Opponents have other versions: {each}."
    if a.profile != b.profile:
        yield f"The profiles differ: {a.profile}, {b.profile}."
    if fingerprint_of(a) != fingerprint_of(b):
        yield (
            "The machines differ, so quality is compared and seconds are not. "
            f"{'; '.join(machines_differ(records))}."
        )
    if a.seed != b.seed:
        yield (
            f"The root seeds differ ({a.seed}, {b.seed}): replicates are not paired, and intervals"
            " are wider."
        )
    for side, record in (("A", a), ("B", b)):
        if not record.complete:
            yield f"{side} is partial: it was interrupted, or something could not run."
        if record.dirty:
            yield f"{side} was made with uncommitted changes: its revision alone won't repeat it."
        if not record.claims:
            yield f"{side} holds no verdict."


def _versions(pin: Mapping[str, object]) -> str:
    packages = pin.get("packages", {})
    assert isinstance(packages, Mapping)
    return ", ".join(
        f"{name} {found['installed'] or 'not installed'}"
        if found["match"]
        else f"{name} {found['installed'] or 'not installed'}, pinned {found['pinned']}"
        for name, found in sorted(packages.items())
    )


def _why_absent(claim: ClaimRecord, other: Record) -> str:
    if claim.id in other.not_judged:
        return f"not judged there: {other.not_judged[claim.id]}"
    if claim.paper not in {paper.id for paper in other.papers}:
        return "its paper is not in the other run"
    return "the other run does not know it"


def _candidates(side: Side, own: Record, other: Record) -> Iterator[LoneCandidate]:
    judged = {claim.id: {one.contender for one in claim.candidates} for claim in other.claims}
    for claim in sorted(own.claims, key=lambda one: one.id):
        for one in claim.candidates:
            if one.contender not in judged.get(claim.id, set()):
                yield LoneCandidate(side, claim, one)


def _seconds(
    records: tuple[Record, Record], paths: tuple[Path, Path]
) -> tuple[list[RatioChange], str]:
    a, b = records
    if not all(any(races(record).values()) for record in records):
        return [], "Seconds are not compared: there is no race that both runs have."
    if fingerprint_of(a) != fingerprint_of(b):
        return [], "Seconds are not compared: the machines differ."
    old, new = (ratios(record, path) for record, path in zip(records, paths, strict=True))
    both = sorted(old.keys() & new.keys())
    if not both:
        return [], (
            "Seconds are not compared: the evidence of a race that both runs have does not lie"
            " beside the records."
        )
    level = 1 - (1 - LEVEL) / len(both)
    found = [
        RatioChange(
            key,
            math.exp(old[key].mean),
            math.exp(new[key].mean),
            ratio_shift(old[key], new[key], level=level),
            level,
        )
        for key in both
    ]
    found.sort(
        key=lambda one: (("slower", "faster", "same", "unchanged").index(one.state), one.name)
    )
    return found, (
        "Seconds are compared as ratios inside each run's races, the method's over its opponent's."
        " The noise between two runs is taken as 5% each; together the intervals hold with 99%."
        " Two runs are no proof: “claimbench duet” times two revisions by turns."
    )


def _contenders(a: Record, b: Record) -> Iterator[str]:
    old, new = (
        {(one.paper, one.experiment, one.name): one for one in record.contenders}
        for record in (a, b)
    )
    experiments = [{key[:2] for key in side} for side in (old, new)]
    shared = experiments[0] & experiments[1]
    for key in sorted(old.keys() | new.keys()):
        if key[:2] not in shared:
            continue
        before, after = old.get(key), new.get(key)
        name = f"{key[0]}/{key[1]}: {key[2]}"
        if before is None or after is None:
            one = before or after
            assert one is not None
            yield f"{name}, {one.role}, is only in {'B' if before is None else 'A'} ({one.status})."
        elif before.status != after.status:
            yield f"{name}, {after.role}: {before.status} in A, {after.status} in B."
