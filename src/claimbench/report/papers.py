"""The papers of a record with their experiments: design, pictures and contenders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimbench.record import PaperRecord
from claimbench.report.curves import setting
from claimbench.report.gallery import Asked, Gallery, Order, galleries
from claimbench.report.numerals import listed, memory, seconds
from claimbench.report.palette import Mark, marks
from claimbench.report.pictures import Drawn
from claimbench.report.subjects import settings_words
from claimbench.report.view import ClaimView, anchors, domain_of, flattened, rerun
from claimbench.wording import source_words
from claimbench.words import VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from claimbench.record import ContenderRecord, Record

_ROLES = ("method", "baseline", "control", "candidate")
_STATUS = {
    "ok": "ran",
    "failed": "failed",
    "unavailable": "unavailable: its package is not installed",
    "over budget": "ended: over its budget of time",
}


@dataclass(frozen=True, slots=True)
class ContenderRow:
    """A line of an experiment's table of contenders."""

    record: ContenderRecord
    mark: Mark
    status: str
    cost: str
    memory: str
    grid: str
    tuned: str
    pin: str
    source: str


@dataclass(frozen=True, slots=True)
class PinView:
    """Where an opponent comes from, and whether what ran is what is pinned."""

    name: str
    anchor: str
    facts: tuple[tuple[str, str], ...]
    match: bool


@dataclass(frozen=True, slots=True)
class ExperimentView:
    """An experiment's section."""

    name: str
    anchor: str
    design: tuple[tuple[str, str], ...]
    contenders: tuple[ContenderRow, ...]
    drawn: Drawn
    file: str


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper's section."""

    record: PaperRecord
    anchor: str
    domain: str
    authors: str
    claims: tuple[ClaimView, ...]
    experiments: tuple[ExperimentView, ...]
    pins: tuple[PinView, ...]
    errors: tuple[str, ...]
    rerun: str
    counts: tuple[tuple[str, int], ...]
    cost: str


def contender_marks(record: Record) -> dict[tuple[str, str], Mark]:
    """Return the mark of every contender of every paper: methods first, then by appearance.

    A paper may have more contenders than there are colours; those of one experiment differ.
    """
    made: dict[tuple[str, str], Mark] = {}
    for paper in paper_ids(record):
        own = [c for c in record.contenders if c.paper == paper]
        names = [c.name for role in _ROLES for c in own if c.role == role]
        for claim in record.claims:
            if claim.paper == paper:
                names += [claim.method, claim.control.contender]
                names += [c.contender for c in (*claim.against, *claim.candidates)]
        meetings: dict[str, list[str]] = {}
        for contender in own:
            meetings.setdefault(contender.experiment, []).append(contender.name)
        given = marks(names, meetings.values())
        made |= {(paper, name): mark for name, mark in given.items()}
    return made


def paper_ids(record: Record) -> list[str]:
    """Return every paper that the record names anywhere, those it describes first."""
    described = [paper.id for paper in record.papers]
    used = [claim.paper for claim in record.claims] + [c.paper for c in record.contenders]
    return list(dict.fromkeys([*described, *used]))


def experiment_names(record: Record, paper: str) -> list[str]:
    """Return the experiments of a paper that this run touched, in the record's order."""
    described = [name for p in record.papers if p.id == paper for name in p.experiments]
    used = [c.experiment for c in record.contenders if c.paper == paper]
    used += [c.experiment for c in record.claims if c.paper == paper]
    return [
        *(n for n in described if n in used),
        *dict.fromkeys(n for n in used if n not in described),
    ]


def experiment_anchors(record: Record) -> dict[str, str]:
    """Return ``<paper>/<experiment>`` -> id."""
    return anchors(
        "experiment-",
        (
            f"{paper}/{name}"
            for paper in paper_ids(record)
            for name in experiment_names(record, paper)
        ),
    )


def paper_views(
    record: Record,
    claims: list[ClaimView],
    marks: dict[tuple[str, str], Mark],
    links: dict[str, str],
    *,
    record_path: Path,
    root: Path | None,
    processes: int = 1,
) -> list[PaperView]:
    """Return the sections of all papers, pictures drawn by at most so many `processes`."""
    described = {paper.id: paper for paper in record.papers}
    ids = paper_ids(record)
    paper_links = anchors("paper-", ids)
    pin_links = pin_anchors(record)
    about = [
        described.get(paper) or PaperRecord(paper, paper, [], 0, arxiv="", code="", experiments={})
        for paper in ids
    ]
    own = [tuple(view for view in claims if view.record.paper == paper) for paper in ids]
    orders = [
        Order(
            paper=paper.id,
            experiments=tuple(_asked(record, paper, views, links)),
            palette={name: mark for (of, name), mark in marks.items() if of == paper.id},
            designed=frozenset(paper.experiments),
            record_path=record_path,
            root=root,
        )
        for paper, views in zip(about, own, strict=True)
    ]
    made = []
    drawn = galleries(orders, processes=processes)
    for paper, views, order, shown in zip(about, own, orders, drawn, strict=True):
        spent = sum(c.seconds for c in record.contenders if c.paper == paper.id)
        verdicts = [view.record.verdict for view in views]
        made.append(
            PaperView(
                record=paper,
                anchor=paper_links[paper.id],
                domain=domain_of(paper.id),
                authors=listed(paper.authors),
                claims=views,
                experiments=tuple(_experiments(record, paper, shown, order, (links, pin_links))),
                pins=tuple(_pins(record, paper.id, pin_links)),
                rerun=rerun(record, paper.id),
                errors=shown.errors,
                counts=tuple((verdict, verdicts.count(verdict)) for verdict in VERDICTS),
                cost=seconds(spent or None),
            )
        )
    return made


