"""What a contender still has to compute, and what the store holds of it."""

from __future__ import annotations

from dataclasses import dataclass

#: Paper, experiment and contender by name.
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Load:
    """The units of one contender.

    Attributes
    ----------
    compute, stored
        How many of them have to be computed, and how many are in the store.
    race
        Whether they are rounds of a race, warm-ups among them.
    """

    compute: int
    stored: int
    race: bool = False
