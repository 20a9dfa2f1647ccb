"""The evidence store: one parquet file for each unit, written aside and then renamed.

Each file holds the digest of its own content: what was damaged, cut off or mixed up afterwards is
told from evidence by `read_rows`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from claimbench.aside import written
from claimbench.errors import StoreError
from claimbench.evidence.unit import Outcome, Unit

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

    @property
    def size(self) -> int:
        """Bytes of the columns."""
        return sum(values.nbytes for values in self.columns.values())


def unit_file(store: Path, unit: Unit, key: str) -> Path:
    """Return where the evidence of that key lives."""
    return (
        store / unit.domain / unit.slug / unit.experiment / unit.contender / f"{key[:32]}.parquet"
    )


def write_rows(path: Path, unit: Unit, rows: Rows, *, exhibit: str = "") -> None:
    """Write a unit's rows: a reader sees all of them or none.

    Parameters
    ----------
    exhibit
        Digest of the exhibit that belongs to them, as `write_exhibit` returned it.

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
    told = {"unit": json.dumps(unit.identity()), "digest": _digest(rows), "exhibit": exhibit}
    table = pa.table(arrays).replace_schema_metadata(told)
    # In one piece: a disk that is full then says so in Python's words, not in the library's.
    content = pa.BufferOutputStream()
    pq.write_table(table, content, compression="none", write_statistics=False)
    with writing(path) as file:
        file.write(content.getvalue())


def read_rows(path: Path) -> Rows:
    """Read a unit's rows.

    Raises
    ------
    StoreError
        When the file, or the exhibit that belongs to it, is not as it was written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(pa.BufferReader(file.read())).read(use_threads=False)
        told = table.schema.metadata
        rows = _rows(table)
        _check("content", _digest(rows), told[b"digest"])
        if told[b"exhibit"]:
            shown = hashlib.sha256(exhibit_file(path).read_bytes()).hexdigest()
            _check("exhibit", shown, told[b"exhibit"])
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        raise StoreError(
            f"a file of the evidence store can't be read ({type(error).__name__}: {error})",
            value=str(path),
            cure=f"rm {path}   (its evidence is computed again)",
        ) from error
    return rows


def rows_of(unit: Unit, outcome: Outcome) -> Rows:
    """Return the rows of a unit that has some, from memory where they are at hand.

    Raises
    ------
    StoreError
        When the file is not as it was written.
    """
    return read_rows(Path(unit.file)) if outcome.rows is None else outcome.rows


def _check(what: str, found: str, written_down: bytes) -> None:
    if found.encode() != written_down:
        raise ValueError(f"its {what} has another digest")


def _rows(table: Any) -> Rows:
    import pyarrow as pa

    columns = {}
    for name in table.column_names:
        if name in {_STATUS, _PEAK}:
            continue
        column = table.column(name).combine_chunks()
        if pa.types.is_list(column.type):
            column = np.stack(column.to_numpy(zero_copy_only=False))
        columns[name] = np.asarray(column, dtype=np.float64)
    status = np.asarray(table.column(_STATUS).to_pylist(), dtype=np.str_)
    return Rows(columns, status, table.column(_PEAK)[0].as_py())


def _digest(rows: Rows) -> str:
    made = hashlib.sha256()
    for name, values in rows.columns.items():
        made.update(f"{name}\0{values.shape}\0".encode())
        made.update(np.ascontiguousarray(values).tobytes())
    made.update(json.dumps([rows.status.tolist(), rows.peak_memory_bytes]).encode())
    return made.hexdigest()


def exhibit_file(path: Path) -> Path:
    """Return where the exhibit of a unit's evidence lives."""
    return path.with_suffix(".npz")


def write_exhibit(path: Path, arrays: Mapping[str, Any]) -> str:
    """Keep a picture's arrays beside the evidence they belong to; return their file's digest.

    Raises
    ------
    StoreError
        When the folder can't be written.
    """
    import io

    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **plain(arrays))
    with writing(exhibit_file(path)) as file:
        file.write(content.getvalue())
    return hashlib.sha256(content.getvalue()).hexdigest()


def plain(arrays: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return tensors and lists as arrays of numpy."""
    return {
        name: np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
        for name, values in arrays.items()
    }


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """Open a file of the store aside, see `claimbench.aside.written`.

    Raises
    ------
    StoreError
        When it can't be written; whatever else is raised inside goes through.
    """
    try:
        with written(path) as file:
            yield file
    except OSError as error:
        raise StoreError(
            f"the evidence store can't be written ({error.strerror})",
            value=str(path.parent),
            allowed="a folder you may write, on a disk with room",
            cure="pytest suite --benchmark-only --results-dir FOLDER",
        ) from error
