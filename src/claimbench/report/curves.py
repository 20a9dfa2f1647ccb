"""From evidence to panels: which measure against which setting, averaged how, on which scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from claimbench.report.numerals import counted, listed, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from claimbench.report.evidence import Evidence

YScale = Literal["linear", "log", "symlog"]

#: A measure that spans this factor, a setting that spans the second, gets a logarithmic axis.
_Y_DECADES, _X_DECADES = 100.0, 10.0
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture: a measure against one setting, in one cell of the other settings.

    Attributes
    ----------
    x
        The setting (or ``point`` of a trace) on the horizontal axis; empty when no numeric
        setting varies: the contenders are then the rows, and `rows` their replicates.
    points
        Columns ``contender, x, mean, low, high, n, lost``; `lost` counts replicates that are not
        finite. On a logarithmic axis the mean is geometric.
    rows
        Columns ``contender, y``: single replicates, of panels without `x`.
    """

    measure: str
    cell: dict[str, Any]
    x: str
    x_log: bool
    y_scale: YScale
    points: pd.DataFrame
    rows: pd.DataFrame | None
    replicates: int

    @property
    def lost(self) -> int:
        """Replicates that are not finite and hence not drawn."""
        return int(self.points["lost"].sum())


@dataclass(frozen=True, slots=True)
class Plan:
    """The panels of an experiment, how many were left out, and measures that never vary."""

    panels: tuple[Panel, ...]
    left_out: int
    constant: dict[str, float]


def plan(
    evidence: Evidence, wheres: Sequence[Mapping[str, Any]] = (), *, race: bool, limit: int
) -> Plan:
    """Choose the panels of one experiment.

    Parameters
    ----------
    wheres
        Settings of the claims on this experiment; cells that they select come first.
    race
        Whether seconds are a measure of this experiment.
    limit
        The most panels; measures take turns.
    """
    import pandas as pd

    table = evidence.table
    if table is None:
        return Plan((), 0, {})
    names = [*evidence.measures, "calls"]
    if race or not evidence.measures:
        names.append("seconds")
    measures, constant = [], {}
    for name in names:
        if name not in table.columns or not pd.api.types.is_numeric_dtype(table[name]):
            continue
        values = table[name].dropna()
        if _varies(values):
            measures.append((name, table))
        elif len(values):
            constant[name] = float(values.iloc[0])
    traces = evidence.traces
    if traces is not None:
        measures += [
            (name, traces)
            for name in evidence.traced
            if pd.api.types.is_numeric_dtype(traces[name]) and _varies(traces[name])
        ]
    choices = [
        choice
        for name, source in measures
        for choice in _choices(source, name, evidence.settings, wheres, trace=source is traces)
    ]
    # Each measure has its first cell before any has its second.
    turns = sorted(range(len(choices)), key=lambda i: choices[i].rank)[:limit]
    panels = tuple(_panel(choices[i]) for i in sorted(turns))
    return Plan(panels, len(choices) - len(panels), constant)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A panel that could be drawn: the rows of one measure in its cell of this rank."""

    measure: str
    x: str
    rank: int
    cell: dict[str, Any]
    rows: pd.DataFrame


def _varies(values: pd.Series[Any]) -> bool:
    return len(values.unique()) > 1


def _choices(
    table: pd.DataFrame,
    measure: str,
    settings: Sequence[str],
    wheres: Sequence[Mapping[str, Any]],
    *,
    trace: bool,
) -> list[_Choice]:
    """Return a measure's panels, those in cells that claims select first."""
    import pandas as pd

    varying = [s for s in settings if s in table.columns and _varies(table[s])]
    numeric = [
        s
        for s in varying
        if pd.api.types.is_numeric_dtype(table[s]) and not pd.api.types.is_bool_dtype(table[s])
    ]
    x = "point" if trace else max(numeric, key=lambda s: table[s].nunique(), default="")
    others = [s for s in varying if s != x]
    if not others:
        return [_Choice(measure, x, 0, {}, table)]
    cells = [
        (dict(zip(others, key, strict=True)), rows)
        for key, rows in table.groupby(others, sort=False, dropna=False)
    ]
    cells.sort(key=lambda cell: not any(_selects(where, cell[0]) for where in wheres))
    return [_Choice(measure, x, rank, cell, rows) for rank, (cell, rows) in enumerate(cells)]


