"""Networks for several locations never ship what is not there, and are built like the system."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from claimbench.evidence.streams import Streams
from suite.control.inventory_hdpo import systems
from suite.control.inventory_hdpo import topologies as nets

STREAMS = Streams("control/inventory_hdpo", "warehouse", 0, range(2))
TRAIN = {"T": 6, "steps": 2, "batch": 4, "traces": 8}
TEST = {"test_paths": 20, "test_periods": 12, "discard": 6, "streams": STREAMS, "n": 2}


def series():
    return systems.serial(2, (4,), **TRAIN, **TEST)


def centre(K=3):
    return systems.transshipment(K, 2, (4,), 0.5, **TRAIN, **TEST)


def depot(K=4):
    return systems.warehouse(K, **TRAIN, **TEST)


def states(problem, seed=0):
    g = torch.Generator().manual_seed(seed)
    n = problem.network
    return 9 * torch.rand(2, 16, len(n.lead), n.longest, generator=g)


def weights():
    return torch.Generator().manual_seed(7)


POLICIES = {
    "plain": (depot, lambda made: nets.PlainWarehouse(made, weights(), width=16)),
    "symmetry-aware": (depot, lambda made: nets.SymmetryAware(made, weights())),
    "graph": (depot, lambda made: nets.GraphNetwork(made, weights())),
    "plain, ships all": (
        centre,
        lambda made: nets.PlainWarehouse(made, weights(), width=16, holds=False),
    ),
    "graph, ships all": (centre, lambda made: nets.GraphNetwork(made, weights(), holds=False)),
}


@pytest.mark.parametrize("name", POLICIES)
@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_orders_are_feasible(name, seed):
    """Orders are not negative; what is shipped is at most on hand, all of it where all must go."""
    system, make = POLICIES[name]
    made = system()
    x = states(made, seed)
    q = make(made)(x)
    shipped, on_hand = q[..., :-1].sum(dim=-1), x[..., -1, 0]
    assert q.shape == x.shape[:3]
    assert bool((q >= 0).all())
    if name.endswith("all"):
        torch.testing.assert_close(shipped, on_hand)
    else:
        assert bool((shipped <= on_hand * (1 + 1e-5)).all())


@given(st.lists(st.floats(0, 50), min_size=1, max_size=6), st.floats(0, 40))
def test_proportional_allocation_never_ships_more_than_on_hand(wanted, on_hand):
    """It keeps to what is wanted where there is enough, else ships in proportion (check 8)."""
    w, x = (torch.tensor([part], dtype=torch.float64) for part in (wanted, [on_hand]))
    q = nets.proportional(w, x)
    assert float(q.sum()) <= on_hand + 1e-9
    if sum(wanted) <= on_hand:
        torch.testing.assert_close(q, w)
    elif on_hand > 1e-6:
        torch.testing.assert_close(q, w * on_hand / sum(wanted), rtol=1e-5, atol=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=6), st.floats(0.1, 40))
def test_softmax_with_a_score_for_staying_ships_strictly_less(scores, on_hand):
    """With the extra score something stays, without it nothing does (check 8)."""
    s, x = (torch.tensor([part], dtype=torch.float64) for part in (scores, [on_hand]))
    assert float(nets.softmax_shares(s, x, 1.0).sum()) < on_hand
    assert float(nets.softmax_shares(s, x, None).sum()) == pytest.approx(on_hand)


def test_series_orders_are_shares_of_the_suppliers_stock():
    """Nobody gets more than its supplier has, nor more than four mean demands from outside."""
    made = series()
    x = states(made)
    q = nets.PlainSerial(made, weights())(x)
    assert bool((q[..., :3] <= x[..., 1:, 0]).all())
    assert bool((q[..., 3] <= 20).all())
    assert bool((q > 0).all())


@pytest.mark.parametrize("name", ["symmetry-aware", "graph"])
def test_stores_that_are_alike_are_treated_alike(name):
    """Two stores of equal parameters swap their orders when they swap their inventories."""
    made = depot()
    system = made.network
    lead, (h, p) = (2, 2, *system.lead[2:]), (system.h.clone(), system.p.clone())
    h[1], p[1] = h[0], p[0]
    made.network = type(system)(lead, system.supplier, h, p, lost=True)
    alike = [list(part) for part in (made.demand.mean, made.demand.sd)]
    for part in alike:
        part[1] = part[0]
    made.demand = type(made.demand)(*map(tuple, alike), made.demand.correlation)
    policy = POLICIES[name][1](made)
    x = states(made)
    swapped = x[:, :, [1, 0, *range(2, x.shape[2])]]
    if name == "symmetry-aware":  # its context sees all inventories in their order
        policy._context = lambda flat: torch.zeros(*flat.shape[:2], 256)
    q, other = policy(x), policy(swapped)
    torch.testing.assert_close(q[..., [1, 0]], other[..., :2])
    torch.testing.assert_close(q[..., 2:], other[..., 2:])
    assert bool((q[..., 0] != q[..., 1]).any())


def test_the_control_gives_a_store_its_neighbours_inventory():
    """Store k of the misaligned network orders by the inventory of store k - 1."""
    made = depot()
    right, wrong = (nets.SymmetryAware(made, weights(), shift=shift) for shift in (0, 1))
    for policy in (right, wrong):
        policy._facts = torch.zeros_like(policy._facts)
        policy._context = lambda flat: torch.zeros(*flat.shape[:2], 256)
    x = states(made)
    x[..., -1, 0] = 1e6  # enough for all
    torch.testing.assert_close(wrong(x)[..., 1:-1], right(x)[..., :-2])


def test_a_graph_networks_messages_are_scaled_by_the_number_of_edges():
    """The hub of K stores sums K + 1 outgoing edges, its loop among them, over the root."""
    made = depot(4)
    policy = nets.GraphNetwork(made, weights())
    assert policy._from[-1].sum().item() == pytest.approx(5 / 5**0.5)
    assert policy._into[-1].sum().item() == pytest.approx(2 / 2**0.5)
    assert policy._into[0].sum().item() == pytest.approx(1)


@pytest.mark.parametrize("name", POLICIES)
def test_every_parameter_has_a_gradient(name):
    """The cost of a few periods depends on all weights."""
    system, make = POLICIES[name]
    made = system()
    policy = make(made)
    x, demand = made.episode()
    total = 0
    for d in torch.cat((demand, demand)):
        x, cost = made.network.step(x, policy(x), d)
        total = total + cost.sum()
    total.backward()
    assert all(bool((part.grad != 0).any()) for part in policy.parameters)
