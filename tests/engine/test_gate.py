"""A record against accepted results: findings, notes, exit codes, and how they are shown."""

from __future__ import annotations

import dataclasses
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from reporting import claim, effect, record, write_run

from claimbench.errors import RecordError
from claimbench.gate import show
from claimbench.gate.accepted import Accepted, Ratio, accepted_file, read_accepted, write_accepted
from claimbench.gate.accepting import REMEMBERED, _merged, accept, log_entry
from claimbench.gate.finding import Finding
from claimbench.gate.gate import Gate, confirmed, gate, suspicious, unconfirmed
from claimbench.pins import check, read_pins
from claimbench.record import Comparison, Record

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
WELL = [
    dataclasses.replace(one, status="ok", reason=None)
    for one in record().contenders
    if one.status in {"ok", "unavailable"}
]


def run(*claims: Any, **changes: Any) -> Record:
    """Return a complete record of claims, all of whose contenders ran."""
    return record(claims=list(claims) or [claim()], contenders=WELL, **changes)


def accepted(tmp_path: Path, old: Record) -> Accepted:
    return accept(old, write_run(tmp_path / "old", old, {}), None)[0]


def gated(tmp_path: Path, old: Record, new: Record) -> Gate:
    return gate(new, write_run(tmp_path / "new", new, {}), accepted(tmp_path, old))


def test_the_same_run_is_quiet(tmp_path: Path) -> None:
    """Every claim ok, exit code 0, also strictly."""
    both = run(claim(), claim("other", verdict="not reproduced"))
    found = gated(tmp_path, both, both)

    assert [one.state for one in found.findings] == ["ok", "ok"]
    assert found.state == "ok"
    assert found.exit_code(strict=True) == 0


WORSE = claim(verdict="inconclusive")


@pytest.mark.parametrize(
    ("old", "new", "state", "codes"),
    [
        (run(), run(WORSE), "regressed", (1, 1)),
        (run(WORSE), run(), "improved", (0, 0)),
        (run(), run(claim(), claim("new")), "inconclusive", (0, 1)),
        (run(claim(), claim("gone")), run(), "error", (2, 2)),
        (
            run(claim(), claim("late")),
            run(not_judged={"sparse_ot/late": "no evidence of m"}),
            "inconclusive",
            (0, 1),
        ),
        (run(), run(claim(claim_hash="x")), "error", (2, 2)),
        (
            run(),
            run(claim(replicates=[None] * 10, effect=effect(None, None, None))),
            "inconclusive",
            (0, 1),
        ),
    ],
)
def test_each_state_has_its_exit_code(
    tmp_path: Path, old: Record, new: Record, state: str, codes: tuple[int, int]
) -> None:
    """Regressed is 1, what can't be compared 2, and what can't be told 1 under --strict alone."""
    found = gated(tmp_path, old, new)

    assert found.state == state
    assert (found.exit_code(strict=False), found.exit_code(strict=True)) == codes


def test_other_claims_and_their_order_change_nothing(tmp_path: Path) -> None:
    """A finding is of its claim alone."""
    a, b = claim("a"), claim("b", verdict="inconclusive")
    one = gated(tmp_path / "1", run(claim("a"), claim("b")), run(a, b))
    two = gated(tmp_path / "2", run(claim("b"), claim("a")), run(b, a))
    alone = gated(tmp_path / "3", run(claim("a")), run(a))

    assert {f.name: f for f in one.findings} == {f.name: f for f in two.findings}
    assert alone.findings[0] == one.findings[0]


def renamed(one: Any, **names: str) -> Any:
    """Return a claim whose id and whose opponents have other names."""
    parts = [dataclasses.replace(part, contender=names["opponent"]) for part in one.against]
    return dataclasses.replace(one, id=f"sparse_ot/{names['claim']}", against=parts)


def test_names_change_nothing(tmp_path: Path) -> None:
    """A claim and an opponent called otherwise, before and after, have the same finding."""
    one = claim(against=[Comparison("pot", "reproduced", "", effect(1, 0, 2), replicates=[1.0, 2])])
    worse = [Comparison("pot", "reproduced", "", effect(0, -1, 1), replicates=[8.0, 9])]
    new = dataclasses.replace(one, against=worse)
    names = {"claim": "zzz", "opponent": "aaa"}
    plain = gated(tmp_path / "1", run(one), run(new)).findings[0]
    other = gated(tmp_path / "2", run(renamed(one, **names)), run(renamed(new, **names))).findings[
        0
    ]

    assert other.name == "sparse_ot/zzz"
    assert plain.state == "regressed"
    assert (
        dataclasses.replace(other, name=plain.name, reason=other.reason.replace("aaa", "pot"))
        == plain
    )


