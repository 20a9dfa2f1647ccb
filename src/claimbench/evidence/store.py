"""The evidence store: one parquet file for each unit, written aside and then renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimbench.errors import StoreError
from claimbench.evidence.unit import Unit

_STATUS = "status"
_PEAK = "peak_memory_bytes"


@dataclass(frozen=True, slots=True)
class Rows:
    """What a unit found, cells and replicates flattened as (cell, replicate).

    Attributes
    ----------
    columns
        Name -> shape (cells * n,), or (cells * n, points) for a trace.
    status
        Shape (cells * n,): ``ok``, ``diverged`` or ``censored``.
    """

    columns: dict[str, NDArray[np.float64]]
    status: NDArray[np.str_]
    peak_memory_bytes: int | None


def unit_file(store: Path, unit: Unit, key: str) -> Path:
    """Return where the evidence of that key lives."""
    return (
        store / unit.domain / unit.slug / unit.experiment / unit.contender / f"{key[:32]}.parquet"
    )


def write_rows(path: Path, unit: Unit, rows: Rows) -> None:
    """Write a unit's rows: a reader sees all of them or none.

    Raises
    ------
    StoreError
        When the folder can't be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays: dict[str, Any] = {
        name: list(values) if values.ndim == 2 else values for name, values in rows.columns.items()
    }
    arrays[_STATUS] = rows.status
    arrays[_PEAK] = pa.array([rows.peak_memory_bytes] * len(rows.status), type=pa.int64())
    table = pa.table(arrays).replace_schema_metadata({"unit": json.dumps(unit.identity())})
    aside = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, aside, compression="none", write_statistics=False)
        aside.replace(path)
    except OSError as error:
        raise StoreError(
            f"the evidence store can't be written ({error.strerror})",
            value=str(path.parent),
            allowed="a folder you may write, on a disk with room",
            cure="pytest suite --benchmark-only --results-dir FOLDER",
        ) from error


def read_rows(path: Path) -> Rows:
    """Read a unit's rows.

    Raises
    ------
    StoreError
        When the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(
            f"a file of the evidence store can't be read ({type(error).__name__})",
            value=str(path),
            cure=f"rm {path}   (its evidence is computed again)",
        ) from error
    columns = {}
    for name in table.column_names:
        if name in {_STATUS, _PEAK}:
            continue
        column = table.column(name).combine_chunks()
        if pa.types.is_list(column.type):
            column = np.stack(column.to_numpy(zero_copy_only=False))
        columns[name] = np.asarray(column, dtype=np.float64)
    peak = table.column(_PEAK)[0].as_py()
    status = np.asarray(table.column(_STATUS).to_pylist(), dtype=np.str_)
    return Rows(columns, status, peak)


def exhibit_file(path: Path) -> Path:
    """Return where the exhibit of a unit's evidence lives."""
    return path.with_suffix(".npz")


def write_exhibit(path: Path, arrays: Mapping[str, Any]) -> None:
    """Keep a picture's arrays beside the evidence they belong to."""
    plain = {
        name: np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
        for name, values in arrays.items()
    }
    aside = path.with_suffix(f".{os.getpid()}.partial.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(aside, allow_pickle=False, **plain)
    aside.replace(exhibit_file(path))
