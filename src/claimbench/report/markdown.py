"""The report as Markdown that fits a job's summary on the forge."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from claimbench.record import ClaimRecord, Comparison, Effect, PaperRecord, Record, fingerprint_of
from claimbench.report import run
from claimbench.report.numerals import counted, value_and_limits

#: A job's summary may have 1 MiB; the rest is room for what others append to it.
LIMIT = 1_000_000
#: Signs of a text in a cell: a line to be read, not the whole of a traceback.
LONGEST = 600


def line(text: str) -> str:
    """Return text from outside as one line, without what steers a terminal or the direction."""
    kept = "".join(
        sign if sign.isspace() or unicodedata.category(sign) not in {"Cc", "Cf", "Cs"} else "\ufffd"
        for sign in text
    )
    return " ".join(kept.split())


def cell(text: str) -> str:
    """Return text from outside as a cell of a table: no markup, one line."""
    kept = line(text)
    for sign in "\\`*_{}[]<>|#~&$@":
        kept = kept.replace(sign, f"\\{sign}")
    # An address would become a link.
    return kept.replace("://", ":\\//").replace("www.", "www\\.")


def short(text: str) -> str:
    """Return a long text's beginning as a cell."""
    return cell(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose cells are Markdown already, and an empty line."""
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def fitted(lines: Iterable[str], limit: int = LIMIT) -> str:
    """Return the lines as text of at most `limit` bytes; what is left out is said."""
    every = list(lines)
    size = 0
    for index, one in enumerate(every):
        size += len(one.encode()) + 1
        if size > limit - 100:
            left = counted(len(every) - index, "line")
            return "\n".join([*every[:index], "", f"{left} left out: the HTML report has all.", ""])
    return "\n".join(every).rstrip() + "\n"


def effect_words(effect: Effect | None) -> str:
    """Return ``0.12 [0.08, 0.16] dB, n = 10`` as a cell."""
    if effect is None:
        return "none"
    value, limits = value_and_limits(effect)
    words = " ".join(part for part in (value, limits, effect.unit) if part)
    return cell(f"{words}, n = {effect.n}")


def markdown(record: Record) -> str:
    """Return the whole report of a record as Markdown."""
    return fitted(_lines(record))


def _lines(record: Record) -> Iterator[str]:
    yield f"### claimbench: {cell(run.summary(record))}"
    yield ""
    yield from table(
        [verdict for verdict, _ in run.verdict_counts(record)],
        [[str(n) for _, n in run.verdict_counts(record)]],
    )
    for _, text in run.banners(record):
        yield f"> {cell(text)}"
        yield ""
    facts = [f"{name.lower()} {cell(text)}" for name, text, _ in run.facts(record)]
    yield f"{', '.join(facts)}, machine {fingerprint_of(record)}."
    yield ""
    papers = {paper.id: paper for paper in record.papers}
    for name in dict.fromkeys([*papers, *(claim.paper for claim in record.claims)]):
        claims = [claim for claim in record.claims if claim.paper == name]
        if claims:
            yield f"#### {_title(name, papers.get(name))}"
            yield ""
            yield from table(
                ("verdict", "claim", "effect", "control"),
                (row for claim in claims for row in _rows(claim)),
            )
    unwell = [one for one in record.contenders if one.status != "ok"]
    if unwell:
        yield "#### Contenders that did not finish"
        yield ""
        yield from table(
            ("experiment", "contender", "status", "why"),
            (
                (
                    cell(f"{one.paper}/{one.experiment}"),
                    *map(cell, (one.name, one.status)),
                    short(one.reason or ""),
                )
                for one in unwell
            ),
        )
    if record.not_judged:
        yield "#### Not judged"
        yield ""
        yield from table(
            ("claim", "why"), ((cell(name), short(why)) for name, why in record.not_judged.items())
        )
    if record.claims:
        yield cell(run.holm_note(record))
        yield ""
        yield (
            "A control is the same setup without the method's key ingredient: it must not be"
            " reproduced."
        )


def _title(name: str, paper: PaperRecord | None) -> str:
    if paper is None:
        return cell(name)
    year = f" ({paper.year})" if paper.year else ""
    return f"{cell(paper.title)}{year}, {cell(name)}"


def _rows(claim: ClaimRecord) -> Iterator[tuple[str, str, str, str]]:
    verdict = f"**{claim.verdict}**{'' if claim.holm else ', not after Holm'}"
    primary = ", primary" if claim.primary else ""
    name = f"**{cell(claim.id)}** ({claim.kind}, {claim.scale}{primary}): {short(claim.statement)}"
    control = f"{cell(claim.control.contender)}: {claim.control.verdict}"
    yield verdict, name, effect_words(claim.effect), control
    for one in claim.candidates:
        yield _candidate(claim, one)


def _candidate(claim: ClaimRecord, one: Comparison) -> tuple[str, str, str, str]:
    name = f"{cell(claim.id)}, candidate {cell(one.contender)}"
    return f"**{one.verdict}**", name, effect_words(one.effect), ""
