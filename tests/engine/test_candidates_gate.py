"""Candidates stay out of accepted results, and the gate does not look at them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from gates import WELL, gated, run
from reporting import PAPER, claim, effect, write_run
from test_gate_timing import race_claim, rounds

from claimbench.errors import RecordError
from claimbench.gate.accepting import accept
from claimbench.gate.gate import Gate, gate
from claimbench.record import Comparison, ContenderRecord, Record

MINE = ContenderRecord(PAPER, "sweep", "mine", "candidate", "ok", None, 1.0)


def beside(made: Record, *, experiment: str = "sweep", status: str = "ok") -> Record:
    """Return the record as it would be with a candidate in one experiment."""
    mine = dataclasses.replace(MINE, experiment=experiment, status=status)
    judged = [Comparison("mine", "not reproduced", "", effect(9, 8, 10))]
    claims = [
        dataclasses.replace(one, candidates=judged if one.experiment == experiment else [])
        for one in made.claims
    ]
    return dataclasses.replace(made, contenders=[*made.contenders, mine], claims=claims)


def test_a_run_with_candidates_is_not_accepted(tmp_path: Path) -> None:
    """Named, with the run that can be: what is no race comes from the store."""
    made = beside(run(claim("a")))

    with pytest.raises(RecordError) as caught:
        accept(made, write_run(tmp_path, made, {}), None)
    assert "made with candidates, which are no part of accepted results: 'mine'" in str(
        caught.value
    )
    assert "pytest suite --benchmark-only --profile standard   (without --candidate" in str(
        caught.value
    )


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_the_gate_does_not_look_at_candidates(tmp_path: Path, status: str) -> None:
    """Whatever became of them, it says what it says without."""
    old = run(claim("a"), claim("b"))
    without = gated(tmp_path / "one", old, old)

    assert gated(tmp_path / "two", old, beside(old, status=status)) == without
    assert without.state == "ok"


def test_seconds_are_not_compared_where_a_candidate_took_part(tmp_path: Path) -> None:
    """It shared the core with the others; alone, the same race has regressed."""
    opponents = [
        dataclasses.replace(one, experiment="race", role="baseline")
        for one in WELL
        if one.name == "pot_semi_dual"
    ][:1]
    made = dataclasses.replace(run(race_claim()), contenders=opponents)

    def written(folder: Path, record: Record, *, slower: float) -> Path:
        path = write_run(folder, record, {})
        file = path.with_suffix("") / PAPER / "race.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        rounds(slower=slower).to_parquet(file)
        return path

    accepted, _ = accept(made, written(tmp_path / "old", made, slower=1.0), None)

    def said(record: Record, name: str) -> Gate:
        return gate(record, written(tmp_path / name, record, slower=2.0), accepted)

    alone, shared = said(made, "alone"), said(beside(made, experiment="race"), "shared")
    elsewhere = said(beside(made, experiment="sweep"), "elsewhere")

    assert [one.state for one in alone.findings if one.timed and ":" in one.name] == ["regressed"]
    assert [one for one in shared.findings if ":" in one.name] == []
    assert f"Seconds were not compared where a candidate took part: {PAPER} race." in shared.notes
    assert elsewhere.findings == alone.findings
