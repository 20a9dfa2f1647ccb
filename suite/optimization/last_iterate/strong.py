"""Strongly convex functions, mu = 1: a parabola with exact expectations, and a hard maximum.

Deviation: steps are run at kappa = 0 on both. Of the parabola kappa = L / mu is 1, and the paper's
steps would be 1 / (mu (t + 2)); at kappa = 0 the expectations are exact and do not depend on x_1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .geometry import Euclidean
from .hard import Harvey, grids
from .noise import Normal, Own
from .problem import Problem

MU = 1.0
#: Paths of the parabola in a replicate, whose mean is taken.
PATHS = 1500


@dataclass(kw_only=True)
class Parabola(Problem):
    """f = mu x^2 / 2 on the line; every entry of x is a path of its own."""

    mu: float = MU

    def slope(self, x: Tensor) -> Tensor:
        """Return mu x."""
        return self.mu * x

    def gap(self, x: Tensor) -> Tensor:
        """Return mu x^2 / 2."""
        return self.mu * x**2 / 2


@dataclass(kw_only=True)
class StrongHarvey(Harvey):
    """f = max_i <H_i, x> + mu ||x||^2 / 2 on the unit ball, the subgradient that of the sum.

    The rows keep 0 in their convex hull, so that F* = 0 = f(0) still.
    """

    mu: float = MU

    def slope(self, x: Tensor) -> Tensor:
        """Return H_i + mu x, i the smallest maximal one."""
        return super().slope(x) + self.mu * x

    def gap(self, x: Tensor) -> Tensor:
        """Return f(x), (rows,)."""
        return super().gap(x) + self.mu * (x**2).sum(dim=1) / 2


def parabola(T: Tensor, *, streams: Any, paths: int = PATHS) -> Parabola:
    """Return mu x^2 / 2 from x_1 = 1 under normal noise of variance 1.

    Horizons do not share draws: under steps 1 / (mu t) the last iterate is the mean of its noise,
    and shared draws would make horizons of one replicate say nearly the same.
    """
    return Parabola(
        T=T,
        x1=torch.ones(len(T), paths, dtype=torch.float64, device=T.device),
        D=0.5,
        M=0.0,
        sigma=1.0,
        L=MU,
        noise=Own(Normal(streams.numpy("noise"))),
    )


def strong_harvey(T: Tensor) -> StrongHarvey:
    """Return the hard maximum of horizons T: a_j = 1 / (2 (T + 1 - j)), b_j = 1, from x_1 = 0.

    No run leaves the ball, on which the subgradients have norm sqrt(1 + pi^2 / 24) + mu at most.
    """
    columns = torch.arange(1, int(T.max()) + 2, dtype=torch.float64, device=T.device)
    horizon = T.to(torch.float64)[:, None]
    inside = columns <= horizon
    # What lies outside must not divide by zero before it is put away.
    a = torch.where(inside, 1 / (2 * (horizon - columns + 1).clamp(min=1)), 0.0)
    return StrongHarvey(
        T=T,
        x1=torch.zeros_like(a),
        D=0.5,
        M=4.4,
        a=a,
        b=inside.to(torch.float64),
        geometry=Euclidean(radius=1.0),
    )


def strong(instance: str, octave: Sequence[int], *, streams: Any, n: int) -> Problem:  # noqa: ARG001
    """Return stacked horizons of one instance, on the grid of each replicate.

    Parameters
    ----------
    instance
        "parabola" or "hard".
    octave
        One for each cell of the stack, rising.
    """
    T = grids(octave, streams.replicates).to(streams.device)
    return parabola(T, streams=streams) if instance == "parabola" else strong_harvey(T)
