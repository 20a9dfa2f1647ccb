"""The verdict table at the end of a session."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from claimbench.gate.show import lines
from claimbench.plugin.candidates import candidate_lines
from claimbench.record import ClaimRecord, Record
from claimbench.statistics.interval import LEVEL
from claimbench.statistics.looks import spent
from claimbench.statistics.wording import percent
from claimbench.wording import interval_words, verdict_counts

if TYPE_CHECKING:
    from rich.table import Table

    from claimbench.claim import Look
    from claimbench.plugin.session import Outcome

_STYLE = {
    "reproduced": "green",
    "not reproduced": "red",
    "inconclusive": "yellow",
    "void": "magenta",
}


def write_verdicts(reporter: pytest.TerminalReporter, outcome: Outcome) -> None:
    """Write verdicts and what was not judged."""
    record = outcome.record
    reporter.section("claims", sep="=")
    if not record.complete:
        why = outcome.over_budget or "the run ended before all selected contenders had"
        reporter.write_line(f"PARTIAL: {why}.")
    if record.claims:
        _table(reporter, record)
    if outcome.looks:
        reporter.write_line(_looks(outcome.looks))
    for line in candidate_lines(record):
        reporter.write_line(line)
    for name, why in outcome.not_judged.items():
        reporter.write_line(f"not judged: {name} ({why})")
    for notice in record.notices:
        reporter.write_line(f"notice: {notice}", yellow=True)
    reporter.write_line(verdict_counts(record))
    reporter.flush()


def write_files(reporter: pytest.TerminalReporter, outcome: Outcome) -> None:
    """Write what went wrong, what was spent, where the files are, and the gate's answer."""
    record = outcome.record
    for note in outcome.notes:
        reporter.write_line(f"note: {note}")
    for machine in record.backend["machines"]:
        reporter.write_line(
            f"mixed: {machine['blocks']} blocks were made on another machine,"
            f" {machine['fingerprint'].get('cpu', 'unknown')} ({machine['id']})"
        )
    for error in outcome.errors:
        reporter.write_line(f"error: {error}", red=True)
    seconds = record.seconds
    if seconds["contenders"]:
        share = seconds["engine"] / seconds["contenders"]
        reporter.write_line(
            f"{seconds['total']:.1f} s in all; {seconds['contenders']:.1f} s inside contenders,"
            f" {seconds['suite']:.1f} s in problems and measures,"
            f" {seconds['engine']:.2f} s of engine ({share:.1%} of the contenders' time)"
        )
    if outcome.record_path is not None:
        reporter.write_line(f"record: {_shown(outcome.record_path)}")
    if outcome.report_path is not None:
        reporter.write_line(f"report: {_shown(outcome.report_path)}")
    if outcome.gate is not None:
        reporter.section("gate", sep="=")
        for line in lines(outcome.gate):
            reporter.write_line(line)


def verdict_table(record: Record) -> Table:
    """Return the verdicts as a table for a terminal."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    # On a narrow terminal these two fold; the others are words that must be read whole.
    table.add_column("claim", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("effect [interval]", overflow="fold")
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("control", no_wrap=True)
    table.add_column("scale", no_wrap=True)
    for claim in record.claims:
        table.add_row(
            claim.id + (" *" if claim.primary else ""),
            _verdict(claim),
            interval_words(claim.effect),
            str(claim.effect.n) if claim.effect else "",
            claim.control.verdict,
            claim.scale,
        )
    return table


def _looks(looks: tuple[Look, ...]) -> str:
    """Return how many experiments ended early, and on how many of their replicates."""
    ended = [look for look in looks if look.ended != "over budget"]
    early = sum(look.number < len(look.sizes) for look in ended)
    taken, whole = sum(one.replicates for one in ended), sum(one.sizes[-1] for one in ended)
    cut = f"; {len(looks) - len(ended):,} more were cut short" if len(ended) < len(looks) else ""
    return (
        f"until decided: {early:,} of {len(ended):,} experiments that were looked at ended early;"
        f" {taken:,} of {whole:,} replicates, each interval at {percent(spent(LEVEL))}{cut}"
    )


def _table(reporter: pytest.TerminalReporter, record: Record) -> None:
    """Write the table, as wide as the terminal."""
    from io import StringIO

    from rich.console import Console

    page = StringIO()
    console = Console(
        file=page,
        # A log has no width: long enough for the table, short enough for a reader.
        width=reporter._tw.fullwidth if reporter.isatty else 132,  # noqa: SLF001  pytest offers it nowhere else
        force_terminal=reporter.hasmarkup,
        no_color=not reporter.hasmarkup or "NO_COLOR" in os.environ,
    )
    console.print(verdict_table(record))
    for line in page.getvalue().splitlines():
        reporter.write_line(line.rstrip())
    reporter.write_line("* primary claim")


def _verdict(claim: ClaimRecord) -> str:
    lost = "" if claim.holm or claim.verdict != "reproduced" else " (not after Holm)"
    return f"[{_STYLE[claim.verdict]}]{claim.verdict}[/]{lost}"


def _shown(path: os.PathLike[str]) -> str:
    """Return the path as seen from here where that is shorter."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else os.fspath(path)
