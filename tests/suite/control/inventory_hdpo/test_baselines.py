"""The opponents are what their equations say, and can learn."""

import itertools

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from baselines.control import inventory_hdpo as pins
from baselines.control import inventory_policy_gradient as gradients
from baselines.control.adam import Adam
from suite.control.inventory_hdpo import lost_sales as ls
from suite.control.inventory_hdpo.simulator import OUTSIDE, Network, average_costs


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_adam_is_what_its_equations_say():
    """Ten steps of changing rates equal bias-corrected moments, computed in float64."""
    x = torch.tensor([[0.5], [-2.0]], requires_grad=True)
    adam = Adam([x])
    y, m, v = x.detach().double().numpy(), 0, 0
    for k in range(1, 11):
        rate, g = 0.1 / k, 3 * y**2
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        y = y - rate * (m / (1 - 0.9**k)) / (np.sqrt(v / (1 - 0.999**k)) + 1e-8)
        (x**3).sum().backward()
        adam.step(rate)
        np.testing.assert_allclose(x.detach().numpy(), y, rtol=1e-5)
        assert x.grad is None


@pytest.mark.exam
def test_adam_is_torchs_own_to_the_last_bit():
    """Over ten steps of changing rates both move two tensors alike."""
    ours, theirs = (
        [torch.rand(size, generator=generator()).requires_grad_() for size in ((2, 3), (4,))]
        for _ in range(2)
    )
    adam = Adam(ours)
    known = torch.optim.Adam(theirs, fused=True)
    for k in range(10):
        rate = 0.1 / (k + 1)
        known.param_groups[0]["lr"] = rate
        known.zero_grad()
        for parameters in (ours, theirs):
            sum((part**3).sum() for part in parameters).backward()
        known.step()
        adam.step(rate)
        assert all(torch.equal(one, other) for one, other in zip(ours, theirs, strict=True))


def test_base_stock_orders_up_to_its_level_and_no_more_than_its_cap():
    """Orders are (S - position)^+, cut at the cap."""
    x = torch.tensor([[[[3.0, 4.0]], [[9.0, 9.0]], [[0.0, 0.0]]]])
    assert pins.base_stock(12.0)(x).flatten().tolist() == [5, 0, 12]
    assert pins.base_stock(12.0, 6.0)(x).flatten().tolist() == [5, 0, 6]


@pytest.mark.parametrize(("L", "p", "start"), [(1, 4, 10), (1, 39, 5), (2, 9, 30)])
def test_the_walk_finds_the_best_level_of_all(L, p, start):
    """Walking downhill from either side ends at the minimum over all levels."""

    def cost(S, cap=ls.LARGEST_ORDER):
        orders = np.clip(S - ls.states(L).sum(axis=1), 0, cap)
        return ls.average_cost(L, p, orders.reshape(ls.shape(L)))

    level = pins.best_base_stock(cost, start)
    assert level == min(range(4, 34), key=cost)
    found = pins.best_capped_base_stock(cost, (level, 6))
    every = itertools.product(range(level - 3, level + 5), range(3, 10))
    assert found == min(every, key=lambda pair: cost(*pair))


def test_echelon_base_stock_is_the_rule_stage_by_stage():
    """Every stage orders up to its level by its echelon position, as far as there is stock."""
    x = torch.randint(-3, 9, (1, 20, 3, 2), generator=generator()).float()
    levels = (14.0, 25.0, 36.0)
    q = pins.echelon_base_stock(torch.tensor(levels))(x)
    for b in range(20):
        position = 0.0
        for j in range(3):
            position += float(x[0, b, j].sum())
            most = max(float(x[0, b, j + 1, 0]), 0) if j < 2 else float("inf")
            assert float(q[0, b, j]) == min(max(levels[j] - position, 0), most)


@pytest.mark.parametrize("lead", [(1,), (4,), (2, 1, 3)])
def test_who_sees_the_future_pays_nothing(lead):
    """After the first lead times nothing is left anywhere and nobody waits."""
    n = len(lead)
    network = Network(
        lead,
        (*range(1, n), OUTSIDE),
        torch.ones(n).double(),
        torch.tensor([9.0, *[0.0] * (n - 1)]).double(),
    )
    demand = torch.zeros(40, 2, 3, n, dtype=torch.float64)
    demand[..., 0] = 9 * torch.rand(40, 2, 3, generator=generator())
    x = torch.zeros(2, 3, n, max(lead), dtype=torch.float64)
    x[:, :, 0, 0] = 4
    policy = pins.just_in_time(demand, lead)
    costs = average_costs(network, policy, x, demand[: 40 - sum(lead)], 2 * sum(lead))
    assert float(costs.abs().max()) < 1e-12


def test_rewards_are_centred_in_every_period_and_scaled_by_what_was_seen():
    """Over the paths of a period they have mean zero; the scale is a running deviation."""
    scale = gradients.RewardScale()
    first, second = (k * torch.rand(2, 6, 50, generator=generator(k)) for k in (1, 4))
    first = first + 100 * torch.arange(6.0)[:, None]  # what all paths share
    for cost in (first, second):
        reward = scale(cost)
        assert float(reward.mean(dim=2).abs().max()) < 1e-4
    centred = [part - part.mean(dim=2, keepdim=True) for part in (first, second)]
    deviation = torch.stack([part.square().mean(dim=(1, 2)) for part in centred]).mean(dim=0).sqrt()
    torch.testing.assert_close(reward, -centred[1] / deviation[:, None, None], atol=1e-4, rtol=1e-4)


