"""What is followed over commits: one record each, and numbers of which less is better."""

from __future__ import annotations

from pathlib import Path

from claimbench.record import ClaimRecord, Record, read_record

#: Kinds whose effect should be large, and kinds that limit it from above.
_MORE_IS_BETTER = ("superiority", "magnitude", "non-inferiority", "success")
_LIMITED = ("rate", "bound")


def shortfall(claim: ClaimRecord) -> float | None:
    """Return the effect with the sign, and from the point, that make less better.

    asv reads every number so. For superiority, magnitude and non-inferiority it is minus the
    effect; for success, rate and bound the distance beyond the threshold; for equivalence and
    identity the size of the effect. Unit: that of the estimand.
    """
    if claim.effect is None or claim.effect.value is None:
        return None
    value, threshold = claim.effect.value, claim.threshold or 0.0
    if claim.kind in _MORE_IS_BETTER:
        return threshold - value
    if claim.kind in _LIMITED:
        return value - threshold
    return abs(value)


def seconds(record: Record, claim: ClaimRecord) -> float | None:
    """Return the seconds inside a claim's contenders; None when some of it came from the store."""
    names = {claim.method, claim.control.contender, *(one.contender for one in claim.against)}
    stored = any(
        contender.blocks_from_store
        for contender in record.contenders
        if (contender.paper, contender.experiment) == (claim.paper, claim.experiment)
        and contender.name in names
    )
    return None if stored else claim.seconds


def newest_record(results: Path, revision: str) -> Record | None:
    """Return the newest complete standard record of a commit, clean of changes, or None."""
    records = [
        read_record(path) for path in (results / "standard").glob(f"*/*-{revision[:8]}*.json")
    ]
    usable = [
        record
        for record in records
        if record.complete and not record.dirty and record.revision == revision
    ]
    return max(usable, key=lambda record: record.created, default=None)
