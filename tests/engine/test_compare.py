"""Two records side by side: what moved, against intervals that scipy makes."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reporting import PAPER, claim, effect, record, write_run
from scipy import stats

from claimbench.compare.claims import ClaimChange, compare_claim
from claimbench.compare.compared import Compared, compare
from claimbench.record import (
    ClaimRecord,
    Comparison,
    ConditionRecord,
    Effect,
    Record,
    read_record,
    write_record,
)

OLD = [1.0, 1.2, 0.9, 1.1, 1.3, 0.8]
NEW = [1.3, 1.4, 1.1, 1.5, 1.5, 1.2]


def of(values: list[float | None], **changes: Any) -> ClaimRecord:
    """Return a claim of superiority, margin 0.4, with these effects of its replicates."""
    facts: dict[str, Any] = {
        "kind": "superiority",
        "margin": 0.4,
        "threshold": None,
        "effect": t(values),
        "replicates": values,
        "control": Comparison("gone", "not reproduced", "", effect(0.0, -0.1, 0.1)),
    }
    return claim(**(facts | changes))


def t(values: list[float | None]) -> Effect:
    own = [value for value in values if value is not None]
    low, high = stats.ttest_1samp(own, 0.0).confidence_interval(0.95)
    return effect(float(np.mean(own)), float(low), float(high), n=len(values))


def change(
    old: ClaimRecord,
    new: ClaimRecord,
    a: dict[str, Any] | None = None,
    b: dict[str, Any] | None = None,
) -> ClaimChange:
    """Compare two claims in records that differ by `a` and `b`."""
    records = record(claims=[old], **(a or {})), record(claims=[new], **(b or {}))
    return compare_claim(old, new, records)


def written(folder: Path, name: str, run: Record) -> Path:
    path = folder / name / f"{name}.json"
    write_record(run, path)
    return path


def whole(folder: Path, a: Record, b: Record) -> Compared:
    return compare(written(folder, "a", a), written(folder, "b", b))


def test_at_equal_seeds_replicates_are_paired() -> None:
    """The interval is scipy's of the paired differences, at 99%."""
    found = change(of(OLD), of(NEW))
    own = stats.ttest_rel(NEW, OLD).confidence_interval(0.99)
    [shown] = [one for one in found.changes if not one.role]

    assert shown.shift.movement.value == pytest.approx(np.mean(NEW) - np.mean(OLD))
    assert (shown.shift.movement.low, shown.shift.movement.high) == pytest.approx(own)
    assert found.state == "better"


@pytest.mark.parametrize(
    ("new", "b"),
    [(NEW, {"seed": 5}), ([*NEW, 1.4], {})],
    ids=["other seeds", "another n"],
)
def test_without_pairs_the_interval_is_welch_s(new: list[float], b: dict[str, Any]) -> None:
    """At other seeds, or with another number of replicates."""
    found = change(of(OLD), of(new), b=b)
    own = stats.ttest_ind(new, OLD, equal_var=False).confidence_interval(0.99)
    [shown] = [one for one in found.changes if not one.role]

    assert (shown.shift.movement.low, shown.shift.movement.high) == pytest.approx(own)


def test_the_level_is_shared_among_the_parts_of_a_claim() -> None:
    """Two opponents: 99.5% each."""
    sides = []
    for values in (OLD, NEW):
        against = [
            Comparison(name, "reproduced", "", t(values), replicates=list(values))
            for name in ("pot", "other")
        ]
        sides.append(of(values, against=against))
    found = change(*sides)
    own = stats.ttest_rel(NEW, OLD).confidence_interval(0.995)

    assert [one.name for one in found.changes if not one.role] == ["against pot", "against other"]
    for one in found.changes[:2]:
        assert (one.shift.movement.low, one.shift.movement.high) == pytest.approx(own)


@pytest.mark.parametrize(
    ("kind", "state"),
    [("superiority", "better"), ("rate", "worse"), ("bound", "worse"), ("equivalence", "worse")],
)
def test_better_is_what_the_kind_calls_better(kind: str, state: str) -> None:
    """A greater effect is a gain of a comparison and a loss of a bound."""
    assert change(of(OLD, kind=kind), of(NEW, kind=kind)).state == state


def test_a_shift_that_may_be_zero_has_no_direction() -> None:
    """Only an interval without zero is better or worse."""
    noisy = [x + d for x, d in zip(OLD, (0.3, -0.3, 0.2, -0.2, 0.1, 0.0), strict=True)]
    found = change(of(OLD), of(noisy))

    assert found.state == "moved"
    assert not found.quiet


