"""All pictures of the papers, drawn or taken from what is kept."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
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
#: Fewer experiments than this are drawn before a second process has imported what draws them.
_WORTH = 8


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
    errors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What a paper's gallery is made of.

    Attributes
    ----------
    designed
        Experiments that the paper has, whether they ran or not.
    """

    paper: str
    experiments: tuple[Asked, ...]
    palette: Mapping[str, Mark]
    designed: frozenset[str]
    record_path: Path
    root: Path | None


@dataclass(frozen=True, slots=True)
class _Found:
    """What of an order is kept already.

    Attributes
    ----------
    keys
        Experiment -> the key of its figures; empty without a checkout, where nothing is kept.
    """

    drawn: Mapping[str, Drawn]
    keys: Mapping[str, str]


def galleries(orders: Sequence[Order], *, processes: int = 1) -> list[Gallery]:
    """Return the pictures of all papers, in the order of `orders`.

    Parameters
    ----------
    processes
        The most that draw at once; each imports the libraries for itself, so that a few pictures
        are drawn by this one.
    """
    engine = kept.engine()
    found = [_find(order, engine) for order in orders]
    missing = {
        i: len(order.experiments) - len(found[i].drawn)
        for i, order in enumerate(orders)
        if len(found[i].drawn) < len(order.experiments) or not found[i].keys
    }
    # Those with most to draw first, so that none is left alone with them at the end.
    turn = sorted(missing, key=lambda i: -missing[i])
    asked = [orders[i] for i in turn], [found[i] for i in turn]
    processes = min(processes, len(turn))
    if processes > 1 and sum(missing.values()) >= _WORTH:
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            made = dict(zip(turn, pool.map(_complete, *asked), strict=True))
    else:
        made = dict(zip(turn, map(_complete, *asked), strict=True))
    # Where anything had gone wrong, its entry would be missing.
    return [
        made[i] if i in made else Gallery({a.name: found[i].drawn[a.name] for a in o.experiments})
        for i, o in enumerate(orders)
    ]


def _find(order: Order, engine: Mapping[str, Any]) -> _Found:
    if order.root is None:
        return _Found({}, {})
    asked = {"asked": _plain(order), "code": kept.code(order.root, order.paper, engine)}
    keys = {
        one.name: kept.key_of(
            {**asked, "experiment": one.name}, _evidence(order, one), order.record_path, order.paper
        )
        for one in order.experiments
    }
    place = kept.folder(order.root)
    drawn = {
        name: _restored(content)
        for name, key in keys.items()
        if (content := kept.read(place, key)) is not None
    }
    return _Found(drawn, keys)


def _complete(order: Order, found: _Found) -> Gallery:
    """Draw what is missing, and keep it."""
    own, drawn = load(order.root, order.paper), dict(found.drawn)
    new = [one for one in order.experiments if one.name not in drawn]
    slug = order.paper.rpartition("/")[2]
    for one in new:
        evidence = _evidence(order, one)
        shown = draw(
            one.anchor,
            order.palette,
            evidence,
            [figure for figure in own.figures if figure.experiment == one.name],
            wheres=one.wheres,
            race=one.race,
            limit=share(len(order.experiments)),
        )
        drawn[one.name] = dataclasses.replace(shown, data=downloads(evidence, f"{slug}-{one.name}"))
    names = [one.name for one in order.experiments]
    made = Gallery(
        {name: drawn[name] for name in names}, tuple(_errors(own, names, order.designed))
    )
    # What went wrong may go well the next time: a package that is installed, a file that is back.
    if found.keys and not made.errors:
        for one in new:
            if not drawn[one.name].errors and not drawn[one.name].missing:
                content = plain(dataclasses.asdict(drawn[one.name]))
                kept.keep(kept.folder(order.root), found.keys[one.name], content)
    return made


def _evidence(order: Order, one: Asked) -> Evidence:
    """Return an experiment's evidence, without what is none outside of a race.

    Blocks from the store have no seconds: what is drawn would hang on what the store happened to
    hold, and no picture could be kept.
    """
    evidence = read_evidence(order.record_path, order.paper, one.name)
    if one.race or evidence.table is None:
        return evidence
    table = evidence.table.drop(columns=list(_OF_A_RACE), errors="ignore")
    return dataclasses.replace(evidence, table=table)


def _plain(order: Order) -> Any:
    return plain(
        {
            "paper": order.paper,
            "experiments": [dataclasses.asdict(one) for one in order.experiments],
            "palette": [[name, mark.colour, mark.marker] for name, mark in order.palette.items()],
            "designed": sorted(order.designed),
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


def _errors(own: OwnFigures, experiments: list[str], designed: frozenset[str]) -> Iterator[str]:
    """Yield what keeps a figure from being drawn, but for experiments that were deselected."""
    if own.error:
        yield own.error
    for figure in own.figures:
        if figure.experiment not in {*experiments, *designed, *own.experiments}:
            yield (
                f"figures.py draws “{figure.caption}” from the experiment {figure.experiment},"
                f" which is not in this run; it has {listed(experiments) or 'none'}."
            )
