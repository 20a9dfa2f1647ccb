"""Forest plots as geometry: positions in per cent of a row's width, which any width can show."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from claimbench.report.numerals import interval, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from claimbench.record import Effect
    from claimbench.report.rules import Region

#: Room at both ends, per cent: arrows and round ends stay inside.
_PAD = 5.0
#: An effect that would widen the scale more than this is drawn as lying beyond it.
_STRETCH = 5.0
#: Ticks with longer texts are drawn at every second value: narrow pages have no room for more.
_SHORT = 5
#: Replicate dots closer than this, per cent, are stacked, at most so many levels.
_DOT, _LEVELS = 1.6, 5


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from `low` to `high`, with room at both ends."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return the position of `value` in per cent, held inside the row."""
        share = (value - self.low) / (self.high - self.low)
        return round(min(100.0, max(0.0, _PAD + (100 - 2 * _PAD) * share)), 2)

    def holds(self, value: float) -> bool:
        """Tell whether `value` lies on the scale."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Two to six round values: (position in per cent, text)."""
        rough = (self.high - self.low) / 4
        unit = 10.0 ** floor(log10(rough))
        step = next(unit * f for f in (1, 2, 2.5, 5, 10) if unit * f >= rough * 0.999)
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        texts = {i: number(i * step) for i in range(first, last + 1)}
        if max(map(len, texts.values())) > _SHORT:
            even = {i: text for i, text in texts.items() if i % 2 == 0}
            texts = even if len(even) > 1 else texts
        return tuple((self.at(i * step), text) for i, text in texts.items())


@dataclass(frozen=True, slots=True)
class Bar:
    """One effect on a scale.

    Attributes
    ----------
    value
        Position of the effect; None when it is undefined or lies beyond the scale.
    low, high
        The drawn ends of the interval.
    open_low, open_high
        The interval goes on beyond that end: an arrow instead of a cap.
    beyond
        -1 or 1 when the effect itself lies left or right of the scale.
    dots
        Replicates: (position, level of the stack).
    label
        The same in words.
    """

    value: float | None
    low: float
    high: float
    open_low: bool
    open_high: bool
    beyond: int
    dots: tuple[tuple[float, int], ...]
    label: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What all rows of a forest share: the scale, the region that is asked for, the reference."""

    scale: Scale
    region: tuple[float, float]
    reference: float
    marks: tuple[float, ...]
    words: str


def _finite(effects: Iterable[Effect | None]) -> list[float]:
    return [
        x
        for effect in effects
        if effect is not None
        for x in (effect.low, effect.value, effect.high)
        if x is not None
    ]


def frame(
    region: Region,
    effects: Sequence[Effect | None],
    others: Sequence[Effect | None] = (),
    replicates: Sequence[float | None] = (),
) -> Frame:
    """Return the frame for a claim's own `effects`, widened for `others` where it stays readable.

    Parameters
    ----------
    region
        The claim's; its reference and ends are always on the scale.
    effects
        The effects that decide the verdict.
    others
        Effects of controls and candidates. One that is far away must not flatten the rest.
    replicates
        Effects of single replicates.
    """
    ends = [x for x in (region.low, region.high, region.reference, *region.marks) if x is not None]
    values = ends + _finite(effects) + [x for x in replicates if x is not None]
    low, high = min(values), max(values)
    core = high - low
    for other in others:
        seen = [low, high, *_finite([other])]
        if core and max(seen) - min(seen) <= _STRETCH * core:
            low, high = min(seen), max(seen)
    if low == high:
        room = abs(low) or 1.0
        low, high = low - room, high + room
    scale = Scale(low, high)
    return Frame(
        scale=scale,
        region=(
            0.0 if region.low is None else scale.at(region.low),
            100.0 if region.high is None else scale.at(region.high),
        ),
        reference=scale.at(region.reference),
        marks=tuple(scale.at(mark) for mark in region.marks),
        words=region.words,
    )


def label(effect: Effect) -> str:
    """Return an effect with its interval in words."""
    value, low, high = interval(effect)
    unit = f" {effect.unit}" if effect.unit else ""
    if effect.interval == "none":
        return f"effect {value}{unit}, {interval_words(effect)}, n = {effect.n}"
    return f"effect {value}{unit}, {interval_words(effect)} from {low} to {high}, n = {effect.n}"


def interval_words(effect: Effect) -> str:
    """Return the name of an effect's interval, with its level."""
    level = percent(effect.level)
    return {
        "t": f"{level} t interval",
        "wilson": f"{level} Wilson interval",
        "bootstrap": f"{level} bootstrap interval",
        "median": f"{level} interval of the median",
        "exact": "range over all instances",
        "none": "without an interval",
    }[effect.interval]


def bar(frame: Frame, effect: Effect, replicates: Sequence[float | None] = ()) -> Bar:
    """Return the drawing of one effect."""
    scale = frame.scale
    middle = effect.value
    if middle is None:
        middle = effect.low if effect.low is not None else effect.high
    beyond = 0 if middle is None or scale.holds(middle) else (-1 if middle < scale.low else 1)
    if effect.at_infinity:
        below = effect.at_infinity == "below"
        end = 0.0 if below else 100.0
        return Bar(
            value=None,
            low=end,
            high=end,
            open_low=below,
            open_high=not below,
            beyond=-1 if below else 1,
            dots=_stacked(scale, replicates),
            label=f"{label(effect)}; the claim holds {frame.words}",
        )
    bare = effect.interval in {"exact", "none"} and effect.low is None and effect.high is None
    low = effect.value if bare else effect.low
    high = effect.value if bare else effect.high
    open_low = low is None or low < scale.low
    open_high = high is None or high > scale.high
    return Bar(
        value=scale.at(effect.value) if effect.value is not None and not beyond else None,
        low=0.0 if open_low or low is None else scale.at(low),
        high=100.0 if open_high or high is None else scale.at(high),
        open_low=open_low,
        open_high=open_high,
        beyond=beyond,
        dots=_stacked(scale, replicates),
        label=f"{label(effect)}; the claim holds {frame.words}",
    )


def _stacked(scale: Scale, replicates: Sequence[float | None]) -> tuple[tuple[float, int], ...]:
    placed: list[tuple[float, int]] = []
    last: dict[int, float] = {}
    for position in sorted(scale.at(x) for x in replicates if x is not None):
        free = (k for k in range(_LEVELS) if position - last.get(k, -100.0) >= _DOT)
        level = next(free, _LEVELS - 1)
        last[level] = position
        placed.append((position, level))
    return tuple(placed)
