"""Races: all contenders by turns in one process, in reversed order every other round."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, CLAIM_TOML, bound, context, edited, evidence, jobs_of, make

from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.load import load
from claimbench.evidence.run import Run
from claimbench.evidence.table import frame, subject

#: Who was called, in which process, with the collector off.
LOG = """
def log(problem, name):
    import gc
    import os

    with open("log.txt", "a") as file:
        cores = len(os.sched_getaffinity(0))
        file.write(f"{name} {problem.T} {os.getpid()} {gc.isenabled()} {cores}\\n")


@line.method
def steep(problem):
    log(problem, "steep")
    if problem.T == 4:
        raise ValueError("too far")
"""
RACE = edited(
    BENCH,
    ("Experiment(line, measure)", "Experiment(line, measure, seconds=True)"),
    ("\n@line.method\ndef steep(problem):\n", LOG),
    ("def flat(problem):\n", 'def flat(problem):\n    log(problem, "flat")\n'),
    ("def flatter(problem):\n", 'def flatter(problem):\n    log(problem, "flatter")\n'),
    (
        "@line.baseline\n",
        '@line.baseline(pin="absent")\ndef absent(problem):\n    pass\n\n@line.baseline\n',
    ),
)
ROUNDS = 4


@pytest.fixture(scope="module")
def race(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = make(
        tmp_path_factory.mktemp("checkout"),
        bench_line__py=RACE,
        claim__toml=edited(
            CLAIM_TOML,
            ("T = [1, 2, 4]\nreplicates = 6\nblock = 3", f"T = [2, 4]\nreplicates = {ROUNDS}"),
        ),
    )
    paper = bound(root)

    def pin_state(pin: str) -> tuple[dict[str, str], str | None]:
        return {}, f"{pin} not installed" if pin == "absent" else None

    found = evidence(root, paper, workers=2, pin_state=pin_state)
    lines = [line.split() for line in (root / "log.txt").read_text().splitlines()]
    again = evidence(root, paper, workers=2, pin_state=pin_state)
    return {"root": root, "paper": paper, "found": found, "log": lines, "again": again}


def test_turns_are_reversed_every_other_round(race: dict[str, Any]) -> None:
    """A warm-up, then ABBA: whatever drifts, drifts for all."""
    forth = ["steep", "flat", "flatter"]
    names = [name for name, T, *_ in race["log"] if T == "2"]

    assert names == forth + [*reversed(forth), *forth] * (ROUNDS // 2)


def test_one_process_runs_all(race: dict[str, Any]) -> None:
    """On one core, with the garbage collector off."""
    assert len({pid for _, _, pid, _, _ in race["log"]}) == 1
    assert {collects for _, _, _, collects, _ in race["log"]} == {"False"}
    assert {cores for *_, cores in race["log"]} == {"1"}
    assert str(os.getpid()) not in {pid for _, _, pid, _, _ in race["log"]}


def test_the_warm_up_counts_for_nothing(race: dict[str, Any]) -> None:
    """Each round is a replicate with its own seconds; the warm-up is none of them."""
    flat = race["found"]["line", "flat"]
    rows = frame([flat])[0]

    assert len(flat.outcomes) == 2 * ROUNDS
    assert list(rows["replicate"]) == [*range(ROUNDS)] * 2
    assert rows["seconds"].gt(0).all()
    assert rows["seconds"].nunique() > 1
    assert subject(flat, race["paper"].designs["line"])["seconds"].shape == (ROUNDS, 2)


def test_seconds_are_never_served_from_the_store(race: dict[str, Any]) -> None:
    """A race is run again, each time."""
    again: dict[Any, ContenderEvidence] = race["again"]

    assert not any(outcome.from_store for one in again.values() for outcome in one.outcomes)
    assert again["line", "flat"].seconds > 0


def test_who_fails_is_not_called_again_and_keeps_its_reason(race: dict[str, Any]) -> None:
    """Its other cells, and the other contenders, run as ever."""
    found = race["found"]
    calls = [name for name, T, *_ in race["log"] if T == "4"]

    assert (found["line", "steep"].status, found["line", "steep"].reason) == (
        "failed",
        "ValueError: too far",
    )
    assert calls.count("steep") == 1
    assert calls.count("flat") == ROUNDS + 1
    assert [outcome.status for outcome in found["line", "steep"].outcomes] == ["ok"] * ROUNDS + [
        "failed"
    ] * ROUNDS


def test_a_missing_peer_is_unavailable_in_a_race_too(race: dict[str, Any]) -> None:
    """Not failed: nobody's fault."""
    absent = race["found"]["line", "absent"]

    assert (absent.status, absent.reason) == ("unavailable", "absent not installed")
    assert len(absent.units) == 2 * ROUNDS


def test_nothing_of_a_race_is_scheduled_with_the_rest(race: dict[str, Any]) -> None:
    """Its units are planned, warm-ups too, and wait until all else is done."""
    jobs = jobs_of(race["paper"])
    engine = Run(context(race["root"], store=Path("nowhere")), workers=1)

    engine.schedule(jobs)

    assert engine._pool is None
    assert {load(engine.plan, job).compute for job in jobs} == {2 * (ROUNDS + 1)}
