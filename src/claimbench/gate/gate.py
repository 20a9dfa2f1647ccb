"""A record against the accepted results: what the gate says, and its exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from claimbench.errors import RecordError
from claimbench.gate.accepted import Accepted, Ratio
from claimbench.gate.finding import ORDER, Finding, State
from claimbench.gate.quality import Run, compare
from claimbench.gate.timing import compare_ratios, crowded, races, ratios
from claimbench.pins import install_command
from claimbench.record import ClaimRecord, Record, fingerprint_of

_ACCEPT = 'claimbench accept RECORD --why "..."'


@dataclass(frozen=True, slots=True)
class Gate:
    """What the gate says of a run.

    Attributes
    ----------
    findings
        Claims first, in the order of the record, then ratios of seconds.
    notes
        What a reader should know besides, such as seconds that were not compared.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def state(self) -> State:
        """The gravest state of all findings."""
        return max((one.state for one in self.findings), key=ORDER.index, default="ok")

    def exit_code(self, *, strict: bool) -> int:
        """Return 0, 1 (regressed; with `strict` also inconclusive) or 2 (error)."""
        codes = {"error": 2, "regressed": 1, "inconclusive": int(strict)}
        return max((codes.get(one.state, 0) for one in self.findings), default=0)


def gate(record: Record, path: Path, accepted: Accepted) -> Gate:
    """Hold a record against accepted results.

    Parameters
    ----------
    path
        Of the record: the seconds of its races are read from the evidence beside it.

    Raises
    ------
    RecordError
        When the record is of another profile, or is not complete.
    """
    if record.profile != accepted.profile:
        raise RecordError(
            "the record is of another profile than the accepted results",
            value=record.profile,
            allowed=accepted.profile,
        )
    if not record.complete:
        raise RecordError(
            f"{path} is the record of a run that was interrupted or could not run whole",
            cure="pytest suite --benchmark-only   (resumes it)",
        )
    return hold(record, ratios(record, path, alone=True), accepted)


def hold(record: Record, raced: Mapping[str, Ratio], accepted: Accepted) -> Gate:
    """Return what `gate` says, given the ratios of seconds of the record's races."""
    machine = fingerprint_of(record)
    findings = [_claim(claim, record, accepted) for claim in record.claims]
    judged = {claim.id for claim in record.claims}
    papers = {paper.id for paper in record.papers}
    absent = [
        (name, before.claim)
        for name, before in accepted.claims.items()
        if name not in judged and before.claim.paper in papers
    ]
    findings += [_absent(claim, record.not_judged.get(name, "")) for name, claim in absent]
    notes = []
    elsewhere = {one.claim.paper for one in accepted.claims.values()} - papers
    if elsewhere:
        notes.append(f"Not in this run, so not compared: {', '.join(sorted(elsewhere))}.")
    known = [accepted.claims[name] for name in judged if name in accepted.claims]
    foreign = {one.fingerprint for one in known} - {machine}
    if foreign:
        notes.append(
            f"Accepted on another machine ({', '.join(sorted(foreign))}; this is {machine}): last"
            " bits are free to differ, and the tolerance alone decides."
        )
    timed = list(compare_ratios(accepted.ratios.get(machine, {}), raced))
    if not timed and any(races(record).values()):
        notes.append(
            "Seconds were not compared: no run on this machine has been accepted. claimbench duet"
            " compares the seconds of two revisions on any machine."
        )
    together = [
        f"{paper} {name}"
        for paper, name in sorted(crowded(record))
        if name in races(record).get(paper, ())
    ]
    if together:
        notes.append(
            f"Seconds were not compared where a candidate took part: {', '.join(together)}."
        )
    if any(f.moved for f in findings):
        names = ", ".join(f.name for f in findings if f.moved)
        notes.append(f"Numbers moved though nothing but code has changed: {names}.")
    return Gate((*(_by_seconds(one, timed) for one in findings), *timed), tuple(notes))


