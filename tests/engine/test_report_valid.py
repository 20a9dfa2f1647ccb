"""Every report is valid HTML: html5lib finds no error in it, and the rules of content are kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import toy
from reporting import (
    PAPER,
    claim,
    claims,
    contenders,
    race,
    record,
    replace_all,
    write_run,
)
from valid_html import errors_of

from claimbench.record import Record, read_record, write_record
from claimbench.report import write_report

ROOT = Path(__file__).parents[2]
#: The accepted runs, and the page of the standard one.
RECORDS = sorted((ROOT / "results" / "accepted").glob("*/*/*.json"))
PAGE = ROOT / "reports" / "standard.html"

RAISES = """
def curve(evidence, ax):
    raise KeyError("no <b>such</b> column")


FIGURES = (("race", "A <figure> & its caption", curve),)
"""


def kinds() -> dict[str, tuple[Record, dict[str, Any]]]:
    """Return records of every kind that a run can leave, with their evidence."""
    failed = [
        dataclasses.replace(one, status="failed", reason="ValueError: <k> & 'n'\n  at line 3")
        for one in contenders()
    ]
    words = "\"><img src=x onerror=alert(1)></title></style><script>'x' & שלום \u202e"
    return {
        "whole": (record(), {"race": race()}),
        "partial": (record(complete=False, dirty=True), {"race": race()}),
        "empty": (record(claims=[], contenders=[], papers=[], pins={}, data={}), {}),
        "failed": (record(contenders=failed), {}),
        "void": (record(claims=[claims()[-1]]), {}),
        "after Holm": (record(claims=[claim(holm=False), claim("other")]), {}),
        "smoke": (record(claims=[], profile="smoke"), {"race": race()}),
        "hostile": (replace_all(record(), words), {"race": race().replace("pot_dual", words)}),
    }


@pytest.mark.parametrize("kind", kinds())
def test_the_report_of_every_kind_of_record_is_valid(tmp_path: Path, kind: str) -> None:
    """Whatever a run left, its report is HTML that keeps the standard."""
    page = write_report(write_run(tmp_path, *kinds()[kind]), tmp_path / "report.html")

    assert errors_of(page.read_text(encoding="utf-8")) == []


def test_the_report_with_a_figure_that_raises_is_valid(tmp_path: Path) -> None:
    """The banner in a figure's place, with the words of the error, is HTML as well."""
    folder = tmp_path / "suite" / PAPER
    folder.mkdir(parents=True)
    (folder / "figures.py").write_text(RAISES, encoding="utf-8")
    run = write_run(tmp_path, tables={"race": race()})

    with toy.imports_of_its_own():
        page = write_report(run, tmp_path / "report.html", root=tmp_path)

    text = page.read_text(encoding="utf-8")
    assert "could not be drawn: KeyError" in text
    assert errors_of(text) == []


def test_the_report_of_what_was_accepted_is_valid(tmp_path: Path) -> None:
    """Real records are more various than made-up ones: of each kind and verdict one claim."""
    assert RECORDS
    for path in RECORDS:
        run = read_record(path)
        some = {(claim.kind, claim.verdict): claim for claim in run.claims}
        write_record(dataclasses.replace(run, claims=list(some.values())), tmp_path / path.name)
        page = write_report(tmp_path / path.name, tmp_path / "report.html")
        assert errors_of(page.read_text(encoding="utf-8")) == [], path


@pytest.mark.exam
def test_the_committed_report_is_valid() -> None:
    """The page of all papers with all their figures."""
    assert errors_of(PAGE.read_text(encoding="utf-8")) == []


WRONG = {
    "unexpected-end-tag": "<p><div>a block in a line of text</div></p>",
    "but-got-another": "<div>",
    "can't stand in here": "<span><div>a block in a span</div></span>",
    "a <p> can't stand in here": "<ul><p>no item</p></ul>",
    "a <h2> can't stand in here": "<table><thead><tr><th><h2>x</h2></th></tr></thead></table>",
    "there is no such element": "<center>x</center>",
    "there is no attribute align here": '<p align="left">x</p>',
    "there is no attribute onclick here": '<p onclick="x()">x</p>',
    "is not first": "<details><p>x</p><summary>x</summary></details>",
    "it has no summary": "<details>x</details>",
    "itself pressed": '<a href="#x" id="x"><button>y</button></a>',
    "the id 'x' occurs 2 times": '<p id="x">x</p><svg id="x"></svg>',
    "has blanks": '<p id="x y">x</p>',
    "names 'x', which is not here": '<section aria-labelledby="x">x</section>',
    "href of <use> names 'y'": '<svg><use href="#y"/></svg>',
    "a list of nothing": "<ul></ul>",
}


@pytest.mark.parametrize("error", WRONG)
def test_an_offence_is_seen(error: str) -> None:
    """Each of these fragments breaks one rule, and is told from the others."""
    page = f"<!DOCTYPE html><html><head><title>t</title></head><body>{WRONG[error]}</body></html>"

    assert any(error in found for found in errors_of(page)), errors_of(page)


def test_what_is_allowed_is_no_offence() -> None:
    """Groups in lists of terms, captions, summaries with headings and labels with controls pass."""
    body = """
    <dl><div><dt>t</dt><dd><p>d</p></dd></div></dl>
    <figure><figcaption>f</figcaption><svg><path d="M0 0"/></svg></figure>
    <details open><summary><h3>s</h3></summary><table><caption>c</caption>
    <thead><tr><th scope="col"><button type="button">b</button></th></tr></thead></table></details>
    <label>Verdict <select name="v"><option value="" selected>all</option></select></label>
    <a href="data:text/csv,a" download="a.csv">data</a>
    """
    page = f"<!DOCTYPE html><html><head><title>t</title></head><body>{body}</body></html>"

    assert errors_of(page) == []
