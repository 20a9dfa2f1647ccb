"""Opponents of sparsity-constrained transport, one problem at a time, as functions of arrays.

    a (m,), b (n,)   marginals with one sum, b positive
    C (m, n)         cost
    gamma, k         weight of the regulariser (gamma/2) ||T||^2; nonzeros allowed per column

Every opponent returns a `Transport`. Packages are imported inside the functions: listing the
opponents costs nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Wrapper = Callable[[Callable[..., Any]], Callable[..., Any]]


class Transport(NamedTuple):
    """An opponent's answer.

    Attributes
    ----------
    alpha
        (m,), the dual variable of T 1 = a; zero for a rule that has none.
    plan
        (m, n).
    value
        The optimum of the opponent's own objective, as it sees it.
    """

    alpha: Floats
    plan: Floats
    value: float


def uncounted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as it is: a wrapper for callers who count no evaluations."""
    return function


def linear_program(a: Floats, b: Floats, C: Floats) -> Transport:
    """Solve the linear program by POT's network simplex; alpha is its dual potential."""
    import ot

    plan, log = ot.emd(a, b, C, numItermax=1_000_000, log=True)
    return Transport(log["u"], plan, log["cost"])


def sinkhorn(a: Floats, b: Floats, C: Floats, epsilon: float) -> Transport:
    """Solve entropic transport by POT's Sinkhorn iterations; the plan is dense.

    Parameters
    ----------
    epsilon
        Weight of sum T (log T - 1).
    """
    import ot

    plan, log = ot.sinkhorn(a, b, C, epsilon, numItermax=2000, warn=False, log=True)
    # alpha = epsilon log u for T = diag(u) exp(-C / epsilon) diag(v).
    alpha = epsilon * np.log(log["u"])
    entropy = np.sum(plan * np.log(np.maximum(plan, np.finfo(float).tiny)) - plan)
    return Transport(alpha, plan, float(np.sum(plan * C) + epsilon * entropy))


def quadratic(
    a: Floats, b: Floats, C: Floats, gamma: float, *, counted: Wrapper = uncounted
) -> Transport:
    """Solve quadratic transport by POT's semi-dual: L-BFGS-B with its default tolerances.

    Blondel, Seguy and Rolet, "Smooth and sparse optimal transport", AISTATS 2018.
    """
    return pot_semi_dual(a, b, C, gamma, len(a), counted=counted)


def pot_semi_dual(
    a: Floats, b: Floats, C: Floats, gamma: float, k: int, *, counted: Wrapper = uncounted
) -> Transport:
    """Maximise the sparsity-constrained semi-dual as ``ot.smooth.smooth_ot_semi_dual`` does.

    Parameters
    ----------
    counted
        Wraps POT's maximum over columns, which it evaluates once per point.
    """
    import ot.smooth

    rule = _pot_rule(gamma, k, len(a))
    rule.max_Omega = counted(rule.max_Omega)
    with _quiet():
        alpha, result = ot.smooth.solve_semi_dual(a, b, C, rule, tol=1e-9, max_iter=500)
        plan = ot.smooth.get_plan_from_semi_dual(alpha, b, C, _pot_rule(gamma, k, len(a)))
    return Transport(alpha, plan, -result.fun)


def pot_dual(
    a: Floats, b: Floats, C: Floats, gamma: float, k: int, *, counted: Wrapper = uncounted
) -> Transport:
    """Maximise the sparsity-constrained dual as ``ot.smooth.smooth_ot_dual`` does.

    Parameters
    ----------
    counted
        Wraps POT's conjugate, which it evaluates once per point.
    """
    import ot.smooth

    rule = _pot_rule(gamma, k, len(a))
    rule.delta_Omega = counted(rule.delta_Omega)
    with _quiet():
        alpha, beta, result = ot.smooth.solve_dual(a, b, C, rule, tol=1e-9, max_iter=500)
    plan = ot.smooth.get_plan_from_dual(alpha, beta, C, _pot_rule(gamma, k, len(a)))
    return Transport(alpha, plan, -result.fun)


