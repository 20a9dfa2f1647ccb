"""The report of all papers: what was accepted last, read and measured."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from browsing import choose, head, opened, shown, table, violations, width_of

from claimbench.report import write_report

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "standard.html"
RECORD = max((ROOT / "results" / "accepted" / "standard").glob("*/*.json"), key=lambda p: p.name)
JUDGED = json.loads(RECORD.read_text(encoding="utf-8"))["claims"]
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def test_the_committed_report_is_read_from_its_file_alone(browser: Any) -> None:
    """It asks for nothing else, complains of nothing, fits a phone, and shows every verdict."""
    with opened(browser, REPORT, width=360) as visit:
        asked = [address for address in visit.requests if not address.startswith("data:")]
        assert asked == [REPORT.resolve().as_uri()]
        assert visit.complaints == []
        assert width_of(visit.page) <= 360
        assert [row["Verdict"] for row in table(visit.page)] == [c["verdict"] for c in JUDGED]


@pytest.mark.exam
def test_the_committed_report_is_whole_without_scripts(browser: Any) -> None:
    """With JavaScript off there is a verdict for each accepted claim, and every figure is drawn."""
    with opened(browser, REPORT, java_script_enabled=False) as visit:
        assert [row["Verdict"] for row in table(visit.page)] == [c["verdict"] for c in JUDGED]
        figures = visit.page.locator("figure > svg")
        assert shown(figures) == figures.count() > len(JUDGED) / 10


def test_the_table_of_all_papers_is_filtered_and_sorted(browser: Any, tmp_path: Path) -> None:
    """The accepted record, as the page is made now: what stays and its order are the record's."""
    page_of_now = write_report(RECORD, tmp_path / "report.html")
    chosen = [
        claim
        for claim in JUDGED
        if claim["kind"] == "superiority"
        and claim["verdict"] == "not reproduced"
        and claim["paper"].startswith("robotics/")
    ]
    assert len(chosen) > 2

    with opened(browser, page_of_now) as visit:
        page = visit.page
        assert len(table(page)) == len(JUDGED)
        choose(page, "Kind", "superiority")
        choose(page, "Verdict", "not reproduced")
        choose(page, "Domain", "robotics")
        head(page, "Cost").click()
        assert visit.complaints == []
        seen = [row["Claim"] for row in table(page)]

    chosen.sort(key=lambda claim: -claim["seconds"])
    assert seen == [claim["id"].partition("/")[2] for claim in chosen]


@pytest.mark.exam
def test_a_reader_sees_the_report_within_a_second(browser: Any) -> None:
    """The first paint of all papers takes a second at most, in the median of five openings."""
    times = []
    for _ in range(5):
        with opened(browser, REPORT) as visit:
            times.append(visit.page.evaluate(PAINT))

    assert median(times) <= 1000, times


@pytest.mark.exam
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_all_papers(browser: Any, scheme: str) -> None:
    """axe-core has nothing to say against the report of all papers, in light and dark."""
    with opened(browser, REPORT, color_scheme=scheme) as visit:
        assert violations(visit.page) == ""


@pytest.mark.exam
def test_all_papers_are_printed(browser: Any) -> None:
    """Every paper has a page at least."""
    with opened(browser, REPORT) as visit:
        papers = visit.page.locator("section.paper").count()
        printed = visit.page.pdf(format="A4")

    assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) > papers > 1


def test_the_committed_report_can_be_sent_by_mail() -> None:
    """All papers with their figures are 5 MB at most."""
    assert REPORT.stat().st_size <= 5e6
