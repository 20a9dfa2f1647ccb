"""Reports of real runs, and a browser to read them with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toy
from browsing import find_browser, started
from reporting import claims, race, record, write_run

from claimbench.report import write_report

# Without a browser one test says so, and the others are not even collected.
collect_ignore_glob = [] if find_browser() else ["test_page*.py", "test_overview*.py"]

#: A second paper in a domain of its own, with a claim that fails and one that stays open.
OTHER = toy.edited(
    toy.CLAIM_TOML,
    ("A straight line", "A line that is drawn again"),
    ("threshold = -0.8\nmargin = 0.1", "threshold = -2.0\nmargin = 0.1"),
    ('kind = "superiority"', 'kind = "equivalence"'),
)


@pytest.fixture(scope="session")
def toy_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report that a run of two small papers wrote at its end."""
    root = tmp_path_factory.mktemp("toy")
    toy.make(root)
    toy.make(root, slug="curve", claim__toml=OTHER)
    (root / "suite" / "toy" / "curve").rename(root / "suite" / "curve")
    (root / "suite" / "play").mkdir()
    (root / "suite" / "curve").rename(root / "suite" / "play" / "curve")
    done = toy.bench(root)
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = (root / "reports").glob("standard/*.html")
    return report


@pytest.fixture(scope="session")
def full_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a made-up record with every verdict and most kinds of claims and failures.

    Of its claims the first was accepted with another verdict, and the second is new. The last is
    of a paper in another domain.
    """
    folder = tmp_path_factory.mktemp("full")
    costs = (11.25, 125.0, 0.5, 9.0, 2.0, 3600.0)
    judged = [dataclasses.replace(c, seconds=s) for c, s in zip(claims(), costs, strict=True)]
    judged[-1] = dataclasses.replace(judged[-1], paper="imaging/other")
    accepted = {one.id: one for one in judged}
    accepted[judged[0].id] = dataclasses.replace(judged[0], verdict="inconclusive")
    del accepted[judged[1].id]
    path = write_run(folder, record(claims=judged), {"race": race()})
    return write_report(path, folder / "report.html", accepted=accepted)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for the tests of one file; its event loop must not outlive them."""
    with started() as one:
        yield one
