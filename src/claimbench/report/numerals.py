"""Numbers as they are printed: few digits, real minus signs, no exponents in E notation."""

from __future__ import annotations

from math import floor, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claimbench.record import Effect

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Outside of these sizes a number is written as a power of ten.
_SMALL, _LARGE = 1e-3, 1e6


def _minus(text: str) -> str:
    return text.replace("-", "−")


def power(exponent: int) -> str:
    """Return ``10ⁿ`` in plain characters."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)


def number(value: float | None, digits: int = 3) -> str:
    """Return `value` with `digits` significant digits and no trailing zeros.

    None, which stands for what a record can't hold, becomes "undefined".
    """
    if value is None or value != value:  # noqa: PLR0124  NaN is the number unlike itself
        return "undefined"
    if not isfinite(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if not _SMALL <= abs(value) < _LARGE:
        short = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{_minus(short)}×{power(int(exponent))}"
    return _fixed(value, max(0, digits - 1 - int(exponent)), strip=True)


def _fixed(value: float, decimals: int, *, strip: bool = False) -> str:
    text = f"{value:,.{decimals}f}"
    if strip and "." in text:
        text = text.rstrip("0").rstrip(".")
    return _minus(text if float(text.replace(",", "")) else text.lstrip("-"))


def interval(effect: Effect) -> tuple[str, str, str]:
    """Return value, lower and upper limit with the decimals that the interval's width earns.

    An unbounded limit is an infinity. Two significant digits of the half width are kept.
    """
    if effect.at_infinity:
        infinity = "−∞" if effect.at_infinity == "below" else "∞"
        return infinity, infinity, infinity
    low = "−∞" if effect.low is None else None
    high = "∞" if effect.high is None else None
    finite = [x for x in (effect.value, effect.low, effect.high) if x is not None and x]
    width = 0.0
    if effect.low is not None and effect.high is not None:
        width = (effect.high - effect.low) / 2
    elif len(finite) > 1:
        width = (max(finite) - min(finite)) / 2
    plain = all(_SMALL <= abs(x) < _LARGE for x in finite[:1])
    if width < _SMALL or not plain:
        texts = [number(x) for x in (effect.value, effect.low, effect.high)]
        return texts[0], low or texts[1], high or texts[2]
    decimals = max(0, 1 - floor(log10(width)))
    texts = [_limit(x, decimals) for x in (effect.value, effect.low, effect.high)]
    while decimals and all(t.endswith("0") or "." not in t for t in texts):
        decimals -= 1
        texts = [_limit(x, decimals) for x in (effect.value, effect.low, effect.high)]
    return texts[0], low or texts[1], high or texts[2]


def _limit(value: float | None, decimals: int) -> str:
    if value is None:
        return "undefined"
    rounded_away = value and round(value, decimals) == 0
    # A limit that decides a verdict is not rounded to zero.
    return number(value, 1) if rounded_away else _fixed(value, decimals)


def seconds(value: float | None) -> str:
    """Return a duration with its unit."""
    if value is None:
        return "–"
    if value == 0:
        return "0 s"
    if value < 1e-3:
        return f"{number(value * 1e6, 2)} µs"
    if value < 1:
        return f"{number(value * 1e3, 2)} ms"
    if value < 120:
        return f"{number(value, 3 if value < 100 else 4)} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def memory(value: int | None) -> str:
    """Return a size in KiB, MiB or GiB."""
    if not value:
        return "–"
    mebibytes = value / 2**20
    if mebibytes < 1:
        return f"{value / 2**10:,.0f} KiB"
    return f"{mebibytes:,.0f} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"


def value_and_limits(effect: Effect | None) -> tuple[str, str]:
    """Return an effect as ``0.12`` and ``[0.08, 0.16]``; without an interval no limits."""
    if effect is None:
        return "none", ""
    value, low, high = interval(effect)
    return value, "" if effect.interval == "none" else f"[{low}, {high}]"


def percent(level: float) -> str:
    """Return 0.95 as ``95%``."""
    return f"{number(100 * level, 4)}%"


def counted(n: int, noun: str, plural: str = "") -> str:
    """Return ``1 claim``, ``2 claims``."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def listed(words: list[str], joint: str = "and") -> str:
    """Return ``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {joint} {words[-1]}"
