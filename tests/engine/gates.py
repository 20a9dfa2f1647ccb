"""Runs that are held against accepted ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from reporting import claim, record, write_run

from claimbench.gate.accepted import Accepted
from claimbench.gate.accepting import accept
from claimbench.gate.gate import Gate, gate
from claimbench.record import Record

WELL = [
    dataclasses.replace(one, status="ok", reason=None)
    for one in record().contenders
    if one.status in {"ok", "unavailable"}
]


def run(*claims: Any, **changes: Any) -> Record:
    """Return a complete record of claims, all of whose contenders ran."""
    return record(claims=list(claims) or [claim()], contenders=WELL, **changes)


def accepted(tmp_path: Path, old: Record) -> Accepted:
    return accept(old, write_run(tmp_path / "old", old, {}), None)[0]


def gated(tmp_path: Path, old: Record, new: Record) -> Gate:
    return gate(new, write_run(tmp_path / "new", new, {}), accepted(tmp_path, old))
