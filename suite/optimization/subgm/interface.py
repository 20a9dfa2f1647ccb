"""What a contender may use of a problem of this paper, and what it returns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Protocol

from torch import Tensor

from .problem import Evaluation, OneProblem


class Measurements(Protocol):
    """y_i = <A_i, X*> + s_i, X* = U U' of rank r; n replicates of c cells are c n rows.

    Attributes
    ----------
    A
        Packed measurements: A_ii, and A_ij + A_ji above the diagonal, as ``triu_indices`` has them.
    y
        Responses; some of them may be off by any amount.
    direction
        G / sqrt(d), G standard normal in the first r' columns and zero in the others: the random
        start that all contenders share.
    alpha
        Scale of that start: U_0 = alpha G / sqrt(d).
    r, d, m, n, cells
        Rank, side of X*, measurements, replicates and cells.
    T, rho
        Iterations, and the decay of the steps, fixed in advance.
    calls
        Gradients so far.
    """

    A: Annotated[Tensor, "(n, m, P) float64"]
    y: Annotated[Tensor, "(n, m, cells) float64"]
    direction: Annotated[Tensor, "(rows, d, k) float64"]
    alpha: Annotated[Tensor, "(rows,) float64"]
    r: int
    d: int
    m: int
    n: int
    cells: int
    T: int
    rho: float
    calls: Annotated[Tensor, "(rows,) int, counts gradients"]

    def subgradient(self, U: Tensor) -> Evaluation:
        """Return f(U), (rows,), and Q, (rows, d, d), of the l1 loss; a subgradient is 2 Q U."""

    def l2_gradient(self, U: Tensor) -> Tensor:
        """Return Q, (rows, d, d), of the l2 loss; its gradient is 2 Q U."""

    def correlation(self, s: Tensor) -> Tensor:
        """Return the symmetrised mean of s_i A_i, (rows, d, d), for weights (n, m, c)."""

    def each(self) -> Iterator[OneProblem]:
        """Yield the rows as arrays: A (m, P), y (m,), d."""


class Recovery(Protocol):
    """Recovers X* as U U'."""

    def __call__(
        self, problem: Measurements, /
    ) -> Annotated[Tensor, "(rows, d, columns) float64, U"]:
        """Return U for every row, with as many columns as it likes."""


def naive_recovery(problem: Measurements) -> Tensor:
    """Take T subgradient steps of 0.1 / sqrt(t) from the small random start."""
    U = problem.alpha.reshape(-1, 1, 1) * problem.direction
    for t in range(1, problem.T + 1):
        Q = problem.subgradient(U).Q
        U = U - 0.1 / t**0.5 * 2 * (Q @ U)
    return U


class RecoveryPath(Protocol):
    """Recovers X*, and shows the way: U_0, U_50, U_100, ..."""

    def __call__(
        self, problem: Measurements, /
    ) -> Annotated[Sequence[Tensor], "each (rows, d, columns) float64, U_0, U_50, ..."]:
        """Return every fiftieth iterate from U_0 to U_T."""


def naive_recovery_path(problem: Measurements) -> list[Tensor]:
    """Take T subgradient steps of 0.1 / sqrt(t), and keep every fiftieth iterate."""
    U = problem.alpha.reshape(-1, 1, 1) * problem.direction
    path = [U]
    for t in range(1, problem.T + 1):
        Q = problem.subgradient(U).Q
        U = U - 0.1 / t**0.5 * 2 * (Q @ U)
        if t % 50 == 0:
            path.append(U)
    return path
