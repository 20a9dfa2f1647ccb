"""The systems are the protocol's, their paths have the right law, and periods are counted."""

import numpy as np
import pytest
import torch
from scipy.stats import norm, poisson

from claimbench.evidence.streams import Streams
from suite.control.inventory_hdpo import systems
from suite.control.inventory_hdpo.problem import Demand, Evaluation, lost_sales


def streams(first=0, n=2, experiment="zipkin"):
    return Streams("control/inventory_hdpo", experiment, first // n, range(first, first + n))


def small(p=(4, 9), L=2, n=2, **settings):
    settings = {"T": 6, "steps": 3, "batch": 5, **settings}
    made = lost_sales(L, p, **settings, streams=streams(n=n), n=n)
    made.evaluation = Evaluation(paths=3, periods=4)
    return made


TEST = {"test_paths": 40, "test_periods": 30, "discard": 10}
TRAIN = {"T": 6, "steps": 3, "batch": 4, "traces": 8}


def test_poisson_demand_has_its_law():
    """Frequencies of 40,000 draws lie within four standard errors of the Poisson law."""
    drawn = Demand((5.0,)).draw((40_000,), torch.Generator().manual_seed(0)).numpy().ravel()
    for d in range(12):
        chance = poisson.pmf(d, 5)
        assert abs((drawn == d).mean() - chance) < 4 * np.sqrt(chance / 40_000)


@pytest.mark.parametrize("clipped", [True, False])
def test_normal_demand_has_its_mean_deviation_and_correlation(clipped):
    """Moments of correlated demand are right, and it is below zero unless clipped."""
    demand = Demand((3.0, 6.0), (2.0, 3.0), 0.5, clipped)
    drawn = demand.draw((100_000,), torch.Generator().manual_seed(0)).double().numpy()
    assert (drawn.min() < 0) != clipped
    if not clipped:
        np.testing.assert_allclose(drawn.mean(axis=0), [3, 6], atol=0.05)
        np.testing.assert_allclose(np.cov(drawn.T), [[4, 3], [3, 9]], atol=0.12)
    else:
        below = norm.cdf(0, 3, 2)
        assert abs((drawn[:, 0] == 0).mean() - below) < 4 * np.sqrt(below / 100_000)


def test_episodes_start_uniform_on_the_mean_and_are_counted():
    """Pipelines start on (0, 5), T x B periods per row are counted, and paths differ."""
    problem = small(batch=400)
    x, demand = problem.episode()
    assert x.shape == (4, 400, 1, 2)
    assert demand.shape == (6, 4, 400, 1)
    assert 0 <= float(x.min()) < 0.1
    assert 4.9 < float(x.max()) <= 5
    assert problem.calls.tolist() == [2400] * 4
    assert not torch.equal(problem.episode().demand, demand)
    assert problem.calls.tolist() == [4800] * 4


def test_cells_of_a_stack_share_their_paths_and_have_their_own_price():
    """Rows are (cell, replicate): replicates differ in demand, cells in p only."""
    problem = small()
    _, demand = problem.episode()
    assert torch.equal(demand[:, :2], demand[:, 2:])
    assert not torch.equal(demand[:, 0], demand[:, 1])
    assert problem.network.p.flatten().tolist() == [4, 4, 9, 9]
    assert problem.network.h.flatten().tolist() == [1] * 4


def test_two_problems_of_one_block_have_the_same_paths():
    """All contenders train on the same demand, and are tested on the same."""
    ours, theirs = small(), small()
    for _ in range(2):
        assert torch.equal(ours.episode().demand, theirs.episode().demand)
    ours.episode()
    assert torch.equal(ours.test().demand, theirs.test().demand)


def test_a_data_set_is_used_in_turn_and_again():
    """Of 12 traces in batches of 5 two batches are taken, over and over."""
    problem = small(traces=12)
    first, second, third = (problem.episode() for _ in range(3))
    assert torch.equal(first.demand, third.demand)
    assert torch.equal(first.x, third.x)
    assert not torch.equal(first.demand, second.demand)
    assert first.demand.shape[2] == 5
    few = small(traces=3)
    assert few.episode().demand.shape[2] == 3
    assert few.calls.tolist() == [18] * 4


def test_test_and_development_paths_are_not_those_of_the_training():
    """Nobody is judged on what it was trained on, and looking is not counted."""
    problem = small(T=4, batch=3)
    trained = problem.episode().demand
    assert not torch.equal(problem.test().demand, trained)
    assert not torch.equal(problem.development().demand[:4], trained)
    assert problem.calls.tolist() == [12] * 4


def test_stores_are_the_official_instance():
    """Means and deviations of three and of five stores to three decimals."""
    three, five = systems.stores(3), systems.stores(5)
    assert three.mean == (3.743, 4.75, 4.555)
    assert three.sd == (1.765, 2.124, 1.622)
    assert five.mean == (*three.mean, 3.801, 6.852)
    assert five.sd == (*three.sd, 1.405, 1.714)


def test_series_is_setting_c():
    """Lead times (L, 3, 4, 2), costs (1, 0.5, 0.2, 0.1), p at the store only."""
    made = systems.serial(4, (4, 9), **TRAIN, **TEST, streams=streams(), n=2)
    assert made.network.lead == (4, 3, 4, 2)
    assert made.network.supplier == (1, 2, 3, -1)
    torch.testing.assert_close(made.network.h, torch.tensor([1, 0.5, 0.2, 0.1]))
    assert made.network.p[:, 0, 0].tolist() == [4, 4, 9, 9]
    assert float(made.network.p[..., 1:].abs().max()) == 0
    assert not made.network.lost
    x, demand = made.episode()
    assert float(x[:, :, 1:].abs().max()) == 0
    assert float(demand[..., 1:].abs().max()) == 0


def test_transshipment_is_setting_d():
    """The centre costs nothing, the stores cost 1 and p, and the bound is total."""
    made = systems.transshipment(3, 2, (4,), 0.5, **TRAIN, **TEST, streams=streams(), n=2)
    assert made.network.lead == (2, 2, 2, 3)
    assert made.network.h.tolist() == [1, 1, 1, 0]
    assert made.network.p[0, 0].tolist() == [4, 4, 4, 0]
    assert made.reference.tolist() == pytest.approx([17.261] * 2, abs=1e-3)
    assert not made.demand.clipped


def test_warehouse_is_setting_e():
    """Parameters of the stores lie in the stated ranges, sales are lost."""
    made = systems.warehouse(10, 16, T=6, steps=3, batch=4, **TEST, streams=streams(), n=2)
    *stores, hub = made.network.lead
    assert set(stores) == {2, 3}
    assert hub == 3
    h, p = made.network.h, made.network.p
    assert float(h[-1]) == pytest.approx(0.3)
    assert float(p[-1]) == 0
    assert 0.7 <= float(h[:-1].min()) <= float(h[:-1].max()) <= 1.3
    assert 6.3 <= float(p[:-1].min()) <= float(p[:-1].max()) <= 11.7
    assert made.network.lost
    assert made.demand.correlation == 0.5
    x, _ = made.episode()
    short = [k for k, L in enumerate(stores) if L == 2]
    assert float(x[:, :, short, 2:].abs().max()) == 0
