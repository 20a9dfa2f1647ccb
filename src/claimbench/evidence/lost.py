"""Trials that gave no answer: kept, so that no later run spends their time again.

Only what would happen again: what a contender raised, and the budget that it passed. A process that
was killed, a full memory or a missing file is the machine's, and is tried anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from claimbench.errors import StoreError
from claimbench.evidence.store import writing
from claimbench.evidence.unit import Outcome, Unit


def lost_file(unit: Unit) -> Path:
    """Return where it is kept that a unit gave no answer."""
    return Path(unit.file).with_suffix(".lost.json")


def keep_lost(unit: Unit, outcome: Outcome) -> None:
    """Keep why a trial gave no answer, where it would end alike again.

    Raises
    ------
    StoreError
        When the folder can't be written.
    """
    if not outcome.lasting or outcome.from_store:
        return
    told = {"status": outcome.status, "reason": outcome.reason, "seconds": outcome.seconds}
    with writing(lost_file(unit)) as file:
        file.write(json.dumps({**told, "key": unit.key}).encode())


def lost(unit: Unit, *, budget: float) -> Outcome | None:
    """Return how the trial ended, None where that is not known or more time is given now.

    Raises
    ------
    StoreError
        When the file is damaged.
    """
    path = lost_file(unit)
    if not path.is_file():
        return None
    try:
        told = json.loads(path.read_bytes())
        _check(told, unit)
        if told["status"] == "over budget" and budget > float(told["seconds"]):
            return None
        return Outcome(told["status"], str(told["reason"]), from_store=True)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StoreError(
            f"a file of the evidence store can't be read ({type(error).__name__}: {error})",
            value=str(path),
            cure=f"rm {path}   (its trial is run again)",
        ) from error


def _check(told: Any, unit: Unit) -> None:
    if told["key"] != unit.key or told["status"] not in {"failed", "over budget"}:
        raise ValueError("it tells of something else")
