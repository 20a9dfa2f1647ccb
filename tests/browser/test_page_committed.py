"""The long trials of the committed report: what it costs to open, read and print all papers."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from browsing import opened, violations

COMMITTED = Path(__file__).parents[2] / "reports" / "standard.html"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"

pytestmark = [
    pytest.mark.exam,
    pytest.mark.skipif(
        not COMMITTED.is_file(), reason="no run was accepted: reports/standard.html"
    ),
]


def test_a_reader_sees_the_report_within_a_second(browser: Any) -> None:
    """The first paint of all papers takes a second at most, in the median of five openings."""
    times = []
    for _ in range(5):
        with opened(browser, COMMITTED) as visit:
            times.append(visit.page.evaluate(PAINT))

    assert median(times) <= 1000, times


def test_the_report_can_be_sent_by_mail() -> None:
    """All papers with their figures are 5 MB at most."""
    assert COMMITTED.stat().st_size <= 5e6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_all_papers(browser: Any, scheme: str) -> None:
    """axe-core has nothing to say against the report of all papers, in light and dark."""
    with opened(browser, COMMITTED, color_scheme=scheme) as visit:
        visit.page.set_default_timeout(600_000)
        assert violations(visit.page) == ""


def test_all_papers_are_printed(browser: Any) -> None:
    """Every paper has a page at least."""
    with opened(browser, COMMITTED) as visit:
        papers = visit.page.locator("section.paper").count()
        printed = visit.page.pdf(format="A4")

    assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) > papers > 1
