"""Names of records: ``<UTC time>-<revision>``, in the order in which they were made.

The system's clock may go back, and two runs may end within a second: a number then follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_NAME = re.compile(r"(\d{8}T\d{6}Z)-(.+?)(?:-(\d+))?")


def order(path: Path) -> tuple[str, int]:
    """Return what sorts records by the order in which they were made.

    The time is empty where the name is no record's.
    """
    match = _NAME.fullmatch(path.name.partition(".")[0])
    return (match[1], int(match[3] or 1)) if match else ("", 0)


def is_record(path: Path) -> bool:
    """Whether a file is called as a record is."""
    return path.suffix == ".json" and order(path) > ("", 0)


def next_name(others: Iterable[Path], created: str, revision: str) -> str:
    """Return the name of a record that is made after all others.

    Parameters
    ----------
    others
        Records that are there or about to be written.
    created
        The system's time; where another record's name is later the new one takes that time.
    """
    latest, number = max(map(order, others), default=("", 0))
    if created > latest:
        return f"{created}-{revision}.json"
    return f"{latest}-{revision}-{number + 1}.json"
