"""Opponents of the sub-gradient method with small initialisation, as functions of arrays.

Batched over rows, in torch, where they iterate:

    U (rows, d, r')            a factor; its estimate is U U^T
    matrix(U) (rows, d, d)     symmetrised Q of the l1 loss, (1/m) sum sign(e_i) A_i, or of the
                               l2 loss, (1/m) sum e_i A_i, at the residual e of U U^T
    adjoint(w) (rows, d, d)    symmetrised (1/m) sum w_i A_i of weights w (n, m, c)

The convex program takes one instance after another. Its package is imported inside the function:
listing the opponents costs nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Map = Callable[[Tensor], Tensor]


def gradient_descent(
    matrix: Map, U: Tensor, error: Map, *, etas: Iterable[float], T: int
) -> Tensor:
    """Return the best iterate of gradient descent on the l2 loss (1/2m) sum e_i^2.

    U <- U - eta 2 Q U, T times for each of `etas`. The best of all paths is the one of least
    `error`, each row's own. Only an oracle can stop there and choose the step so: the strongest
    form of early stopping and of tuning.

    Parameters
    ----------
    matrix
        Q of the l2 loss.
    error
        The true error of a factor, (rows,).
    etas
        Steps; the top eigenvalue of the matrix sought is taken to be of order one.
    """
    best, least = U, error(U)
    for eta in etas:
        iterate = U
        for _ in range(T):
            iterate = iterate - 2 * eta * matrix(iterate) @ iterate
            found = error(iterate)
            better = found < least  # never where the descent has diverged to NaN
            best = torch.where(better[:, None, None], iterate, best)
            least = torch.where(better, found, least)
    return best


def subgradient_method(matrix: Map, U: Tensor, steps: Iterable[float]) -> Iterator[Tensor]:
    """Yield U_0 = U, U_1, ...: U <- U - eta_t (Q + Q^T) U, one step for each of `steps`.

    Parameters
    ----------
    matrix
        Symmetrised Q of the l1 loss, so that (Q + Q^T) U is twice its product with U.
    """
    yield U
    for eta in steps:
        U = U - 2 * eta * matrix(U) @ U
        yield U


def geometric_steps(eta: float, rho: float, T: int) -> list[float]:
    """Return eta rho^t, t = 0, ..., T - 1 (Li, Zhu, So and Vidal 2020)."""
    return [eta * rho**t for t in range(T)]


def diminishing_steps(eta: float, T: int) -> list[float]:
    """Return eta / (t + 1), t = 0, ..., T - 1.

    Deviation: Ding, Jiang, Chen, Qu and Zhu, NeurIPS 2021, prove a sublinear rate for diminishing
    steps at r' > r; the constants of their rule could not be read, so eta is ours.
    """
    return [eta / (t + 1) for t in range(T)]


def truncated_spectral(adjoint: Map, y: Tensor, r: int, *, beta: float = 3.0) -> Tensor:
    """Return U_0, (rows, d, r), of the truncated spectral initialisation.

    U_0 U_0^T is the positive semidefinite matrix of rank r nearest to (1/m) sum y_i A_i over the
    measurements with abs(y_i) <= beta median abs(y): large outliers have no vote. Only this
    initialisation needs to know the rank (Li, Zhu, So and Vidal 2020).

    Parameters
    ----------
    y
        (n, m, c), of which `adjoint` makes c n rows.

    Deviation: beta could not be read. In clean Gaussian data, 3 medians leave 4% out.
    """
    middle = y.abs().median(dim=1, keepdim=True).values
    return spectral_factor(adjoint(torch.where(y.abs() <= beta * middle, y, 0.0)), r)


def spectral_factor(C: Tensor, r: int) -> Tensor:
    """Return U, (rows, d, r), with U U^T the positive semidefinite matrix of rank r nearest C."""
    values, vectors = torch.linalg.eigh(C)  # ascending
    return vectors[..., -r:] * values[..., None, -r:].clamp(min=0).sqrt()


def convex_relaxation(A: Floats, y: Floats, weight: float) -> Floats:
    """Return the minimisers X of ||y - A(X)||_1 + weight tr X over X positive semidefinite.

    On that cone the trace is the nuclear norm. By cvxpy and Clarabel at its own tolerances
    (1e-8), one thread. Instances of one shape share one parametrised program, which halves the
    time of d = 10, m = 70 to 140.

    Parameters
    ----------
    A
        (n, m, d, d), n instances.
    y
        (n, m).

    Returns
    -------
    (n, d, d).
    """
    import cvxpy as cp

    n, m, d, _ = A.shape
    X = cp.Variable((d, d), symmetric=True)
    over, under = cp.Variable(m, nonneg=True), cp.Variable(m, nonneg=True)
    rows, target = cp.Parameter((m, d * d)), cp.Parameter(m)
    fits = rows @ cp.vec(X, order="C") - target == over - under
    cost = cp.sum(over + under) + weight * cp.trace(X)
    program = cp.Problem(cp.Minimize(cost), [X >> 0, fits])
    found = np.empty((n, d, d))
    for i in range(n):
        rows.value, target.value = A[i].reshape(m, -1), y[i]
        with warnings.catch_warnings():
            # What Clarabel calls inaccurate is judged by the error of its answer, like all others.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            program.solve(solver=cp.CLARABEL, max_threads=1)
        found[i] = X.value
    return found
