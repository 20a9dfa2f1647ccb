"""The numbers behind the figures, in the page."""

from __future__ import annotations

import io
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from reporting import PAPER, race, sweep, traces, write_run

from claimbench.report import downloads
from claimbench.report.downloads import Download
from claimbench.report.evidence import read_evidence


def offered(tmp_path: Path, **tables: pd.DataFrame) -> tuple[Download, ...]:
    """Write tables as the engine does, and return what the page offers of the first."""
    path = write_run(tmp_path, tables={k.replace("__", "."): v for k, v in tables.items()})
    name = next(iter(tables))
    return downloads.downloads(read_evidence(path, PAPER, name), f"p-{name}")


def table(download: Download) -> pd.DataFrame:
    """Read a download as a browser would save it."""
    head, _, body = download.href.partition(",")
    assert head == "data:text/csv;charset=utf-8"
    return pd.read_csv(io.StringIO(unquote(body)), keep_default_na=False, na_values=[""])


def test_a_small_table_is_there_row_by_row(tmp_path):
    """Every row, with settings and measures to six digits, and what the page says already left."""
    (download,) = offered(tmp_path, race=race())
    shown = table(download)

    assert download.name == "p-race.csv"
    assert list(shown.columns) == ["contender", "ties", "replicate", "seconds"]
    assert np.allclose(shown["seconds"], race()["seconds"], rtol=1e-5)
    assert download.words.endswith("kB, 96 rows")


def test_a_large_table_is_there_by_its_means(tmp_path, monkeypatch):
    """Mean, sd and number over replicates; a value that is not finite counts in neither."""
    monkeypatch.setattr(downloads, "MOST", 20_000)
    rows = sweep()
    (download,) = offered(tmp_path, sweep=rows)
    shown = table(download).set_index(["contender", "gamma", "k"])
    at = (rows["contender"] == "pot_dual") & (rows["k"] == 1) & (rows["gamma"] == 1.0)
    finite = rows.loc[at, "gap"].replace(np.inf, np.nan).dropna()

    cell = shown.loc[("pot_dual", 1.0, 1)]
    assert cell["gap n"] == len(finite) == 9
    assert cell["gap mean"] == pytest.approx(finite.mean(), rel=1e-5)
    assert cell["gap sd"] == pytest.approx(finite.std(), rel=1e-5)
    assert len(shown) == len(rows) / 10
    assert "over the replicates of 960 rows" in download.words


def test_what_no_page_can_hold_is_named_only(tmp_path, monkeypatch):
    """There is no link; the words say how much there is."""
    monkeypatch.setattr(downloads, "MOST", 500)
    (download,) = offered(tmp_path, sweep=sweep())

    assert download.href == ""
    assert download.words == "960 rows, too many for a page"


def test_traces_have_a_file_of_their_own(tmp_path):
    """With their points, beside the rows."""
    _, download = offered(tmp_path, sweep=sweep(), sweep__traces=traces())

    assert download.name == "p-sweep.traces.csv"
    assert list(table(download).columns) == [
        "contender", "k", "gamma", "replicate", "point", "gap_so_far",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ['a,"b"', "<script>", "#%20&amp;", "שלום\u202e", "two\nlines", "lone \ud800"]
)
def test_hostile_names_come_back_as_they_are(tmp_path, name):
    """Commas, quotes, markup, escapes, line ends; what is no text becomes a question mark."""
    rows = race().replace("pot_dual", "NAME")
    path = write_run(tmp_path, tables={"race": rows})
    found = read_evidence(path, PAPER, "race")
    assert found.table is not None
    found.table["contender"] = found.table["contender"].astype(object).replace("NAME", name)

    (download,) = downloads.downloads(found, "p-race")

    assert name.replace("\ud800", "?") in set(table(download)["contender"])
    assert not set("<>\"'#\n ") & set(download.href.removeprefix("data:"))