def test_better_in_one_part_and_worse_in_another_is_mixed() -> None:
    """Neither word would be true of the claim."""

    def sides(first: list[float], second: list[float]) -> ClaimRecord:
        conditions = [
            ConditionRecord(name, "reproduced", t(values), list(values))
            for name, values in (("k = 2", first), ("k = 4", second))
        ]
        return of(OLD, conditions=conditions)

    found = change(sides(OLD, NEW), sides(NEW, OLD))

    assert found.state == "mixed"
    assert [one.state for one in found.changes if not one.role] == ["better", "worse"]


def test_an_effect_that_is_not_finite_is_said_to_be_unknown() -> None:
    """Not zero, and not infinite."""
    assert change(of(OLD), of([*NEW[:-1], None])).state == "unknown"


def test_last_digits_are_folded_away() -> None:
    """What another machine's rounding moves is nothing to see; a thousandth of it is."""
    close = [value * (1 + 1e-13) for value in OLD]
    found = change(of(OLD), of(close))

    assert found.state == "last digits"
    assert found.quiet
    assert not change(of(OLD), of([value * (1 + 1e-3) for value in OLD])).quiet


@pytest.mark.parametrize(
    ("old", "new", "a", "b", "why"),
    [
        ({}, {"claim_hash": "x"}, {}, {}, "what was fixed before the run differs"),
        ({}, {}, {"data": {"papers": {PAPER: "x"}}}, {"data": {"papers": {PAPER: "y"}}}, "data"),
        (
            {},
            {},
            {"papers": []},
            {},
            "other settings or cells",
        ),
        (
            {"experiment": "race"},
            {"experiment": "race"},
            {},
            {"fingerprint": {"cpu": "another"}},
            "it is about seconds, and the machines differ",
        ),
    ],
    ids=["goalposts", "data", "settings", "seconds"],
)
def test_what_can_t_be_compared_is_not(
    old: dict[str, Any], new: dict[str, Any], a: dict[str, Any], b: dict[str, Any], why: str
) -> None:
    """No shift is told, and why is said."""
    found = change(of(OLD, **old), of(NEW, **new), a, b)

    assert why in found.why_not
    assert found.state == "not compared"
    assert not found.changes


def test_quality_is_compared_between_machines() -> None:
    """As long as it is not about seconds."""
    assert change(of(OLD), of(NEW), b={"fingerprint": {"cpu": "another"}}).state == "better"


def test_no_direction_is_told_of_a_race() -> None:
    """Seconds move from run to run by more than the rounds of one run tell."""
    found = change(of(OLD, experiment="race"), of(NEW, experiment="race"))

    assert found.state == "seconds"
    assert "seconds decide" in found.cautions[0]


def test_data_that_a_record_does_not_name_are_not_said_to_differ(tmp_path: Path) -> None:
    """An older record holds one hash of all data: whether a paper's differ is not known."""
    named = {"hash": "new", "papers": {PAPER: "x"}}
    found = whole(tmp_path, record(data={"hash": "old"}), record(data=named))

    assert not found.apart
    assert "does not say which data" in found.notes[0]
    assert not whole(tmp_path, record(data={"hash": "new"}), record(data=named)).notes


def test_other_versions_of_an_opponent_are_said_first(tmp_path: Path) -> None:
    """And the numbers are compared all the same: that is what moved them."""
    old, new = record(), record()
    package = new.pins["pot"]["packages"]["POT"]
    pins = {
        "pot": {
            **new.pins["pot"],
            "packages": {"POT": {**package, "pinned": "1", "installed": "1"}},
        }
    }
    changed = dataclasses.replace(new, pins={**new.pins, **pins})
    found = whole(tmp_path, old, changed)
    [note] = found.notes

    assert note == "Opponents have other versions: pot (POT 0.9.7.post1; POT 1)."
    races = [one for one in found.claims if one.after.id == "sparse_ot/faster-than-pot"]
    assert "other pins: pot" in races[0].cautions


def test_what_a_run_differs_in_is_said_first(tmp_path: Path) -> None:
    """Machine, profile, seed, a partial run, uncommitted changes."""
    other = record(
        fingerprint={**record().fingerprint, "cpu": "Other CPU", "gpu": "Example GPU"},
        profile="full", seed=3, complete=False, dirty=True,
    )  # fmt: skip
    notes = " ".join(whole(tmp_path, record(), other).notes)

    for words in (
        "The profiles differ: standard, full.",
        "so quality is compared and seconds are not. cpu: Example CPU at 3.0 GHz, Other CPU; gpu:",
        "The root seeds differ (0, 3)",
        "B is partial",
        "B was made with uncommitted changes",
    ):
        assert words in notes


