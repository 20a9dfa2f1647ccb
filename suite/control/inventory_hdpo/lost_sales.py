"""One store with Poisson demand and lost sales (Zipkin 2008): the optimum, and any policy's cost.

A state is (x_0, q_1, ..., q_{L-1}): on hand, and what arrives 1, ..., L - 1 periods ahead. Orders
are whole numbers, so that the state stays on a grid, where average costs are exact: relative value
iteration brackets them between the least and the largest change of the values.

Source: the optimality equations of Zipkin, "Old and new methods for lost-sales inventory systems",
Operations Research 56 (2008), which the paper's setting B is taken from.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import poisson

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]

#: Mean demand and holding cost of all sixteen instances.
RATE, H = 5.0, 1.0
#: Orders are at most this; the largest order ever optimal is 10 (L = 4, p = 39).
LARGEST_ORDER = 14
#: Iterations after which a policy has no one average cost, and the upper bracket is returned.
MOST_ITERATIONS = 2_000


class Optimum(NamedTuple):
    """What value iteration finds.

    Attributes
    ----------
    cost
        C*, the least average cost per period.
    orders
        The optimal order in every state, of the shape of `shape`.
    """

    cost: float
    orders: Wholes


def largest_stock(L: int) -> int:
    """Return X, the most on hand that the grid tells apart: more is thrown away, at no gain.

    A quantile of the demand of L + 1 periods, which no sensible inventory position exceeds.
    """
    return int(poisson.ppf(0.9999, RATE * (L + 1))) + 2


def shape(L: int) -> tuple[int, ...]:
    """Return the numbers of values of (x_0, q_1, ..., q_{L-1})."""
    return (largest_stock(L) + 1, *[LARGEST_ORDER + 1] * (L - 1))


def states(L: int) -> Wholes:
    """Return all states, (S, L), in the order of a flattened table."""
    return np.stack([axis.ravel() for axis in np.indices(shape(L))], axis=1)


def period_cost(p: float, X: int) -> Floats:
    """Return E[h (x - D)^+ + p (D - x)^+] for x = 0, ..., X."""
    x = np.arange(X + 1)
    # E (D - x)^+ = E D - E min(D, x), and E min(D, x) = sum over k < x of P(D > k).
    sold = np.concatenate([[0.0], np.cumsum(poisson.sf(x[:-1], RATE))])
    return H * (x - sold) + p * (RATE - sold)


def leftover(X: int) -> Floats:
    """Return P[x, y] = P((x - D)^+ = y), (X + 1, X + 1)."""
    x, y = np.indices((X + 1, X + 1))
    return np.where(y > 0, poisson.pmf(x - y, RATE), poisson.sf(x - 1, RATE)) * (y <= x)


@lru_cache(maxsize=16)
def optimum(L: int, p: float, tolerance: float = 1e-6) -> Optimum:
    """Return the optimal average cost and order, by relative value iteration.

    Parameters
    ----------
    L, p
        Lead time in periods, and cost of a lost sale.
    tolerance
        The width of the bracket at which it stops; the cost is its middle.
    """
    X = largest_stock(L)
    P, c = leftover(X), period_cost(p, X).reshape(-1, *[1] * (L - 1))
    arrived = np.minimum(np.add.outer(np.arange(X + 1), np.arange(LARGEST_ORDER + 1)), X)
    V = np.zeros(shape(L))
    while True:
        if L == 1:  # the order itself arrives next
            W = P @ V[arrived]
        else:  # rows y, q_1; then q_2, ..., q_{L-1} and the order, which are next period's q
            U = V[arrived]
            W = (P @ U.reshape(X + 1, -1)).reshape(X + 1, *U.shape[1:])
        new = c + W.min(axis=-1)
        change = new - V
        V = new - new.flat[0]
        if np.ptp(change) < tolerance:
            return Optimum(float(change.min() + change.max()) / 2, W.argmin(axis=-1))


def average_cost(L: int, p: float, orders: Wholes, tolerance: float = 1e-7) -> float:
    """Return the long-run cost per period of a policy, from a pipeline of mean demands on.

    Only the states that the policy ever reaches from there take part. Where they fall apart into
    classes of different cost, the largest is returned.

    Parameters
    ----------
    L, p
        Lead time in periods, and cost of a lost sale.
    orders
        Of the shape of `shape`; orders are clipped to 0..`LARGEST_ORDER`.
    tolerance
        The width of the bracket at which it stops; the cost is its middle.
    """
    X, size = largest_stock(L), orders.size
    orders = np.clip(orders, 0, LARGEST_ORDER).ravel()
    place = size // (X + 1)  # of x_0 in a flattened table
    y = np.arange(X + 1)

    def successors(s: Wholes) -> Wholes:
        """Return the state after every leftover y, (len(s), X + 1)."""
        x, pipeline = np.divmod(s, place)
        joined = pipeline * (LARGEST_ORDER + 1) + orders[s] if L > 1 else orders[s]
        first, rest = np.divmod(joined, place)
        arrived = np.minimum(np.minimum(y, x[:, None]) + first[:, None], X)
        return arrived * place + rest[:, None]

    start = np.ravel_multi_index([int(RATE)] * L, shape(L))
    reached = np.zeros(size, dtype=bool)
    frontier = np.array([start])
    while len(frontier):
        reached[frontier] = True
        after = np.zeros(size, dtype=bool)
        after[successors(frontier)] = True
        frontier = np.flatnonzero(after & ~reached)
    s = np.flatnonzero(reached)
    number = np.zeros(size, dtype=np.int64)
    number[s] = np.arange(len(s))
    x = s // place
    possible = y <= x[:, None]  # of a stock of x at most x is left
    P = csr_array(
        (leftover(X)[x][possible], number[successors(s)][possible], np.append(0, np.cumsum(x + 1)))
    )
    c = period_cost(p, X)[x]
    V = np.zeros(len(s))
    for _ in range(MOST_ITERATIONS):
        new = c + P @ V
        change = new - V
        V = new - new[0]
        if np.ptp(change) < tolerance:
            return float(change.min() + change.max()) / 2
    return float(change.max())
