"""A record: JSON that comes back as it was, and is refused when it is not one."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reporting import record

from claimbench.errors import RecordError
from claimbench.record import read_record, to_json, write_record
from claimbench.schema import finite


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every field of every part."""
    path = tmp_path / "new" / "r.json"
    write_record(record(), path)

    assert read_record(path) == record()
    assert [one.name for one in path.parent.iterdir()] == ["r.json"]


def test_writing_is_stable() -> None:
    """The same record is the same text."""
    assert to_json(record()) == to_json(record())


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_word_for_is_null(tmp_path: Path, number: float) -> None:
    """NaN and infinity never reach the file, wherever they stand."""
    claim = replace(record().claims[0], replicates=[1.0, number], p_value=number)
    path = tmp_path / "r.json"
    write_record(replace(record(), claims=[claim], seconds={"total": number}), path)

    data = json.loads(path.read_text(), parse_constant=pytest.fail)

    assert data["claims"][0]["replicates"] == [1.0, None]
    assert data["claims"][0]["p_value"] is None
    assert data["seconds"]["total"] is None
    assert finite(number) is None
    assert finite(2.5) == 2.5


def test_a_key_of_a_later_version_is_read_over(tmp_path: Path) -> None:
    """More may be added to a schema."""
    data = json.loads(to_json(record()))
    data["new"] = 1
    data["claims"][0]["newer"] = {"a": 1}
    path = tmp_path / "r.json"
    path.write_text(json.dumps(data))

    assert read_record(path) == record()


def test_another_schema_is_refused(tmp_path: Path) -> None:
    """With the one that this version reads, and the command that writes it."""
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**json.loads(to_json(record())), "schema": 2}))

    with pytest.raises(
        RecordError, match=r"does not read: 2; allowed: schema 1; .*--benchmark-only"
    ):
        read_record(path)


def broken(change: dict[str, Any]) -> str:
    return json.dumps({**json.loads(to_json(record())), **change})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[1]", "a schema this version does not read"),
        (broken({"profile": "standart"}), "profile: .*'standart'"),
        (broken({"complete": "perhaps"}), "complete: .*'perhaps'"),
        (broken({"claims": [{"id": "x"}]}), r"claims.0.paper: .*"),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(
    tmp_path: Path, text: str, message: str
) -> None:
    """File, key and value; and how to write a new one."""
    path = tmp_path / "r.json"
    path.write_text(text)

    with pytest.raises(RecordError, match=message) as raised:
        read_record(path)
    assert str(path) in str(raised.value)
    assert "--benchmark-only" in str(raised.value)


def test_a_record_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The system's reason is told."""
    with pytest.raises(RecordError, match="No such file"):
        read_record(tmp_path / "r.json")


def test_a_folder_that_can_t_be_written_is_told(tmp_path: Path) -> None:
    """With the option that takes another."""
    (tmp_path / "file").touch()

    with pytest.raises(RecordError, match=r"can't be written.*--results-dir FOLDER"):
        write_record(record(), tmp_path / "file" / "r.json")