def test_a_record_against_itself_has_not_moved(tmp_path: Path) -> None:
    """All claims, all ratios of seconds, bit for bit."""
    path = write_run(tmp_path)
    found = compare(path, path)

    assert {one.state for one in found.claims} == {"unchanged"}
    assert {one.state for one in found.seconds} == {"unchanged"}
    assert len(found.quiet) == len(read_record(path).claims)
    for empty in (found.notes, found.moved, found.lone, found.candidates, found.contenders):
        assert not empty


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=5, max_size=9),
    st.sampled_from(["superiority", "rate", "equivalence", "success"]),
    st.sampled_from([0, 1]),
)
@settings(max_examples=40)
def test_swapped_records_have_the_opposite_shifts(
    values: list[tuple[float, float]], kind: str, seed: int
) -> None:
    """To the last bit; better is worse."""
    old, new = (
        of([0.0] * 5, kind=kind, replicates=list(side)) for side in zip(*values, strict=True)
    )
    old, new = (
        dataclasses.replace(one, effect=effect(float(np.mean(one.replicates)), -9.0, 9.0))
        for one in (old, new)
    )
    there = change(old, new, b={"seed": seed}).changes[0]
    back = change(new, old, a={"seed": seed}).changes[0]
    opposite = {"better": "worse", "worse": "better"}

    assert back.state == opposite.get(there.state, there.state)
    assert back.shift.movement.value == -there.shift.movement.value
    assert back.shift.movement.low == -there.shift.movement.high
    assert back.shift.movement.high == -there.shift.movement.low


def test_the_order_of_claims_in_a_record_does_not_matter(tmp_path: Path) -> None:
    """The comparison has an order of its own."""
    new = dataclasses.replace(
        record(),
        claims=[dataclasses.replace(record().claims[3], verdict="void"), *record().claims[:3]],
    )
    turned = dataclasses.replace(new, claims=new.claims[::-1], contenders=new.contenders[::-1])
    first, second = (whole(tmp_path / str(i), record(), run) for i, run in enumerate((new, turned)))

    assert first.claims == second.claims
    assert first.lone == second.lone
    assert first.contenders == second.contenders
    assert first.claims[0].after.verdict == "void"


def test_claims_of_one_record_only_say_why(tmp_path: Path) -> None:
    """Not judged there, not known there, or of a paper that was not run."""
    stranger = dataclasses.replace(claim("x"), id="other/x", paper="optimization/other")
    old = record(claims=[of(OLD), claim("deselected"), claim("taken-out"), stranger])
    new = record(claims=[of(OLD)], not_judged={"sparse_ot/deselected": "flat was deselected"})
    found = whole(tmp_path, old, new)

    assert {one.claim.id: (one.side, one.why) for one in found.lone} == {
        "sparse_ot/deselected": ("A", "not judged there: flat was deselected"),
        "sparse_ot/taken-out": ("A", "the other run does not know it"),
        "other/x": ("A", "its paper is not in the other run"),
    }


def test_a_candidate_of_one_record_is_shown_as_such(tmp_path: Path) -> None:
    """One in both is compared like any part."""
    mine = Comparison("mine", "reproduced", "", t(OLD), replicates=list(OLD))
    better = Comparison("mine", "reproduced", "", t(NEW), replicates=list(NEW))
    alone = whole(tmp_path, record(claims=[of(OLD)]), record(claims=[of(OLD, candidates=[mine])]))
    both = change(of(OLD, candidates=[mine]), of(OLD, candidates=[better]))

    [one] = alone.candidates
    assert (one.side, one.candidate.contender) == ("B", "mine")
    assert alone.claims[0].quiet
    assert [(c.role, c.name, c.state) for c in both.changes if c.role == "candidate"] == [
        ("candidate", "candidate mine", "better")
    ]
    assert both.state == "moved"


def test_a_control_whose_verdict_changed_is_not_folded_away() -> None:
    """It is what a verdict stands on; so is what Holm's correction leaves of it."""
    failed = Comparison("gone", "reproduced", "", effect(0.0, -0.1, 0.1))

    assert not change(of(OLD), of(OLD, control=failed)).quiet
    assert not change(of(OLD), of(OLD, holm=False)).quiet
    assert change(of(OLD), of(OLD)).quiet


def test_a_control_without_replicates_in_one_record_is_held_by_its_effect() -> None:
    """Older records keep none: an equal effect has not moved."""
    side = Comparison("gone", "not reproduced", "", t(OLD))
    more = dataclasses.replace(side, replicates=list(OLD))

    assert change(of(OLD, control=side), of(OLD, control=more)).state == "unchanged"


def test_contenders_that_came_went_or_failed_are_told(tmp_path: Path) -> None:
    """One sentence each."""
    new = record()
    first, second, *rest = new.contenders
    failed = dataclasses.replace(second, status="failed", reason="it broke")
    found = whole(tmp_path, record(), dataclasses.replace(new, contenders=[failed, *rest]))

    assert list(found.contenders) == [
        f"{PAPER}/sweep: dual, method: ok in A, failed in B.",
        f"{PAPER}/sweep: semi_dual, method, is only in A (ok).",
    ]
    assert math.isfinite(first.seconds)
