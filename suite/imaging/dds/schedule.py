"""Noise levels: x_t = a x_0 + sqrt(v) e with e ~ N(0, I).

Variance preserving (VP): a = sqrt(abar_t), v = 1 - abar_t. Variance exploding (VE): a = 1,
v = sigma_t^2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

#: Levels of the VP diffusion that the paper's networks are trained on.
N = 1000


class Level(NamedTuple):
    """x_t = a x_0 + sqrt(v) e."""

    a: float
    v: float


#: The level that the last pass steps to.
CLEAN = Level(1.0, 0.0)


@cache
def abar() -> NDArray[np.float64]:
    """Return the products of 1 - beta_i, (N,), for beta_i linear from 1e-4 to 0.02."""
    return np.cumprod(1 - np.linspace(1e-4, 0.02, N))


def vp_levels(T: int) -> list[Level]:
    """Return the VP levels of T spaced times, the noisiest first and time 0 last.

    Times are 0, skip, 2 skip, ... below N with skip = N // T (released code), so that there are T
    of them where T divides N.
    """
    return [Level(sqrt(level), 1 - level) for level in abar()[:: N // T][::-1].tolist()]


def ve_levels(L: int, largest: float = 50.0, smallest: float = 0.01) -> list[Level]:
    """Return L VE levels with sigma geometric, the noisiest first."""
    return [Level(1.0, sigma**2) for sigma in np.geomspace(largest, smallest, L).tolist()]


def passes(levels: Sequence[Level]) -> Iterator[tuple[Level, Level]]:
    """Yield the pairs (i, j) of a sampler: from level i to level j, in the end to `CLEAN`."""
    return pairwise([*levels, CLEAN])


def predicted_noise(x: Tensor, x0: Tensor, level: Level) -> Tensor:
    """Return e = (x - a x0) / sqrt(v), what a noise predictor says where a denoiser says x0."""
    return (x - level.a * x0) / sqrt(level.v)
