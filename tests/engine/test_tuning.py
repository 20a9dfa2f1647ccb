"""Grids are tuned by the engine: equal trials, streams of their own, the best by the criterion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, CLAIM_TOML, PROBLEM, edited, evidence, make

from claimbench.errors import ClaimFileError
from claimbench.recording import _contender

TUNING = """
[experiment.line.tuning]
trials = 3
replicates = 2
criterion = "gap"

[[claim]]
id = "falls\""""
TUNED = edited(CLAIM_TOML, ('\n[[claim]]\nid = "falls"', TUNING))
#: The best rate is 2 where T = 1, and 1 elsewhere; 3 never answers.
CONTENDER = """
@line.method(grid={"rate": [1.0, 2.0, 3.0]})
def steep(problem, *, rate):
    if rate == 3.0:
        raise ValueError("too steep")
    with open("log.txt", "a") as file:
        file.write(f"{problem.T} {rate} {problem.replicates.start} {problem.noise[0]!r}\\n")
    best = 2.0 if problem.T == 1 else 1.0
    return exp(-problem.T + abs(rate - best)) + 0 * problem.noise
"""
STEEP = "\n@line.method\ndef steep(problem):\n    return descend(problem, 1.0)\n"
GRID = edited(BENCH, (STEEP, CONTENDER))
NUMBERED = edited(
    PROBLEM,
    ("    calls: ndarray\n", "    calls: ndarray\n    replicates: range\n"),
    ("0 * noise)", "0 * noise, streams.replicates)"),
)


def tuned(root: Path, bench: str = GRID, claims: str = TUNED, **changes: Any) -> Any:
    make(root, bench_line__py=bench, claim__toml=claims, problem__py=NUMBERED)
    return evidence(root, **changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("checkout")
    found = tuned(root)
    lines = [line.split() for line in (root / "log.txt").read_text().splitlines()]
    return {"found": found, "again": evidence(root), "log": lines}


def test_the_best_trial_of_each_cell_is_run(run: dict[str, Any]) -> None:
    """By the mean of the criterion; a trial that fails is the worst there is."""
    steep = run["found"]["line", "steep"]
    chosen = {unit.cells[0]["T"]: unit.parameters for unit in steep.units}

    assert steep.status == "ok"
    assert chosen == {1: {"rate": 2.0}, 2: {"rate": 1.0}, 4: {"rate": 1.0}}


def test_the_record_tells_the_grid_beside_what_was_chosen(run: dict[str, Any]) -> None:
    """A reader sees among which values each cell's was the best."""
    record = _contender(run["found"]["line", "steep"])

    assert record.grid == {"rate": [1.0, 2.0, 3.0]}
    assert record.tuned["T=1"] == {"rate": 2.0}


def test_tuning_has_replicates_and_streams_of_its_own(run: dict[str, Any]) -> None:
    """None of the noise that is judged was seen in tuning."""
    tuning = {noise for _, _, first, noise in run["log"] if int(first) >= 1_000_000}
    judged = {noise for _, _, first, noise in run["log"] if int(first) < 1_000_000}

    assert len(tuning) == 1  # one block, shared by all trials and cells
    assert len(judged) == 2
    assert not tuning & judged


def test_every_trial_of_every_cell_is_run_once(run: dict[str, Any]) -> None:
    """Two rates answered in three cells; tuning seconds are the contender's."""
    trials = [(T, rate) for T, rate, first, _ in run["log"] if int(first) >= 1_000_000]
    steep = run["found"]["line", "steep"]

    assert sorted(trials) == sorted((T, rate) for T in "124" for rate in ("1.0", "2.0"))
    assert steep.spent_tuning > 0
    assert steep.seconds > steep.spent_tuning


def test_a_tuned_run_is_taken_up_from_the_store(run: dict[str, Any]) -> None:
    """The same parameters are found without a trial."""
    first, again = run["found"]["line", "steep"], run["again"]["line", "steep"]

    assert again.tuned == first.tuned
    assert all(outcome.from_store for outcome in again.outcomes)


def test_contenders_without_a_grid_are_not_tuned(run: dict[str, Any]) -> None:
    """They have nothing to choose."""
    assert run["found"]["line", "flat"].tuned == {}
    assert run["found"]["line", "flat"].units[0].parameters == {}


def test_an_unknown_criterion_is_answered_with_the_measures(tmp_path: Path) -> None:
    """As it is met: a measure's columns are known once it has run."""
    with pytest.raises(
        ClaimFileError, match=r"criterion of toy/line is no measure: 'gpa'.*did you mean 'gap'"
    ):
        tuned(tmp_path, claims=edited(TUNED, ('criterion = "gap"', 'criterion = "gpa"')))


def test_a_missing_peer_is_not_tuned(tmp_path: Path) -> None:
    """It is unavailable, once for each block that it owes."""
    bench = edited(GRID, ("@line.method(grid", '@line.method(pin="absent", grid'))

    found = tuned(tmp_path, bench, pin_state=lambda pin: ({}, f"{pin} not installed"))

    assert found["line", "steep"].status == "unavailable"
    assert [unit.stage for unit in found["line", "steep"].units] == ["evidence"] * 6
