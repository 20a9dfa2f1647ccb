"""All pictures of a paper, drawn or taken from what is kept."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimbench.report import kept
from claimbench.report.downloads import Download, downloads
from claimbench.report.evidence import Evidence, read_evidence
from claimbench.report.numerals import listed
from claimbench.report.own_figures import OwnFigures, load
from claimbench.report.palette import Mark
from claimbench.report.pictures import Drawn, Picture, draw, share
from claimbench.schema import plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

_OF_A_RACE = ("seconds", "peak_memory_bytes")


@dataclass(frozen=True, slots=True)
class Asked:
    """An experiment to be drawn.

    Attributes
    ----------
    anchor
        Its id on the page.
    wheres
        Settings of the claims on it: their cells are shown first.
    race
        Whether seconds are a measure of it.
    """

    name: str
    anchor: str
    wheres: tuple[Mapping[str, Any], ...]
    race: bool


@dataclass(frozen=True, slots=True)
class Gallery:
    """The pictures of a paper: experiment -> what is shown of it; and what went wrong."""

    drawn: Mapping[str, Drawn]
    errors: tuple[str, ...]


def gallery(
    paper: str,
    experiments: Sequence[Asked],
    palette: Mapping[str, Mark],
    *,
    designed: set[str],
    record_path: Path,
    root: Path | None,
) -> Gallery:
    """Return the pictures of a paper.

    Parameters
    ----------
    designed
        Experiments that the paper has, whether they ran or not.
    """
    found = {one.name: _evidence(record_path, paper, one) for one in experiments}
    place, keys = kept.folder(root), {}
    if root is not None:
        asked = {
            "asked": _plain(paper, experiments, palette, designed),
            "code": kept.code(root, paper),
        }
        keys = {
            name: kept.key_of({**asked, "experiment": name}, evidence, record_path, paper)
            for name, evidence in found.items()
        }
    drawn = {
        name: _restored(content)
        for name, key in keys.items()
        if (content := kept.read(place, key)) is not None
    }
    if len(drawn) == len(experiments) and keys:
        # Where anything had gone wrong, its entry would be missing.
        return Gallery({one.name: drawn[one.name] for one in experiments}, ())
    own, new = load(root, paper), set()
    for one in experiments:
        if one.name in drawn:
            continue
        new.add(one.name)
        evidence = found[one.name]
        shown = draw(
            one.anchor,
            palette,
            evidence,
            [figure for figure in own.figures if figure.experiment == one.name],
            wheres=one.wheres,
            race=one.race,
            limit=share(len(experiments)),
        )
        slug = paper.rpartition("/")[2]
        drawn[one.name] = dataclasses.replace(shown, data=downloads(evidence, f"{slug}-{one.name}"))
    drawn = {one.name: drawn[one.name] for one in experiments}
    made = Gallery(drawn, tuple(_errors(own, [one.name for one in experiments], designed)))
    # What went wrong may go well the next time: a package that is installed, a file that is back.
    if keys and not made.errors:
        for name in sorted(new):
            if not drawn[name].errors and not drawn[name].missing:
                kept.keep(place, keys[name], plain(dataclasses.asdict(drawn[name])))
    return made


def _evidence(record_path: Path, paper: str, one: Asked) -> Evidence:
    """Return an experiment's evidence, without what is none outside of a race.

    Blocks from the store have no seconds: what is drawn would hang on what the store happened to
    hold, and no picture could be kept.
    """
    evidence = read_evidence(record_path, paper, one.name)
    if one.race or evidence.table is None:
        return evidence
    table = evidence.table.drop(columns=list(_OF_A_RACE), errors="ignore")
    return dataclasses.replace(evidence, table=table)


def _plain(
    paper: str, experiments: Sequence[Asked], palette: Mapping[str, Mark], designed: set[str]
) -> Any:
    return plain(
        {
            "paper": paper,
            "experiments": [dataclasses.asdict(one) for one in experiments],
            "palette": [[name, mark.colour, mark.marker] for name, mark in palette.items()],
            "designed": sorted(designed),
        }
    )


def _restored(one: Mapping[str, Any]) -> Drawn:
    from markupsafe import Markup

    pictures = tuple(
        # Drawn by this package, and read back with its digest.
        Picture(**{**picture, "svg": Markup(picture["svg"])})  # noqa: S704
        for picture in one["pictures"]
    )
    return Drawn(
        pictures=pictures,
        legend=tuple((label, Mark(**mark)) for label, mark in one["legend"]),
        errors=tuple(one["errors"]),
        notes=tuple(one["notes"]),
        data=tuple(Download(**download) for download in one["data"]),
    )


def _errors(own: OwnFigures, experiments: list[str], designed: set[str]) -> Iterator[str]:
    """Yield what keeps a figure from being drawn, but for experiments that were deselected."""
    if own.error:
        yield own.error
    for figure in own.figures:
        if figure.experiment not in {*experiments, *designed, *own.experiments}:
            yield (
                f"figures.py draws “{figure.caption}” from the experiment {figure.experiment},"
                f" which is not in this run; it has {listed(experiments) or 'none'}."
            )
