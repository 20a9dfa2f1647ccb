"""Trials that gave no answer: their time is not spent again by the next run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_tuning import GRID, NUMBERED, TUNED
from toy import bound, context, edit, edited, evidence, jobs_of, make

from claimbench.errors import StoreError
from claimbench.evidence.lost import keep_lost, lost, lost_file
from claimbench.evidence.run import Run
from claimbench.evidence.unit import Outcome, Unit

#: 1 answers, 2 hangs, 3 raises, 4 dies, 5 has no memory; every call is logged.
HOPELESS = """
@line.method(grid={"rate": [1.0, 2.0, 3.0, 4.0, 5.0]})
def steep(problem, *, rate):
    import os

    with open("log.txt", "a") as file:
        file.write(f"{rate} ")
    if rate == 2.0:
        import ctypes

        ctypes.CDLL(None).usleep(60_000_000)
    if rate == 3.0:
        raise ValueError("too steep")
    if rate == 4.0:
        os._exit(3)
    if rate == 5.0:
        raise MemoryError
    return exp(-problem.T + problem.noise)
"""
START = GRID.index("\n@line.method(grid")
BENCH = GRID[:START] + HOPELESS + GRID[GRID.index("\n@line.baseline") :]
CLAIMS = edited(
    TUNED, ("T = [1, 2, 4]\n", "T = [2]\n"), ("budget = 20", "budget = 3"),
    ("trials = 3", "trials = 5"),
    ("where = { T = [2, 4] }\n", ""),
)  # fmt: skip

UNIT = Unit(
    root="/r", domain="toy", slug="line", experiment="line", contender="steep", role="method",
    cells=({"T": 1},), block=0, replicates=(0, 2), device="cpu", seed=0, stage="tuning", key="k",
)  # fmt: skip


def ran(root: Path, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    """Run the method; return what was chosen, and the rates that were called, trials first."""
    (root / "log.txt").write_text("")
    paper = bound(root)
    engine = Run(context(root, **changes), workers=1)
    (job,) = [job for job in jobs_of(paper) if job.contender == "steep"]
    try:
        engine.schedule([job])
        found = engine.finish(job)
    finally:
        engine.close()
    return found.tuned, (root / "log.txt").read_text().split()


def test_a_hopeless_trial_is_tried_once(tmp_path: Path) -> None:
    """What raised or passed its budget stays as it is; a death or lack of memory is tried anew."""
    root = make(tmp_path, bench_line__py=BENCH, claim__toml=CLAIMS, problem__py=NUMBERED)

    chosen, first = ran(root)
    again, second = ran(root)
    fresh, third = ran(root, fresh=True)

    assert list(chosen.values()) == list(again.values()) == list(fresh.values()) == [{"rate": 1.0}]
    assert first == ["1.0", "2.0", "3.0", "4.0", "5.0", "1.0", "1.0"]
    assert second == ["4.0", "5.0"]
    assert third == first


def test_more_time_is_a_new_chance(tmp_path: Path) -> None:
    """A larger budget runs again what had passed the former; an edit runs all."""
    root = make(tmp_path, bench_line__py=BENCH, claim__toml=CLAIMS, problem__py=NUMBERED)
    ran(root)
    edit(root / "suite/toy/line/claim.toml", ("budget = 3", "budget = 3.5"))

    _, longer = ran(root)
    edit(root / "suite/toy/line/bench_line.py", ("60_000_000", "50_000_000"))
    _, edited_code = ran(root)

    assert longer == ["2.0", "4.0", "5.0"]
    assert sorted(edited_code) == ["1.0", "1.0", "1.0", "2.0", "3.0", "4.0", "5.0"]


def at(folder: Path) -> Unit:
    return replace(UNIT, file=str(folder / "x.parquet"))


def test_only_what_would_happen_again_is_kept(tmp_path: Path) -> None:
    """And what was read from the store is not written to it."""
    for outcome in (
        Outcome("ok"),
        Outcome("failed", "died"),
        Outcome("failed", "raised", lasting=True, from_store=True),
    ):
        keep_lost(at(tmp_path), outcome)

    assert list(tmp_path.iterdir()) == []
    assert lost(at(tmp_path), budget=1.0) is None


@pytest.mark.parametrize(("budget", "known"), [(1.0, True), (2.0, True), (2.5, False)])
def test_a_budget_is_compared(tmp_path: Path, budget: float, *, known: bool) -> None:
    """Who passed two seconds passes one; of two and a half nothing is known."""
    keep_lost(at(tmp_path), Outcome("over budget", "ended", seconds=2.0, lasting=True))

    found = lost(at(tmp_path), budget=budget)

    assert (found == Outcome("over budget", "ended", from_store=True)) is known


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"key": "another", "status": "failed"}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    """It is not taken for a failure."""
    lost_file(at(tmp_path)).write_text(content)

    with pytest.raises(StoreError, match=r"can't be read.*to mend it: rm .*x.lost.json"):
        lost(at(tmp_path), budget=1.0)


def test_a_damaged_file_is_a_trial_run_again(tmp_path: Path) -> None:
    """And told: never silently."""
    root = make(tmp_path, bench_line__py=GRID, claim__toml=TUNED, problem__py=NUMBERED)
    paper = bound(root)
    (job,) = [job for job in jobs_of(paper) if job.contender == "steep"]
    notices = []
    for _ in range(2):
        engine = Run(context(root), workers=1)
        engine.schedule([job])
        engine.finish(job)
        engine.close()
        notices.append(engine.notices)
        for file in root.rglob("*.lost.json"):
            file.write_text("{")

    assert notices[0] == []
    assert len(notices[1]) == 3  # one in each cell
    assert all(".lost.json" in notice for notice in notices[1])


def test_what_an_ended_worker_left_is_removed_as_the_run_ends(tmp_path: Path) -> None:
    """A worker that is ended as it writes can not clear up after itself."""
    root = make(tmp_path)
    half = root / "results" / "store" / "toy" / "line" / "a.parquet.1-ab.partial"
    half.parent.mkdir(parents=True)
    half.touch()

    evidence(root)

    assert not half.exists()
