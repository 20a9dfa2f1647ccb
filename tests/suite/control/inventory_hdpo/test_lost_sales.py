"""The exact optimum of a lost-sales store, and the exact cost of any policy."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import poisson

from suite.control.inventory_hdpo import lost_sales as ls
from suite.control.inventory_hdpo.simulator import OUTSIDE, Network, average_costs

# The sheet's independent computation, p = 4, 9, 19, 39.
OPTIMA = {
    1: (4.0407, 5.4382, 6.6757, 7.8360),
    2: (4.3953, 6.0936, 7.6644, 9.1064),
    3: (4.5987, 6.5314, 8.3625, 10.0385),
    4: (4.7285, 6.8359, 8.8872, 10.7944),
}
PRICES = (4, 9, 19, 39)


def base_stock(L, S, cap=ls.LARGEST_ORDER):
    return np.clip(S - ls.states(L).sum(axis=1), 0, cap).reshape(ls.shape(L))


@pytest.mark.parametrize("L", [1, 2, 3])
def test_optima_are_those_of_an_independent_computation(L):
    """Value iteration gives the twelve smaller optimal costs to four decimals (check 2)."""
    for p, known in zip(PRICES, OPTIMA[L], strict=True):
        assert ls.optimum(L, p).cost == pytest.approx(known, abs=1e-4)


@pytest.mark.parametrize("p", [9])
def test_optimum_of_the_longest_lead_time(p):
    """L = 4, p = 9 costs 6.8359 at best (check 2)."""
    assert ls.optimum(4, p).cost == pytest.approx(OPTIMA[4][PRICES.index(p)], abs=1e-4)


@pytest.mark.exam
@pytest.mark.parametrize("p", PRICES)
def test_all_optima_of_the_longest_lead_time(p):
    """The four optimal costs of L = 4 to four decimals (check 2)."""
    assert ls.optimum(4, p).cost == pytest.approx(OPTIMA[4][PRICES.index(p)], abs=1e-4)


def test_largest_optimal_orders_are_far_below_the_grid():
    """The largest order ever optimal rises with p from 6 to at most 10, of 14 (check 2)."""
    largest = [max(int(ls.optimum(L, p).orders.max()) for L in (1, 2, 3)) for p in PRICES]
    assert largest[:2] == [6, 7]
    assert max(largest) <= 10


def test_a_larger_grid_changes_nothing(monkeypatch):
    """Orders up to 20 in place of 14, and more stock, move the optimum by less than 1e-5."""
    known = ls.optimum(2, 39).cost
    monkeypatch.setattr(ls, "LARGEST_ORDER", 20)
    monkeypatch.setattr(ls, "largest_stock", lambda L: 50)
    assert ls.optimum.__wrapped__(2, 39).cost == pytest.approx(known, abs=1e-5)


def test_optimum_rises_with_lead_time_and_price_and_stays_below_backlog():
    """It is increasing in L and p, and at most the Poisson newsvendor's cost (check 3)."""
    table = np.array([[ls.optimum(L, p).cost for p in PRICES] for L in (1, 2, 3)])
    assert (np.diff(table, axis=0) > 0).all()
    assert (np.diff(table, axis=1) > 0).all()
    for (i, L), (j, p) in itertools.product(enumerate((1, 2, 3)), enumerate(PRICES)):
        assert table[i, j] < newsvendor(L, p)
    assert newsvendor(1, 4) == pytest.approx(4.612, abs=1e-3)
    assert newsvendor(2, 9) == pytest.approx(7.123, abs=1e-3)
    assert newsvendor(4, 39) == pytest.approx(12.401, abs=1e-3)


def newsvendor(L, p):
    """Return the least of E h (S - D)^+ + p (D - S)^+ over S, D Poisson of L + 1 periods."""
    d = np.arange(200)
    weight = poisson.pmf(d, 5 * (L + 1))
    return min(weight @ (np.maximum(S - d, 0) + p * np.maximum(d - S, 0)) for S in range(80))


def test_period_cost_and_leftovers_are_expectations():
    """Both tables equal sums over the demand's distribution."""
    d = np.arange(100)
    weight = poisson.pmf(d, 5)
    c, P = ls.period_cost(9, 20), ls.leftover(20)
    for x in (0, 3, 20):
        short, left = np.maximum(d - x, 0), np.maximum(x - d, 0)
        assert c[x] == pytest.approx(weight @ (left + 9 * short), rel=1e-12)
        np.testing.assert_allclose(P[x], np.bincount(left, weight, minlength=21), atol=1e-15)