def _by_seconds(one: Finding, ratios: Sequence[Finding]) -> Finding:
    """Return what is said of a claim about seconds: no more than the ratios of its race say.

    A verdict close to its boundary changes by the clock's noise alone, and by the machine.
    """
    if not one.timed or one.state not in {"regressed", "improved"}:
        return one
    place = (one.paper, one.experiment)
    own = [ratio.state for ratio in ratios if (ratio.paper, ratio.experiment) == place]
    if one.state in own:
        return one
    why = "None of its ratios of seconds did as much" if own else "Its seconds were not compared"
    state: State = "inconclusive" if one.state == "regressed" else "ok"
    return replace(one, state=state, reason=f"{one.reason.removesuffix('.')}. {why}")


def confirmed(first: Gate, again: Gate, race: tuple[str, str]) -> Gate:
    """Return the first gate, where what seconds alone say of a race holds if both say so."""
    second = {one.name: one.state for one in again.findings}

    def settle(one: Finding) -> Finding:
        if not (one.timed and one.state == "regressed" and (one.paper, one.experiment) == race):
            return one
        if second.get(one.name) == "regressed":
            return replace(one, reason=f"{one.reason}. A rerun with fresh seeds confirms it")
        return replace(one, state="ok", reason=f"{one.reason}. A rerun does not confirm it")

    return Gate(tuple(settle(one) for one in first.findings), first.notes)


def suspicious(found: Gate) -> tuple[tuple[str, str], ...]:
    """Return the races, (paper, experiment), that a rerun must confirm."""
    doubtful = (one for one in found.findings if one.timed and one.state == "regressed")
    return tuple(dict.fromkeys((one.paper, one.experiment) for one in doubtful))


def circumstances(claim: ClaimRecord, record: Record) -> Run:
    """Return what the record says of the circumstances of one claim."""
    names = [claim.method, claim.control.contender, *(part.contender for part in claim.against)]
    pins = {
        contender.pin
        for contender in record.contenders
        if contender.pin
        and (contender.paper, contender.experiment) == (claim.paper, claim.experiment)
        and contender.name in names
    }
    known = {name: record.pins[name] for name in sorted(pins) if name in record.pins}
    other = {name: pin for name, pin in known.items() if is_other(pin)}
    return Run(
        fingerprint=fingerprint_of(record),
        seed=record.seed,
        data=str(record.data.get("papers", {}).get(claim.paper, "")),
        pins={
            name: {package: facts["pinned"] for package, facts in pin["packages"].items()}
            for name, pin in known.items()
        },
        mismatched=tuple(other),
        race=claim.experiment in races(record).get(claim.paper, ()),
        install=install_command(*(pin["extra"] for pin in other.values())) if other else "",
    )


def is_other(pin: Mapping[str, Any]) -> bool:
    """Tell whether an opponent ran in another version than its pin's; one not installed did not."""
    return any(not one["match"] and one["installed"] for one in pin["packages"].values())


def _claim(claim: ClaimRecord, record: Record, accepted: Accepted) -> Finding:
    run = circumstances(claim, record)
    before = accepted.claims.get(claim.id)
    if before is None:
        return Finding(
            claim.id,
            "inconclusive",
            "the claim is new: nothing has been accepted",
            after=claim.verdict,
            cure=_ACCEPT,
            paper=claim.paper,
            experiment=claim.experiment,
        )
    return compare(before, claim, run)


def _absent(claim: ClaimRecord, why: str) -> Finding:
    """Return the finding on a claim that was accepted; `why` it was not judged is empty if gone."""
    return Finding(
        claim.id,
        "inconclusive" if why else "error",
        f"it was not judged: {why}" if why else "it was accepted, and the suite has it no more",
        before=claim.verdict,
        cure="" if why else f"{_ACCEPT}   (if it was taken out on purpose)",
        paper=claim.paper,
        experiment=claim.experiment,
    )


def unconfirmed(found: Gate) -> Gate:
    """Return the gate where no rerun can confirm: what only seconds say is inconclusive."""

    def settle(one: Finding) -> Finding:
        if one.timed and one.state == "regressed":
            return replace(
                one, state="inconclusive", reason=f"{one.reason}. Not confirmed by a rerun"
            )
        return one

    return Gate(tuple(settle(one) for one in found.findings), found.notes)


def counts(findings: Iterable[Finding]) -> dict[State, int]:
    """Return how many findings are in which state, the gravest first."""
    states: Sequence[State] = [one.state for one in findings]
    return {state: states.count(state) for state in reversed(ORDER) if state in states}