def _pot_rule(gamma: float, k: int, m: int) -> Any:
    """Return POT's regulariser; it refuses k = m, where the constraint is void."""
    import ot.smooth

    if k >= m:
        return ot.smooth.SquaredL2(gamma=gamma)
    return ot.smooth.SparsityConstrained(max_nz=k, gamma=gamma)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the ``print`` that POT 0.9.7 left in its sparse projection, and SciPy on its options.

    The name is shadowed in POT's module, which costs a timed call less than redirecting stdout.
    """
    import ot.utils

    ot.utils.print = lambda *_: None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "scipy.optimize: The `disp`", DeprecationWarning)
            yield
    finally:
        del ot.utils.print


def truncate(plan: Floats, b: Floats, k: int) -> Floats:
    """Keep the k largest entries of every column, the first of equal ones, and restore its sum."""
    rank = np.argsort(np.argsort(-plan, axis=0, kind="stable"), axis=0)
    kept = np.where(rank < k, plan, 0.0)
    return kept * (b / np.maximum(kept.sum(axis=0), np.finfo(float).tiny))


def truncated(smooth: Transport, b: Floats, C: Floats, gamma: float, k: int) -> Transport:
    """Keep the k largest entries of every column of a smoothed plan: naive truncation."""
    plan = truncate(smooth.plan, b, k)
    return Transport(smooth.alpha, plan, _cost(plan, C, gamma))


def token_choice(a: Floats, C: Floats) -> Transport:
    """Send every row (token) whole to its cheapest column (expert): top-1 softmax routing."""
    plan = np.zeros_like(C)
    plan[np.arange(len(a)), C.argmin(axis=1)] = a
    return Transport(np.zeros_like(a), plan, _cost(plan, C, 0.0))


def expert_choice(a: Floats, b: Floats, C: Floats, k: int) -> Transport:
    """Let every column (expert) take its k cheapest rows (tokens), b_j / k of each.

    Zhou et al., "Mixture-of-experts with expert choice routing", NeurIPS 2022.
    """
    rank = np.argsort(np.argsort(C, axis=0, kind="stable"), axis=0)
    plan = np.where(rank < k, b / min(k, len(a)), 0.0)
    return Transport(np.zeros_like(a), plan, _cost(plan, C, 0.0))


def cone_program(a: Floats, b: Floats, C: Floats, gamma: float, k: int) -> Transport:
    """Solve the relaxation with the squared k-support norm by cvxpy and Clarabel, to 1e-11.

    min <T, C> + (gamma/2) sum_ij T_ij^2 / H_ij over plans T and 0 <= H <= 1 with column sums of H
    at most k. Its optimum is the dual optimum D_k, and the multiplier of its row constraint an
    optimal alpha. T may have more than k nonzeros in a column: then no k-sparse plan attains D_k.

    With k >= m, H is one everywhere: a quadratic program. Without parameters of cvxpy: with them
    the first problem took 11 s to prepare; so each takes 15 ms, of 50 at 20 x 20.
    """
    import cvxpy as cp

    T = cp.Variable(C.shape, nonneg=True)
    rows = cp.sum(T, axis=1) == a
    constraints = [rows, cp.sum(T, axis=0) == b]
    if k >= len(a):
        penalty = cp.sum_squares(T)
    else:
        H, S = cp.Variable(C.shape), cp.Variable(C.shape)
        sides = cp.vstack([cp.vec(2 * T, order="F"), cp.vec(S - H, order="F")])
        constraints += [H >= 0, H <= 1, cp.sum(H, axis=0) <= k]
        constraints.append(cp.SOC(cp.vec(S + H, order="F"), sides, axis=0))
        penalty = cp.sum(S)
    program = cp.Problem(cp.Minimize(cp.sum(cp.multiply(C, T)) + gamma / 2 * penalty), constraints)
    with warnings.catch_warnings():
        # What Clarabel calls inaccurate at 1e-11 is judged by the certificate of its answer.
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        program.solve(
            solver=cp.CLARABEL,
            tol_gap_abs=1e-11,
            tol_gap_rel=1e-11,
            tol_feas=1e-11,
            max_threads=1,
        )
    # The sign under which a multiplier raises the dual: cvxpy adds multiplier * (T 1 - a).
    return Transport(-rows.dual_value, T.value, float(program.value))


def _cost(plan: Floats, C: Floats, gamma: float) -> float:
    return float(np.sum(plan * C) + gamma / 2 * np.sum(plan**2))
