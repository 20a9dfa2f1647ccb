"""A race beside another run's work is told; `test_interrupted_runs.py` lets two runs end."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_races import RACE, ROUNDS
from toy import CLAIM_TOML, bound, context, edited, evidence, jobs_of, make

from claimbench.evidence.presence import Presence
from claimbench.evidence.run import Run


def raced(root: Path) -> list[str]:
    """Run a race; return the notices."""
    paper = bound(root)
    engine = Run(context(root, pin_state=lambda pin: ({}, None)), workers=1)
    try:
        jobs = [job for job in jobs_of(paper) if job.contender in {"flat", "flatter"}]
        engine.schedule(jobs)
        engine.race(jobs)
        return list(engine.notices)
    finally:
        engine.close()


def test_a_race_beside_another_run_is_told(tmp_path: Path) -> None:
    """Its seconds are disturbed; alone, nothing is said."""
    claims = edited(
        CLAIM_TOML,
        ("T = [1, 2, 4]\nreplicates = 6\nblock = 3", f"T = [2, 4]\nreplicates = {ROUNDS}"),
    )
    root = make(tmp_path, bench_line__py=RACE, claim__toml=claims)
    other = Presence(root / "results" / "store")

    beside = raced(root)
    other.close()
    alone = raced(root)

    assert len(beside) == 1
    assert "another run was at work in this checkout while this one raced" in beside[0]
    assert alone == []


def test_runs_see_each_other_and_not_themselves(tmp_path: Path) -> None:
    """However often they look, until the other is gone."""
    one = Presence(tmp_path)
    assert one.alone()
    assert one.alone()
    two = Presence(tmp_path)
    assert not one.alone()
    assert not two.alone()
    two.close()
    assert one.alone()
    one.close()
    assert one.alone()


def test_where_nothing_can_be_locked_nobody_is_seen(tmp_path: Path) -> None:
    """A notice is not worth an error."""
    (tmp_path / "file").touch()

    assert Presence(tmp_path / "file" / "store").alone()


def test_a_run_from_the_store_is_not_at_work(tmp_path: Path) -> None:
    """A run that is served from the store is at work at no time."""
    root = make(tmp_path)
    evidence(root)
    other = Presence(root / "results" / "store")
    evidence(root)

    assert other.alone()
    other.close()


@pytest.fixture(autouse=True)
def _no_race_log_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
