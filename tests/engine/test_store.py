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


def test_no_damage_is_taken_for_evidence(tmp_path: Path) -> None:
    """Whichever byte is changed, the rows are those that were written or there is an error."""
    path = tmp_path / "x.parquet"
    write_rows(path, UNIT, ROWS)
    whole = path.read_bytes()
    refused = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            found = read_rows(path)
        except StoreError:
            refused += 1
            continue
        assert list(found.columns) == list(ROWS.columns)
        for name, values in ROWS.columns.items():
            assert found.columns[name].tobytes() == values.tobytes()
        assert list(found.status) == list(ROWS.status)
        assert found.peak_memory_bytes == ROWS.peak_memory_bytes

    assert refused > 0


@pytest.mark.parametrize("kept", [0, 1, 100, -1])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    """As a system without power may leave it."""
    path = tmp_path / "x.parquet"
    write_rows(path, UNIT, ROWS)
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(StoreError, match="can't be read"):
        read_rows(path)


def test_rows_of_another_file_s_columns_are_refused(tmp_path: Path) -> None:
    """A sound file without its digest is not one of ours."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"gap": [1.0]}), tmp_path / "x.parquet")

    with pytest.raises(StoreError, match="can't be read"):
        read_rows(tmp_path / "x.parquet")


@pytest.mark.parametrize("damage", [None, b"", b"other"])
def test_rows_whose_exhibit_is_lost_are_refused(tmp_path: Path, damage: bytes | None) -> None:
    """Rows and exhibit are one unit: missing or damaged, both are made again."""
    path = tmp_path / "x.parquet"
    write_rows(path, UNIT, ROWS, exhibit=write_exhibit(path, {"plan": np.eye(2)}))
    assert list(read_rows(path).columns) == ["gap", "trace"]
    if damage is None:
        exhibit_file(path).unlink()
    else:
        exhibit_file(path).write_bytes(damage)

    with pytest.raises(StoreError, match="can't be read"):
        read_rows(path)


def test_a_store_that_can_t_be_written_says_so(tmp_path: Path) -> None:
    """With the option that takes another folder."""
    (tmp_path / "file").touch()

    with pytest.raises(StoreError, match=r"can't be written.*--results-dir FOLDER"):
        write_rows(tmp_path / "file" / "x.parquet", UNIT, ROWS)
    with pytest.raises(StoreError, match=r"can't be written.*--results-dir FOLDER"):
        write_exhibit(tmp_path / "file" / "x.parquet", {"plan": np.eye(2)})


def test_an_exhibit_is_kept_beside_the_rows(tmp_path: Path) -> None:
    """Arrays and tensors alike."""
    import torch

    path = tmp_path / "new" / "x.parquet"
    write_exhibit(path, {"plan": np.eye(2), "tensor": torch.arange(3)})

    with np.load(exhibit_file(path), allow_pickle=False) as found:
        assert np.array_equal(found["plan"], np.eye(2))
        assert np.array_equal(found["tensor"], [0, 1, 2])
    assert [one.name for one in path.parent.iterdir()] == ["x.npz"]
