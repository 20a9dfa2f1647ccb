"""The browser that the tests of the report drive, and what is asked of every page."""

from __future__ import annotations

import os
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


def violations(page: Any, *rules: str) -> str:
    """Return what axe-core finds wrong with a page, in words; of these rules or of all."""
    from axe_playwright_python.sync_playwright import Axe

    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    results = Axe().run(page, options=options)
    return results.generate_report() if results.violations_count else ""
