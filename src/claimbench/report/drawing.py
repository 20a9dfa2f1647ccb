"""Panels and figures as SVG, drawn by seaborn on bare matplotlib axes.

Figures are made without pyplot's state, with ticks of our own: matplotlib's automatic ticks, above
all minor ones on logarithmic axes, would take most of the time of a report.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from claimbench.report.own_figures import wanted
from claimbench.report.svg import GRID, INK, MUTED, inline
from claimbench.report.ticks import plain_decades, set_ticks, threshold, value_ticks, x_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from claimbench.report.curves import Panel
    from claimbench.report.palette import Mark

#: Size of a panel in points of its view box; a figure of a paper's own is wider.
_PANEL, _FIGURE = (374.0, 240.0), (560.0, 340.0)
#: More marks than this are drawn as an image.
_MOST_MARKS = 2_000
_FONT = 12.0


def _style() -> dict[str, Any]:
    return {
        "svg.fonttype": "none",  # text stays text: searchable, in the reader's font
        "svg.hashsalt": "claimbench",  # the same picture gets the same ids
        "font.size": _FONT,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.edgecolor": GRID,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "savefig.facecolor": "none",
        "savefig.dpi": 200,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "xtick.color": GRID,
        "ytick.color": GRID,
        "xtick.labelcolor": MUTED,
        "ytick.labelcolor": MUTED,
        "ytick.major.size": 0,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
        "lines.markersize": 5.5,
    }


@contextmanager
def _drawing(**style: Any) -> Iterator[None]:
    import matplotlib as mpl

    rc: Any = _style() | style  # its type names every setting of matplotlib
    with mpl.rc_context(rc), warnings.catch_warnings():
        # The browser draws the text: a glyph that matplotlib's own font lacks is no defect.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        yield


def draw_panel(panel: Panel, marks: Mapping[str, Mark], alt: str, prefix: str) -> Markup:
    """Draw one panel.

    Parameters
    ----------
    marks
        Colour and marker of every contender.
    alt
        The alternative text.
    prefix
        Makes the ids of this picture unique on the page.
    """
    # Names come from outside; a dollar sign in them is no formula.
    with _drawing(**{"text.parse_math": False}):
        figure, axes = _axes(_PANEL, left=52 if panel.x else _widest(panel))
        if panel.x:
            _draw_lines(axes, panel, marks)
        else:
            _draw_rows(axes, panel, marks)
        return _svg(figure, alt, prefix)


def draw_figure(
    function: Callable[..., str], offered: Mapping[str, Any], prefix: str
) -> tuple[Markup, str]:
    """Let a paper's own function draw, and return the picture with its alternative text.

    Parameters
    ----------
    function
        Asks by the names of its parameters, see `claimbench.report.own_figures`.
    offered
        What it may have besides `ax` and `figure`.

    Raises
    ------
    TypeError
        When the function returns no text. Whatever the function raises passes through.
    """
    with _drawing():
        from matplotlib.figure import Figure

        size = (_FIGURE[0] / 72, _FIGURE[1] / 72)
        figure = Figure(figsize=size, dpi=72, layout="constrained")
        asked = wanted(function)
        place: dict[str, Any] = {"ax": figure.subplots()} if "ax" in asked else {"figure": figure}
        alt = function(**{name: {**place, **offered}[name] for name in asked})
        if not isinstance(alt, str) or not alt.strip():
            raise TypeError(
                f"it returned {alt!r} instead of the alternative text, a sentence that states"
                " what the figure shows"
            )
        for own in figure.get_axes():
            plain_decades(own.xaxis)
            plain_decades(own.yaxis)
        return _svg(figure, alt, prefix), alt


def _axes(size: tuple[float, float], *, left: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    width, height = size
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    box = (left / width, 42 / height, (width - left - 12) / width, (height - 42 - 10) / height)
    return figure, figure.add_axes(box)


def _widest(panel: Panel) -> float:
    names = panel.points["contender"].unique()
    return min(170.0, 18 + 0.56 * _FONT * max((len(name) for name in names), default=0))


def _draw_lines(axes: Axes, panel: Panel, marks: Mapping[str, Mark]) -> None:
    import seaborn as sns

    points = panel.points
    drawn = points[points["n"] > 0]
    axes.set_xscale("log" if panel.x_log else "linear")
    _scale_y(axes, panel)
    set_ticks(axes.xaxis, x_ticks(panel))
    # A label that is already there keeps seaborn from building every tick once to find its own.
    axes.set_xlabel(panel.x)
    axes.set_ylabel(" ")
    names = [name for name in marks if (drawn["contender"] == name).any()]
    for name in names:
        own = drawn[drawn["contender"] == name]
        if (own["n"] > 1).any():
            axes.fill_between(
                own["x"], own["low"], own["high"], color=marks[name].colour, alpha=0.16, lw=0
            )
    if len(drawn):
        sns.lineplot(
            drawn,
            x="x",
            y="mean",
            hue="contender",
            style="contender",
            hue_order=names,
            style_order=names,
            palette={name: marks[name].colour for name in names},
            markers={name: marks[name].marker for name in names} if _few(panel) else False,
            dashes=False,
            estimator=None,
            errorbar=None,
            legend=False,
            ax=axes,
        )
    lost = points[points["lost"] > 0]
    for name in lost["contender"].unique():
        own = lost[lost["contender"] == name]
        axes.plot(
            own["x"],
            [1.0] * len(own),
            ls="",
            marker=6,
            ms=7,
            color=marks[name].colour,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )
    axes.set_ylabel("")


def _few(panel: Panel) -> bool:
    """Tell whether points are few enough to carry markers."""
    return panel.points["x"].nunique() <= 40


def _draw_rows(axes: Axes, panel: Panel, marks: Mapping[str, Mark]) -> None:
    points = panel.points.set_index("contender")
    names = [name for name in marks if name in points.index]
    if panel.y_scale != "linear":
        axes.set_xscale(panel.y_scale, **threshold(panel))
    set_ticks(axes.xaxis, value_ticks(panel))
    rows = panel.rows
    for row, name in enumerate(names):
        mark, point = marks[name], points.loc[name]
        if rows is not None:
            own = rows.loc[rows["contender"] == name, "y"]
            axes.plot(own, [row] * len(own), "o", ms=3.5, color=mark.colour, alpha=0.35, mew=0)
        if point["n"] > 0:
            axes.plot([point["low"], point["high"]], [row, row], color=mark.colour, lw=2)
            axes.plot([point["mean"]], [row], mark.marker, color=mark.colour, ms=6.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set_xlabel(panel.measure)


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _scale_y(axes: Axes, panel: Panel) -> None:
    if panel.y_scale != "linear":
        axes.set_yscale(panel.y_scale, **threshold(panel))
    set_ticks(axes.yaxis, value_ticks(panel))


def _rasterise(figure: Figure) -> None:
    """Draw the data as an image when there are more marks than a page should hold."""
    import numpy as np
    from matplotlib.collections import Collection, PathCollection
    from matplotlib.lines import Line2D

    sizes: list[tuple[Any, int]] = []
    for artist in (artist for axes in figure.get_axes() for artist in axes.get_children()):
        if isinstance(artist, Line2D):
            sizes.append((artist, np.size(artist.get_xdata())))
        elif isinstance(artist, PathCollection):
            sizes.append((artist, np.size(artist.get_offsets()) // 2))
        elif isinstance(artist, Collection):
            sizes.append((artist, sum(np.size(path.vertices) // 2 for path in artist.get_paths())))
    if sum(size for _, size in sizes) > _MOST_MARKS:
        for artist, _ in sizes:
            artist.set_rasterized(True)


def _svg(figure: Figure, alt: str, prefix: str) -> Markup:
    _rasterise(figure)
    layout = figure.get_layout_engine()
    if layout is not None:
        # Once: savefig would draw the whole figure another time to do the same.
        layout.execute(figure)
        figure.set_layout_engine("none")
    page = io.StringIO()
    figure.savefig(page, format="svg", metadata={"Date": None})
    return inline(page.getvalue(), alt=alt, prefix=prefix)
