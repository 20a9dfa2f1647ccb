"""Evidence as estimands see it (arrays) and as people keep it (tidy tables)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from claimbench.claim import Design
from claimbench.errors import BenchFileError
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.store import Rows, rows_of
from claimbench.evidence.unit import Outcome, Unit

#: A unit, what became of it, and its rows if it has any.
_Read = tuple[Unit, Outcome, Rows | None]


@dataclass(frozen=True, slots=True)
class Subject(Mapping[str, NDArray[Any]]):
    """One contender's evidence: measures (replicate, cell[, point]) and settings (cell,).

    Attributes
    ----------
    name
        Of the contender.
    measures
        Name -> shape (replicate, cell), or (replicate, cell, point) for a trace; cells with fewer
        points than others are filled with NaN.
    settings
        Name -> shape (cell,).
    """

    name: str
    measures: Mapping[str, NDArray[Any]]
    settings: Mapping[str, NDArray[Any]]

    def __getitem__(self, key: str) -> NDArray[Any]:
        if key in self.measures:
            return self.measures[key]
        if key in self.settings:
            return self.settings[key]
        raise BenchFileError(
            f"the evidence of {self.name} has no such column",
            value=key,
            allowed=[*self.measures, *self.settings],
        )

    def __iter__(self) -> Iterator[str]:
        yield from self.measures
        yield from self.settings

    def __len__(self) -> int:
        return len(self.measures) + len(self.settings)

    def at(self, cells: Sequence[int]) -> Subject:
        """Return the same evidence on some cells only."""
        index = np.asarray(cells, dtype=np.intp)
        return Subject(
            self.name,
            {name: values[:, index] for name, values in self.measures.items()},
            {name: values[index] for name, values in self.settings.items()},
        )

    def take(self, replicates: NDArray[np.intp]) -> Subject:
        """Return the same evidence on some replicates, which may repeat."""
        return Subject(self.name, _Taken(self.measures, replicates), self.settings)


@dataclass(frozen=True, slots=True)
class _Taken(Mapping[str, NDArray[Any]]):
    """Some replicates of all measures, taken when asked for: a bootstrap asks ten thousand times.

    Attributes
    ----------
    replicates
        Their indices, which may repeat.
    """

    measures: Mapping[str, NDArray[Any]]
    replicates: NDArray[np.intp]

    def __getitem__(self, key: str) -> NDArray[Any]:
        return self.measures[key][self.replicates]

    def __contains__(self, key: object) -> bool:
        return key in self.measures

    def __iter__(self) -> Iterator[str]:
        return iter(self.measures)

    def __len__(self) -> int:
        return len(self.measures)


def subject(evidence: ContenderEvidence, design: Design) -> Subject:
    """Return a contender's evidence as arrays over all replicates and its cells of the design."""
    cells = evidence.job.cells
    number = {repr(cell): index for index, cell in enumerate(cells)}
    shape = (design.replicates, len(cells))
    measures: dict[str, NDArray[Any]] = {}
    for unit, rows in _read(evidence):
        first, end = unit.replicates
        at = [number[repr(cell)] for cell in unit.cells]
        named = {**rows.columns, "censored": (rows.status == "censored").astype(float)}
        if not evidence.job.is_race:
            named.pop("seconds", None)  # whether they are there must not hang on the store
        for name, values in named.items():
            block = values.reshape(len(unit.cells), unit.n, *values.shape[1:]).swapaxes(0, 1)
            whole = measures.setdefault(name, np.full((*shape, *block.shape[2:]), np.nan))
            if block.ndim == 3 and block.shape[2] > whole.shape[2]:
                room = np.full((*shape, block.shape[2]), np.nan)
                room[:, :, : whole.shape[2]] = whole
                whole = measures[name] = room
            target = whole[first:end, at] if block.ndim == 2 else None
            if target is None:
                whole[first:end, at, : block.shape[2]] = block
            else:
                whole[first:end, at] = block
    settings = {name: np.asarray([cell[name] for cell in cells]) for name in design.settings}
    return Subject(evidence.job.contender, measures, settings)


