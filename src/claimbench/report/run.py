"""The run as a whole in words: the summary, what to know before reading, and the facts."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from claimbench.report.numerals import counted, listed, seconds
from claimbench.words import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from claimbench.record import Record


def verdict_counts(record: Record) -> list[tuple[str, int]]:
    """Return each verdict with its number of claims, in the order of the design."""
    found = Counter(claim.verdict for claim in record.claims)
    return [(verdict, found[verdict]) for verdict in VERDICTS]


def summary(record: Record) -> str:
    """Return the run in one sentence."""
    claims = record.claims
    if not claims:
        return "No claim was judged"
    papers = counted(len({claim.paper for claim in claims}), "paper")
    counts = [(verdict, n) for verdict, n in verdict_counts(record) if n]
    if len(counts) == 1:
        verdict = counts[0][0]
        all_ = {1: "The one claim", 2: "Both claims"}.get(len(claims), f"All {len(claims)} claims")
        return f"{all_} from {papers} {'is' if len(claims) == 1 else 'are'} {verdict}"
    parts = [f"{n} {'is' if n == 1 else 'are'} {verdict}" for verdict, n in counts]
    return f"Of {counted(len(claims), 'claim')} from {papers}, {listed(parts)}"


def title(record: Record) -> str:
    """Return the run in a few words, for the window and for bookmarks."""
    held = sum(claim.verdict == "reproduced" for claim in record.claims)
    if not record.claims:
        return "No claim judged · claimbench"
    return f"{held} of {counted(len(record.claims), 'claim')} reproduced · claimbench"


def holm_note(record: Record) -> str:
    """Return what Holm's correction says about the run."""
    family = [c for c in record.claims if c.primary and c.p_value is not None]
    if not family:
        return (
            "Holm's correction does not apply: no primary claim of this run has a p-value"
            " (identities and exact bounds have none)."
        )
    words = f"Holm's correction at 5% over {counted(len(family), 'primary claim')} with a p-value"
    removed = [claim.id.partition("/")[2] or claim.id for claim in record.claims if not claim.holm]
    if removed:
        return f"{words} removes {listed(removed)}; the verdicts shown are before correction."
    return f"{words} removes none of the verdicts “reproduced”."


def banners(record: Record) -> Iterator[tuple[str, str]]:
    """Yield what a reader must know before any verdict: (alert or plain, text)."""
    if not record.complete:
        text = (
            "This run is partial: it was interrupted, or something could not run. Claims without"
            " all of their evidence are absent from this report."
        )
        yield "alert", text
    if not record.claims:
        why = (
            "The smoke profile checks that everything runs and judges nothing."
            if record.profile == "smoke"
            else "A claim is judged when all contenders that it needs were selected and ran."
        )
        yield "alert", f"There is no verdict in this record. {why}"
    absent = [c.name for c in record.contenders if c.status == "unavailable"]
    if absent:
        whose = "its package is" if len(absent) == 1 else "their packages are"
        text = (
            f"{counted(len(absent), 'contender')} did not run, since {whose} not installed:"
            f" {listed(list(dict.fromkeys(absent)))}."
        )
        yield "plain", text
    unwell = [c for c in record.contenders if c.status not in {"ok", "unavailable"}]
    if unwell:
        names = ", ".join(dict.fromkeys(f"{c.name} ({c.status})" for c in unwell))
        text = (
            f"{counted(len(unwell), 'contender')} did not finish: {names}. The tables of the"
            " experiments below give the reasons."
        )
        yield "alert", text
    if record.dirty:
        yield "plain", "The checkout had uncommitted changes: the revision alone won't repeat it."


def facts(record: Record) -> list[tuple[str, str, bool]]:
    """Return (name, text, whether it is code) for the head of the page."""
    spent = record.seconds
    rows = [
        ("Profile", record.profile, False),
        ("Device", record.device, False),
        ("Revision", record.revision[:12] + (" with changes" if record.dirty else ""), True),
        ("Written", _time(record.created), False),
        ("Workers", str(record.workers), False),
        ("Root seed", str(record.seed), False),
    ]
    if "total" in spent:
        rows.append(("Wall time", seconds(spent["total"]), False))
    machine = record.fingerprint.get("cpu")
    if isinstance(machine, str) and machine:
        cores = record.fingerprint.get("cores")
        rows.append(("Machine", f"{machine}, {cores} cores" if cores else machine, False))
    gpu = record.fingerprint.get("gpu")
    if isinstance(gpu, str) and gpu:
        rows.append(("GPU", gpu, False))
    return rows


def _time(created: str) -> str:
    """Return the record's time as people write it; one in another format stays as it is."""
    try:
        time = datetime.strptime(created, "%Y%m%dT%H%M%SZ")  # noqa: DTZ007  UTC is said below
    except ValueError:
        return created
    return f"{time:%Y-%m-%d %H:%M} UTC"
