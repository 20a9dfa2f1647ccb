"""The evidence beside a record, read for pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_BEFORE = ("paper", "experiment", "contender", "role")
_AFTER = ("calls", "seconds", "peak_memory_bytes", "status", "reason")


@dataclass(frozen=True, slots=True)
class Exhibits(Mapping[tuple[str, str], "Mapping[str, NDArray[Any]]"]):
    """(contender, cell) -> arrays of replicate 0, read when they are asked for."""

    folder: Path

    def __getitem__(self, key: tuple[str, str]) -> Mapping[str, NDArray[Any]]:
        import numpy as np

        file = self.folder / "-".join(key)
        if key not in set(self):
            raise KeyError(f"no exhibit of {key}; there are {', '.join(map(str, self)) or 'none'}")
        with np.load(file.with_name(f"{file.name}.npz"), allow_pickle=False) as arrays:
            return dict(arrays)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for file in sorted(self.folder.glob("*.npz")):
            contender, _, cell = file.name.removesuffix(".npz").partition("-")
            yield contender, cell

    def __len__(self) -> int:
        return len(list(self.folder.glob("*.npz")))


@dataclass(frozen=True, slots=True)
class Evidence:
    """The rows of one experiment, or the reason why there are none.

    Attributes
    ----------
    table
        One row per contender, cell and replicate.
    traces
        One row per contender, cell, replicate and point; None when nothing was traced.
    settings, measures, traced
        Names of columns: settings in both tables, measures of `table`, measures of `traces`.
    exhibits
        Folder of the arrays kept for pictures, which may not be there.
    problem
        Why there is nothing to draw; empty when there is.
    file
        Path below the record's folder.
    """

    table: pd.DataFrame | None
    traces: pd.DataFrame | None
    settings: tuple[str, ...]
    measures: tuple[str, ...]
    traced: tuple[str, ...]
    exhibits: Path
    problem: str
    file: str


def read_evidence(record_path: Path, paper: str, experiment: str) -> Evidence:
    """Read one experiment's tables; what is missing or unreadable becomes a `problem`."""
    import pandas as pd

    folder = record_path.with_suffix("") / paper
    path = folder / f"{experiment}.parquet"
    file = f"{record_path.stem}/{paper}/{experiment}.parquet"
    if not path.is_file():
        return _nothing(file, f"There is no evidence file {file} beside the record.")
    try:
        table = pd.read_parquet(path)
        traces_path = folder / f"{experiment}.traces.parquet"
        traces = pd.read_parquet(traces_path) if traces_path.is_file() else None
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors or OSErrors
        return _nothing(file, f"The evidence file {file} can't be read: {error}")
    columns = list(table.columns)
    missing = [name for name in (*_BEFORE, "replicate", "status") if name not in columns]
    if missing:
        return _nothing(file, f"The evidence file {file} lacks the columns {', '.join(missing)}.")
    split = columns.index("replicate")
    settings = tuple(c for c in columns[:split] if c not in _BEFORE)
    measures = tuple(c for c in columns[split + 1 :] if c not in _AFTER)
    known = {*_BEFORE, *settings, "replicate", "point"}
    traced = () if traces is None else tuple(c for c in traces.columns if c not in known)
    if traces is not None and not {"contender", "replicate", "point"} <= set(traces.columns):
        traces, traced = None, ()
    exhibits = folder / f"{experiment}.exhibits"
    return Evidence(table, traces, settings, measures, traced, exhibits, "", file)


def _nothing(file: str, problem: str) -> Evidence:
    return Evidence(None, None, (), (), (), Path(), problem, file)
