"""One colour and one marker for each contender, the same in every figure of the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def marks(names: Iterable[str], meetings: Iterable[Iterable[str]] = ()) -> dict[str, Mark]:
    """Return a mark for each name, in order of first appearance.

    Parameters
    ----------
    meetings
        Names that are drawn together: the contenders of one experiment. Where a name's partners
        leave a colour free it gets one of those, the one used least; then a marker that no other
        name of its colour has, if there is one, and its partners do not have either.
    """
    partners: dict[str, set[str]] = {name: set() for name in dict.fromkeys(names)}
    for meeting in map(set, meetings):
        for name in meeting & partners.keys():
            partners[name] |= meeting
    made: dict[str, Mark] = {}
    for name, met in partners.items():
        taken, beside = list(made.values()), [made[one] for one in met if one in made]
        colour = _rarest(COLOURS, [m.colour for m in beside], [m.colour for m in taken])
        same = [m.marker for m in taken if m.colour == colour]
        marker = _rarest(MARKERS, same, [m.marker for m in beside], [m.marker for m in taken])
        made[name] = Mark(colour, marker)
    return made


def _rarest(options: Sequence[str], *used: Sequence[str]) -> str:
    """Return the option used least by the first list, of those by the second, and so on."""
    return min(options, key=lambda option: [list(each).count(option) for each in used])
