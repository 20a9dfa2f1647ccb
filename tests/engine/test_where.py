"""Contenders that play at some cells only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, CLAIM_TOML, bound, edit, edited, evidence, jobs_of, make

from claimbench.errors import BenchFileError, ClaimFileError
from claimbench.evidence.table import frame, subject
from claimbench.judging import judge_claims

#: Flat plays where T is 2 or 4, flatter at 4 alone.
SOME = (
    ("@line.baseline\n", '@line.baseline(where={"T": (2, 4)})\n'),
    ("@line.control\n", '@line.control(where={"T": [4]})\n'),
)
#: The control of the first claim is flat, which has two cells left: slope needs no more.
LAST = """

def at_the_last(subject, opponent):
    return log(opponent["gap"][:, -1]) - log(subject["gap"][:, -1]) + 0 * sizes(subject, opponent)


def sizes(subject, opponent):
    if opponent["T"].tolist() not in ([2, 4], [4]):
        raise ValueError(opponent["T"])
    return len(subject["T"])
"""


def some(root: Path, *changes: tuple[str, str], claims: Sequence[tuple[str, str]] = ()) -> Path:
    bench = edited(BENCH + LAST, *SOME, *changes)
    return make(root, bench_line__py=bench, claim__toml=edited(CLAIM_TOML, *claims))


def test_evidence_is_of_its_own_cells(tmp_path: Path) -> None:
    """No unit runs elsewhere; the subject has the cells that the contender played at."""
    root = some(tmp_path)
    paper = bound(root)
    found = evidence(root, paper)
    rows, _ = frame(list(found.values()))
    flat = subject(found["line", "flat"], paper.designs["line"])

    assert rows.groupby("contender")["T"].unique().map(list).to_dict() == {
        "steep": [1, 2, 4],
        "flat": [2, 4],
        "flatter": [4],
    }
    assert flat["T"].tolist() == [2, 4]
    assert flat["gap"].shape == (6, 2)
    assert (flat["gap"] > 0.9).all()


def test_a_claim_compares_each_at_its_own_cells(tmp_path: Path) -> None:
    """Without `where` the subject has all its cells and the opponent all of its."""
    change = (
        'where = { T = [2, 4] }\nestimand = "log_ratio"',
        'estimand = "at_the_last"',
    )
    root = some(tmp_path, claims=[change])
    paper = bound(root)
    judged = judge_claims([paper], {paper.id: evidence(root, paper)})

    assert judged.errors == ()
    [record] = [claim for claim in judged.claims if claim.id == "line/beats-flat"]
    assert record.effect is not None
    assert record.effect.value == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("seconds", [False, True])
def test_stacks_and_races_hold_who_plays(tmp_path: Path, seconds: bool) -> None:  # noqa: FBT001  parametrised
    """A stack holds a contender's cells only; a race's round has the contenders of its cell."""
    kind = "seconds=True" if seconds else 'stack=("T",)'
    root = some(tmp_path, ("Experiment(line, measure)", f"Experiment(line, measure, {kind})"))
    if not seconds:
        rows = "noise, T = tile(noise, len(T)), repeat(T, n)"
        edit(
            root / "suite/toy/line/problem.py",
            ("return Line(T,", f"{rows}\n    return Line(T,"),
            ("import ndarray", "import ndarray, repeat, tile"),
        )
    paper = bound(root)
    found = evidence(root, paper)

    assert {one.status for one in found.values()} == {"ok"}
    cells = {
        name: {cell["T"] for unit in one.units for cell in unit.cells}
        for (_, name), one in found.items()
    }
    assert cells == {"steep": {1, 2, 4}, "flat": {2, 4}, "flatter": {4}}


def test_who_has_no_cell_at_smoke_stays_away(tmp_path: Path) -> None:
    """Smoke has T = 1 and 2: the control, which plays at 4, is no job there."""
    paper = bound(some(tmp_path), profile="smoke")

    assert [job.contender for job in jobs_of(paper)] == ["steep", "flat"]


@pytest.mark.parametrize(
    ("changes", "claims", "error", "words"),
    [
        ((('"T": (2, 4)', '"k": (2, 4)'),), (), BenchFileError, "no such setting: 'k'; allowed: T"),
        (
            (('"T": (2, 4)', '"T": (2, 4, 3)'),),
            (),
            BenchFileError,
            "contender flat plays at a T that no profile has: 3; allowed: 1, 2, 4, 8",
        ),
        (
            (('"T": (2, 4)', '"T": (8,)'),),
            (),
            ClaimFileError,
            "flat plays at none of the claim's cells at profile standard",
        ),
        (
            (),
            (("where = { T = [2, 4] }", "where = { T = [2] }"),),
            ClaimFileError,
            "contender flatter plays at none of the claim's cells .*T=4",
        ),
        (
            (("(line, measure)", '(line, measure, seconds=True, stack=("T",))'),),
            (),
            BenchFileError,
            "of a race plays at some of the values that are stacked",
        ),
    ],
)
def test_cells_that_do_not_fit_are_refused(
    tmp_path: Path, changes: Any, claims: Any, error: type[Exception], words: str
) -> None:
    """Unknown settings, and claims on cells where one of their contenders does not play."""
    with pytest.raises(error, match=words):
        bound(some(tmp_path, *changes, claims=claims))
