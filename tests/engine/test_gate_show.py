"""How the gate's findings are shown: text, Markdown, JUnit, JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from claimbench.gate import show
from claimbench.gate.finding import Finding
from claimbench.gate.gate import Gate

LOUD = Gate(
    (
        Finding(
            "p/<b>|x", "regressed", "fell *far*\nbelow", "a|b", "<c>", cure="mend `it`", paper="p"
        ),
        Finding("q", "error", "changed", paper="p"),
        Finding("r", "inconclusive", "wide", paper="p"),
        Finding("s", "ok", "quiet", paper="p"),
    ),
    ("A note.",),
)


def test_text_tells_what_is_not_quiet_and_what_mends_it() -> None:
    """The gravest state in the headline, quiet claims only counted."""
    text = "\n".join(show.lines(LOUD))

    assert "Gate: error. 1 error, 1 regressed, 1 inconclusive, 1 ok." in text
    assert "to mend it: mend `it`" in text
    assert "quiet" not in text


def test_markdown_holds_names_from_outside_as_text() -> None:
    """No cell ends early, no tag is a tag."""
    page = show.markdown(LOUD)
    [row] = [line for line in page.splitlines() if "fell" in line]

    assert "\\<b\\>\\|x" in row
    assert row.replace("\\|", "").count("|") == 6
    assert "A note." in page


def test_junit_has_a_test_case_for_each_claim() -> None:
    """Regressed fails, error errs, inconclusive is skipped."""
    suite = ET.fromstring(show.junit(LOUD))

    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4", "failures": "1", "errors": "1", "skipped": "1",
    }  # fmt: skip
    assert [case.get("name") for case in suite] == ["p/<b>|x", "q", "r", "s"]
    assert [case[1].tag for case in suite if len(case) > 1] == ["failure", "error", "skipped"]


def test_json_holds_all() -> None:
    """For scripts."""
    found = json.loads(show.to_json(LOUD))

    assert found["state"] == "error"
    assert [one["name"] for one in found["findings"]] == ["p/<b>|x", "q", "r", "s"]


TIMED = Finding("x", "ok", "", timed=True, visible=0.12)


@pytest.mark.parametrize(
    ("visible", "words"),
    [
        ([], None),
        ([0.12], "Smallest slowdown that would be seen: 12%."),
        (
            [0.9, 0.12, 0.3],
            (
                "Smallest slowdown that would be seen: 12% in the sharpest of 3 timings, 30% in the"
                " median one, 90% in the bluntest. Blind, as they could not show 50%: 1."
            ),
        ),
    ],
)
def test_each_summary_says_what_slowdown_would_be_seen(
    visible: list[float], words: str | None
) -> None:
    """Text, Markdown and JSON, where anything was timed, quiet or not."""
    found = Gate(tuple(dataclasses.replace(TIMED, visible=one) for one in visible), ())
    pages = ["\n".join(show.lines(found)), show.markdown(found), show.to_json(found)]

    for page in pages:
        assert ("would be seen" in page) == (words is not None)
        assert words is None or words in page


def test_files_lie_beside_the_record(tmp_path: Path) -> None:
    """Three of them, named after it."""
    show.write(LOUD, tmp_path / "20260101T000000Z-0123.json")

    assert sorted(file.name for file in tmp_path.iterdir()) == [
        f"20260101T000000Z-0123.gate.{ending}" for ending in ("json", "md", "xml")
    ]
