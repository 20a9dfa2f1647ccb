"""One period of the inventory system: every rule of its order of events, and its derivatives."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.control.inventory_hdpo.simulator import (
    OUTSIDE,
    EarlyNetwork,
    Network,
    average_costs,
)


def store(L=1, h=1.0, p=9.0, *, lost=True, kind=Network):
    return kind((L,), (OUTSIDE,), torch.tensor([h]).double(), torch.tensor([p]).double(), lost)


def state(*amounts):
    """Return one row, one path, one location with these amounts on hand and on the way."""
    return torch.tensor(amounts, dtype=torch.float64).reshape(1, 1, 1, -1)


def one(amount):
    return torch.tensor([[[float(amount)]]], dtype=torch.float64)


def test_demand_is_met_from_stock_on_hand_before_anything_arrives():
    """What arrives next period does not serve today's demand: 2 on hand, 7 to come, 5 asked."""
    x, cost = store(2).step(state(2, 7), one(0), one(5))
    assert cost.item() == 9 * 3
    assert x.flatten().tolist() == [7, 0]


def test_an_order_is_not_usable_in_the_period_it_is_placed():
    """With L = 1 lost sales give x' = (x - d)^+ + q, and q saves nothing today (check 7)."""
    for d in (2, 5):
        x, cost = store(1).step(state(3), one(4), one(d))
        assert x.item() == max(3 - d, 0) + 4
        assert cost.item() == (3 - d if d < 3 else 9 * (d - 3))


@pytest.mark.parametrize("L", [1, 2, 3, 5])
def test_an_order_meets_demand_a_lead_time_later(L):
    """An order placed in period 0 is on hand, for the first time, in period L."""
    network, x = store(L), torch.zeros(1, 1, 1, L, dtype=torch.float64)
    for t in range(L):
        assert x[..., 0].item() == 0, t
        x, _ = network.step(x, one(8 if t == 0 else 0), one(0))
    assert x[..., 0].item() == 8


def test_lost_demand_does_not_wait_and_backlogged_demand_does():
    """After 5 units short, on hand is what arrives, or what arrives less 5."""
    assert store(1).step(state(0), one(6), one(5))[0].item() == 6
    assert store(1, lost=False).step(state(0), one(6), one(5))[0].item() == 1


def test_stock_left_over_is_charged_and_what_is_on_the_way_is_not():
    """h on 4 left of 6, nothing on 100 on the way."""
    _, cost = store(2, h=1.5).step(state(6, 100), one(100), one(2))
    assert cost.item() == 1.5 * 4


def series():
    """Return a store (L = 1) supplied by a warehouse (L = 2), with backlog."""
    h, p = torch.tensor([1.0, 0.5]).double(), torch.tensor([9.0, 0.0]).double()
    return Network((1, 2), (1, OUTSIDE), h, p)


def test_a_warehouse_ships_at_once_and_is_charged_after_shipping():
    """Of 10 on hand 4 are shipped: 6 are charged; the store has its 4 next period."""
    x = torch.tensor([[[[3.0, 0.0], [10.0, 5.0]]]], dtype=torch.float64)
    q = torch.tensor([[[4.0, 7.0]]], dtype=torch.float64)
    d = torch.tensor([[[1.0, 0.0]]], dtype=torch.float64)
    after, cost = series().step(x, q, d)
    assert cost.item() == 1.0 * 2 + 0.5 * 6
    assert after[0, 0].tolist() == [[2 + 4, 0], [6 + 5, 7]]


def test_orders_enter_the_pipeline_at_their_own_lead_time():
    """In one system of lead times 1, 3 and 2 each order enters at its own place."""
    h = torch.ones(3, dtype=torch.float64)
    network = Network((1, 3, 2), (OUTSIDE,) * 3, h, h)
    x = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
    q = torch.tensor([[[5.0, 6.0, 7.0]]], dtype=torch.float64)
    after, _ = network.step(x, q, torch.zeros_like(q))
    assert after[0, 0].tolist() == [[5, 0, 0], [0, 0, 6], [0, 7, 0]]


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(0, 10_000), st.booleans())
def test_locations_of_one_lead_time_are_as_good_as_alone(L, seed, lost):
    """A system of unlike lead times gives the store what it gets by itself."""
    g = torch.Generator().manual_seed(seed)
    h, p = torch.ones(2).double(), torch.tensor([4.0, 2.0]).double()
    both = Network((L, L + 1), (OUTSIDE,) * 2, h, p, lost)
    x = torch.zeros(1, 3, 2, L + 1, dtype=torch.float64)
    x[:, :, :, :L] = 5 * torch.rand(1, 3, 2, L, generator=g)
    y = x[:, :, :1, :L]
    for _ in range(2 * L):
        q, d = 9 * torch.rand(2, 1, 3, 2, generator=g, dtype=torch.float64)
        x, cost = both.step(x, q, d)
        alone = Network((L,), (OUTSIDE,), h[:1], p[:1], lost)
        y, own = alone.step(y, q[..., :1], d[..., :1])
        torch.testing.assert_close(x[:, :, :1, :L], y)
        assert bool((cost >= own - 1e-12).all())


