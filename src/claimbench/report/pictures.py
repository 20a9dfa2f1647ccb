"""The pictures of an experiment: its paper's own figures, else generic curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimbench.report.curves import Panel, Plan, cell_words, finding, plan
from claimbench.report.downloads import Download
from claimbench.report.evidence import Exhibits
from claimbench.report.numerals import counted, listed, number
from claimbench.report.own_figures import OwnFigure, describe
from claimbench.report.palette import Mark, marks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from claimbench.report.evidence import Evidence

# Panels drawn for one paper, shared among its experiments, each of which has at least and at most
# so many: a panel costs about a tenth of a second, and words say how many were left out.
_PANELS_OF_A_PAPER, _LEAST, _MOST = 36, 3, 9


def share(experiments: int) -> int:
    """Return how many panels each of a paper's experiments may have."""
    return min(_MOST, max(_LEAST, _PANELS_OF_A_PAPER // max(1, experiments)))


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure with its caption."""

    svg: Markup
    caption: str
    note: str
    wide: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is shown of an experiment's evidence.

    Attributes
    ----------
    legend
        Contenders that the pictures show.
    errors, notes
        What went wrong, and what a reader should know besides.
    data
        The tables behind the pictures.
    missing
        Whether there is no evidence.
    """

    pictures: tuple[Picture, ...]
    legend: tuple[tuple[str, Mark], ...]
    errors: tuple[str, ...]
    notes: tuple[str, ...]
    data: tuple[Download, ...] = ()
    missing: bool = False


def draw(
    anchor: str,
    palette: Mapping[str, Mark],
    evidence: Evidence,
    figures: Sequence[OwnFigure],
    *,
    wheres: Sequence[Mapping[str, Any]],
    race: bool,
    limit: int,
) -> Drawn:
    """Draw an experiment; generic curves stand in where none of its own figures can be drawn.

    Parameters
    ----------
    anchor
        The experiment's id on the page, which prefixes the ids of its pictures.
    wheres
        The settings of the claims on this experiment: their cells are shown first.
    race
        Whether seconds are a measure of this experiment.
    limit
        The most generic curves.
    """
    if evidence.table is None:
        return Drawn((), (), (), (evidence.problem,), missing=True)
    names = [str(name) for name in evidence.table["contender"].unique()]
    # Contenders in the evidence that the record does not name get the marks that are left.
    known = dict(palette) | {
        name: mark for name, mark in marks([*palette, *names]).items() if name not in palette
    }
    pictures, errors = _own(anchor, known, evidence, figures)
    notes: list[str] = []
    if not pictures:
        pictures, notes = _generic(anchor, known, plan(evidence, wheres, race=race, limit=limit))
    legend = tuple((name, mark) for name, mark in known.items() if name in names)
    return Drawn(tuple(pictures), legend, tuple(errors), tuple(notes))


def _own(
    anchor: str, palette: Mapping[str, Mark], evidence: Evidence, figures: Sequence[OwnFigure]
) -> tuple[list[Picture], list[str]]:
    from claimbench.report.drawing import draw_figure

    assert evidence.table is not None
    colours = {name: mark.colour for name, mark in palette.items()}
    pictures, errors = [], []
    for index, figure in enumerate(figures, 1):
        try:
            # Copies: a figure that writes into its evidence must not change the next one.
            offered = {
                "evidence": evidence.table.copy(),
                "traces": None if evidence.traces is None else evidence.traces.copy(),
                "exhibits": Exhibits(evidence.exhibits),
                "palette": colours,
            }
            svg, alt = draw_figure(figure.function, offered, f"{anchor}-own{index}-")
        except Exception as error:  # noqa: BLE001  a paper's code may raise anything
            errors.append(f"The figure “{figure.caption}” could not be drawn: {describe(error)}")
        else:
            pictures.append(Picture(svg, figure.caption, alt, wide=True))
    return pictures, errors


def _generic(
    anchor: str, palette: Mapping[str, Mark], chosen: Plan
) -> tuple[list[Picture], list[str]]:
    from claimbench.report.drawing import draw_panel

    pictures = [
        Picture(
            draw_panel(panel, palette, finding(panel), f"{anchor}-p{index}-"),
            panel.measure + (f" at {cell_words(panel.cell)}" if panel.cell else ""),
            _how(panel),
            wide=False,
        )
        for index, panel in enumerate(chosen.panels, 1)
    ]
    notes = []
    if chosen.left_out:
        notes.append(
            f"{counted(chosen.left_out, 'further panel')} (other settings or measures) left out"
            f" here; their rows are in the evidence file."
        )
    if chosen.constant:
        same = listed([f"{name} = {number(value)}" for name, value in chosen.constant.items()])
        notes.append(f"The same in every row, so not drawn: {same}.")
    if not chosen.panels and not chosen.constant:
        notes.append("No measure of this experiment has a value: there is nothing to draw.")
    return pictures, notes


def _how(panel: Panel) -> str:
    """Return how the picture is to be read."""
    mean = "geometric mean" if panel.y_scale == "log" else "mean"
    scale = {"linear": "", "log": ", logarithmic", "symlog": ", logarithmic down to zero"}
    band = f"{mean} with 95% t interval" if panel.replicates > 1 else "one replicate"
    lost = f"; ▲ at the top: {counted(panel.lost, 'value')} not finite" if panel.lost else ""
    return f"{band}{scale[panel.y_scale]}{lost}"