def test_another_machine_is_said_and_its_bits_are_free(tmp_path: Path) -> None:
    """Quality is compared all the same; what moved in the last bits is not listed."""
    bit = claim(replicates=[-0.9000000001, *claim().replicates[1:]])
    found = gated(tmp_path / "1", run(fingerprint={"cpu": "other"}), run(bit))
    same = gated(tmp_path / "2", run(), run(bit))

    assert (found.findings[0].state, found.findings[0].moved) == ("ok", False)
    assert any("Accepted on another machine" in note for note in found.notes)
    assert (same.findings[0].state, same.findings[0].moved) == ("ok", True)
    assert not any("another machine" in note for note in same.notes)


def test_a_claim_that_became_void_says_so(tmp_path: Path) -> None:
    """The reason has both verdicts and why."""
    void = claim(verdict="void", reason="The control meets the rule, too.")
    [finding] = gated(tmp_path, run(), run(void)).findings

    assert finding.state == "regressed"
    assert finding.reason == (
        "the verdict was reproduced and is void. The control meets the rule, too."
    )


def test_what_is_new_gone_or_not_judged_says_so(tmp_path: Path) -> None:
    """Each in words of its own."""
    old = run(claim("a"), claim("gone"), claim("late"))
    new = run(claim("a"), claim("new"), not_judged={"sparse_ot/late": "no evidence of m"})
    reasons = {one.name[10:]: one.reason for one in gated(tmp_path, old, new).findings}

    assert reasons["new"] == "the claim is new: nothing has been accepted"
    assert reasons["gone"] == "it was accepted, and the suite has it no more"
    assert reasons["late"] == "it was not judged: no evidence of m"


def test_papers_that_did_not_run_are_a_note(tmp_path: Path) -> None:
    """A run of one paper says nothing of the others."""
    far = dataclasses.replace(claim("far"), paper="optimization/far", id="far/c")
    old = accepted(tmp_path, run())
    old.claims["far/c"] = dataclasses.replace(old.claims["sparse_ot/smoother"], claim=far)
    new = run()
    found = gate(new, write_run(tmp_path, new, {}), old)

    assert found.state == "ok"
    assert "Not in this run, so not compared: optimization/far." in found.notes


def test_seconds_of_another_machine_are_not_compared_and_said(tmp_path: Path) -> None:
    """With the command that compares them."""
    assert any("claimbench duet" in note for note in gated(tmp_path, run(), run()).notes)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (run(profile="full"), "of another profile.*'full'; allowed: standard"),
        (run(complete=False), "interrupted or could not run whole"),
    ],
)
def test_records_that_can_not_be_compared_are_refused(
    tmp_path: Path, new: Record, words: str
) -> None:
    """Another profile, and a run that did not end."""
    with pytest.raises(RecordError, match=words):
        gated(tmp_path, run(), new)


SLOW = Finding("p/race: a / b", "regressed", "slower", timed=True, paper="p", experiment="race")
QUIET = dataclasses.replace(SLOW, state="ok")
QUALITY = Finding("c", "regressed", "worse", paper="p", experiment="other")


def test_seconds_fail_only_when_a_rerun_confirms_them() -> None:
    """Quality needs no second look; what no rerun can confirm is inconclusive."""
    first = Gate((QUALITY, SLOW), ())
    race = ("p", "race")

    assert suspicious(first) == (race,)
    assert states(confirmed(first, Gate((SLOW,), ()), race)) == ["regressed", "regressed"]
    assert states(confirmed(first, Gate((QUIET,), ()), race)) == ["regressed", "ok"]
    assert states(confirmed(first, Gate((QUIET,), ()), ("p", "x"))) == ["regressed", "regressed"]
    assert states(unconfirmed(first)) == ["regressed", "inconclusive"]


def states(found: Gate) -> list[str]:
    return [one.state for one in found.findings]


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
        ({"contenders": record().contenders}, "did not run"),
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
