"""Papers drawn by several processes."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
from reporting import PAPER, record, write_run

from claimbench.report import gallery, write_report

OTHER = "imaging/other"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two papers with the same evidence."""
    one = record()
    moved = [
        [dataclasses.replace(part, paper=OTHER) for part in parts]
        for parts in (one.claims, one.contenders)
    ]
    both = dataclasses.replace(
        one,
        papers=[*one.papers, dataclasses.replace(one.papers[0], id=OTHER)],
        claims=one.claims + moved[0],
        contenders=one.contenders + moved[1],
    )
    path = write_run(tmp_path, both)
    evidence = path.with_suffix("")
    shutil.copytree(evidence / PAPER, evidence / OTHER)
    return path


def test_the_page_is_the_same_whoever_drew_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes or this one: the same bytes, and the same figures are kept."""
    monkeypatch.setattr(gallery, "_WORTH", 1)
    shared, alone = tmp_path / "shared", tmp_path / "alone"
    asked = []
    own = gallery.ProcessPoolExecutor
    monkeypatch.setattr(
        gallery, "ProcessPoolExecutor", lambda n, **how: asked.append(n) or own(n, **how)
    )

    by_two = write_report(run, tmp_path / "2.html", root=shared, processes=2).read_bytes()
    assert asked == [2]
    by_one = write_report(run, tmp_path / "1.html", root=alone).read_bytes()
    assert asked == [2]

    assert by_two == by_one
    kept = [sorted(p.name for p in (root / "build/figures").iterdir()) for root in (shared, alone)]
    assert kept[0] == kept[1] != []
    again = write_report(run, tmp_path / "3.html", root=shared, processes=2).read_bytes()
    assert asked == [2], "nothing had to be drawn"
    assert again == by_one


def test_a_few_pictures_are_drawn_by_this_process(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one would still import what draws them when these are done."""
    monkeypatch.setattr(gallery, "ProcessPoolExecutor", None)

    assert write_report(run, tmp_path / "out.html", processes=8).is_file()
