"""Robust matrix recovery: y_i = <A_i, X*> + s_i, its l1 and l2 losses, and their counted oracles.

Only the symmetric part of A_i meets a symmetric matrix, so that measurements are kept packed: P =
d(d+1)/2 features in the order of ``triu_indices``, A_ii on the diagonal and A_ij + A_ji above it.
All cells of a stack share A, so that one product serves them all; rows are (cell, replicate).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

Floats = NDArray[np.float64]


class Evaluation(NamedTuple):
    """What an oracle answers at U.

    Attributes
    ----------
    loss
        (rows,), f(U).
    Q
        (rows, d, d), symmetrised: the (sub)gradient is D = 2 Q U.
    """

    loss: Tensor
    Q: Tensor


class OneProblem(NamedTuple):
    """One row as plain arrays, for opponents that take one problem at a time.

    Attributes
    ----------
    A
        (m, P), packed.
    y
        (m,).
    d
        X is d x d, symmetric.
    """

    A: Floats
    y: Floats
    d: int


@dataclass
class MatrixRecovery:
    """n replicates of c cells that share measurements, as c n rows (cell, replicate).

    Attributes
    ----------
    A
        (n, m, P), packed measurements.
    y
        (n, m, c), responses.
    truth
        (n, d, d), X*, of rank r with r eigenvalues 1.
    direction
        (rows, d, k), G / sqrt(d) with iid N(0, 1) in its first r' columns and zeros in the others:
        columns of U that are zero stay exactly zero, so that each row has its own r'.
    alpha
        (rows,), the scale of the initialisation.
    r, T, rho
        The true rank; the number of iterations and the decay of the steps, fixed in advance.
    calls
        (rows,), gradient evaluations so far.
    """

    A: Tensor
    y: Tensor
    truth: Tensor
    direction: Tensor
    alpha: Tensor
    r: int
    T: int
    rho: float
    calls: Tensor = field(init=False)

    def __post_init__(self):
        self.n, self.m, _ = self.A.shape
        self.d, self.cells = self.truth.shape[-1], self.y.shape[-1]
        self.calls = torch.zeros(self.cells * self.n, dtype=torch.long, device=self.A.device)
        i, j = torch.triu_indices(self.d, self.d, device=self.A.device)
        self._packing = i * self.d + j
        place = torch.zeros(self.d, self.d, dtype=torch.long, device=self.A.device)
        place[i, j] = place[j, i] = torch.arange(len(i), device=self.A.device)
        self._unpacking = place.flatten()
        identity = torch.eye(self.d, dtype=self.A.dtype, device=self.A.device)
        self._weight = (1 + identity) / (2 * self.m)

    def subgradient(self, U: Tensor) -> Evaluation:
        """Return f(U) = (1/m) sum |e_i| and Q = (1/m) sum sign(e_i) A_i, with sign(0) = 0.

        e_i = <A_i, U U'> - y_i; `U` is (rows, d, k).
        """
        self.calls += 1
        e = self._residuals(U)
        return Evaluation(self._rows(e.abs().mean(dim=1)), self.correlation(e.sign()))

    def l2_gradient(self, U: Tensor) -> Tensor:
        """Return Q = (1/m) sum e_i A_i, (rows, d, d), of the loss (1/2m) sum e_i^2.

        Through A'A, which is smaller than A and the same for all iterations.
        """
        self.calls += 1
        gram, Ay = self._normal_equations
        return self._unpacked(gram @ self._packed(U @ U.mT) - Ay)

    def correlation(self, s: Tensor) -> Tensor:
        """Return the symmetrised (1/m) sum s_i A_i, (rows, d, d), of weights s (n, m, c)."""
        # s transposed, not A: A is large, and read along its rows in both products.
        return self._unpacked(torch.bmm(s.mT.contiguous(), self.A).mT)

    def loss(self, U: Tensor) -> Tensor:
        """Return f(U), (rows,), uncounted: for the measure."""
        return self._rows(self._residuals(U).abs().mean(dim=1))

    def loss_at_truth(self) -> Tensor:
        """Return f at X* = U U', (rows,): the mean modulus of the noise."""
        X = self.truth.repeat(self.cells, 1, 1)
        return self._rows((self.A @ self._packed(X) - self.y).abs().mean(dim=1))

    def error(self, U: Tensor) -> Tensor:
        """Return ||U U' - X*||_F, (rows,), uncounted: for the measure and for oracle stopping."""
        return torch.linalg.matrix_norm(U @ U.mT - self.truth.repeat(self.cells, 1, 1))

    def each(self) -> Iterator[OneProblem]:
        """Yield the rows one at a time, as arrays of the host."""
        A, y = self.A.cpu().numpy(), self.y.cpu().numpy()
        for cell in range(self.cells):
            for replicate in range(self.n):
                yield OneProblem(A[replicate], y[replicate, :, cell], self.d)

    @cached_property
    def _normal_equations(self) -> tuple[Tensor, Tensor]:
        """A'A, (n, P, P), and A'y, (n, P, c)."""
        return self.A.mT @ self.A, self.A.mT @ self.y

    def _residuals(self, U: Tensor) -> Tensor:
        """Return e, (n, m, c)."""
        return torch.baddbmm(self.y, self.A, self._packed(torch.bmm(U, U.mT)), beta=-1)

    def _packed(self, X: Tensor) -> Tensor:
        """Return the features of symmetric X, (rows, d, d), as columns, (n, P, c)."""
        columns = X.reshape(self.cells, self.n, -1).permute(1, 2, 0)
        return columns.index_select(1, self._packing)

    def _unpacked(self, q: Tensor) -> Tensor:
        """Return sums of packed A, (n, P, c), as symmetrised means, (rows, d, d)."""
        rows = q.index_select(1, self._unpacking).permute(2, 0, 1)
        return rows.reshape(-1, self.d, self.d) * self._weight

    def _rows(self, values: Tensor) -> Tensor:
        """Return values (n, c) as (rows,)."""
        return values.mT.reshape(-1)


