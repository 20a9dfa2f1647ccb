"""Optima of settings A and C and the bound of D, against scipy, closed forms and simulation."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from baselines.control import inventory_hdpo as pins
from suite.control.inventory_hdpo import references
from suite.control.inventory_hdpo.simulator import OUTSIDE, Network, average_costs

LEAD, H = (4, 3, 4, 2), (1.0, 0.5, 0.2, 0.1)


@pytest.mark.parametrize(("L", "p", "cost"), [(4, 9, 6.2788), (4, 4, 5.0081), (1, 9, 3.9711)])
def test_single_store_has_the_newsvendors_cost(L, p, cost):
    """C* is the sheet's, and both are what scipy finds by minimising the integral (check 1)."""
    found = references.single_store(L, 5.0, 1.6, p)
    assert found.cost == pytest.approx(cost, abs=1e-4)
    total = norm(5.0 * (L + 1), 1.6 * np.sqrt(L + 1))

    def expected(S):
        left = (S - total.mean()) * total.cdf(S) + total.var() * total.pdf(S)
        return left + p * (left + total.mean() - S)

    best = minimize_scalar(expected, bounds=(10, 60), method="bounded", options={"xatol": 1e-8})
    assert best.fun == pytest.approx(found.cost, rel=1e-9)
    assert best.x == pytest.approx(found.levels[0], abs=1e-3)


def test_level_of_the_single_store():
    """L = 4, p = 9: S* = 29.5850 (check 1)."""
    assert references.single_store(4, 5.0, 1.6, 9).levels[0] == pytest.approx(29.5850, abs=1e-4)


def simulated(network, policy, start, T, discard, seed):
    g = torch.Generator().manual_seed(seed)
    demand = torch.zeros(T, *start.shape[:3])
    demand[..., 0] = 5 + 2 * torch.randn(demand.shape[:-1], generator=g)
    paths = average_costs(network, policy, start, demand.clamp(min=0), discard)
    return float(paths.mean()), float(paths.std() / paths.numel() ** 0.5)


def test_series_of_one_is_the_single_store():
    """Clark and Scarf's recursion with one stage gives the newsvendor's cost and level."""
    found = references.clark_scarf((4,), (1.0,), 9, 5.0, 1.6, clipped=False)
    closed = references.single_store(4, 5.0, 1.6, 9)
    assert found.cost == pytest.approx(closed.cost, rel=1e-5)
    assert found.levels[0] == pytest.approx(closed.levels[0], abs=0.02)


@pytest.mark.parametrize(
    ("p", "cost", "clipped", "levels"),
    [
        (4, 8.779, 8.752, (30.74, 46.60, 69.78, 79.76)),
        (9, 10.762, 10.734, (32.36, 49.00, 72.82, 83.18)),
        (39, 13.939, 13.910, (35.02, 52.74, 77.40, 88.28)),
    ],
)
def test_series_of_four_has_the_known_levels_and_costs(p, cost, clipped, levels):
    """Levels and costs at L = 4 are those of an independent computation (check 4)."""
    found = references.clark_scarf(LEAD, H, p, 5.0, 2.0, clipped=False)
    np.testing.assert_allclose(found.levels, levels, atol=0.011)
    assert found.cost == pytest.approx(cost, abs=1e-3)
    assert references.clark_scarf(LEAD, H, p, 5.0, 2.0).cost == pytest.approx(clipped, abs=1e-3)


def test_series_agrees_with_stockpyl():
    """L = 1, p = 39: levels and cost that stockpyl 1.0.2 finds on its own, coarser grid.

    It charges what is on its way: 5 per period times the supplier's holding cost and lead time.
    """
    found = references.clark_scarf((1, 3, 4, 2), H, 39, 5.0, 2.0, clipped=False)
    on_the_way = 5 * (0.5 * 2 + 0.2 * 3 + 0.1 * 4)
    assert found.cost == pytest.approx(20.7167449 - on_the_way, rel=1e-3)
    np.testing.assert_allclose(found.levels, (16.3198, 35.4328, 60.6029, 71.7073), atol=0.05)


def series(p, lead=LEAD, h=H):
    n = len(lead)
    supplier = (*range(1, n), OUTSIDE)
    return Network(lead, supplier, torch.tensor(h), torch.tensor([float(p), *[0.0] * (n - 1)]))


def test_simulated_echelon_policy_costs_what_the_recursion_says():
    """Keeping to the levels costs C* within four standard errors of the simulation (check 4)."""
    found = references.clark_scarf(LEAD, H, 9, 5.0, 2.0)
    policy = pins.echelon_base_stock(torch.tensor(found.levels, dtype=torch.float32))
    start = torch.zeros(1, 2000, 4, 4)
    start[..., 0] = torch.tensor([found.levels[0], *np.diff(found.levels)], dtype=torch.float32)
    cost, error = simulated(series(9), policy, start, 300, 120, seed=5)
    assert error < 0.005 * cost
    assert abs(cost - found.cost) < 4 * error


def test_other_levels_cost_more():
    """On the same paths, levels moved by two units either way cost more than the optimal ones."""
    found = references.clark_scarf((1, 2), (1.0, 0.5), 9, 5.0, 2.0)
    start = torch.zeros(1, 2000, 2, 2)

    def cost(levels):
        policy = pins.echelon_base_stock(torch.tensor(levels, dtype=torch.float32))
        return simulated(series(9, (1, 2), (1.0, 0.5)), policy, start, 200, 60, seed=6)[0]

    best = cost(found.levels)
    for moved in np.vstack((2 * np.eye(2), -2 * np.eye(2))):
        assert cost(found.levels + moved) > best


def test_bound_of_one_store_without_a_centre_is_the_newsvendors_cost():
    """K = 1 and no lead time upstream is setting A (check 5)."""
    bound = references.transshipment_bound((1.6,), 0.0, 4, 0, 9)
    assert bound == pytest.approx(references.single_store(4, 5.0, 1.6, 9).cost, rel=1e-12)


@pytest.mark.parametrize(("correlation", "bound"), [(0.0, 15.454), (0.5, 17.261)])
def test_bound_of_three_stores(correlation, bound):
    """K = 3, L = 2, p = 4: the sheet's bounds (check 5)."""
    sd = (1.765, 2.124, 1.622)
    found = references.transshipment_bound(sd, correlation, 2, 3, 4)
    assert found == pytest.approx(bound, abs=1e-3)
    covariance = np.outer(sd, sd) * (correlation + (1 - correlation) * np.eye(3))
    variance = 3 * sum(sd) ** 2 + 3 * covariance.sum()
    assert found == pytest.approx(5 * norm.pdf(norm.ppf(0.8)) * np.sqrt(variance), rel=1e-12)
