"""Accepted results: written, read back, and refused."""

from __future__ import annotations

import dataclasses
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from gates import WELL, accepted, gated, run
from reporting import claim, effect, record, write_run

from claimbench.errors import RecordError
from claimbench.gate.accepted import Ratio, accepted_file, read_accepted, write_accepted
from claimbench.gate.accepting import REMEMBERED, _merged, accept, log_entry
from claimbench.pins import check, read_pins
from claimbench.record import Comparison

OPPONENT = """
[pot]
source = "package"
packages = { pytest = "0.0.1" }
extra = "peers"
licence = "MIT"
paper = "Someone, 2020"
call = "pytest.main"
settings = "Nothing to tune."
"""


def test_accepted_results_survive_the_file(tmp_path: Path) -> None:
    """Written and read again they are the same, with a line for each claim."""
    made = accepted(tmp_path, run(claim("a"), claim("b")))
    made.ratios["m"] = {"k": [Ratio(0.1, 0.01, 12, "20260101T000000Z")]}
    path = accepted_file(tmp_path, "standard")
    write_accepted(made, path)

    assert read_accepted(path) == made
    assert sum("claim_hash" in line for line in path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there are no accepted results"),
        ("{", "can't be read"),
        ('{"schema": 9}', "schema this version does not read: 9; allowed: schema 1"),
        ('{"schema": 1, "profile": "slow"}', "profile"),
        ("[]", "schema"),
        ('{"schema": 1, "profile": "standard", "ratios": NaN}', "NaN is no number of JSON"),
    ],
)
def test_accepted_results_that_can_not_be_read_are_said(
    tmp_path: Path, text: str | None, words: str
) -> None:
    """With the command that mends it."""
    path = tmp_path / "standard.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RecordError, match=words) as caught:
        read_accepted(path)
    assert caught.value.cure


def test_accepting_replaces_the_papers_of_the_record_and_says_what_changed(tmp_path: Path) -> None:
    """New, gone, another result; what could not be judged this time stays."""
    old = accepted(tmp_path, run(claim("a"), claim("b"), claim("c")))
    new = run(claim("a", verdict="inconclusive"), claim("d"), not_judged={"sparse_ot/c": "why"})
    made, changes = accept(new, write_run(tmp_path, new, {}), old)

    assert sorted(made.claims) == [f"sparse_ot/{name}" for name in "acd"]
    first = {c.name[-1]: [w.partition(",")[0] for w in (c.before, c.after)] for c in changes}
    assert first == {
        "a": ["reproduced", "inconclusive"],
        "b": ["reproduced", "gone"],
        "d": ["new", "reproduced"],
    }
    entry = json.loads(log_entry(new, changes, "a reason"))
    assert entry["why"] == "a reason"
    assert set(entry["changes"]) == {"sparse_ot/a", "sparse_ot/b", "sparse_ot/d"}


OTHER = {"extra": "peers", "packages": {"POT": {"match": False, "installed": "2"}}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"complete": False}, "partial"),
        ({"claims": []}, "judges nothing"),
        ({"dirty": True}, "uncommitted changes"),
        ({"contenders": [dataclasses.replace(WELL[0], status="failed")]}, "did not run"),
        ({"contenders": record().contenders}, "made with candidates.*: 'mine'"),
        ({"pins": {"pot": OTHER}}, r"are pinned: 'pot'; to mend it: pip install -e '\.\[peers\]'"),
    ],
)
def test_records_that_nobody_should_be_held_to_are_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    """Partial, empty, unrepeatable, with lost contenders, of other versions."""
    new = dataclasses.replace(run(), **changes)
    with pytest.raises(RecordError, match=words):
        accept(new, write_run(tmp_path, new, {}), None)


def test_an_opponent_of_another_version_is_refused_with_what_mends_it(tmp_path: Path) -> None:
    """The record says what is installed, and the gate exits with 2."""
    (tmp_path / "pins.toml").write_text(OPPONENT)
    pinned = read_pins(tmp_path / "pins.toml")
    there = version("pytest")
    same = dataclasses.replace(pinned["pot"], packages={"pytest": there})
    one = claim(against=[Comparison("pot_semi_dual", "reproduced", "", effect(-0.8, -0.9, -0.7))])
    old = run(one, pins=check({"pot": same}))
    assert gated(tmp_path / "same", old, old).state == "ok"
    found = gated(tmp_path / "other", old, run(one, pins=check(pinned)))

    (finding,) = found.findings
    assert found.exit_code(strict=False) == 2
    assert finding.reason == "an opponent is not the one that is pinned: pot"
    assert finding.cure == "pip install -e '.[peers]'"
    assert check(pinned)["pot"]["packages"]["pytest"] == {
        "pinned": "0.0.1", "installed": there, "match": False,
    }  # fmt: skip


def test_ratios_of_a_machine_are_remembered_run_by_run() -> None:
    """The last ten, one for each run, accepted twice or not."""
    found: dict[str, dict[str, list[Ratio]]] = {}
    for number in [*range(REMEMBERED + 2), REMEMBERED + 1]:
        found = _merged(found, "m", {"k": Ratio(float(number), 0.1, 5, f"t{number}")})

    assert [one.mean for one in found["m"]["k"]] == [float(n) for n in range(2, REMEMBERED + 2)]
