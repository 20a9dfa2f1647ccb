"""A batched primal-dual interior-point method for the semi-dual: the fast solver.

The semi-dual of transport with at most k nonzeros per column is also the dual of a convex problem,
the relaxation by the squared k-support norm (Argyriou, Foygel and Srebro 2012), here for gamma = 1:

    min <T, C> + (1/2) sum_ij T_ij^2 / H_ij   over  T 1 = a,  T' 1 = b,  T >= 0,
                                                    0 <= H <= 1,  sum_i H_ij = k.

Its optimal multiplier alpha of T 1 = a therefore maximises S, whether or not the k largest entries
are tied at the optimum; a first-order method on S creeps along the kinks that ties make. With
J = 1 - H, W = T / H and lambda_j the multiplier of sum_i H_ij = k, the optimum is where

    z = W - (alpha_i + beta_j - C)  >= 0,      T z = 0,
    q = lambda_j + y - W^2 / 2      >= 0,      H q = 0,
    y >= 0,                                    J y = 0.

Newton steps on these equations with the products set to nu > 0, nu -> 0, are taken as by Mehrotra
(1992): a predictor with nu = 0 fixes nu and the second-order terms of the corrector. For every
entry a 2 x 2 system gives (dT, dH) from (dalpha_i + dbeta_j, -dlambda_j); a 2 x 2 Cholesky factor
per column eliminates (dbeta_j, dlambda_j); one m x m Cholesky factor per problem gives dalpha.
For k >= m, H = 1: `quadratic` is what is left, and `relaxed` the whole.

Deviation: the paper runs first-order solvers on S itself. The maximiser is the same (up to the
tolerance), the work is not: no oracle is called, and an iteration is no evaluation.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .method import per_problem

TO_BOUNDARY = 0.995  # share of the way to the nearest bound that a step may go
CROWDED = 0.05  # relative gap from which on T > z tells the nonzeros of the quadratic plan
BLOCKED = 0.1  # after a step shorter than this the next one only centres


class Solution(NamedTuple):
    """Where each problem stopped.

    Attributes
    ----------
    alpha
        (B, m), maximiser of S.
    gap
        (B,), the duality gap of the relaxation there: max S - S(alpha) is at most that, up to
        rounding.
    iterations
        (B,) long, Newton systems factored.
    """

    alpha: Tensor
    gap: Tensor
    iterations: Tensor


def row(v: Tensor) -> Tensor:
    """Return v (B, m) as something constant along the rows of (B, m, n)."""
    return v.unsqueeze(-1)


def col(v: Tensor) -> Tensor:
    """Return v (B, n) as something constant down the columns of (B, m, n)."""
    return v.unsqueeze(-2)


def total(x: Tensor, y: Tensor) -> Tensor:
    """Return sum x y of each problem, (B,)."""
    return torch.linalg.vecdot(x.flatten(1), y.flatten(1))


def lowest(x: Tensor) -> Tensor:
    """Return the smallest entry of each problem, (B,)."""
    return x.flatten(1).amin(dim=1)


def step_length(ratio: Tensor) -> Tensor:
    """Return the step (B,), at most 1, that keeps x + step dx > 0 where dx / x >= ratio."""
    return torch.where(ratio < -TO_BOUNDARY, -TO_BOUNDARY / ratio, 1.0)


def centring(step: Tensor, gap: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
    """Return the share of the gap to keep, (B,), and the weight of the second-order terms, (B,).

    Mehrotra's cube of what the predictor leaves; but a point too near a bound blocks every step
    towards the optimum, and second-order terms push it there: then all of the gap, and none.
    """
    free = step.squeeze(-1) >= BLOCKED
    return torch.where(free, (after / gap) ** 3, 1.0), free.to(gap.dtype)


def factor(diagonal: Tensor, V: Tensor) -> Tensor:
    """Return the Cholesky factor of diag(diagonal) - V V', made regular along 1.

    It is singular there, as (alpha + c, beta - c) is the same dual point. Right-hand sides are
    orthogonal to 1, so that what is added along 1 changes no solution.
    """
    along_one = diagonal / diagonal.sum(dim=-1, keepdim=True).sqrt()
    S = torch.baddbmm(row(along_one) * col(along_one), V, V.mT, alpha=-1)
    S.diagonal(dim1=-2, dim2=-1).add_(diagonal)
    return torch.linalg.cholesky_ex(S).L


def start(a: Tensor, b: Tensor, C: Tensor, H: Tensor | float) -> tuple[Tensor, ...]:
    """Return feasible T, W = T / H, alpha, beta and z > 0, away from every bound.

    Where a marginal is small, T is small too, and the potential is lowered to keep T z level.
    """
    T = row(a) * col(b) / per_problem(a.sum(dim=-1), C)
    W = T / H
    G = C + W
    room = row(0.03 * (G.amax(dim=(1, 2)) - G.amin(dim=(1, 2))))
    alpha = G.amin(dim=-1) - room * a.mean(dim=-1, keepdim=True) / a
    beta = -room * b.mean(dim=-1, keepdim=True) / b
    return T, W, alpha, beta, G - row(alpha) - col(beta)


class Progress:
    """The best point of each problem so far, and which problems are done."""

    def __init__(self, alpha: Tensor, tolerance: float):
        self.tolerance = tolerance
        self.alpha = alpha
        self.gap = alpha.new_full(alpha.shape[:1], torch.inf)
        self.done = torch.zeros_like(self.gap, dtype=torch.bool)
        self.iterations = torch.zeros_like(self.gap, dtype=torch.long)

    def update(self, alpha: Tensor, gap: Tensor, value: Tensor) -> bool:
        """Take in one iterate; return whether every problem is done.

        A finished problem goes on beside its neighbours, but nothing more is taken from it. A gap
        that is not a number says that rounding has the better of its Newton system.
        """
        better = (gap < self.gap).logical_and_(~self.done)
        self.alpha = torch.where(row(better), alpha, self.alpha)
        self.gap = torch.where(better, gap, self.gap)
        # The first comparison is false, so the problem done, when the gap is not a number.
        running = (gap > self.tolerance * value.abs()).logical_and_(~self.done)
        self.done = ~running
        self.iterations += running
        return not bool(running.any())

    def solution(self) -> Solution:
        """Return what was found."""
        return Solution(self.alpha, self.gap, self.iterations)


class QuadraticSystem:
    """The Newton system at (T, z): dT = A (dalpha_i + dbeta_j + g)."""

    def __init__(self, T: Tensor, z: Tensor, a: Tensor, b: Tensor):
        self.D = 1 / (T + z)
        self.A = T * self.D
        self.short_a, self.short_b = a - T.sum(dim=-1), b - T.sum(dim=-2)
        self.A_sum = self.A.sum(dim=-2)
        self.L = factor(self.A.sum(dim=-1), self.A / col(self.A_sum.sqrt()))

    def solve(self, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return dalpha, dbeta and dT / T."""
        fixed = self.A * g
        rest = self.short_b - fixed.sum(dim=-2)
        short = row(self.short_a - fixed.sum(dim=-1))
        rhs = torch.baddbmm(short, self.A, row(rest / self.A_sum), alpha=-1)
        dalpha = torch.cholesky_solve(rhs, self.L)
        dbeta = (rest - (self.A.mT @ dalpha).squeeze(-1)) / self.A_sum
        return dalpha.squeeze(-1), dbeta, (g + dalpha).add_(col(dbeta)).mul_(self.D)


