"""Records are named by the system's clock, which may stand still, and go back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimbench.record_names import is_record, next_name, order

NOON = "20260101T120000Z"
LATER = "20260101T120001Z"


def test_a_record_is_named_by_time_and_revision() -> None:
    """As `docs/record.md` has it."""
    assert next_name([], NOON, "abcd1234") == f"{NOON}-abcd1234.json"


@pytest.mark.parametrize("revision", ["abcd1234", "12345678", "unversio"])
def test_a_second_one_of_the_same_second_is_numbered(revision: str) -> None:
    """Whatever its revision is."""
    first = Path(next_name([], NOON, "99999999"))
    second = Path(next_name([first], NOON, revision))

    assert second.name == f"{NOON}-{revision}-2.json"
    assert order(first) < order(second)


def test_after_a_clock_that_went_back_names_go_on() -> None:
    """The newest record stays the one that was made last."""
    first = Path(next_name([], LATER, "aaaaaaaa"))

    assert next_name([first], NOON, "bbbbbbbb") == f"{LATER}-bbbbbbbb-2.json"


@given(st.lists(st.tuples(st.sampled_from([NOON, LATER]), st.sampled_from(["00", "a1", "f"]))))
def test_names_are_in_the_order_of_making(runs: list[tuple[str, str]]) -> None:
    """For any walk of the clock, and any revisions; none is taken twice."""
    made: list[Path] = []
    for created, revision in runs:
        made.append(Path(next_name(made, created, revision)))

    assert [order(path) for path in made] == sorted({order(path) for path in made})


def test_a_reserved_name_counts() -> None:
    """Another run is about to write it."""
    assert next_name([Path(f"{NOON}-aa.json.partial")], NOON, "aa") == f"{NOON}-aa-2.json"


@pytest.mark.parametrize("name", ["ab12cd34-borrowed-py3.11.json", "machine.json", f"{NOON}.html"])
def test_other_files_are_no_records(name: str) -> None:
    """asv keeps files of its own below results/, whose names may well sort last."""
    assert not is_record(Path(name))
    assert is_record(Path(f"{NOON}-aa.json"))
