"""The report in a real browser, from a file, with the network off."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from browsing import opened, shown, violations, width_of

ROWS = "table.overview tbody th[scope=row]"
CONTROLS = "button, select, input"

#: Relative luminance of a colour as the browser writes it.
LUMINANCE = """
(property) => {
  const parts = getComputedStyle(document.body)[property].match(/[\\d.]+/g).slice(0, 3);
  const [r, g, b] = parts.map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
"""


def contrast(page: Any) -> float:
    """Return the contrast of the text to the page, as WCAG defines it."""
    ink, paper = (page.evaluate(LUMINANCE, name) for name in ("color", "backgroundColor"))
    low, high = sorted((ink, paper))
    return (high + 0.05) / (low + 0.05)


def test_a_report_opens_from_a_file_without_network_and_without_a_complaint(
    browser: Any, toy_report: Path
) -> None:
    """The file asks for nothing but itself, and the console stays empty."""
    with opened(browser, toy_report) as visit:
        assert visit.page.locator("h1").is_visible()
        assert visit.page.locator(ROWS).count()
        asked = [address for address in visit.requests if not address.startswith("data:")]
        assert asked == [toy_report.resolve().as_uri()]
        assert visit.complaints == []


def test_a_phone_scrolls_a_report_in_one_direction(browser: Any, toy_report: Path) -> None:
    """At 360 px nothing is wider than the screen."""
    with opened(browser, toy_report, width=360) as visit:
        assert width_of(visit.page) <= 360


def test_a_report_is_whole_without_scripts(browser: Any, toy_report: Path) -> None:
    """With JavaScript off verdicts and figures are there, and no control that would do nothing."""
    with opened(browser, toy_report, java_script_enabled=False) as visit:
        page = visit.page
        assert shown(page.locator(ROWS)) == shown(page.locator("article.claim")) > 0
        figures = page.locator("figure > svg")
        assert figures.first.bounding_box()["height"] > 100
        assert shown(figures) == figures.count()
        assert shown(page.locator(CONTROLS)) == 0


def test_a_link_leads_to_its_claim(browser: Any, toy_report: Path) -> None:
    """A claim is opened by its address, and by its name in the overview."""
    with opened(browser, toy_report, at="claim-line-beats-flat") as visit:
        claim = visit.page.locator("#claim-line-beats-flat")
        claim.wait_for()
        top = claim.bounding_box()["y"]
        assert 0 <= top < 300, "not at the top of the window"

        visit.page.locator("table.overview").get_by_role("link", name="falls").first.click()

        target = visit.page.evaluate("location.hash")[1:]
        assert re.fullmatch(r"claim-\w+-falls", target)
        assert 0 <= visit.page.locator(f"#{target}").bounding_box()["y"] < 300


def test_the_dark_page_is_dark_and_read_as_well(browser: Any, toy_report: Path) -> None:
    """The colours follow the system's: dark and light are told apart, both with strong contrast."""
    with opened(browser, toy_report, color_scheme="light") as visit:
        page = visit.page
        light, of_light = page.evaluate(LUMINANCE, "backgroundColor"), contrast(page)
        page.emulate_media(color_scheme="dark")
        dark, of_dark = page.evaluate(LUMINANCE, "backgroundColor"), contrast(page)

    assert light > 0.8
    assert dark < 0.05
    assert min(of_light, of_dark) >= 7


def test_axe_finds_no_violation_on_a_phone(browser: Any, toy_report: Path) -> None:
    """axe-core, with all its rules, has nothing to say."""
    with opened(browser, toy_report, width=360) as visit:
        assert violations(visit.page) == ""


def test_axe_sees_what_is_wrong(browser: Any, tmp_path: Path) -> None:
    """A picture without words, pale text and a page without a language are reported."""
    page = tmp_path / "wrong.html"
    page.write_text(
        "<!DOCTYPE html><title>t</title><main><h1>t</h1><img src='data:,'>"
        "<p style='color: #bbb; background: #fff'>pale</p></main>",
        encoding="utf-8",
    )

    with opened(browser, page) as visit:
        found = violations(visit.page)

    assert all(rule in found for rule in ("image-alt", "color-contrast", "html-has-lang"))


def test_a_report_is_printed_on_several_pages(browser: Any, toy_report: Path) -> None:
    """Paper gets every claim and no control."""
    with opened(browser, toy_report) as visit:
        printed = visit.page.pdf(format="A4")
        visit.page.emulate_media(media="print")
        claims = visit.page.locator("article.claim")
        assert shown(claims) == claims.count() > 0
        # The heads of the table are read on paper, whether or not they can be pressed.
        assert shown(visit.page.locator("select, input, .controls")) == 0
        assert visit.page.locator("table.overview thead th").first.is_visible()

    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type /Page\b(?!s)", printed)) >= 3