def _asked(
    record: Record, paper: PaperRecord, claims: tuple[ClaimView, ...], links: dict[str, str]
) -> Iterator[Asked]:
    for name in experiment_names(record, paper.id):
        yield Asked(
            name,
            links[f"{paper.id}/{name}"],
            tuple(view.record.where for view in claims if view.record.experiment == name),
            race=bool(paper.experiments.get(name, {}).get("race")),
        )


def _experiments(
    record: Record,
    paper: PaperRecord,
    shown: Gallery,
    order: Order,
    links: tuple[dict[str, str], dict[str, str]],
) -> Iterator[ExperimentView]:
    pins = {
        c.pin: links[1][f"{c.paper}/{c.pin}"]
        for c in record.contenders
        if c.pin and c.paper == paper.id
    }
    for name, drawn in shown.drawn.items():
        yield ExperimentView(
            name=name,
            anchor=links[0][f"{paper.id}/{name}"],
            design=tuple(_design(paper.experiments.get(name, {}))),
            contenders=tuple(_contenders(record, paper.id, name, order.palette, pins)),
            drawn=drawn,
            file=f"{order.record_path.stem}/{paper.id}/{name}.parquet",
        )


def _design(design: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what an experiment ran: its settings first, then how often."""
    for name, values in design.get("settings", {}).items():
        yield name, ", ".join(setting(value) for value in values)
    if design.get("race"):
        yield "race", "seconds are measured, contenders interleaved"
    if design.get("deterministic"):
        yield "instances", "the whole population, judged without inference"
    told = {"settings", "race", "deterministic"}
    yield from flattened({name: fact for name, fact in design.items() if name not in told})


def _tuned(tuned: dict[str, Any]) -> str:
    """Return chosen hyper-parameters: by cell, where each cell has its own."""
    return "; ".join(
        settings_words(chosen) if cell == "all" else f"at {cell}: {settings_words(chosen)}"
        for cell, chosen in tuned.items()
        if isinstance(chosen, dict)
    )


def pin_anchors(record: Record) -> dict[str, str]:
    """Return ``<paper>/<pin>`` -> id."""
    used = ((c.paper, c.pin) for c in record.contenders if c.pin)
    return anchors("pin-", (f"{paper}/{pin}" for paper, pin in used))


def _pins(record: Record, paper: str, links: dict[str, str]) -> Iterator[PinView]:
    for pin in dict.fromkeys(c.pin for c in record.contenders if c.paper == paper and c.pin):
        facts = dict(record.pins.get(pin, {}))
        packages = facts.pop("packages", {})
        match = facts.pop("match", True)
        source = {"package": "a third party's package", "ours": "our own implementation"}
        facts["source"] = source.get(facts.get("source", ""), facts.get("source", ""))
        rows = [(name, _version(found)) for name, found in packages.items()]
        yield PinView(pin, links[f"{paper}/{pin}"], tuple(rows + flattened(facts)), bool(match))


def _version(found: Any) -> str:
    if not isinstance(found, dict):
        return str(found)
    if found.get("match"):
        return f"{found.get('pinned')}, as pinned"
    return f"pinned {found.get('pinned')}, installed {found.get('installed') or 'none'}"


def _contenders(
    record: Record,
    paper: str,
    experiment: str,
    palette: Mapping[str, Mark],
    pins: dict[str, str],
) -> Iterator[ContenderRow]:
    for contender in record.contenders:
        if (contender.paper, contender.experiment) == (paper, experiment):
            yield ContenderRow(
                record=contender,
                mark=palette[contender.name],
                status=_STATUS.get(contender.status, contender.status),
                cost=seconds(contender.seconds or None),
                memory=memory(contender.peak_memory_bytes),
                grid=settings_words(contender.grid),
                tuned=_tuned(contender.tuned),
                pin=pins.get(contender.pin or "", ""),
                source=source_words(contender.source),
            )
