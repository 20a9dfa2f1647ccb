"""One file for each unit, written aside and then renamed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from claimbench.errors import StoreError
from claimbench.evidence.store import (
    Rows,
    exhibit_file,
    read_rows,
    unit_file,
    write_exhibit,
    write_rows,
)
from claimbench.evidence.unit import Unit

UNIT = Unit(
    root="/r", domain="toy", slug="line", experiment="line", contender="steep", role="method",
    cells=({"T": 1}, {"T": 2}), block=0, replicates=(0, 2), device="cpu", seed=0,
)  # fmt: skip
ROWS = Rows(
    {"gap": np.array([1.0, np.inf, -0.0, 5e-324]), "trace": np.arange(12.0).reshape(4, 3)},
    np.array(["ok", "diverged", "censored", "ok"]),
    2**40,
)


def test_rows_come_back_to_the_last_bit(tmp_path: Path) -> None:
    """Columns, traces, infinities, status and peak memory."""
    path = tmp_path / "a" / "b.parquet"
    write_rows(path, UNIT, ROWS)

    found = read_rows(path)

    assert list(found.columns) == ["gap", "trace"]
    for name, values in ROWS.columns.items():
        assert found.columns[name].tobytes() == values.tobytes()
    assert list(found.status) == list(ROWS.status)
    assert found.peak_memory_bytes == 2**40


def test_an_unknown_peak_comes_back_unknown(tmp_path: Path) -> None:
    """Where a system does not tell its peak, None is kept."""
    write_rows(tmp_path / "x.parquet", UNIT, replace(ROWS, peak_memory_bytes=None))

    assert read_rows(tmp_path / "x.parquet").peak_memory_bytes is None


def test_nothing_is_left_but_the_file(tmp_path: Path) -> None:
    """What was written aside was renamed; writing again replaces."""
    for _ in range(2):
        write_rows(tmp_path / "x.parquet", UNIT, ROWS)

    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_the_place_of_a_unit_tells_what_it_is(tmp_path: Path) -> None:
    """Domain, paper, experiment, contender and key."""
    found = unit_file(tmp_path, UNIT, "k" * 64)

    assert found == tmp_path / "toy" / "line" / "line" / "steep" / f"{'k' * 32}.parquet"


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet PAR1"])
def test_a_damaged_file_is_named_with_its_cure(tmp_path: Path, content: bytes) -> None:
    """Its evidence is computed again once it is removed."""
    path = tmp_path / "x.parquet"
    path.write_bytes(content)

    with pytest.raises(StoreError, match=r"can't be read.*to mend it: rm .*x.parquet"):
        read_rows(path)


def test_a_store_that_can_t_be_written_says_so(tmp_path: Path) -> None:
    """With the option that takes another folder."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"can't be written.*--results-dir FOLDER"):
        write_rows(tmp_path / "file" / "x.parquet", UNIT, ROWS)


def test_an_exhibit_is_kept_beside_the_rows(tmp_path: Path) -> None:
    """Arrays and tensors alike."""
    import torch

    path = tmp_path / "new" / "x.parquet"
    write_exhibit(path, {"plan": np.eye(2), "tensor": torch.arange(3)})

    with np.load(exhibit_file(path), allow_pickle=False) as found:
        assert np.array_equal(found["plan"], np.eye(2))
        assert np.array_equal(found["tensor"], [0, 1, 2])
    assert [one.name for one in path.parent.iterdir()] == ["x.npz"]