def quadratic(
    a: Tensor, b: Tensor, C: Tensor, k: Tensor, tolerance: float, max_iterations: int
) -> Solution:
    """Solve the problem of k >= m, quadratic transport with gamma = 1.

    A problem is given up, its gap still large, once a column tends to more than k nonzeros.
    """
    T, _, alpha, beta, z = start(a, b, C, 1.0)
    step = torch.ones_like(a[:, :1])
    progress = Progress(alpha, tolerance)
    for _ in range(max_iterations):
        gap, value = total(T, z), total(T, torch.add(C, T, alpha=0.5))
        crowded = torch.gt(T, z).sum(dim=-2).amax(dim=-1) > k
        progress.done |= crowded & (gap <= CROWDED * value.abs())
        if progress.update(alpha, gap, value):
            break
        system = QuadraticSystem(T, z, a, b)
        g = row(alpha) + col(beta) - C - T
        t = system.solve(g)[-1]
        low, high = t.flatten(1).aminmax(dim=1)
        ahead = step_length(torch.minimum(low, -1 - high))  # with nu = 0, dz / z = -1 - dT / T
        second = torch.addcmul(t, t, t).mul_(z)  # -dT dz / T
        after = (1 - ahead) * gap - ahead**2 * total(T, second)
        sigma, weight = centring(step, gap, after)
        nu = sigma * gap / C[0].numel()
        second.mul_(per_problem(weight, C)).addcdiv_(per_problem(nu, C), T)
        dalpha, dbeta, t = system.solve(g.add_(second))
        u = second.div_(z).sub_(t).sub_(1)  # dz / z
        step = row(step_length(torch.minimum(lowest(t), lowest(u))))
        alpha, beta = alpha + step * dalpha, beta + step * dbeta
        T.addcmul_(T, t.mul_(row(step)))
        z.addcmul_(z, u.mul_(row(step)))
    return progress.solution()