def _selects(where: Mapping[str, Any], cell: Mapping[str, Any]) -> bool:
    """Tell whether a claim's settings name this cell by one of its settings at least."""
    asked = {
        name: value if isinstance(value, (list, tuple)) else (value,)
        for name, value in where.items()
        if name in cell
    }
    return bool(asked) and all(cell[name] in values for name, values in asked.items())


def _panel(choice: _Choice) -> Panel:
    import numpy as np
    import pandas as pd

    table, measure, x = choice.rows, choice.measure, choice.x
    rows = pd.DataFrame(
        {
            "contender": table["contender"].astype(str).to_numpy(),
            "x": table[x].to_numpy(dtype=float) if x else np.zeros(len(table)),
            "y": table[measure].to_numpy(dtype=float, na_value=np.nan),
            "replicate": table["replicate"].to_numpy(),
        }
    )
    finite = rows[np.isfinite(rows["y"])]
    y_scale = _y_scale(finite["y"])
    points = _averaged(rows, finite, log=y_scale == "log")
    positive = bool(len(rows)) and rows["x"].min() > 0
    return Panel(
        measure=measure,
        cell=choice.cell,
        x=x,
        x_log=positive and rows["x"].max() / rows["x"].min() >= _X_DECADES,
        y_scale=y_scale,
        points=points,
        rows=None if x else finite[["contender", "y"]],
        replicates=int(rows["replicate"].nunique()),
    )


def _y_scale(values: pd.Series[float]) -> YScale:
    positive = values[values > 0]
    if not len(positive) or values.min() < 0:
        return "linear"
    if positive.max() / positive.min() < _Y_DECADES:
        return "linear"
    return "log" if len(positive) == len(values) else "symlog"


def _averaged(rows: pd.DataFrame, finite: pd.DataFrame, *, log: bool) -> pd.DataFrame:
    """Return the mean with its t interval for each contender and x."""
    import numpy as np
    from scipy.special import stdtrit

    y = np.log(finite["y"]) if log else finite["y"]
    groups = finite.assign(y=y).groupby(["contender", "x"], sort=False)["y"]
    points = groups.agg(["mean", "std", "count"]).reset_index()
    n = points["count"].to_numpy()
    # One replicate has no interval: its band has no height.
    half = np.where(
        n > 1,
        stdtrit(np.maximum(n - 1, 1), (1 + _LEVEL) / 2)
        * np.nan_to_num(points["std"].to_numpy())
        / np.sqrt(np.maximum(n, 1)),
        0.0,
    )
    mean = points["mean"].to_numpy()
    back = np.exp if log else (lambda values: values)
    points = points.assign(mean=back(mean), low=back(mean - half), high=back(mean + half), n=n)
    everyone = rows.groupby(["contender", "x"], sort=False).size().rename("rows").reset_index()
    points = everyone.merge(
        points.drop(columns=["std", "count"]), on=["contender", "x"], how="left"
    )
    points["n"] = points["n"].fillna(0).astype(int)
    points["lost"] = points["rows"] - points["n"]
    return points.drop(columns="rows").sort_values(["contender", "x"], kind="stable")


def cell_words(cell: dict[str, Any]) -> str:
    """Return a cell as ``gamma = 10, marginals = equal``."""
    return ", ".join(f"{name} = {setting(value)}" for name, value in cell.items())


def setting(value: object) -> str:
    """Return the value of a setting as text."""
    if isinstance(value, (bool, str)):
        return str(value)
    try:
        return number(float(value), 6)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)


def finding(panel: Panel) -> str:
    """Return what a panel shows, in words: the alternative text of its picture."""
    points = panel.points[panel.points["n"] > 0]
    where = f" at {cell_words(panel.cell)}" if panel.cell else ""
    if not len(points):
        return f"{panel.measure}{where}: no finite value."
    lines = []
    for name, own in points.groupby("contender", sort=False):
        first, last = own.iloc[0], own.iloc[-1]
        if len(own) == 1:
            lines.append((last["mean"], f"{name} {number(last['mean'])}"))
        else:
            ends = f"from {number(first['mean'])} to {number(last['mean'])}"
            lines.append((last["mean"], f"{name} {ends}"))
    lines.sort(key=lambda line: line[0])
    texts = [text for _, text in lines]
    against = ""
    if panel.x:
        low, high = number(points["x"].min(), 6), number(points["x"].max(), 6)
        against = f" against {panel.x} from {low} to {high}"
    lost = f" {counted(panel.lost, 'value')} not finite." if panel.lost else ""
    order = " (lowest at the end first)" if panel.x and len(texts) > 1 else ""
    return f"Mean {panel.measure}{where}{against}{order}: {listed(texts)}.{lost}"
