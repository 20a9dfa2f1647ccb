"""Round values for axes, and their texts."""

from __future__ import annotations

from math import floor, isclose, isfinite, log10
from typing import TYPE_CHECKING

from claimbench.report.numerals import number, power

if TYPE_CHECKING:
    from matplotlib.axis import Axis

    from claimbench.report.curves import Panel

Tick = tuple[float, str]


def threshold(panel: Panel) -> dict[str, float]:
    """Return the linear part of a scale that has to show zero among decades."""
    if panel.y_scale != "symlog":
        return {}
    means = panel.points["mean"]
    return {"linthresh": 10.0 ** _decade(means[means > 0].min()), "linscale": 0.4}


def _decade(value: float) -> int:
    return floor(log10(value) + 1e-9)


def value_ticks(panel: Panel) -> list[Tick]:
    """Return round values of the measure with their texts."""
    from matplotlib.ticker import MaxNLocator

    drawn = panel.points[panel.points["n"] > 0]
    values = [*drawn["low"], *drawn["high"], *drawn["mean"]]
    if panel.rows is not None:
        values += list(panel.rows["y"])
    values = [value for value in values if isfinite(value)]
    if not values:
        return []
    if panel.y_scale == "linear":
        places = MaxNLocator(nbins=5, min_n_ticks=3).tick_values(min(values), max(values))
        inside = [t for t in places if min(values) <= t <= max(values)]
        return [(float(t), number(float(t), 5)) for t in (inside or places)]
    positive = [value for value in values if value > 0]
    first, last = _decade(min(positive)), _decade(max(positive))
    step = max(1, -(-(last - first) // 5))
    ticks = [(10.0**n, _decade_text(n)) for n in range(first, last + 1, step)]
    return [(0.0, "0"), *ticks] if panel.y_scale == "symlog" else ticks


def _decade_text(exponent: int) -> str:
    return number(10.0**exponent) if -3 <= exponent <= 4 else power(exponent)


def x_ticks(panel: Panel) -> list[Tick]:
    """Return the levels of the setting, without those whose texts would touch."""
    levels = sorted(panel.points["x"].unique())
    if len(levels) < 2:
        return [(float(x), number(float(x), 6)) for x in levels]
    place = log10 if panel.x_log else float
    if len(levels) > 12:
        from matplotlib.ticker import MaxNLocator

        if panel.x_log:
            decades = range(_decade(levels[0]), _decade(levels[-1]) + 1)
            return [(10.0**n, _decade_text(n)) for n in decades]
        levels = list(MaxNLocator(nbins=5).tick_values(levels[0], levels[-1]))
    width = (place(levels[-1]) - place(levels[0])) or 1.0
    kept: list[Tick] = []
    for level in levels:
        text = number(float(level), 6)
        # The share of the axis that this text and its neighbour's take.
        room = (6.5 * (len(text) + (len(kept[-1][1]) if kept else 0)) / 2 + 6) / 300
        if not kept or (place(level) - place(kept[-1][0])) / width >= room:
            kept.append((float(level), text))
    return kept


def set_ticks(axis: Axis, ticks: list[Tick]) -> None:
    """Give an axis these ticks and no others."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator([at for at, _ in ticks]))
    axis.set_major_formatter(FixedFormatter([text for _, text in ticks]))
    axis.set_minor_locator(NullLocator())


def plain_decades(axis: Axis) -> None:
    """Write an automatic logarithmic axis like the panels': decades only, no formulas.

    What a figure chose for itself stays as it is.
    """
    from matplotlib.ticker import FuncFormatter, NullLocator

    if axis.get_scale() not in {"log", "symlog"}:
        return
    if axis.isDefault_majfmt:
        axis.set_major_formatter(FuncFormatter(lambda value, _: _power_text(value)))
    if axis.isDefault_minloc:
        axis.set_minor_locator(NullLocator())


def _power_text(value: float) -> str:
    if value <= 0:
        return number(value, 6)
    exponent = _decade(value)
    return _decade_text(exponent) if isclose(value, 10.0**exponent) else number(value, 6)
