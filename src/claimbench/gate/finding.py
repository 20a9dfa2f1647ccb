"""What the gate says of one claim, or of one ratio of seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

State = Literal["ok", "improved", "regressed", "inconclusive", "error"]
STATES: tuple[State, ...] = get_args(State)

#: From harmless to grave: a gate is as well as its worst finding.
ORDER: tuple[State, ...] = ("ok", "improved", "inconclusive", "regressed", "error")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the gate.

    Attributes
    ----------
    name
        The claim's id, or the key of a ratio.
    reason
        One sentence with the numbers.
    before, after
        The accepted value with its interval, and this run's, in words.
    moved
        Whether numbers differ at all from the accepted ones, where nothing should have moved them.
    timed
        Whether seconds take part: such a finding fails only when a rerun confirms it.
    cure
        The command that mends it; empty where there is nothing to mend.
    files
        Where it regressed, the changed files that may have done it, the best guess first.
    visible
        Of seconds, the least slowdown that would have been seen with 80% power: 0.1 is 10%.
    """

    name: str
    state: State
    reason: str
    before: str = ""
    after: str = ""
    moved: bool = False
    timed: bool = False
    cure: str = ""
    paper: str = ""
    experiment: str = ""
    files: tuple[str, ...] = ()
    visible: float | None = None
