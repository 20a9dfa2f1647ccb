"""The one evaluator: everything that is judged, recomputed from the returned alpha and plan.

Plain numpy, written apart from `method.py` and by another algorithm (the threshold of the simplex
by discarding entries, not by sorting), so that an error has to be made twice to go unseen.

alpha gives a lower bound of the dual optimum D_k, which is also the optimum of the relaxation with
the squared k-support norm in place of ||t_j||^2 (Argyriou, Foygel and Srebro, NeurIPS 2012); a
plan, rounded to feasibility, gives an upper bound. Together they are a certificate.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .problem import TransportProblem

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]

#: An entry of a plan counts as a nonzero above this share of the plan's largest entry.
NONZERO = 1e-10


class Answer(NamedTuple):
    """What every contender returns, as arrays or tensors.

    Attributes
    ----------
    alpha
        (B, m), its dual variables of T 1 = a; zero where it has none.
    plan
        (B, m, columns).
    value
        (B,), what it takes for its objective: compared with the truth, never used instead.
    """

    alpha: Any
    plan: Any
    value: Any


def measure(problem: TransportProblem, answer: Answer) -> dict[str, Floats]:
    """Return the columns of the evidence, each (B,); see the functions of this module."""
    a, b, C, k, gamma = arrays(problem)
    alpha, T, value = (host(part) for part in answer)
    S, t = semi_dual(alpha, a, b, C, k, gamma)
    upper = relaxed_cost(round_plan(T, a, b), C, k, gamma)
    nonzero = nonzeros(T)
    cost = (T * C).sum(axis=(1, 2))
    return {
        "dual_value": S,
        "relaxed_cost": upper,
        "certified_gap": (upper - S) / np.abs(S),
        "cost": cost,
        "endpoint": cost + gamma / 2 * (b**2).sum(axis=1),
        "excess_nonzeros": nonzero.sum(axis=1).max(axis=1) - k,
        "nonzero_share": nonzero.mean(axis=(1, 2)),
        "row_violation": np.abs(T.sum(axis=2) - a).sum(axis=1),
        "squared_row_error": ((T.sum(axis=2) - a) ** 2).sum(axis=1),
        "column_violation": np.abs(T.sum(axis=1) - b).sum(axis=1),
        "plan_error": np.abs(T - t).sum(axis=(1, 2)),
        "value_error": np.abs(value - S) / np.abs(S),
    }


def arrays(problem: TransportProblem) -> tuple[Floats, Floats, Floats, Wholes, Floats]:
    """Return a, b, C, k and gamma of a problem, on the host."""
    return tuple(host(x) for x in (problem.a, problem.b, problem.C, problem.k, problem.gamma))


def host(part: Any) -> NDArray[Any]:
    """Return an array or a tensor of any device as an array."""
    return part.detach().cpu().numpy() if hasattr(part, "detach") else np.asarray(part)


def semi_dual(
    alpha: Floats, a: Floats, b: Floats, C: Floats, k: Wholes, gamma: Floats
) -> tuple[Floats, Floats]:
    """Return S(alpha), (B,), and the plan of its gradient, (B, m, columns).

    S(alpha) = <alpha, a> - sum_j max over t in the b_j-simplex, ||t||_0 <= k, of
    <alpha - c_j, t> - (gamma/2) ||t||^2. Of equal entries the lowest index is kept.
    """
    s = alpha[:, :, None] - C
    weight = gamma[:, None, None] * b[:, None, :]
    v = s / weight
    rank = np.argsort(np.argsort(-s, axis=1, kind="stable"), axis=1, kind="stable")
    active = rank < k[:, None, None]
    while True:  # entries at or below the threshold are discarded until none is: Michelot 1986
        # None are left only where alpha is no number, which is then the finding.
        count = np.maximum(active.sum(axis=1, keepdims=True), 1)
        theta = (np.where(active, v, 0).sum(axis=1, keepdims=True) - 1) / count
        fewer = active & (v > theta)
        if np.array_equal(fewer, active):
            break
        active = fewer
    t = b[:, None, :] * np.where(active, v - theta, 0)
    M = (s * t).sum(axis=(1, 2)) - gamma / 2 * (t**2).sum(axis=(1, 2))
    return (alpha * a).sum(axis=1) - M, t


def nonzeros(T: Floats) -> NDArray[np.bool_]:
    """Return which entries count as nonzeros: one rule for sparse and for smoothed plans."""
    return np.greater(T, NONZERO * T.max(axis=(1, 2), keepdims=True))


def round_plan(T: Floats, a: Floats, b: Floats) -> Floats:
    """Return a feasible plan close to T (Altschuler, Weed and Rigollet 2017, Algorithm 2)."""
    tiny = np.finfo(float).tiny
    T = np.maximum(T, 0)
    T = T * np.minimum(1, a / np.maximum(T.sum(axis=2), tiny))[:, :, None]
    T = T * np.minimum(1, b / np.maximum(T.sum(axis=1), tiny))[:, None, :]
    rows, columns = a - T.sum(axis=2), b - T.sum(axis=1)
    missing = np.maximum(np.abs(rows).sum(axis=1), tiny)
    return T + rows[:, :, None] * (columns / missing[:, None])[:, None, :]


def relaxed_cost(T: Floats, C: Floats, k: Wholes, gamma: Floats) -> Floats:
    """Return <T, C> + (gamma/2) sum_j ||t_j||_ksp^2, (B,): at least D_k where T is feasible."""
    return (T * C).sum(axis=(1, 2)) + gamma / 2 * k_support_squared(T, k).sum(axis=1)


def k_support_squared(T: Floats, k: Wholes) -> Floats:
    """Return the squared k-support norm of every column, (B, columns).

    With w the column's entries in descending order: keep the first i of them, where i < k is the
    least with q = (w_{i+1} + ... + w_m) / (k - i) >= w_{i+1}, and spread the rest over k - i equal
    entries; w_1^2 + ... + w_i^2 + (k - i) q^2.
    """
    w = -np.sort(-np.abs(T), axis=1)
    m = w.shape[1]
    tail = np.flip(np.flip(w, axis=1).cumsum(axis=1), axis=1)
    room = np.minimum(k, m)[:, None, None] - np.arange(m)[None, :, None]
    q = tail / np.maximum(room, 1)
    i = ((q >= w) & (room > 0)).argmax(axis=1, keepdims=True)
    head = (w**2).cumsum(axis=1) - w**2
    squared = head + room * q**2
    return np.take_along_axis(squared, i, axis=1)[:, 0]


def measure_routing(problem: TransportProblem, answer: Answer) -> dict[str, Floats]:
    """Return the columns of the routing evidence, each (B,), with k as the experts' capacity.

    `share_over` is the share of experts with more than k tokens, `overflow` the tokens beyond
    capacity over all places, `dropped` the share of tokens that no expert takes, `affinity` the
    mean gate of the tokens' weight, and `misplaced` what tuning minimises: `overflow`, plus the
    share of the tokens' weight that is missing or in excess.
    """
    a, _, C, k, _ = arrays(problem)
    T = host(answer.plan)
    nonzero = nonzeros(T)
    tokens = nonzero.sum(axis=1)
    overflow = np.maximum(tokens - k[:, None], 0).sum(axis=1) / (k * C.shape[2])
    violation = np.abs(T.sum(axis=2) - a).sum(axis=1) / a.sum(axis=1)
    return {
        "share_over": (tokens > k[:, None]).mean(axis=1),
        "most_tokens": tokens.max(axis=1),
        "overflow": overflow,
        "dropped": (~nonzero.any(axis=2)).mean(axis=1),
        "affinity": (T * -C).sum(axis=(1, 2)) / a.sum(axis=1),
        "row_violation": violation,
        "misplaced": overflow + violation,
    }


#: A race's problems that are audited one by one: those that a loop over problems gets to answer.
AUDITED = 3


def measure_race(problem: TransportProblem, answer: Answer) -> dict[str, Floats]:
    """Return what a race is judged by, each (1,): independent dual values of the first problems.

    `problems` were answered in all, `value_i` is the i-th one's dual value for i below `audited`,
    else zero. All values of one problem lie below one optimum, so that the larger value has the
    smaller certified gap.
    """
    alpha = host(answer.alpha)
    audited = min(len(alpha), AUDITED)
    value = np.zeros(AUDITED)
    value[:audited], _ = semi_dual(alpha[:audited], *(part[:audited] for part in arrays(problem)))
    return {
        "problems": np.array([float(len(alpha))]),
        "audited": np.array([float(audited)]),
        **{f"value_{i}": value[i : i + 1] for i in range(AUDITED)},
    }
