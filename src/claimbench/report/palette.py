"""One colour and one marker for each contender, the same in every figure of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# After Okabe and Ito's colour-blind safe set. Its light hues are darkened: every colour has a
# contrast of 3 or more on the light and on the dark page, so that figures need no second set.
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009068",
    "#b5619b",
    "#a87500",
    "#2f8fc4",
    "#7a6fd0",
    "#7f7f7f",
    "#8c7a3d",
    "#c8504f",
)
#: Matplotlib's codes; the page draws the same shapes (symbols ``mark-...``).
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")


@dataclass(frozen=True, slots=True)
class Mark:
    """How a contender is drawn."""

    colour: str
    marker: str

    @property
    def symbol(self) -> int:
        """The number of the page's symbol with this marker's shape."""
        return MARKERS.index(self.marker)


def marks(names: Iterable[str]) -> dict[str, Mark]:
    """Return a mark for each name, by order of first appearance.

    Colours repeat after ten names and markers after nine, so ninety pairs come before one repeats.
    """
    unique = list(dict.fromkeys(names))
    return {
        name: Mark(COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)])
        for index, name in enumerate(unique)
    }
