"""What must hold of a claim, one by one, and how far each part moved from one run to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from claimbench.gate.movement import Movement, Values, movement
from claimbench.record import ClaimRecord, Comparison, Effect
from claimbench.words import Kind, Verdict

#: All parts of a claim together.
LEVEL = 0.99


@dataclass(frozen=True, slots=True)
class Part:
    """An opponent, a condition, or the claim as a whole.

    Attributes
    ----------
    name
        ``against pot, k = 2``; empty for the claim as a whole.
    """

    name: str
    verdict: Verdict
    effect: Effect | None
    replicates: Values


@dataclass(frozen=True, slots=True)
class Shift:
    """How far one part moved from run to run.

    Attributes
    ----------
    level
        Of the interval of the movement.
    """

    before: Part
    after: Part
    movement: Movement
    level: float


def parts(claim: ClaimRecord) -> dict[str, Part]:
    """Return what must hold, by name: opponents and conditions, or the claim as a whole."""
    whole = Comparison(
        contender="",
        verdict=claim.verdict,
        effect=claim.effect,
        conditions=claim.conditions,
        replicates=claim.replicates,
    )
    found: dict[str, Part] = {}
    for one in claim.against or [whole]:
        found |= parts_of(one, f"against {one.contender}" if one.contender else "")
    return found


def parts_of(comparison: Comparison, title: str = "") -> dict[str, Part]:
    """Return the conditions of a comparison by name, or the comparison as a whole."""
    return {part.name: part for part in _parts_of(comparison, title)}


def _parts_of(comparison: Comparison, title: str) -> Iterator[Part]:
    for one in comparison.conditions:
        name = ", ".join(words for words in (title, one.name) if words)
        yield Part(name, one.verdict, one.effect, one.replicates)
    if not comparison.conditions:
        yield Part(title, comparison.verdict, comparison.effect, comparison.replicates)


def shifts(
    kind: Kind, before: Mapping[str, Part], after: Mapping[str, Part], *, paired: bool
) -> list[Shift]:
    """Return how far each part moved that both runs have; the level is shared among them.

    Parameters
    ----------
    paired
        Whether equal positions of replicates are equal seeds.
    """
    both = [name for name in before if name in after]
    level = 1 - (1 - LEVEL) / max(1, len(both))
    found = []
    for name in both:
        old, new = before[name], after[name]
        moved = movement(
            kind,
            (old.replicates, old.effect),
            (new.replicates, new.effect),
            paired=paired,
            level=level,
        )
        found.append(Shift(old, new, moved, level))
    return found
