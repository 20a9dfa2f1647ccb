"""Make a record the accepted one: what `claimbench accept` does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from claimbench.errors import RecordError
from claimbench.gate.accepted import SCHEMA, Accepted, AcceptedClaim, Ratio
from claimbench.gate.gate import circumstances, is_other
from claimbench.gate.timing import ratios
from claimbench.pins import install_command
from claimbench.record import ClaimRecord, Record, fingerprint_of
from claimbench.wording import interval_words

#: Accepted runs of a ratio that are remembered: enough to know its spread from run to run.
REMEMBERED = 10


@dataclass(frozen=True, slots=True)
class Change:
    """What accepting a record changes of one claim: ``new``, ``gone``, or its two results."""

    name: str
    before: str
    after: str


def accept(record: Record, path: Path, previous: Accepted | None) -> tuple[Accepted, list[Change]]:
    """Return the accepted results with this record's, and what changes.

    Claims of papers that the record does not hold stay as they are; time ratios are added to those
    of the same machine.

    Raises
    ------
    RecordError
        When the record is partial, judges nothing, is of uncommitted changes, or has candidates.
    """
    _check(record, path)
    kept = previous or Accepted(SCHEMA, record.profile)
    papers = {paper.id for paper in record.papers}
    claims = {
        name: before
        for name, before in kept.claims.items()
        if before.claim.paper not in papers or name in record.not_judged
    }
    changes = []
    for claim in record.claims:
        run = circumstances(claim, record)
        claims[claim.id] = AcceptedClaim(
            claim=claim,
            revision=record.revision,
            created=record.created,
            fingerprint=run.fingerprint,
            seed=run.seed,
            data=run.data,
            pins=run.pins,
            race=run.race,
        )
        before = kept.claims.get(claim.id)
        old, new = "new" if before is None else _words(before.claim), _words(claim)
        if old != new or (before is not None and before.claim.claim_hash != claim.claim_hash):
            changes.append(Change(claim.id, old, new))
    changes += [
        Change(name, _words(before.claim), "gone")
        for name, before in kept.claims.items()
        if name not in claims
    ]
    merged = _merged(kept.ratios, fingerprint_of(record), ratios(record, path))
    return Accepted(SCHEMA, record.profile, claims, merged), changes


def log_entry(record: Record, changes: Sequence[Change], why: str) -> str:
    """Return the line of the log that says what was accepted and why."""
    return json.dumps(
        {
            "created": record.created,
            "revision": record.revision,
            "profile": record.profile,
            "fingerprint": fingerprint_of(record),
            "why": why,
            "claims": len(record.claims),
            "changes": {change.name: [change.before, change.after] for change in changes},
        },
        ensure_ascii=False,
    )


def _check(record: Record, path: Path) -> None:
    again = f"pytest suite --benchmark-only --profile {record.profile}"
    if not record.complete:
        raise RecordError(f"{path} is partial and can't be accepted", cure=again)
    if not record.claims:
        raise RecordError(
            f"{path} judges nothing and can't be accepted",
            value=record.profile,
            allowed="standard or full, with all contenders that a claim needs",
        )
    if record.dirty:
        raise RecordError(
            f"{path} is of uncommitted changes: its revision would not repeat it",
            cure=f"git commit, then {again}",
        )
    wrong = [name for name, pin in record.pins.items() if is_other(pin)]
    if wrong:
        raise RecordError(
            f"{path} was made with other versions than are pinned",
            value=", ".join(wrong),
            cure=install_command(*(record.pins[name]["extra"] for name in wrong)),
        )
    beside = [c.name for c in record.contenders if c.role == "candidate"]
    lost = [
        c
        for c in record.contenders
        if c.status not in {"ok", "unavailable"} and c.role != "candidate"
    ]
    if lost:
        names = ", ".join(f"{contender.name} ({contender.status})" for contender in lost)
        raise RecordError(f"{path} has contenders that did not run", value=names, cure=again)
    if beside:
        # Its races were run beside them, and its report and evidence show them.
        raise RecordError(
            f"{path} was made with candidates, which are no part of accepted results",
            value=", ".join(dict.fromkeys(beside)),
            cure=f"{again}   (without --candidate; what is no race comes from the store)",
        )


def _words(claim: ClaimRecord) -> str:
    return f"{claim.verdict}, {interval_words(claim.effect)}"


def _merged(
    kept: Mapping[str, Mapping[str, Sequence[Ratio]]], machine: str, found: Mapping[str, Ratio]
) -> dict[str, dict[str, list[Ratio]]]:
    merged = {name: {key: list(runs) for key, runs in own.items()} for name, own in kept.items()}
    own = merged.setdefault(machine, {})
    for key, ratio in found.items():
        others = [run for run in own.get(key, ()) if run.created != ratio.created]
        own[key] = [*others, ratio][-REMEMBERED:]
    return {name: runs for name, runs in merged.items() if runs}
