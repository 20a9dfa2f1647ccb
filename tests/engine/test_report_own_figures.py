"""The figures that a paper draws itself."""

from __future__ import annotations

import dataclasses
import html
from itertools import count

import numpy as np
import pandas as pd
import pytest
from reporting import contenders, record, sweep, write_run

from claimbench.report import write_report
from claimbench.report.own_figures import load

SLUGS = count()
IDS = ["paper", "experiment", "contender", "role", "k", "gamma", "replicate"]

GOOD = """
def curve(evidence, ax, palette):
    for name, own in evidence.groupby("contender"):
        mean = own.groupby("k")["gap"].median()
        ax.plot(mean.index, mean, color=palette[name], label=name)
    evidence["gap"] = 0.0
    ax.set(xscale="log", yscale="log", xlabel="k")
    ax.legend()
    return "The gap falls with k for every solver."
"""
RAISES = """
def curve(evidence, ax, palette):
    raise KeyError("no <b>such</b> column")
"""
ENTRY = 'FIGURES = (("sweep", "Smoother as k grows", curve),)\n'


def paper_with(root, source: str) -> str:
    """Write a figures.py into a checkout and return its paper: a new name for every test."""
    paper = f"optimization/drawn_{next(SLUGS)}"
    folder = root / "suite" / paper
    folder.mkdir(parents=True)
    (folder / "figures.py").write_text(source, encoding="utf-8")
    return paper


def report(tmp_path, source: str, monkeypatch, *, exhibits=None) -> str:
    """Return the report of a run whose paper has this figures.py, with traces and exhibits."""
    # The loader puts the checkout on the path; the path is put back after the test.
    monkeypatch.syspath_prepend(str(tmp_path))
    paper = paper_with(tmp_path, source)
    run = record(
        claims=[],
        contenders=[dataclasses.replace(contenders()[0], paper=paper)],
        papers=[dataclasses.replace(record().papers[0], id=paper)],
    )
    path = write_run(tmp_path, run, {})
    file = path.with_suffix("") / paper / "sweep.parquet"
    file.parent.mkdir(parents=True)
    sweep(replicates=2)[[*IDS, "gap", "status"]].to_parquet(file)
    traces = pd.DataFrame({"contender": "dual", "replicate": 0, "point": [0, 1], "loss": [2, 1]})
    traces.to_parquet(file.with_name("sweep.traces.parquet"))
    for name, arrays in (exhibits or {}).items():
        kept = file.with_name("sweep.exhibits")
        kept.mkdir(exist_ok=True)
        np.savez(kept / f"{name}.npz", **arrays)
    out = write_report(path, tmp_path / "report.html", root=tmp_path)
    return out.read_text(encoding="utf-8")


def test_own_figure_takes_the_place_of_generic_curves(tmp_path, monkeypatch):
    """The paper's figure is shown with its caption and its finding, once."""
    page = report(tmp_path, GOOD + ENTRY, monkeypatch)

    assert "Smoother as k grows" in page
    assert 'aria-label="The gap falls with k for every solver."' in page
    assert "gap at gamma" not in page


def test_figure_sees_a_copy_of_the_evidence(tmp_path, monkeypatch):
    """A figure that overwrites its evidence leaves the next one's untouched."""
    second = """
def again(evidence, ax, palette):
    return f"least gap {evidence['gap'].min() > 0}"

FIGURES = (("sweep", "One", curve), ("sweep", "Two", again))
"""
    assert "least gap True" in report(tmp_path, GOOD + second, monkeypatch)


def test_figure_divides_its_place_and_sees_traces_and_exhibits(tmp_path, monkeypatch):
    """Asked for by name: a whole figure, points of traces, arrays of replicate 0 by cell."""
    source = """
def pictures(figure, traces, exhibits):
    left, right = figure.subplots(1, 2)
    left.imshow(exhibits["dual", "k=2"]["plan"])
    right.plot(traces["point"], traces["loss"])
    return f"sum {exhibits['dual', 'k=2']['plan'].sum():g}, of {list(exhibits)}, {len(exhibits)}"

FIGURES = (("sweep", "The plan", pictures),)
"""
    page = report(tmp_path, source, monkeypatch, exhibits={"dual-k=2": {"plan": np.eye(3)}})

    assert "sum 3, of [(&#39;dual&#39;, &#39;k=2&#39;)], 1" in page


def test_exhibit_that_is_not_there_says_which_are(tmp_path, monkeypatch):
    """A missing one is a banner with the names of those that were kept."""
    source = """
def pictures(ax, exhibits):
    ax.imshow(exhibits["dual", "k=3"]["plan"])
    return "a plan"

FIGURES = (("sweep", "The plan", pictures),)
"""
    page = report(tmp_path, source, monkeypatch, exhibits={"dual-k=2": {"plan": np.eye(3)}})

    words = "no exhibit of ('dual', 'k=3'); there are ('dual', 'k=2')"
    assert words in html.unescape(page)


def test_figure_that_raises_leaves_a_banner_and_the_generic_curves(tmp_path, monkeypatch):
    """The error is shown, escaped, and the evidence is still drawn."""
    page = report(tmp_path, RAISES + ENTRY, monkeypatch)

    assert "The figure “Smoother as k grows” could not be drawn: KeyError" in page
    assert "no &lt;b&gt;such&lt;/b&gt; column" in page
    assert "gap at gamma = 1" in page


def test_figure_of_an_unknown_experiment_is_said(tmp_path, monkeypatch):
    """An entry for an experiment that the run lacks names those that it has."""
    page = report(tmp_path, GOOD + ENTRY.replace("sweep", "swoop"), monkeypatch)

    assert "from the experiment swoop, which is not in this run; it has sweep." in page


def test_figure_of_a_deselected_experiment_is_no_error(tmp_path, monkeypatch):
    """A run of some experiments is not to blame for the figures of the others."""
    page = report(tmp_path, GOOD + ENTRY.replace("sweep", "race"), monkeypatch)

    assert "figures.py draws" not in page


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("x = 1", "AttributeError"),
        ("FIGURES = ((1, 'caption', print),)", "allowed: (experiment, caption, function)"),
        ("FIGURES = (('sweep', 'caption'),)", "ValueError"),
        (
            "def f(rows, ax): ...\nFIGURES = (('sweep', 'caption', f),)",
            "f asks for rows, ax; allowed: evidence, traces, exhibits, ax, figure, palette",
        ),
        ("def f(ax, figure): ...\nFIGURES = (('sweep', 'caption', f),)", "of ax and figure one"),
        ("def f(evidence): ...\nFIGURES = (('sweep', 'caption', f),)", "of ax and figure one"),
    ],
)
def test_unusable_module_is_said_at_the_paper(tmp_path, monkeypatch, source, error):
    """A figures.py that can't be imported or holds something else becomes a sentence."""
    monkeypatch.syspath_prepend(str(tmp_path))
    found = load(tmp_path, paper := paper_with(tmp_path, source))

    assert found.figures == ()
    assert found.error.startswith(f"suite/{paper}/figures.py can't be used: ")
    assert error in found.error


def test_without_checkout_or_module_there_is_nothing_to_say(tmp_path):
    """No root, or no figures.py, is the ordinary case."""
    assert load(None, "optimization/x").error == ""
    assert load(tmp_path, "optimization/x").error == ""
