"""Benchmarks in asv's sense: one number for each claim of the record made at this commit."""

from __future__ import annotations

from pathlib import Path

from claimbench.checkout import find_root, papers, revision
from claimbench.claim_file import read_claim_file
from claimbench.history.followed import newest_record, seconds, shortfall
from claimbench.record import ClaimRecord, Record

_ROOT = find_root(Path(__file__).parent)
_CLAIMS = [
    f"{files.slug}/{claim.id}"
    for files in papers(_ROOT)
    for claim in read_claim_file(files.claim_toml).claims
]


class Claims:
    """The claims of the checkout, from its newest complete standard record."""

    params = _CLAIMS
    param_names = ("claim",)

    record: Record
    claim: ClaimRecord

    def setup(self, name: str) -> None:
        """Find the claim; asv shows one without a record as n/a."""
        commit, _ = revision(_ROOT)
        record = newest_record(_ROOT / "results", commit)
        found = [claim for claim in record.claims if claim.id == name] if record else []
        if record is None or not found:
            raise NotImplementedError
        self.record, self.claim = record, found[0]

    def track_shortfall(self, _name: str) -> float:
        """Return how far the claim is from what it says."""
        return _or_nan(shortfall(self.claim))

    def track_seconds(self, _name: str) -> float:
        """Return the seconds inside the claim's contenders; they compare on one machine only."""
        return _or_nan(seconds(self.record, self.claim))


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


# asv compares numbers of one version; a change of the code's text should not cut the history.
Claims.track_shortfall.version = "1"  # type: ignore[attr-defined]
Claims.track_shortfall.unit = "unit of the claim, less is better"  # type: ignore[attr-defined]
Claims.track_seconds.version = "1"  # type: ignore[attr-defined]
Claims.track_seconds.unit = "s"  # type: ignore[attr-defined]
