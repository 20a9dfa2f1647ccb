"""A record against accepted results: findings, notes and exit codes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from gates import accepted, gated, run
from reporting import claim, effect, write_run

from claimbench.errors import RecordError
from claimbench.gate.accepted import Ratio
from claimbench.gate.finding import Finding
from claimbench.gate.gate import Gate, confirmed, gate, hold, suspicious, unconfirmed
from claimbench.record import Comparison, Record, fingerprint_of


def states(found: Gate) -> list[str]:
    return [one.state for one in found.findings]


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
        (run(until_decided=True), "until decided.*to mend it: pytest suite --benchmark-only"),
    ],
)
def test_records_that_can_not_be_compared_are_refused(
    tmp_path: Path, new: Record, words: str
) -> None:
    """Another profile, a run that did not end, and one that ended when it was decided."""
    with pytest.raises(RecordError, match=words):
        gated(tmp_path, run(), new)


RACE = claim(experiment="race", method="batched", where={"ties": "none"}, against=[])
LOST = dataclasses.replace(RACE, verdict="not reproduced", reason="Too slow.")


@pytest.mark.parametrize(
    ("old", "new", "now", "state"),
    [
        (RACE, LOST, 0.5, "regressed"),
        (RACE, LOST, 0.0, "inconclusive"),
        (RACE, LOST, None, "inconclusive"),
        (LOST, RACE, -0.5, "improved"),
        (LOST, RACE, 0.0, "ok"),
        (RACE, RACE, 0.0, "ok"),
    ],
)
def test_a_claim_about_seconds_goes_with_its_ratios(
    tmp_path: Path, old: Any, new: Any, now: float | None, state: str
) -> None:
    """A verdict near its boundary changes by noise alone, and on another machine."""
    key = f"{RACE.paper}/race: batched / pot"
    before = accepted(tmp_path, run(old))
    machine = fingerprint_of(run())
    if now is not None:
        before.ratios[machine] = {key: [Ratio(0.0, 0.01, 9, "t")]}
    raced = {} if now is None else {key: Ratio(now, 0.01, 9, "t")}
    finding = hold(run(new), raced, before).findings[0]

    assert finding.state == state
    assert ("were not compared" in finding.reason) == (now is None)


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
