"""The instances on which naive steps provably pay a log T factor, and the check beside them.

Harvey, Liaw, Plan and Randhawa, "Tight analyses for non-smooth stochastic gradient descent", COLT
2019: f(x) = max_i <H_i, x> with an exact oracle that answers adversarially. x_1 = 0 is optimal
there, so that who does nothing passes; `progress` is where something must be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .noise import Normal, Shared
from .problem import Problem, Sharp

Floats = NDArray[np.float64]

#: Rows within this of the maximum count as maximal.
TIE = 1e-12
#: Every octave of horizons is cut in so many steps, one for each replicate.
GRIDS = 8
#: Runs inside one replicate of `progress`, whose mean is taken.
PATHS = 500


@dataclass(kw_only=True)
class Harvey(Problem):
    """f(x) = max_i <H_i, x>, i = 1, ..., T + 1, where (H_i)_j = a_j for j < i and -b_i for j = i.

    0 lies in the convex hull of the H_i, so that F* = 0 = f(0); they have norm 1 at most, so that
    M = 2 for the Lipschitz constant 1.

    Attributes
    ----------
    a, b
        (rows, max T + 1), zero after a row's own T; the last column stands for i = T + 1.
    """

    a: Tensor
    b: Tensor

    def __post_init__(self):
        super().__post_init__()
        self._a_and_b = self.a + self.b
        self._j = torch.arange(self.a.shape[1], device=self.a.device)
        if self.a.is_cpu:
            self._arrays = self.a.numpy(), self.b.numpy(), self._a_and_b.numpy()
            self._reached = 0

    def products(self, x: Tensor) -> Tensor:
        """Return <H_i, x> of the last rows, as many as x has, in O(T)."""
        n = len(x)
        return (self.a[-n:] * x).cumsum(dim=1) - self._a_and_b[-n:] * x

    def slope(self, x: Tensor) -> Tensor:
        """Return H_i of the smallest maximal i: another choice would make the instance easy."""
        if x.is_cpu:
            return torch.from_numpy(self.slope_of_array(x.numpy()))
        return self.slope_of_tensor(x)

    def slope_of_tensor(self, x: Tensor) -> Tensor:
        """Return the slope on any device: the definition, which a GPU never has to wait for."""
        v = self.products(x)
        # Of ones among zeros argmax returns the first.
        i = (v >= v.amax(dim=1, keepdim=True) - TIE).byte().argmax(dim=1, keepdim=True)
        a, b = self.a[-len(x) :], self.b[-len(x) :]
        return torch.where(self._j < i, a, 0.0).scatter_(1, i, -b.gather(1, i))

    def slope_of_array(self, x: Floats) -> Floats:
        """Return the same bits in numpy, whose small operations take less time than torch's.

        Where x is zero from some column on, all products from there on are equal and the first of
        them stands for all. x grows by one column a step as long as it is made of what this oracle
        said, and then three quarters of the work are saved.
        """
        n, width = x.shape
        a, b, a_and_b = self._arrays
        if x[:, self._reached :].any():
            self._reached = width
        columns = min(self._reached + 1, width)
        start = x[:, :columns]
        # torch's cumulative sum takes half the time of numpy's, and it takes the most time here.
        v = torch.from_numpy(a[-n:, :columns] * start).cumsum(dim=1).numpy()
        v -= a_and_b[-n:, :columns] * start
        i = (v >= v.max(axis=1, keepdims=True) - TIE).argmax(axis=1)  # the first True
        H = np.zeros_like(x)
        # Row by row: fewer bytes are touched than with a mask over all columns.
        for row, a_j, b_j, smallest in zip(H, a[-n:], b[-n:], i.tolist(), strict=True):
            row[:smallest] = a_j[:smallest]
            row[smallest] = -b_j[smallest]
        self._reached = min(max(self._reached, int(i.max()) + 1), width)
        return H

    def gap(self, x: Tensor) -> Tensor:
        """Return f(x), (rows,)."""
        return self.products(x).amax(dim=1)


def harvey(instance: str, T: Tensor) -> Harvey:
    """Return the hard instance of horizons T, (rows,): a_j = 1 / (8 (T - j + 1)) and eta = 1.

    Parameters
    ----------
    instance
        "inverse_sqrt", b_j = sqrt(j) / (2 sqrt(T)), hard for eta_t = 1 / sqrt(t); "constant",
        b_j = 1/2, hard for eta_t = 1 / sqrt(T).
    """
    columns = torch.arange(1, int(T.max()) + 2, dtype=torch.float64, device=T.device)
    horizon = T.to(torch.float64)[:, None]
    inside = columns <= horizon
    # What lies outside must not divide by zero before it is put away.
    a = torch.where(inside, 1 / (8 * (horizon - columns + 1).clamp(min=1)), 0.0)
    shape = {"inverse_sqrt": (columns / horizon).sqrt(), "constant": torch.ones_like(a)}[instance]
    b = torch.where(inside, shape / 2, 0.0)
    return Harvey(T=T, x1=torch.zeros_like(a), D=0.0, M=2.0, eta=1.0, a=a, b=b)


def progress(T: Tensor, *, streams: Any, n: int) -> Sharp:
    """Return eps |x| with eps = 8 / sqrt(T), x_1 = 1, normal noise of variance 1, PATHS a row."""
    eps = 8 / T.to(torch.float64).sqrt()
    return Sharp(
        T=T,
        x1=torch.ones(len(T), PATHS, dtype=torch.float64, device=T.device),
        D=0.5,
        M=2 * eps,
        sigma=1.0,
        eps=eps[:, None],
        noise=Shared(Normal(streams.numpy("noise")), (n, PATHS)),
    )


def grids(octave: Sequence[int], replicates: range) -> Tensor:
    """Return round(2^(6 + octave + r/8)), laid out as (octave, replicate r), flattened.

    Each replicate r is a grid of its own, and the eight of them are interleaved: the instances are
    exact, so that only the horizons can vary.
    """
    if not set(replicates) <= set(range(GRIDS)):
        raise ValueError(f"there are {GRIDS} grids, one for each replicate from 0: {replicates}")
    return torch.tensor([round(2 ** (6 + o + r / GRIDS)) for o in octave for r in replicates])


def hard(instance: str, octave: Sequence[int], *, streams: Any, n: int) -> Problem:
    """Return stacked horizons of one instance.

    Parameters
    ----------
    instance
        "inverse_sqrt" or "constant", on the grid of each replicate; or "progress", all at
        T = 2^(6 + octave).
    octave
        One for each cell of the stack, rising.
    """
    if instance == "progress":
        T = torch.tensor([2 ** (6 + o) for o in octave], device=streams.device)
        return progress(T.repeat_interleave(n), streams=streams, n=n)
    return harvey(instance, grids(octave, streams.replicates).to(streams.device))


def one_run(instance: str, T: int, *, streams: Any, n: int) -> Problem:
    """Return one horizon of a hard instance: exact, so that one replicate is all there is."""
    return harvey(instance, torch.tensor([T] * n, device=streams.device))