@given(st.integers(0, 10_000))
def test_nothing_appears_or_vanishes_with_backlog(seed):
    """Stock and pipeline change by what comes from outside less what is demanded."""
    g = torch.Generator().manual_seed(seed)
    x = 5 * torch.rand(1, 4, 2, 2, generator=g, dtype=torch.float64)
    x[:, :, 0, 1] = 0  # the store's lead time is 1
    q, d = 5 * torch.rand(2, 1, 4, 2, generator=g, dtype=torch.float64)
    d[..., 1] = 0
    after, _ = series().step(x, q, d)
    change = after.sum(dim=(2, 3)) - x.sum(dim=(2, 3))
    torch.testing.assert_close(change, q[..., 1] - d[..., 0])


def test_early_orders_are_usable_a_period_early():
    """The mutant has with L = 1 an order on hand at once, with L = 3 after two periods."""
    x, cost = store(1, kind=EarlyNetwork).step(state(3), one(4), one(5))
    assert (x.item(), cost.item()) == (2, 2)
    network, x = store(3, kind=EarlyNetwork), state(0, 0, 0)
    for q in (8, 0):
        x, _ = network.step(x, one(q), one(0))
    assert x.flatten().tolist() == [8, 0, 0]


def test_average_cost_is_the_mean_over_counted_periods():
    """Costs of the first periods are simulated but not counted."""
    demand = torch.tensor([9.0, 1.0, 2.0], dtype=torch.float64).reshape(3, 1, 1, 1)
    policy = lambda x: torch.zeros_like(x[..., 0]) + 4
    counted = average_costs(store(1), policy, state(0), demand, discard=1)
    assert counted.item() == (3 + (3 + 4 - 2)) / 2


def base_stock_cost(S, demand, L=4):
    """Return the mean cost of an order-up-to-S policy from S on hand, with backlog."""
    policy = lambda x: (S - x.sum(dim=-1)).clamp(min=0)
    x = torch.zeros(1, demand.shape[2], 1, L, dtype=torch.float64)
    x[..., 0] = 26.0
    return average_costs(store(L, lost=False), policy, x, demand, discard=10).mean()


@pytest.mark.parametrize("level", [28.0, 31.0])
def test_pathwise_gradient_is_the_central_difference(level):
    """With common demand, the gradient in S equals a finite difference to 1e-6 (check 6)."""
    g = torch.Generator().manual_seed(1)
    demand = (5 + 1.6 * torch.randn(60, 1, 50, 1, generator=g, dtype=torch.float64)).clamp(min=0)
    S = torch.tensor(level, dtype=torch.float64, requires_grad=True)
    base_stock_cost(S, demand).backward()
    with torch.no_grad():
        up, down = (base_stock_cost(S + e, demand) for e in (1e-6, -1e-6))
    assert S.grad.item() == pytest.approx((up - down).item() / 2e-6, rel=1e-6)


def test_pathwise_gradient_vanishes_at_the_newsvendors_level():
    """It is h P(left) - p P(short), zero at the closed form's S* up to noise (check 6)."""
    g = torch.Generator().manual_seed(2)
    demand = 5 + 1.6 * torch.randn(40, 1, 4000, 1, generator=g, dtype=torch.float64)
    S = torch.tensor(29.58501827, dtype=torch.float64, requires_grad=True)
    base_stock_cost(S, demand).backward()
    noise = 10 * np.sqrt(0.09 / (4000 * 30 / 5))
    assert abs(S.grad.item()) < 3 * noise
