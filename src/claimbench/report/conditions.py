"""The conditions that a claim must meet together: one line each, on a frame of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from claimbench.report import forest
from claimbench.report.numerals import value_and_limits

if TYPE_CHECKING:
    from claimbench.record import ClaimRecord
    from claimbench.report.rules import Region


@dataclass(frozen=True, slots=True)
class Line:
    """One condition: its own verdict, and what the control makes of it."""

    name: str
    verdict: str
    bar: forest.Bar | None
    value: str
    limits: str
    control: str


@dataclass(frozen=True, slots=True)
class Conditions:
    """All conditions of a claim, in the order of its estimand."""

    lines: tuple[Line, ...]
    frame: forest.Frame


def conditions_of(claim: ClaimRecord, asked: Region) -> Conditions:
    """Return the conditions of a claim; no line where its estimand named none.

    Parameters
    ----------
    asked
        Where an effect has to lie.
    """
    controls = {condition.name: condition.verdict for condition in claim.control.conditions}
    frame = forest.frame(asked, [claim.effect], [c.effect for c in claim.conditions])
    lines = []
    for condition in claim.conditions:
        value, limits = value_and_limits(condition.effect)
        lines.append(
            Line(
                name=condition.name,
                verdict=condition.verdict,
                bar=None if condition.effect is None else forest.bar(frame, condition.effect),
                value=value,
                limits=limits,
                control=controls.get(condition.name, ""),
            )
        )
    return Conditions(tuple(lines), frame)
