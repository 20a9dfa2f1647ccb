"""SubGM, the sub-gradient method for matrix recovery (Ma and Fattahi 2022, arXiv 2202.08788).

    f(U) = (1/m) sum_i |y_i - <A_i, U U'>|,   Q = (1/m) sum_i sign(<A_i, U U'> - y_i) A_i
    U <- U - eta_t (Q + Q') U,   U_0 of scale alpha

A problem is anything with `T`, the number of iterations, and `subgradient`, which returns f(U), of
shape (rows,), and the symmetrised Q, (rows, d, d). U is (rows, d, k).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import pi
from typing import Any

import torch
from torch import Tensor

#: Less than the norm of any Q that is not zero.
TINY = torch.finfo(torch.float64).tiny

#: (t, f(U_t), Q_t) to the step eta_t, one number or (rows,).
Steps = Callable[[int, Tensor, Tensor], Any]


def subgm(problem: Any, U: Tensor, steps: Steps) -> Tensor:
    """Return the last iterate U_T, (rows, d, k), from U_0 = `U`."""
    for iterate in iterates(problem, U, steps):
        U = iterate
    return U


def iterates(problem: Any, U: Tensor, steps: Steps) -> Iterator[Tensor]:
    """Yield U_0, ..., U_T, each (rows, d, k)."""
    yield U
    for t in range(problem.T):
        f, Q = problem.subgradient(U)
        eta = torch.as_tensor(steps(t, f, Q), dtype=U.dtype, device=U.device)
        U = U - 2 * eta.reshape(-1, 1, 1) * (Q @ U)
        yield U


def adaptive(eta: float) -> Steps:
    """eta_t = (pi/2) eta f(U_t), for measurements without noise.

    In expectation U <- U - 2 eta (U U' - X*) U, descent on the quadratic population loss.
    """
    return lambda t, f, Q: pi / 2 * eta * f


def geometric(eta: float, rho: float) -> Steps:
    """eta_t = eta rho^t / ||Q_t||_F, t = 0, 1, ..., for any noise.

    The steps can move U no further than eta / (1 - rho) in all: what grows the signal from alpha
    to 1 must fit into that.
    """

    def steps(t: int, _f: Tensor, Q: Tensor) -> Tensor:
        # Q = 0 is an optimum of f, where no finite step moves U: there the method stops.
        return eta * rho**t / torch.linalg.matrix_norm(Q).clamp(min=TINY)

    return steps


def random_start(direction: Tensor, alpha: Tensor) -> Tensor:
    """Return U_0 = alpha G / sqrt(d); `direction` is G / sqrt(d), `alpha` is (rows,).

    Deviation: the paper's normalisation of G was not found; ours gives columns of norm alpha.
    """
    return alpha.reshape(-1, 1, 1) * direction


def spectral_start(problem: Any, direction: Tensor, alpha: Tensor) -> Tensor:
    """Return U_0 = alpha V_+ diag(sqrt(w_+)) from C = (1/m) sum sign(y_i) A_i = V diag(w) V'.

    The k largest eigenvalues are used, k the columns of `direction`; negative ones count as zero.
    """
    C = -problem.subgradient(torch.zeros_like(direction)).Q  # the residual at U = 0 is -y
    w, V = torch.linalg.eigh(C)
    w, V = w.flip(-1)[:, : direction.shape[-1]], V.flip(-1)[..., : direction.shape[-1]]
    return alpha.reshape(-1, 1, 1) * V * w.clamp(min=0).sqrt().unsqueeze(-2)
