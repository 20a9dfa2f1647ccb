"""A linear function on the simplex, where the geometry decides how the rate grows with d."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import torch
from torch import Tensor

from .geometry import Entropy
from .noise import Shared, Signs
from .problem import Problem

#: Paths in a replicate, whose mean is taken.
PATHS = 16


@dataclass(kw_only=True)
class Linear(Problem):
    """f(x) = <c, x> on the simplex, with F* = min_i c_i.

    Attributes
    ----------
    c
        (rows, 1, d).
    """

    c: Tensor

    def slope(self, x: Tensor) -> Tensor:
        """Return c."""
        return self.c.expand_as(x)

    def gap(self, x: Tensor) -> Tensor:
        """Return <c, x> - min_i c_i, (rows, path)."""
        return (self.c * x).sum(dim=-1) - self.c.amin(dim=-1)


def simplex(
    T: int, d: int, k: Sequence[float], *, streams: Any, n: int, paths: int = PATHS
) -> Linear:
    """Return <c, x> with c = (0, eps, ..., eps), eps = k sqrt(log d / T), from the centre.

    The noise is a random sign on every coordinate, so that sigma = 1 in the dual norm of the
    entropy's geometry, the largest modulus; D <= log d, and f is linear: M = L = 0.

    Parameters
    ----------
    k
        One for each cell of the stack.
    """
    slopes = torch.tensor(k, dtype=torch.float64, device=streams.device)
    eps = slopes.repeat_interleave(n) * (log(d) / T) ** 0.5
    c = eps[:, None, None].repeat(1, 1, d)
    c[..., 0] = 0
    return Linear(
        T=T,
        x1=c.new_full((len(eps), paths, d), 1 / d),
        D=log(d),
        M=0.0,
        sigma=1.0,
        geometry=Entropy(),
        noise=Shared(Signs(streams.numpy("noise")), (n, paths, d)),
        c=c,
    )
