"""Optimal transport with at most k nonzeros in every column of the plan.

Liu, Puigcerver and Blondel, "Sparsity-constrained optimal transport", ICLR 2023,
arXiv 2209.15466. Notation of the paper, for a batch of B problems:

    a      (B, m)     row marginals, in the simplex
    b      (B, n)     column marginals, in the simplex, all positive
    C      (B, m, n)  cost
    T      (B, m, n)  plan, T >= 0; column t_j has at most k nonzeros
    alpha  (B, m)     dual variable of T 1 = a
    beta   (B, n)     dual variable of T' 1 = b
    k      int, or (B,) integers: one per problem; k >= m is quadratic transport
    gamma  float, or (B,): the weight of the regulariser (gamma/2) ||t_j||_2^2

Every function is the mathematics alone: it works on whole batches, on the device and in the
precision of its arguments, and counts nothing. `oracle.py` counts; `lbfgs.py` and `interior.py`
optimise.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Evaluation(NamedTuple):
    """The dual or semi-dual at one point: value, gradient and the plan that made them.

    Attributes
    ----------
    value
        (B,), the concave objective, to be maximised.
    gradient
        (B, m) for the semi-dual in alpha, (B, m + n) for the dual in (alpha, beta). A
        supergradient where the k largest entries of a column are tied.
    plan
        (B, m, n), the maximising columns t_j.
    """

    value: Tensor
    gradient: Tensor
    plan: Tensor


def per_problem(number: float | Tensor, like: Tensor) -> Tensor:
    """Return k or gamma in a shape that meets `like` (B, ...): one value per problem, or one."""
    # Torch would round a Python float to its default precision, whatever that of `like` is.
    dtype = like.dtype if isinstance(number, float) else None
    number = torch.as_tensor(number, dtype=dtype, device=like.device)
    return number.reshape(-1, *[1] * (like.ndim - 1))


def largest(s: Tensor, k: int | Tensor) -> tuple[Tensor, Tensor]:
    """Mark the k largest entries of every column; of equal entries the lowest index goes first.

    Parameters
    ----------
    s
        (B, m, n).
    k
        At least 1; k >= m marks everything.

    Returns
    -------
    top
        (B, K, n), the K largest entries of each column in descending order, K = min(max k + 1, m).
    marked
        (B, m, n), boolean, min(k, m) true entries in every column.
    """
    m = s.shape[-2]
    k = per_problem(k, s).clamp(max=m)
    top = s.topk(min(int(k.max()) + 1, m), dim=-2).values
    column = (len(s), 1, s.shape[-1])
    kth = top.take_along_dim((k - 1).expand(column), dim=-2)
    marked = s >= kth
    after = top.take_along_dim(k.clamp(max=top.shape[-2] - 1).expand(column), dim=-2)
    if ((kth == after) & (k < m)).any():
        above = s > kth
        tied = marked & ~above
        room = k - above.sum(dim=-2, keepdim=True)
        marked = above | (tied & (tied.cumsum(dim=-2) <= room))
    return top, marked


def sparse_projection(v: Tensor, k: int | Tensor) -> Tensor:
    """Project every column on the simplex cut by ||p||_0 <= k, exactly (Kyrillidis et al. 2013).

    Parameters
    ----------
    v
        (B, m, n).
    k
        At most so many nonzeros per column.

    Returns
    -------
    Tensor
        p (B, m, n): the argmin of ||p - v||^2 over p >= 0, sum p = 1, ||p||_0 <= k.
    """
    top, marked = largest(v, k)
    i = torch.arange(1, top.shape[-2] + 1, device=v.device).unsqueeze(-1)
    theta_of_i = (top.cumsum(dim=-2) - 1) / i
    within = (top > theta_of_i) & (i <= per_problem(k, v))
    rho = within.sum(dim=-2, keepdim=True).clamp(min=1)
    theta = theta_of_i.take_along_dim(rho - 1, dim=-2)
    return (v - theta).clamp_(min=0).mul_(marked)


def conjugate(s: Tensor, k: int | Tensor, gamma: float | Tensor) -> tuple[Tensor, Tensor]:
    """Omega*_+(s_j) = max over t >= 0, ||t||_0 <= k of <s_j, t> - (gamma/2) ||t||^2, per column.

    Returns
    -------
    tuple
        The values (B, n) and their gradients, the maximising columns, (B, m, n).
    """
    gamma = per_problem(gamma, s)
    positive = s.clamp(min=0) * largest(s, k)[1]
    return (positive**2 / (2 * gamma)).sum(dim=-2), positive / gamma


def conjugate_on_simplex(
    s: Tensor, b: Tensor, k: int | Tensor, gamma: float | Tensor
) -> tuple[Tensor, Tensor]:
    """M_j(s_j) = max over t >= 0, sum t = b_j, ||t||_0 <= k of <s_j, t> - (gamma/2) ||t||^2.

    Returns
    -------
    tuple
        The values (B, n) and their gradients t_j = b_j p_j, with sums b_j, (B, m, n).
    """
    gamma, b_j = per_problem(gamma, s), b.unsqueeze(-2)
    t = b_j * sparse_projection(s / (gamma * b_j), k)
    return (t * (s - (gamma / 2) * t)).sum(dim=-2), t


def semi_dual(
    alpha: Tensor, a: Tensor, b: Tensor, C: Tensor, k: int | Tensor, gamma: float | Tensor
) -> Evaluation:
    """S(alpha) = <alpha, a> - sum_j M_j(alpha - c_j), with gradient a - T 1; T' 1 = b holds."""
    M, T = conjugate_on_simplex(alpha.unsqueeze(-1) - C, b, k, gamma)
    value = (alpha * a).sum(dim=-1) - M.sum(dim=-1)
    return Evaluation(value, a - T.sum(dim=-1), T)


def dual(
    alpha: Tensor,
    beta: Tensor,
    a: Tensor,
    b: Tensor,
    C: Tensor,
    k: int | Tensor,
    gamma: float | Tensor,
) -> Evaluation:
    """D = <alpha, a> + <beta, b> - sum_j Omega*_+(alpha + beta_j 1 - c_j).

    Its gradient is (a - T 1, b - T' 1): no marginal holds before the optimum.
    """
    omega, T = conjugate(alpha.unsqueeze(-1) + beta.unsqueeze(-2) - C, k, gamma)
    value = (alpha * a).sum(dim=-1) + (beta * b).sum(dim=-1) - omega.sum(dim=-1)
    return Evaluation(value, torch.cat((a - T.sum(dim=-1), b - T.sum(dim=-2)), dim=-1), T)
