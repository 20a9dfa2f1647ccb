"""The papers of a record with their experiments: design, pictures and contenders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claimbench.record import PaperRecord
from claimbench.report.evidence import read_evidence
from claimbench.report.numerals import listed, memory, seconds
from claimbench.report.own_figures import OwnFigures, load
from claimbench.report.palette import Mark, marks
from claimbench.report.pictures import Drawn, draw
from claimbench.report.view import ClaimView, anchors, flattened, rerun, settings_words

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    tuned: str


@dataclass(frozen=True, slots=True)
class ExperimentView:
    """An experiment's section."""

    name: str
    anchor: str
    design: tuple[tuple[str, str], ...]
    contenders: tuple[ContenderRow, ...]
    drawn: Drawn


@dataclass(frozen=True, slots=True)
class PaperView:
    """A paper's section."""

    record: PaperRecord
    anchor: str
    authors: str
    claims: tuple[ClaimView, ...]
    experiments: tuple[ExperimentView, ...]
    pins: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    errors: tuple[str, ...]
    rerun: str


def contender_marks(record: Record) -> dict[tuple[str, str], Mark]:
    """Return the mark of every contender of every paper: methods first, then by appearance."""
    made: dict[tuple[str, str], Mark] = {}
    for paper in paper_ids(record):
        own = [c for c in record.contenders if c.paper == paper]
        names = [c.name for role in _ROLES for c in own if c.role == role]
        for claim in record.claims:
            if claim.paper == paper:
                names += [claim.method, claim.control.contender]
                names += [c.contender for c in (*claim.against, *claim.candidates)]
        made |= {(paper, name): mark for name, mark in marks(names).items()}
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
) -> list[PaperView]:
    """Return the sections of all papers, pictures drawn."""
    described = {paper.id: paper for paper in record.papers}
    ids = paper_ids(record)
    paper_links = anchors("paper-", ids)
    views = []
    for paper in ids:
        own = load(root, paper)
        palette = {name: mark for (of, name), mark in marks.items() if of == paper}
        names = experiment_names(record, paper)
        experiments = []
        for name in names:
            wheres = [c.where for c in record.claims if (c.paper, c.experiment) == (paper, name)]
            design = (described[paper].experiments.get(name) if paper in described else None) or {}
            drawn = draw(
                links[f"{paper}/{name}"],
                palette,
                read_evidence(record_path, paper, name),
                [figure for figure in own.figures if figure.experiment == name],
                wheres=wheres,
                race=bool(design.get("seconds")),
            )
            experiments.append(
                ExperimentView(
                    name=name,
                    anchor=links[f"{paper}/{name}"],
                    design=tuple(flattened(design)),
                    contenders=tuple(_contenders(record, paper, name, palette)),
                    drawn=drawn,
                )
            )
        used = dict.fromkeys(c.pin for c in record.contenders if c.paper == paper and c.pin)
        views.append(
            PaperView(
                record=described.get(paper)
                or PaperRecord(paper, paper, [], 0, arxiv="", code="", experiments={}),
                anchor=paper_links[paper],
                authors=listed(described[paper].authors) if paper in described else "",
                claims=tuple(view for view in claims if view.record.paper == paper),
                experiments=tuple(experiments),
                pins=tuple((pin, tuple(flattened(record.pins.get(pin, {})))) for pin in used),
                rerun=rerun(record, paper),
                errors=tuple(_errors(own, names)),
            )
        )
    return views


def _contenders(
    record: Record, paper: str, experiment: str, palette: dict[str, Mark]
) -> Iterator[ContenderRow]:
    for contender in record.contenders:
        if (contender.paper, contender.experiment) == (paper, experiment):
            yield ContenderRow(
                record=contender,
                mark=palette[contender.name],
                status=_STATUS.get(contender.status, contender.status),
                cost=seconds(contender.seconds or None),
                memory=memory(contender.peak_memory_bytes),
                tuned=settings_words(contender.tuned),
            )


def _errors(own: OwnFigures, experiments: list[str]) -> Iterator[str]:
    if own.error:
        yield own.error
    for figure in own.figures:
        if figure.experiment not in experiments:
            yield (
                f"figures.py draws “{figure.caption}” from the experiment {figure.experiment},"
                f" which is not in this run; it has {listed(experiments) or 'none'}."
            )