class RelaxedSystem:
    """The Newton system at X = (T, H, J), Y = (z, q, y) and W.

    dT = A s + F r and dH = F s + E r, s = dalpha_i + dbeta_j + g_T, r = -dlambda_j + g_H.
    """

    def __init__(self, X: Tensor, Y: Tensor, W: Tensor, a: Tensor, b: Tensor, k: Tensor):
        (T, H, J), (z, q, y) = X.unbind(dim=1), Y.unbind(dim=1)
        self.T, self.H, self.W = T, H, W
        self.T_over_H = T / H
        self.short_a, self.short_b = a - T.sum(dim=-1), b - T.sum(dim=-2)
        self.short_k = row(k) - H.sum(dim=-2)
        # The 2 x 2 matrix of an entry times H: [1 + zeta, -W; -W, W^2 + w].
        zeta, w = z / self.T_over_H, torch.addcmul(q, y, H / J)
        corner = torch.addcmul(w, W, W)
        D = H / torch.addcmul(w, zeta, corner)
        self.A, self.F, self.E = corner.mul_(D), W * D, zeta.mul_(D).add_(D)
        # Per column, [sum A, sum F; sum F, sum E] = l l' with l lower triangular.
        A_sum, F_sum, E_sum = (x.sum(dim=-2) for x in (self.A, self.F, self.E))
        self.l11 = A_sum.sqrt()
        self.l21 = F_sum / self.l11
        self.l22 = (E_sum - self.l21**2).clamp(min=torch.finfo(W.dtype).tiny).sqrt()
        n = W.shape[-1]
        self.V = W.new_empty(*W.shape[:-1], 2 * n)
        torch.div(self.A, col(self.l11), out=self.V[..., :n])
        right = torch.addcmul(self.F, self.A, col(F_sum / A_sum), value=-1, out=self.V[..., n:])
        right.div_(col(self.l22))
        self.L = factor(self.A.sum(dim=-1), self.V)

    def solve(self, g_T: Tensor, g_H: Tensor, dX: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Write (dT, dH, dJ) into dX; return dalpha, dbeta, dlambda."""
        dT, dH, dJ = dX.unbind(dim=1)
        torch.mul(self.A, g_T, out=dT).addcmul_(self.F, g_H)
        torch.mul(self.F, g_T, out=dH).addcmul_(self.E, g_H)
        u1 = (self.short_b - dT.sum(dim=-2)) / self.l11
        u2 = (self.short_k - dH.sum(dim=-2) - self.l21 * u1) / self.l22
        u = row(torch.cat((u1, u2), dim=-1))
        short = row(self.short_a - dT.sum(dim=-1))
        dalpha = torch.cholesky_solve(torch.baddbmm(short, self.V, u, alpha=-1), self.L)
        u = torch.baddbmm(u, self.V.mT, dalpha, alpha=-1).squeeze(-1)
        u1, u2 = u.tensor_split(2, dim=-1)
        minus_dlambda = u2 / self.l22
        dbeta = (u1 - self.l21 * minus_dlambda) / self.l11
        s, r = dalpha + col(dbeta), col(minus_dlambda)
        dT.addcmul_(self.A, s).addcmul_(self.F, r)
        dH.addcmul_(self.F, s).addcmul_(self.E, r)
        torch.neg(dH, out=dJ)
        return dalpha.squeeze(-1), dbeta, -minus_dlambda


def relaxed(
    a: Tensor, b: Tensor, C: Tensor, k: Tensor, tolerance: float, max_iterations: int
) -> Solution:
    """Solve the problem of k < m, k (B,), with gamma = 1."""
    X, Y = (C.new_empty(len(C), 3, *C.shape[1:]) for _ in range(2))
    (T, H, J), (z, q, y) = X.unbind(dim=1), Y.unbind(dim=1)
    H[:] = per_problem(k, C) / C.shape[-2]
    J[:] = 1 - H
    T[:], W, alpha, beta, z[:] = start(a, b, C, H)
    lam = (W**2 / 2).amax(dim=-2)
    y[:] = per_problem(lam.mean(dim=-1) + total(T, z) / C[0].numel(), C)
    q[:] = col(lam) + y - W**2 / 2
    dX = torch.empty_like(X)
    dT, dH, _ = dX.unbind(dim=1)
    step = torch.ones_like(a[:, :1])
    progress = Progress(alpha, tolerance)
    for _ in range(max_iterations):
        gap = total(X, Y)
        if progress.update(alpha, gap, total(T, torch.add(C, W, alpha=0.5))):
            break
        system = RelaxedSystem(X, Y, W, a, b, k)
        g_T = row(alpha) + col(beta) - C - system.T_over_H
        g_H = torch.addcmul(-col(lam), W, torch.sub(system.T_over_H, W, alpha=0.5))
        system.solve(g_T, g_H, dX)
        dW = torch.addcmul(T + dT, W, dH, value=-1).div_(H).sub_(W)
        ratio = dX / X
        low, high = ratio.flatten(1).aminmax(dim=1)  # with nu = 0, dY / Y = -1 - dX / X
        ahead = step_length(torch.minimum(torch.minimum(low, lowest(dW / W)), -1 - high))
        second = torch.addcmul(ratio, ratio, ratio).mul_(Y)  # -dX dY / X
        after = (1 - ahead) * gap - ahead**2 * total(X, second)
        sigma, weight = centring(step, gap, after)
        nu = sigma * gap / X[0].numel()
        second.mul_(per_problem(weight, X)).addcdiv_(per_problem(nu, X), X)
        dW.mul_(per_problem(weight, W))
        bent = dH * dW  # what the linearised H W = T leaves out
        second_T, second_H, second_J = second.unbind(dim=1)
        g_T.add_(second_T).addcdiv_(bent, H)
        g_H.add_(second_H).sub_(second_J).addcmul_(W, bent / H, value=-1)
        g_H.addcmul_(dW, dW, value=0.5)
        dalpha, dbeta, dlam = system.solve(g_T, g_H, dX)
        dW = torch.addcmul(T + dT, W, dH, value=-1).sub_(bent).div_(H).sub_(W)
        torch.div(dX, X, out=ratio)
        ratio_Y = second.div_(Y).sub_(ratio).sub_(1)
        low = torch.minimum(torch.minimum(lowest(ratio), lowest(ratio_Y)), lowest(dW / W))
        step = row(step_length(low))
        alpha, beta, lam = alpha + step * dalpha, beta + step * dbeta, lam + step * dlam
        W.addcmul_(dW, row(step))
        X.addcmul_(dX, per_problem(step, X))
        Y.addcmul_(Y, ratio_Y.mul_(per_problem(step, X)))
    return progress.solution()
