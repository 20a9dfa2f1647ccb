"""Sparklines of the last commits: read from asv's files, told in words, and never in the way."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pages import page
from reporting import PAPER, record

from claimbench.fingerprint import fingerprint_id
from claimbench.record import fingerprint_of
from claimbench.report.history import HEIGHT, LAST, WIDTH, read_history

TIME, SHORTFALL = "kernels.Kernels.time_kernel", "claims.Claims.track_shortfall"
KERNEL = f"{PAPER}/hard [T=4]: ours"


def keep(
    root: Path, number: int, *, machine: str = "", env: str = "borrowed-py3.11", **numbers: Any
) -> Path:
    """Write what asv would of a commit: `time` and `shortfall`, each value -> its parameter."""
    found = {TIME: numbers.get("time", {}), SHORTFALL: numbers.get("shortfall", {})}
    whole = {
        "commit_hash": f"{number:08x}" + 32 * "0",
        "env_name": env,
        "date": 1000 * number,
        "result_columns": ["result", "params", "version"],
        "results": {
            name: [list(row.values()), [[repr(key) for key in row]], "1"]
            for name, row in found.items()
        },
    }
    place = root / "results/history" / (machine or fingerprint_of(record()))
    place.mkdir(parents=True, exist_ok=True)
    (place / "machine.json").write_text("{}")
    file = place / f"{number:08x}-{env}.json"
    file.write_text(json.dumps(whole))
    return file


def points(paths: tuple[str, ...]) -> list[list[float]]:
    return [[float(x) for x in point.split(",")] for path in paths for point in path.split()]


def test_a_machine_is_named_as_the_plugin_names_it() -> None:
    """A record's machine, and that of a history made here, have the same digits."""
    from claimbench.fingerprint import fingerprint

    assert fingerprint_of(record(fingerprint=fingerprint())) == fingerprint_id()


def test_heights_are_proportional_and_words_have_every_number(tmp_path: Path) -> None:
    """From zero: half the seconds, half the height; all numbers stand in the text, gaps as n/a."""
    for number, value in enumerate([0.2, 0.1, math.nan, 0.4], start=1):
        keep(tmp_path, number, time={KERNEL: value})
    [line] = read_history(tmp_path, record()).lines

    heights = [line.zero - y for _, y in points(line.paths)]
    assert heights == pytest.approx([10, 5], abs=0.11)
    assert line.zero - line.last[1] == pytest.approx(20, abs=0.11)
    assert line.last[0] == WIDTH - 3
    assert line.zero == HEIGHT - 3
    assert (line.name, line.newest, line.extent) == (
        "hard [T=4]: ours",
        "400 ms",
        "100 ms to 400 ms",
    )
    assert line.label.endswith("oldest commit first: 200 ms, 100 ms, n/a, 400 ms")


def test_a_shortfall_is_shown_in_margins(tmp_path: Path) -> None:
    """What asv keeps is positive; the page tells the number of margins that it stands for."""
    for number, margins in enumerate([-3.0, 0.5, 0.0], start=1):
        kept = margins + math.sqrt(1 + margins**2)
        keep(tmp_path, number, shortfall={"sparse_ot/hard-cardinality": kept})
    [line] = read_history(tmp_path, record()).lines

    assert line.label.endswith("−3, 0.5, 0")
    assert line.name == "hard-cardinality"
    heights = [y for _, y in points(line.paths)]
    assert heights[0] > line.zero == heights[2] > heights[1]


def test_the_last_commits_by_date_and_this_machine_come_first(tmp_path: Path) -> None:
    """Twelve commits in the order of their dates; another machine's only where there is no own."""
    for number in range(1, LAST + 4):
        keep(tmp_path, number, machine="f" * 12, time={KERNEL: 1.0})
    other = read_history(tmp_path, record())
    assert "another machine, ffffffffffff" in other.note
    assert other.lines[0].label.count("1 s") == LAST

    for number in (9, 10):
        keep(tmp_path, number, time={KERNEL: float(number)})
    own = read_history(tmp_path, record())
    assert own.note.startswith("2 commits, 00000009 to 0000000a, measured on this machine.")
    assert own.lines[0].label.endswith("9 s, 10.0 s")


def test_other_papers_are_left_out(tmp_path: Path) -> None:
    """The page of a part of the suite has that part's lines only."""
    keep(tmp_path, 1, time={"toy/other/race: ours": 1.0, KERNEL: 1.0})

    assert [line.paper for line in read_history(tmp_path, record()).lines] == [PAPER]


def test_a_broken_file_is_named_and_no_error(tmp_path: Path) -> None:
    """The report of a run does not depend on its history."""
    keep(tmp_path, 1, time={KERNEL: 1.0})
    keep(tmp_path, 2).write_text("{")
    found = read_history(tmp_path, record())

    assert "Not read: 00000002-borrowed-py3.11.json." in found.note
    assert len(found.lines) == 1
    assert read_history(None, record()).lines == ()


def test_the_page_shows_and_links_them(tmp_path: Path) -> None:
    """Each line is an image with its text, the link leads to the folder; no history, no section."""
    assert "history" not in page(tmp_path / "bare", root=tmp_path / "bare").ids
    keep(tmp_path, 1, time={KERNEL: 1.0})
    keep(tmp_path, 2, time={KERNEL: 2.0})
    whole = page(tmp_path, root=tmp_path)

    assert "history" in whole.ids
    assert "../results/history/" in whole.links
    assert (tmp_path / "out" / "../results/history").is_dir()
    labels = [
        value for tag, name, value in whole.attributes if (tag, name) == ("svg", "aria-label")
    ]
    assert "seconds of hard [T=4]: ours, oldest commit first: 1 s, 2 s" in labels
    assert not any("spark" in text for text in whole.scripts)
