"""Units, stacked cells, pins that are not installed, and what is still to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import BENCH, CLAIM_TOML, bound, context, edited, evidence, jobs_of, make

from claimbench.evidence.load import load
from claimbench.evidence.run import Run
from claimbench.evidence.table import subject
from claimbench.evidence.unit import Outcome, Unit

#: Exact in T whatever is stacked: (value, replicate) flattened.
PROBLEM = """
from dataclasses import dataclass

from numpy import atleast_1d, ndarray, repeat, tile


@dataclass
class Line:
    T: ndarray
    noise: ndarray
    calls: ndarray

def line(T, scale, *, streams, n):
    noise = streams.numpy().standard_normal(n)
    T, values = atleast_1d(T), len(atleast_1d(T))
    return Line(repeat(T, n), scale * tile(noise, values), 0 * repeat(T, n))
"""
GRID = edited(CLAIM_TOML, ("T = [1, 2, 4]\n", "T = [1, 2, 4]\nscale = [0.5, 2.0]\n"))


def stacked(root: Path, stack: str) -> dict[str, Any]:
    bench = edited(
        BENCH, ("Experiment(line, measure)", f"Experiment(line, measure, stack={stack})")
    )
    make(root, bench_line__py=bench, problem__py=PROBLEM, claim__toml=GRID)
    paper = bound(root)
    found = evidence(root, paper)
    return {
        "units": found["line", "steep"].units,
        "subject": subject(found["line", "steep"], paper.designs["line"]),
        "status": {one.status for one in found.values()},
    }


def test_stacked_cells_give_the_rows_of_cells_run_alone(tmp_path: Path) -> None:
    """Folding cells into the leading axis changes the number of units, and not a bit."""
    alone, together = stacked(tmp_path / "a", "()"), stacked(tmp_path / "b", '("T",)')

    assert alone["status"] == together["status"] == {"ok"}
    assert (len(alone["units"]), len(together["units"])) == (12, 4)
    assert [cell["T"] for cell in together["units"][0].cells] == [1, 2, 4]
    for name in ("gap", "calls"):
        assert np.array_equal(alone["subject"][name], together["subject"][name])


def test_contenders_and_cells_are_paired(tmp_path: Path) -> None:
    """All meet the same noise: the log gap is -rate T + noise, cell by cell."""
    found = stacked(tmp_path, "()")["subject"]
    noise = (np.log(found["gap"]) + found["T"]) / found["scale"]

    assert np.allclose(noise, noise[:, :1])
    assert len(np.unique(noise[:, 0].round(9))) == 6


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(
        tmp_path, bench_line__py=edited(BENCH, ("@line.baseline\n", '@line.baseline(pin="p")\n'))
    )


def test_a_missing_pin_is_unavailable_and_computes_nothing(root: Path) -> None:
    """With the reason that the pin gives; the others run."""
    found = evidence(root, pin_state=lambda pin: ({}, f"{pin} not installed; to mend it: pip"))

    assert found["line", "flat"].status == "unavailable"
    assert found["line", "flat"].reason == "p not installed; to mend it: pip"
    assert found["line", "flat"].seconds == 0
    assert len(found["line", "flat"].units) == 6
    assert found["line", "steep"].status == "ok"


def test_what_is_still_to_do_is_counted(root: Path) -> None:
    """Blocks that the store lacks, by contender."""
    paper = bound(root)
    jobs = jobs_of(paper)
    for expected in (6, 0):
        engine = Run(context(root), workers=1)
        assert {load(engine.plan, job).compute for job in jobs} == {expected}
        engine.schedule(jobs)
        for job in jobs:
            engine.finish(job)
        engine.close()


def test_everyone_hears_of_every_unit(root: Path) -> None:
    """Progress is told after each unit, with its outcome."""
    heard: list[tuple[Unit, Outcome]] = []

    def listen(unit: Unit | None, outcome: Outcome | None) -> None:
        if unit is not None and outcome is not None:
            heard.append((unit, outcome))

    evidence(root, on_change=listen)

    assert len(heard) == 18
    assert {outcome.status for _, outcome in heard} == {"ok"}
    assert all(outcome.seconds > 0 for _, outcome in heard)


def test_a_unit_is_names_and_numbers(root: Path) -> None:
    """It travels to a worker, and its identity leaves out where the checkout lies."""
    (unit, *_) = evidence(root)["line", "steep"].units

    assert "root" not in unit.identity()
    assert str(root) not in str(unit.identity())
    assert unit.n == 3