def frame(evidence: Sequence[ContenderEvidence]) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Return an experiment's evidence as tidy tables: rows, and points of traces if any.

    A unit without rows (failed, over budget, unavailable) has one row for each replicate that it
    owes, with its status and reason.
    """
    rows: list[pd.DataFrame] = []
    traces: list[pd.DataFrame] = []
    for one in evidence:
        read = [
            (unit, outcome, rows_of(unit, outcome) if outcome.status == "ok" else None)
            for unit, outcome in zip(one.units, one.outcomes, strict=True)
        ]
        # In as few tables as have the same columns: one for each block takes seconds.
        for _, alike in groupby(read, key=_layout):
            rows.append(_rows_frame(one, list(alike)))
        for points, alike in groupby(read, key=_traced):
            if points:
                traces.append(_traces_frame(one, list(alike)))
    return (
        pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(),
        pd.concat(traces, ignore_index=True) if traces else None,
    )


def _read(evidence: ContenderEvidence) -> Iterator[tuple[Unit, Rows]]:
    for unit, outcome in zip(evidence.units, evidence.outcomes, strict=True):
        if outcome.status == "ok":
            yield unit, rows_of(unit, outcome)


def _index(evidence: ContenderEvidence, unit: Unit) -> dict[str, Any]:
    cells = [cell for cell in unit.cells for _ in range(unit.n)]
    return {
        "paper": evidence.job.paper.id,
        "experiment": unit.experiment,
        "contender": unit.contender,
        "role": unit.role,
        **{name: [cell[name] for cell in cells] for name in unit.cells[0]},
        "replicate": [*range(*unit.replicates)] * len(unit.cells),
    }


def _layout(read: _Read) -> tuple[str, ...]:
    """Return what two blocks must share to have one table."""
    unit, _, rows = read
    if rows is None:
        return ("", *unit.cells[0])
    return (*unit.cells[0], "", *(name for name, v in rows.columns.items() if v.ndim == 1))


def _traced(read: _Read) -> tuple[tuple[str, int], ...]:
    """Return the traces of a block with their points: blocks of as many have one table."""
    _, _, rows = read
    columns = {} if rows is None else rows.columns
    return tuple((name, values.shape[1]) for name, values in columns.items() if values.ndim == 2)


def _joined(evidence: ContenderEvidence, alike: Sequence[_Read]) -> dict[str, Any]:
    """Return the columns of `_index`, one block after the other."""
    indices = [_index(evidence, unit) for unit, _, _ in alike]
    return {
        name: [value for index in indices for value in index[name]]
        if isinstance(first, list)
        else first
        for name, first in indices[0].items()
    }


def _rows_frame(evidence: ContenderEvidence, alike: Sequence[_Read]) -> pd.DataFrame:
    columns = _joined(evidence, alike)
    told = [(unit.n * len(unit.cells), outcome, rows) for unit, outcome, rows in alike]
    if told[0][2] is None:
        for name in ("status", "reason"):
            columns[name] = [getattr(one, name) for n, one, _ in told for _ in range(n)]
        return pd.DataFrame(columns)
    found = [(n, outcome, rows) for n, outcome, rows in told if rows is not None]
    for name, values in found[0][2].columns.items():
        if values.ndim == 1:
            columns[name] = np.concatenate([rows.columns[name] for *_, rows in found])
    # Seconds are never served from the store, not even where another run wrote there meanwhile.
    columns["seconds"] = np.concatenate(
        [np.full(n, np.nan if one.from_store else one.seconds / n) for n, one, _ in found]
    )
    columns["status"] = np.concatenate([rows.status for *_, rows in found])
    peaks = [rows.peak_memory_bytes for n, _, rows in found for _ in range(n)]
    columns["peak_memory_bytes"] = np.array(peaks, dtype=object if None in peaks else np.int64)
    columns["reason"] = None
    return pd.DataFrame(columns)


def _traces_frame(evidence: ContenderEvidence, alike: Sequence[_Read]) -> pd.DataFrame:
    found = [rows.columns for _, _, rows in alike if rows is not None]
    traces = [name for name, values in found[0].items() if values.ndim == 2]
    points = max(found[0][name].shape[1] for name in traces)
    index = pd.DataFrame(_joined(evidence, alike))
    long = index.loc[index.index.repeat(points)].reset_index(drop=True)
    long["point"] = np.tile(np.arange(points), len(index))
    for name in traces:
        padded = np.full((len(index), points), np.nan)
        padded[:, : found[0][name].shape[1]] = np.concatenate([one[name] for one in found])
        long[name] = padded.ravel()
    return long
