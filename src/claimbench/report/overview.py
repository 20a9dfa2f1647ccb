"""What the table of claims can be filtered and sorted by."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from claimbench.report.numerals import counted
from claimbench.words import KINDS, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from claimbench.record import ClaimRecord, Record
    from claimbench.report.view import ClaimView

#: Verdict -> its place in the order of the design.
RANKS = {verdict: rank for rank, verdict in enumerate(VERDICTS)}
#: (Key of a row, what it is called): what the rows can be sorted by.
ORDERS = (
    ("rank", "verdict"),
    ("name", "claim"),
    ("kind", "kind"),
    ("scale", "scale"),
    ("control", "control"),
    ("n", "n"),
    ("cost", "cost"),
)

Options = list[tuple[str, str]]


def filters(claims: Sequence[ClaimView]) -> Iterator[tuple[str, str, Options]]:
    """Yield (attribute of a row, label, (value, text) of its options) of each filter."""
    verdicts = Counter(claim.record.verdict for claim in claims)
    domains = Counter(claim.domain for claim in claims)
    kinds = Counter(claim.record.kind for claim in claims)
    yield "verdict", "Verdict", [(v, f"{v} ({verdicts[v]})") for v in VERDICTS if verdicts[v]]
    yield "domain", "Domain", [(name, f"{name} ({n})") for name, n in sorted(domains.items())]
    yield "kind", "Kind", [(kind, f"{kind} ({kinds[kind]})") for kind in KINDS if kinds[kind]]
    if any(claim.change is not None for claim in claims):
        changed = sum(bool(claim.change) for claim in claims)
        options = [("yes", f"yes ({changed})"), ("no", f"no ({len(claims) - changed})")]
        yield "changed", "Changed since accepted", options


def gone(record: Record, accepted: Mapping[str, ClaimRecord]) -> str:
    """Return how many accepted claims of the run's papers have no verdict in it."""
    papers = {paper.id for paper in record.papers}
    judged = {claim.id for claim in record.claims}
    missing = [c.id for c in accepted.values() if c.paper in papers and c.id not in judged]
    if not missing:
        return ""
    return (
        f"{counted(len(missing), 'accepted claim')} of these papers "
        f"{'has' if len(missing) == 1 else 'have'} no verdict here: {', '.join(sorted(missing))}."
    )
