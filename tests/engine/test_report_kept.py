"""Figures kept by what they are made from."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest
from reporting import PAPER, race, record, write_run

from claimbench.report import gallery, kept, write_report

FIGURES = """
def line(evidence, ax):
    ax.plot([1, 2], [1, {end}])
    return "a line to {end}"

FIGURES = (("race", "A line", line),)
"""


def checkout(folder: Path, *, end: int = 2) -> Path:
    """Write a checkout whose paper draws a line."""
    file = folder / "suite" / PAPER / "figures.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(FIGURES.format(end=end), encoding="utf-8")
    return folder


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """A run, its checkout, and a function that writes the report and tells whether it drew."""
    # A module of the same name may have been read from another test's checkout, and bytecode can't
    # tell two files of one second and one size apart.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    own = gallery.load
    calls: list[str] = []

    def load(root, paper):
        for name in [name for name in sys.modules if name.split(".")[0] == "suite"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(str(root))
        calls.append(paper)
        return own(root, paper)

    monkeypatch.setattr(gallery, "load", load)
    tables = {"race": race().query("ties == 'none'"), "sweep": race().query("ties == 'none'")}
    tables["sweep"] = tables["sweep"].assign(experiment="sweep")
    path = write_run(tmp_path, record(), tables)
    root = checkout(tmp_path)

    def write() -> tuple[bytes, bool]:
        calls.clear()
        page = write_report(path, tmp_path / "out.html", root=root).read_bytes()
        return page, bool(calls)

    return path, root, write


def entries(root: Path) -> list[Path]:
    return sorted((root / "build" / "figures").glob("*.json"))


def test_the_second_report_draws_nothing_and_is_the_same(drawn):
    """Its bytes come from what is kept."""
    _, root, write = drawn
    first, second = write(), write()

    assert (first[1], second[1]) == (True, False)
    assert first[0] == second[0]
    assert b"a line to 2" in first[0]
    assert len(entries(root)) == 2


def test_what_makes_a_figure_makes_its_key(drawn, monkeypatch):
    """Evidence, the paper's figures, the report's code and libraries: each is drawn again."""
    path, root, write = drawn
    write()

    checkout(root, end=3)
    page, again = write()
    assert again
    assert b"a line to 3" in page

    evidence = path.with_suffix("") / PAPER / "race.parquet"
    race().to_parquet(evidence)
    assert write()[1]

    monkeypatch.setattr(kept, "_version", lambda package: "another")
    assert write()[1]
    assert not write()[1]


def test_seconds_are_drawn_of_a_race_only(drawn):
    """Elsewhere blocks from the store have none, and nothing is drawn again for that."""
    path, root, write = drawn
    folder = path.with_suffix("") / PAPER
    page = write()[0]
    table = pd.read_parquet(folder / "sweep.parquet")
    table.assign(seconds=float("nan"), peak_memory_bytes=None).to_parquet(folder / "sweep.parquet")

    assert write() == (page, False)

    before = entries(root)
    table = pd.read_parquet(folder / "race.parquet")
    table.assign(seconds=2 * table["seconds"]).to_parquet(folder / "race.parquet")
    assert write()[1]
    assert len(entries(root)) == len(before) + 1  # that of the race alone

    table = pd.read_parquet(folder / "sweep.parquet")
    table.assign(replicate=table["replicate"] + 1).to_parquet(folder / "sweep.parquet")
    assert write()[1]


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[]",
        "{}",
        json.dumps({"key": "another", "digest": "0", "content": {}}),
        json.dumps({"content": {"race": {"pictures": []}}}),
    ],
)
def test_what_can_not_be_believed_is_drawn_again(drawn, content):
    """Half a file, a foreign one, one of another key: each is replaced."""
    _, root, write = drawn
    first = write()[0]
    (entry,) = [one for one in entries(root) if "a line to 2" in one.read_text()]
    entry.write_text(content, encoding="utf-8")

    page, again = write()

    assert again
    assert page == first
    assert not write()[1]


def test_a_changed_picture_is_not_believed(drawn):
    """An entry's digest is that of its content."""
    _, root, write = drawn
    first = write()[0]
    (entry,) = [one for one in entries(root) if "a line to 2" in one.read_text()]
    entry.write_text(entry.read_text().replace("a line to 2", "a line to 9"), encoding="utf-8")

    page, again = write()

    assert again
    assert page == first


def test_figures_that_raise_are_not_kept(drawn):
    """What failed may go well the next time."""
    _, root, write = drawn
    (root / "suite" / PAPER / "figures.py").write_text("import missing_peer\n", encoding="utf-8")

    write()

    assert write()[1]
    assert entries(root) == []


def test_a_folder_that_can_not_be_written_keeps_nothing(drawn):
    """The report stands all the same."""
    _, root, write = drawn
    (root / "build").write_text("a file", encoding="utf-8")

    assert write()[0]
    assert write()[1]


def test_the_oldest_entries_go(tmp_path, monkeypatch):
    """So many are kept, and no more."""
    monkeypatch.setattr(kept, "MOST", 2)
    for key in ("a", "b", "c"):
        kept.keep(tmp_path, key, {"x": key})

    assert len(list(tmp_path.glob("*.json"))) == 2
    assert kept.read(tmp_path, "c") == {"x": "c"}
    assert kept.read(None, "c") is None