def policy_iteration(p, X, Q):
    """Return the optimal gain for L = 2 by Howard's algorithm: loops and linear equations."""
    states = list(itertools.product(range(X + 1), range(Q + 1)))
    number = {state: i for i, state in enumerate(states)}
    pmf = poisson.pmf(np.arange(X + 1), 5)

    def row(x, q, a):
        weights = np.zeros(len(states))
        for y in range(x + 1):
            chance = pmf[x - y] if y else 1 - pmf[:x].sum()
            weights[number[min(y + q, X), a]] += chance
        return weights

    rows = np.array([[row(x, q, a) for a in range(Q + 1)] for x, q in states])
    d = np.arange(100)
    cost = [
        poisson.pmf(d, 5) @ (np.maximum(x - d, 0) + p * np.maximum(d - x, 0)) for x, _ in states
    ]
    chosen = np.full(len(states), 5)
    while True:
        P = rows[np.arange(len(states)), chosen]
        A = np.eye(len(states)) - P
        A[:, 0] = 1  # the first state's value is zero; its place is the gain's
        solution = np.linalg.solve(A, cost)
        gain, value = solution[0], np.append(0, solution[1:])
        better = (rows @ value).argmin(axis=1)
        if np.allclose(rows[np.arange(len(states)), better] @ value, P @ value, atol=1e-10):
            return gain
        chosen = better


def test_optimum_is_that_of_policy_iteration():
    """On a small MDP (L = 2), Howard's algorithm with dense equations finds the same gain."""
    assert ls.optimum(2, 4).cost == pytest.approx(policy_iteration(4, 20, 8), abs=2e-6)


@pytest.mark.parametrize(("L", "p"), [(1, 9), (2, 4), (3, 39)])
def test_optimal_orders_cost_the_optimum(L, p):
    """The evaluator, fed with the optimal table, returns the optimum (check 10)."""
    best = ls.optimum(L, p)
    assert abs(ls.average_cost(L, p, best.orders) / best.cost - 1) < 3e-7


# (L, p), level of the best base-stock policy, gap; the best (level, cap), gap: the sheet's audit.
STRUCTURED = {
    (1, 4): (12, 3.02, (12, 6), 0.61),
    (2, 4): (16, 5.54, (17, 5), 0.24),
    (4, 9): (28, 6.36, (29, 5), 1.12),
}


@pytest.mark.parametrize(("L", "p"), STRUCTURED)
def test_base_stock_policies_cost_what_an_independent_computation_says(L, p):
    """The gaps of base-stock and capped base-stock policies to 0.01 points (check 10)."""
    S, gap, pair, capped = STRUCTURED[L, p]
    optimum = ls.optimum(L, p).cost
    for orders, known in ((base_stock(L, S), gap), (base_stock(L, *pair), capped)):
        found = 100 * (ls.average_cost(L, p, orders) / optimum - 1)
        assert found == pytest.approx(known, abs=0.01)


def test_exact_cost_is_the_simulated_cost():
    """A capped base-stock policy's exact cost lies within noise of its simulation (check 9)."""
    L, p = 2, 4
    network = Network((L,), (OUTSIDE,), torch.tensor([1.0]), torch.tensor([4.0]), lost=True)
    demand = torch.poisson(
        torch.full((300, 1, 4000, 1), 5.0), generator=torch.Generator().manual_seed(3)
    )
    x = torch.full((1, 4000, 1, L), 5.0)
    policy = lambda x: (17 - x.sum(dim=-1)).clamp(min=0, max=5)
    paths = average_costs(network, policy, x, demand, discard=50)
    error = float(paths.std() / 4000**0.5)
    exact = ls.average_cost(L, p, base_stock(L, 17, 5))
    assert abs(float(paths.mean()) - exact) < 4 * error
    assert error < 0.003 * exact


def test_a_policy_that_never_orders_pays_for_all_demand():
    """Its stock runs out, and every period costs p times the mean demand."""
    assert ls.average_cost(2, 4, np.zeros(ls.shape(2), dtype=int)) == pytest.approx(20, rel=1e-6)


def test_costs_of_a_runaway_policy_are_capped():
    """Ordering the most there is costs what a full grid costs, and not infinity."""
    most = np.full(ls.shape(2), 99)
    assert 20 < ls.average_cost(2, 4, most) < ls.largest_stock(2)


def test_costs_in_separate_classes_give_the_larger_one():
    """Who may end with orders of 4 for ever, or of none, has the cost of the worse: none."""
    x, q = np.indices(ls.shape(2))
    four = ((q == 0) & (x > 5)) | (q == 4)
    orders = np.where(four, 4, 0)  # (5, 5) orders nothing, and 5 or fewer left never do again
    assert ls.average_cost(2, 4, orders) == pytest.approx(20, rel=1e-6)
    assert ls.average_cost(2, 4, np.full_like(orders, 4)) < 6