def test_advantages_are_the_discounted_sums_of_temporal_differences():
    """Generalised advantage estimation equals its definition, term by term."""
    r = torch.randn(2, 5, 3, generator=generator(), dtype=torch.float64)
    v = torch.randn(2, 6, 3, generator=generator(1), dtype=torch.float64)
    found = gradients._advantages(r, v)
    delta = r + 0.99 * v[:, 1:] - v[:, :-1]
    for t in range(5):
        wanted = sum((0.99 * 0.95) ** k * delta[:, t + k] for k in range(5 - t))
        torch.testing.assert_close(found[:, t], wanted)


def test_log_probability_is_the_normal_density():
    """It equals torch's own, summed over locations."""
    a, m = torch.randn(2, 3, 7, 2, generator=generator()).unbind(0)
    s = torch.tensor([0.3, -0.5, 0.0]).reshape(3, 1, 1)
    wanted = Normal(m, s.exp()).log_prob(a).sum(dim=-1)
    torch.testing.assert_close(gradients._log_probability(a, m, s), wanted)


def test_ppos_objective_is_clipped_on_the_side_that_flatters():
    """Ratios of 1.5 and 0.5 count as 1.2 and 0.8 where that is less, else as they are."""
    before, now = torch.zeros(4), torch.tensor([1.5, 1.5, 0.5, 0.5]).log()
    advantage = torch.tensor([1.0, -1.0, 1.0, -1.0])
    found = gradients._clipped(now - before, advantage)
    torch.testing.assert_close(found, torch.tensor([1.2, -1.5, 0.5, -0.8]))


def test_ppos_first_gradient_is_the_score_times_the_advantage():
    """At a ratio of one the clipped objective has REINFORCE's gradient."""
    advantage = torch.randn(9, generator=generator())
    now = torch.zeros(9, requires_grad=True)
    gradients._clipped(now, advantage).sum().backward()
    torch.testing.assert_close(now.grad, advantage)


def test_minibatches_are_a_partition():
    """Four parts hold every sample once, with all its fields."""
    sample = torch.arange(10.0).expand(2, 10)
    parts = gradients._parts(gradients.Experience(*[sample] * 6), 4, generator())
    for field in zip(*parts, strict=True):
        assert torch.cat(field, dim=1)[1].sort().values.tolist() == list(range(10))


class Constant:
    """A network that knows one number per row."""

    def __init__(self, start):
        self.parameters = [torch.full((2, 1, 1), start, requires_grad=True)]

    def __call__(self, x):
        return self.parameters[0].expand(*x.shape[:3])


class ConstantValue(Constant):
    def __call__(self, x):
        return super().__call__(x)[..., 0]


@pytest.mark.parametrize(("losses", "minibatches"), [(gradients.reinforce, 1), (gradients.ppo, 4)])
def test_policy_gradients_find_the_cheapest_order(losses, minibatches):
    """Where a period costs (q - 7)^2, both end at orders of 7, in either row."""

    def step(x, q, d):
        return x, (q[..., 0] - 7).square() + 0 * d[..., 0]

    policy = gradients.train(
        losses,
        lambda: (torch.zeros(2, 32, 1, 1), torch.zeros(5, 2, 32, 1)),
        step,
        gradients.networks_of(Constant(4.0), ConstantValue(0.0)),
        lr=6e-2,
        steps=100,
        generator=generator(),
        minibatches=minibatches,
    )
    orders = policy(torch.zeros(2, 1, 1, 1)).detach().flatten()
    np.testing.assert_allclose(orders.numpy(), 7, atol=0.3)


def test_the_peers_environment_is_the_simulator():
    """Observations, orders, rewards and episodes of the gymnasium wrapper are the system's own."""
    pytest.importorskip("stable_baselines3")
    from baselines.control.inventory_sb3 import OFFSET, InventoryEnv

    network = Network((2,), (OUTSIDE,), torch.ones(1), torch.tensor([4.0]), lost=True)
    episodes = [
        (5 * torch.rand(1, 6, 1, 2, generator=generator(k)), torch.full((3, 1, 6, 1), 5.0 + k))
        for k in range(3)
    ]
    env = InventoryEnv(episodes, network.step)
    x = episodes[0][0]
    np.testing.assert_array_equal(env.reset(), x[0, :, 0].numpy())
    for t in range(3):
        q = 6 * torch.rand(1, 6, 1, generator=generator(9 + t))
        seen, reward, over, infos = env.step(q[0].numpy() - OFFSET)
        x, cost = network.step(x, q, episodes[0][1][t])
        assert abs(reward.mean()) < 1e-5
        if cost.std() > 0:
            assert np.corrcoef(reward, -cost[0].numpy())[0, 1] == pytest.approx(1, abs=1e-4)
        assert over.all() == (t == 2)
        last = np.stack([info["terminal_observation"] for info in infos]) if t == 2 else seen
        np.testing.assert_allclose(last, x[0, :, 0].numpy(), atol=1e-5)
    np.testing.assert_array_equal(seen, episodes[1][0][0, :, 0].numpy())
