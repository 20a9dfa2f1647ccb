"""The report for programs: verdicts, effects and hashes, without the rest of the record.

`docs/report.md` describes the keys. They are not renamed or removed without another `SCHEMA`.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from claimbench.record import ClaimRecord, Comparison, Effect, Record, fingerprint_of
from claimbench.report.run import verdict_counts
from claimbench.schema import plain

SCHEMA = 1


def to_json(record: Record) -> str:
    """Return the summary of a record as JSON."""
    return json.dumps(plain(summary(record)), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def summary(record: Record) -> dict[str, Any]:
    """Return the summary of a record."""
    return {
        "schema": SCHEMA,
        **provenance(record),
        "counts": dict(verdict_counts(record)),
        "claims": [_claim(claim) for claim in record.claims],
        "not_judged": dict(record.not_judged),
    }


def provenance(record: Record) -> dict[str, Any]:
    """Return what was run, where and when."""
    return {
        "profile": record.profile,
        "device": record.device,
        "revision": record.revision,
        "dirty": record.dirty,
        "complete": record.complete,
        "created": record.created,
        "seed": record.seed,
        "machine": fingerprint_of(record),
        "data": record.data.get("papers", {}),
    }


def effect_facts(effect: Effect | None) -> dict[str, Any] | None:
    """Return an effect as the record has it."""
    return None if effect is None else dataclasses.asdict(effect)


def _claim(claim: ClaimRecord) -> dict[str, Any]:
    return {
        "id": claim.id,
        "paper": claim.paper,
        "statement": claim.statement,
        "source": claim.source,
        "kind": claim.kind,
        "scale": claim.scale,
        "primary": claim.primary,
        "claim_hash": claim.claim_hash,
        "verdict": claim.verdict,
        "holm": claim.holm,
        "reason": claim.reason,
        "effect": effect_facts(claim.effect),
        "margin": claim.margin,
        "threshold": claim.threshold,
        "method": claim.method,
        "control": _side(claim.control),
        "against": [_side(one) for one in claim.against],
        "candidates": [_side(one) for one in claim.candidates],
    }


def _side(one: Comparison) -> dict[str, Any]:
    return {
        "contender": one.contender,
        "verdict": one.verdict,
        "effect": effect_facts(one.effect),
    }
