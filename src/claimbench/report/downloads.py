"""The numbers behind an experiment's figures, as CSV inside the page.

A table up to 100 kB is there row by row; a larger one as the mean and spread over its replicates.
The evidence file, which the page names, has every row with all digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from claimbench.report.numerals import counted

if TYPE_CHECKING:
    import pandas as pd

    from claimbench.report.evidence import Evidence

#: The largest CSV that the page holds, in bytes.
MOST = 100_000
# Said by the page already, or about the run instead of the result.
_LEFT_OUT = ("paper", "experiment", "role", "peak_memory_bytes", "reason")
_DIGITS = "%.6g"
# What a URL may hold unescaped, quotes excluded.
_PLAIN = "-._~!$()*+,;=:@/?"


@dataclass(frozen=True, slots=True)
class Download:
    """One table as a link.

    Attributes
    ----------
    name
        Of the file.
    href
        The table itself, as a ``data:`` address; empty where it is too large for a page.
    words
        What it holds.
    """

    name: str
    href: str
    words: str


def downloads(evidence: Evidence, name: str) -> tuple[Download, ...]:
    """Return an experiment's tables as links.

    Parameters
    ----------
    name
        How the files are called, without their suffix.
    """
    made = []
    if evidence.table is not None:
        made.append(_download(evidence.table, evidence, f"{name}.csv"))
    if evidence.traces is not None:
        made.append(_download(evidence.traces, evidence, f"{name}.traces.csv"))
    return tuple(made)


def _download(table: pd.DataFrame, evidence: Evidence, name: str) -> Download:
    shown = table.drop(columns=[c for c in _LEFT_OUT if c in table.columns])
    if "status" in shown.columns and (shown["status"] == "ok").all():
        shown = shown.drop(columns="status")
    shown = shown.dropna(axis="columns", how="all")
    # A value and its comma are two bytes at least: what can't fit need not be written first.
    text = _csv(shown) if 2 * shown.size <= MOST else None
    if text is not None and len(text) <= MOST:
        words = f"{_size(text)}, {counted(len(shown), 'row')}"
        return Download(name, _address(text), words)
    folded = _over_replicates(shown, evidence)
    text = _csv(folded)
    if len(text) <= MOST:
        words = f"{_size(text)}, mean, sd and number over the replicates of {len(shown):,} rows"
        return Download(name, _address(text), words)
    return Download(name, "", f"{len(shown):,} rows, too many for a page")


def _csv(table: pd.DataFrame) -> bytes:
    text = table.to_csv(index=False, float_format=_DIGITS, lineterminator="\n")
    return str(text).encode("utf-8", errors="replace")


def _over_replicates(table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """Return mean, sd and number of the finite values of each contender, cell and point."""
    import numpy as np
    import pandas as pd

    keys = ["contender", *evidence.settings, "point"]
    keys = [key for key in keys if key in table.columns]
    values = [
        name
        for name in table.columns
        if name not in {*keys, "replicate"} and pd.api.types.is_numeric_dtype(table[name])
    ]
    numbers = table[values].astype(float).replace([np.inf, -np.inf], np.nan)
    groups = pd.concat([table[keys], numbers], axis=1).groupby(keys, sort=False, dropna=False)
    folded = groups[values].agg(["mean", "std", "count"])
    short = {"mean": "mean", "std": "sd", "count": "n"}
    folded.columns = [f"{one[0]} {short[one[1]]}" for one in folded.columns.to_flat_index()]
    return folded.reset_index()


def _size(text: bytes) -> str:
    return f"{max(1, round(len(text) / 1000)):,} kB"


def _address(text: bytes) -> str:
    return f"data:text/csv;charset=utf-8,{quote(text, safe=_PLAIN)}"
