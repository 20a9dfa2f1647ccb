"""The browser that the tests of the report drive, and what is asked of every page."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Debian's Chromium first. Playwright can fetch a browser of its own: these tests never do.
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Set where a missing browser must not be overlooked, as in CI.
REQUIRED = "CLAIMBENCH_REQUIRE_BROWSER"
MISSING = (
    f"no browser: the PATH has none of {', '.join(NAMES)}; to mend it: apt-get install chromium"
)


def find_browser(which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Return the path of the first browser that is installed."""
    return next((path for name in NAMES if (path := which(name))), None)


def is_required() -> bool:
    """Tell whether a missing browser is a failure."""
    return os.environ.get(REQUIRED, "") not in {"", "0"}


@contextmanager
def started() -> Iterator[Any]:
    """Run the browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_browser(),
            # Chromium refuses to start its sandbox as root; for anybody else it stays on.
            chromium_sandbox=os.geteuid() != 0,
        )
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page that was opened, and what it asked for and complained of."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Any, file: Path, *, at: str = "", width: int = 1200, **how: Any) -> Any:
    """Open a file with the network off, and close it afterwards.

    Parameters
    ----------
    at
        The fragment of the address: an id on the page.
    how
        Further facts of the context, as Playwright names them: ``color_scheme``,
        ``java_script_enabled``.
    """
    context = browser.new_context(offline=True, viewport={"width": width, "height": 900}, **how)
    # A page with thousands of drawings opens slowly where other tests run beside this one.
    context.set_default_navigation_timeout(300_000)
    page = context.new_page()
    visit = Visit(page)
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", lambda line: visit.complaints.append(f"{line.type}: {line.text}"))
    page.goto(file.resolve().as_uri() + (f"#{at}" if at else ""))
    yield visit
    context.close()


def shown(locator: Any) -> int:
    """Return how many of the elements are drawn, asking the browser once."""
    return locator.evaluate_all("(all) => all.filter((one) => one.checkVisibility()).length")


#: What a reader sees of the table: the claim, the verdict, and the other cells by their heads.
_READ = """
(rows) => rows.filter((row) => row.checkVisibility()).map((row) => Object.fromEntries(
  [...row.querySelectorAll("[data-label]")].map((cell) => [
    cell.dataset.label,
    (cell.querySelector("a, .chip") ?? cell).innerText.trim(),
  ])
))
"""


def table(page: Any) -> list[dict[str, str]]:
    """Return the rows of the overview that are seen, from the top."""
    return page.locator("table.overview tbody tr:has(th[scope=row])").evaluate_all(_READ)


def choose(page: Any, label: str, value: str) -> None:
    """Set one of the overview's filters."""
    page.get_by_role("combobox", name=label, exact=True).select_option(value)


def head(page: Any, label: str) -> Any:
    """Return the button in the head of a column of the overview."""
    buttons = page.locator("table.overview thead").get_by_role("button")
    return buttons.filter(has_text=re.compile(rf"^\s*{label}\s*$"))


def width_of(page: Any) -> int:
    """Return the width that a reader can scroll through, in pixels."""
    return page.evaluate("document.documentElement.scrollWidth")


def violations(page: Any, *rules: str) -> str:
    """Return what axe-core finds wrong with a page, in words; of these rules or of all."""
    from axe_playwright_python.sync_playwright import Axe

    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    results = Axe().run(page, options=options)
    return results.generate_report() if results.violations_count else ""
