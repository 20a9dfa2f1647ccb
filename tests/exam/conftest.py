"""The exam's figures, gathered from its tests and printed as one table at the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from telling import Tell

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "build" / "exam" / "figures.md"
ROWS: pytest.StashKey[list[tuple[str, str, str]]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Return a function of what was measured, the figure, and what it must be."""

    def say(what: str, figure: str, asked: str) -> None:
        request.config.stash[ROWS].append((what, figure, asked))

    return say


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    rows = config.stash[ROWS]
    if not rows:
        return
    lines = ["| measured | found | asked |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    terminalreporter.section("the gate's exam", sep="=")
    for line in lines:
        terminalreporter.write_line(line)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