def matrix_recovery(
    d: int,
    r: int,
    m: int,
    T: int,
    search_rank: int | Sequence[int],
    alpha: float | Sequence[float],
    p: float | Sequence[float] = 0.0,
    magnitude: float | Sequence[float] = 0.0,
    sigma: float | Sequence[float] = 0.0,
    rho: float = 0.985,
    sides: int = 1,
    *,
    streams: Any,
    n: int,
) -> MatrixRecovery:
    """Return instances whose A_i have iid N(0, 1) entries, for a stack of cells.

    All cells of a replicate are made of the same draws: a smaller m takes the first measurements of
    a larger one, a smaller r' the first columns, a smaller p some of the outliers.

    Deviation: the symmetric part of A_i is drawn, N(0, 1) on the diagonal and N(0, 2) for A_ij +
    A_ji, since nothing else of A_i ever counts. Exact in distribution.

    Parameters
    ----------
    search_rank
        r', the columns of U.
    p, magnitude, sides
        Each s_i is an outlier with probability p: N(0, magnitude^2) where sides is 2, its modulus
        where sides is 1.
    sigma
        Gaussian noise of this standard deviation on every y_i.
    search_rank, alpha, p, magnitude, sigma
        One for all, or one per cell of the stack.
    """
    r_prime, alpha, p, magnitude, sigma = (
        np.atleast_1d(part) for part in np.broadcast_arrays(search_rank, alpha, p, magnitude, sigma)
    )
    k = int(r_prime.max())
    purposes = ("measurements", "truth", "corruption", "outliers", "noise", "start")
    drawn = []
    for own in zip(*(streams.each(purpose) for purpose in purposes), strict=True):
        measurements, truth, corruption, outliers, noise, start = own
        size = outliers.standard_normal((m, 1))
        outlier = np.abs(size) if sides == 1 else size
        s = np.where(corruption.random((m, 1)) < p, magnitude * outlier, 0.0)
        drawn.append(
            (
                _measurements(measurements, m, d),
                _projection(truth.standard_normal((d, r))),
                s + sigma * noise.standard_normal((m, 1)),
                start.standard_normal((k, d)).T / sqrt(d),
            )
        )
    A, X, s, direction = (_tensor(part, streams.device) for part in zip(*drawn, strict=True))
    i, j = np.triu_indices(d)
    used = np.arange(k) < np.repeat(r_prime, n)[:, None, None]
    return MatrixRecovery(
        A=A,
        y=A @ X[:, i, j].unsqueeze(-1) + s,
        truth=X,
        direction=direction.repeat(len(r_prime), 1, 1) * torch.as_tensor(used, device=A.device),
        alpha=_tensor(np.repeat(alpha, n), streams.device),
        r=r,
        T=T,
        rho=rho,
    )


def _measurements(generator: np.random.Generator, m: int, d: int) -> Floats:
    """Return (m, P): measurement by measurement, so that a smaller m is a beginning."""
    i, j = np.triu_indices(d)
    return generator.standard_normal((m, len(i))) * np.where(i == j, 1.0, sqrt(2))


def _projection(gaussian: Floats) -> Floats:
    """Return V V' for an orthonormal basis V of the columns."""
    V = np.linalg.qr(gaussian)[0]
    return V @ V.T


def _tensor(part: ArrayLike, device: str) -> Tensor:
    return torch.as_tensor(np.asarray(part, dtype=float), device=device)
