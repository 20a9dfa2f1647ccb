"""A record of another schema: what can be told of it without reading it wrongly."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimbench.record import SCHEMA

if TYPE_CHECKING:
    from pathlib import Path

# Facts of a run that any schema is likely to have, and that mean the same wherever they are.
_TOLD = ("profile", "device", "revision", "created", "command")


@dataclass(frozen=True, slots=True)
class Foreign:
    """A record that this version does not read."""

    title: str
    problem: str
    facts: tuple[tuple[str, str], ...]
    cure: str


def foreign(path: Path) -> Foreign | None:
    """Return what a record of another schema says of itself; None for any other file."""
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or "schema" not in data or data["schema"] == SCHEMA:
        return None
    schema = str(data["schema"])
    known = [(name, data[name]) for name in _TOLD if isinstance(data.get(name), str)]
    return Foreign(
        title="This record can't be shown",
        problem=(
            f"The record has schema {schema}; this version of claimbench reads schema {SCHEMA}."
            " Its verdicts are not shown, since their words may mean something else there."
        ),
        facts=(("file", path.name), ("schema", schema), *known),
        cure=(
            "To mend it: render it with the version that wrote it, that of its revision, or run"
            " the claims again: pytest suite --benchmark-only."
        ),
    )
