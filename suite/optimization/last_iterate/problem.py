"""What a problem of this paper is, and the simplest family of them: eps |x|."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from .geometry import Euclidean, Geometry
from .schedules import theory_eta


@dataclass(kw_only=True)
class Problem:
    """min of F = f + h over X by a stochastic oracle of f; F* is known exactly.

    A subclass gives `slope` and `gap`; h and X are the geometry's. Tensors lie on the device of x1,
    but for `calls`.

    Attributes
    ----------
    T
        Horizon: an integer, or integers (rows,) that do not fall: rows finish from the first on.
    x1
        (rows, ...), float64: rows are cells and replicates; paths and coordinates follow.
    D, M, sigma
        D_psi(x*, x_1) or an upper bound, the nonsmooth part (twice the Lipschitz constant), and
        the standard deviation of the noise in the dual norm, as the schedules are told. Numbers,
        or tensors of leading axes of x.
    L
        Smoothness; 0 for none.
    eta
        The constant of the step sizes; None for sqrt(D / (M^2 + sigma^2)).
    noise
        Called with x, returns what is added to a subgradient; None for an exact oracle.
    """

    T: int | Tensor
    x1: Tensor
    D: float | Tensor
    M: float | Tensor
    sigma: float | Tensor = 0.0
    L: float = 0.0
    geometry: Geometry = field(default_factory=Euclidean)
    eta: float | Tensor | None = None
    noise: Callable[[Tensor], Tensor] | None = None

    def __post_init__(self):
        rows = len(self.x1)
        self._calls = np.zeros(rows)
        if self.eta is None:
            self.eta = theory_eta(self.D, self.M, self.sigma)
        T = torch.as_tensor(self.T).cpu().expand(rows)
        if bool((T.diff() < 0).any()):
            raise ValueError(f"horizons must not fall from row to row: {T.tolist()}")
        t = torch.arange(int(T.max()) + 1)
        self._finished = (t[:, None] > T).sum(dim=1).tolist()

    @property
    def calls(self) -> Tensor:
        """(rows,), calls of the oracle on one path so far."""
        return torch.from_numpy(self._calls)

    def running(self, t: int) -> slice:
        """Return the rows whose horizon is t or later."""
        return slice(self._finished[t], None)

    def subgradient(self, x: Tensor, t: int) -> Tensor:
        """Return an unbiased estimate of a subgradient of f at the running rows of x_t, counted."""
        self._calls[self.running(t)] += 1
        slope = self.slope(x)
        return slope if self.noise is None else slope + self.noise(x)

    def slope(self, x: Tensor) -> Tensor:
        """Return an exact subgradient of f at x, shaped as x."""
        raise NotImplementedError

    def gap(self, x: Tensor) -> Tensor:
        """Return F(x) - F* of every path, exactly and uncounted: x without its coordinates."""
        raise NotImplementedError


@dataclass(kw_only=True)
class Sharp(Problem):
    """f = eps |x| on the line, every entry of x a path of its own; x_1 = 1, D = 1/2, M = 2 eps.

    Attributes
    ----------
    eps
        A number, or a tensor that broadcasts against x with the same number of axes.
    """

    eps: float | Tensor

    def slope(self, x: Tensor) -> Tensor:
        """Return eps sign(x), and 0 at 0."""
        eps = self.eps
        if isinstance(eps, Tensor) and len(eps) > 1:
            eps = eps[-len(x) :]
        return x.sign().mul_(eps)

    def gap(self, x: Tensor) -> Tensor:
        """Return eps |x|."""
        return self.eps * x.abs()
