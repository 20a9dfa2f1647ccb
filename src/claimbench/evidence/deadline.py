"""The budget of a whole run: when it is spent, nothing more begins and what runs is ended."""

from __future__ import annotations

import re
from dataclasses import dataclass

from claimbench.errors import UsageError
from claimbench.evidence import clock
from claimbench.evidence.unit import Outcome

_UNITS = {"h": 3600, "min": 60, "s": 1}
_BUDGET = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def seconds_of(budget: str) -> int:
    """Return the seconds of ``90s``, ``30m``, ``2h`` or ``1h30m``.

    Raises
    ------
    UsageError
        When it is none of these, or no time at all.
    """
    found = _BUDGET.fullmatch(budget)
    parts = [int(part or 0) for part in found.groups()] if found else []
    seconds = sum(n * unit for n, unit in zip(parts, _UNITS.values(), strict=False))
    if seconds == 0:
        raise UsageError(
            "--budget is no length of time",
            value=budget,
            allowed="hours, minutes and seconds, such as 90s, 30m, 2h or 1h30m",
            cure="pytest suite --benchmark-only --budget 30m",
        )
    return seconds


def in_words(seconds: int) -> str:
    """Return ``30 min``, ``1 h 30 min``, ``1 min 30 s``."""
    parts = []
    for name, unit in _UNITS.items():
        count, seconds = divmod(seconds, unit)
        if count:
            parts.append(f"{count:,} {name}")
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The end of a run's budget.

    Attributes
    ----------
    seconds
        The budget.
    began
        When the run began, on `claimbench.evidence.clock.now`.
    """

    seconds: int
    began: float

    @property
    def passed(self) -> bool:
        """Whether the budget is spent."""
        return clock.now() - self.began >= self.seconds

    @property
    def reason(self) -> str:
        """What is said of whatever did not run."""
        return f"the run's {in_words(self.seconds)} were spent"

    @property
    def outcome(self) -> Outcome:
        """What becomes of a unit for which no time was left."""
        return Outcome("over budget", self.reason)

    def cut(self, outcome: Outcome) -> bool:
        """Return whether it was the run's budget that left this unit without rows."""
        return outcome.status == "over budget" and (outcome.reason or "").endswith(self.reason)
