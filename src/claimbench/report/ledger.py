"""What the run cost: seconds and memory by paper and contender, and the seeds it used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimbench.report.numerals import counted, memory, percent, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from claimbench.record import ContenderRecord, Record
    from claimbench.report.palette import Mark
    from claimbench.report.papers import PaperView


@dataclass(frozen=True, slots=True)
class Line:
    """What one contender cost over all of its experiments."""

    name: str
    mark: Mark | None
    cost: str
    share: float
    memory: str
    blocks: str


@dataclass(frozen=True, slots=True)
class PaperLine:
    """What one paper cost.

    Attributes
    ----------
    share
        Of the time inside all contenders of the run, per cent.
    seeds
        The replicates of its experiments.
    lines
        Its contenders, the most expensive first.
    """

    view: PaperView
    cost: str
    share: float
    memory: str
    blocks: str
    seeds: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the workers' time."""

    name: str
    cost: str
    share: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The cost of a run."""

    parts: tuple[Part, ...]
    papers: tuple[PaperLine, ...]
    note: str


_PARTS = (
    ("contenders", "Inside contenders", "methods, opponents, controls and candidates"),
    ("suite", "Problems and measures", "what all contenders are given and measured by"),
    ("engine", "Engine", "streams, tables, files, and the session's own process"),
)


def ledger(
    record: Record, papers: Sequence[PaperView], marks: Mapping[tuple[str, str], Mark]
) -> Ledger:
    """Return what a run cost.

    Parameters
    ----------
    marks
        (Paper, contender) -> its mark.
    """
    known = [record.seconds[key] for key, _, _ in _PARTS if key in record.seconds]
    whole = sum(known)
    parts = tuple(
        Part(name, seconds(record.seconds[key]), _share(record.seconds[key], whole), meaning)
        for key, name, meaning in _PARTS
        if key in record.seconds
    )
    inside = sum(c.seconds for c in record.contenders)
    lines = []
    for paper in papers:
        own = [c for c in record.contenders if c.paper == paper.record.id]
        if own:
            lines.append(_paper(paper, own, inside, marks))
    return Ledger(parts, tuple(lines), _note(record))


def _paper(
    paper: PaperView,
    own: Sequence[ContenderRecord],
    inside: float,
    marks: Mapping[tuple[str, str], Mark],
) -> PaperLine:
    names = list(dict.fromkeys(c.name for c in own))
    spent = {name: sum(c.seconds for c in own if c.name == name) for name in names}
    lines = []
    for name in sorted(names, key=lambda name: -spent[name]):
        mine = [c for c in own if c.name == name]
        mark = marks.get((paper.record.id, name))
        share = _percent(spent[name], sum(spent.values()))
        cost, peak = _told(mine)
        lines.append(Line(name, mark, cost, share, peak, _blocks(mine)))
    return PaperLine(
        view=paper,
        cost=_told(own)[0],
        share=_percent(sum(spent.values()), inside),
        memory=_told(own)[1],
        blocks=_blocks(own),
        seeds=_seeds(paper.record.experiments),
        lines=tuple(lines),
    )


def _told(contenders: Sequence[ContenderRecord]) -> tuple[str, str]:
    peaks = [c.peak_memory_bytes or 0 for c in contenders]
    return seconds(sum(c.seconds for c in contenders) or None), memory(max(peaks, default=0))


def _blocks(contenders: Sequence[ContenderRecord]) -> str:
    stored = sum(c.blocks_from_store for c in contenders)
    words = f"{sum(c.blocks for c in contenders):,}"
    return f"{words}, {stored:,} of them from the store" if stored else words


def _seeds(experiments: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how many replicates the experiments of a paper have: each is a seed."""
    found = [n for d in experiments.values() if isinstance(n := d.get("replicates"), int)]
    tuned = [
        n
        for d in experiments.values()
        if isinstance(t := d.get("tuning"), dict) and isinstance(n := t.get("replicates"), int)
    ]
    if not found:
        return "–"
    words = f"{sum(found):,} in {counted(len(found), 'experiment')}"
    return f"{words}, {sum(tuned):,} more for tuning" if tuned else words


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 1) if whole > 0 else 0.0


def _share(part: float, whole: float) -> str:
    return percent(round(part / whole, 3)) if whole > 0 else "–"


def _note(record: Record) -> str:
    total = record.seconds.get("total")
    words = (
        [f"Wall time {seconds(total)} with {counted(record.workers, 'worker')}."] if total else []
    )
    stored = sum(c.blocks_from_store for c in record.contenders)
    if stored:
        words.append(
            f"{counted(stored, 'block')} came from the store: they cost nothing in this run."
        )
    return " ".join(words)


def seeds_note(record: Record) -> str:
    """Return how the random numbers of a run came about."""
    return (
        f"Every stream of random numbers comes from the root seed {record.seed} by paper,"
        " experiment, purpose and block (numpy's SeedSequence); contenders of an experiment share"
        " problems and noise, and a contender's private randomness adds its name. Tuning has"
        " streams of its own."
    )
