"""Agreement with a number printed in a paper."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from claimbench.errors import ClaimFileError
from claimbench.statistics.interval import LEVEL, mean_and_sd

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_PRINTED = re.compile(
    rf"\s*(?P<value>{_NUMBER})"
    rf"(?:\s*(?:±|\+/?-)\s*(?P<spread>{_NUMBER}))?"
    r"(?:\s*[^\d\s()±+.-][^\d()±+]*?)?"
    r"\s*(?:\(\s*n\s*=\s*(?P<n>\d+)\s*\))?\s*"
)


@dataclass(frozen=True, slots=True)
class Printed:
    """A number as a paper prints it.

    Attributes
    ----------
    value
        In the estimand's unit.
    spread
        The standard deviation behind "±", None when not printed.
    n
        Runs behind the number; 1 when not printed.
    """

    value: float
    spread: float | None = None
    n: int = 1


def parse_printed(text: str) -> Printed | None:
    """Read ``80``, ``80 ± 3``, ``80 +- 3 (n = 5)``, ``1e-3 nats``; None when `text` is blank.

    Raises
    ------
    ClaimFileError
        When the text is none of these, the spread is negative or n is 0.
    """
    if not text.strip():
        return None
    found = _PRINTED.fullmatch(text)
    if found is not None:
        value = float(found["value"])
        spread = None if found["spread"] is None else float(found["spread"])
        n = 1 if found["n"] is None else int(found["n"])
        if math.isfinite(value) and n > 0 and (spread is None or 0 <= spread < math.inf):
            return Printed(value, spread, n)
    raise ClaimFileError(
        "the printed number can't be read",
        value=text,
        allowed='a number in the estimand\'s unit, such as "80", "80 ± 3" or "80 ± 3 (n = 5)"',
        cure="edit `printed` in claim.toml",
    )


def prediction_interval(
    x: npt.ArrayLike, printed: Printed, *, level: float = LEVEL
) -> tuple[float, float]:
    """Return the interval in which the paper's mean of `printed.n` runs is expected.

    From our finite effects, shape (n,), n >= 2:
    ``mean ± t_{n-1} sd sqrt(1/n + 1/printed.n)``.

    Source: P. Patil, R. D. Peng, J. T. Leek, Perspect. Psychol. Sci. 11 (2016) 539-544.
    """
    values = np.asarray(x, dtype=np.float64)
    n = values.size
    mean, sd = mean_and_sd(values)
    half = float(special.stdtrit(n - 1, (1 + level) / 2)) * sd * math.sqrt(1 / n + 1 / printed.n)
    return mean - half, mean + half


def z_score(x: npt.ArrayLike, printed: Printed) -> float | None:
    """Return ``(mean - printed.value) / sqrt(sd²/n + printed.spread²/printed.n)``.

    None when the paper prints no spread, or when both spreads are 0.
    """
    if printed.spread is None:
        return None
    values = np.asarray(x, dtype=np.float64)
    mean, sd = mean_and_sd(values)
    error = math.hypot(sd / math.sqrt(values.size), printed.spread / math.sqrt(printed.n))
    return (mean - printed.value) / error if error > 0 else None
