"""HDPO trains by the exact gradient of the simulated cost, and every mutant of it does worse."""

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.control.inventory_hdpo import contenders as who
from suite.control.inventory_hdpo import evaluate, method
from suite.control.inventory_hdpo.networks import OneStore, StackedMLP
from suite.control.inventory_hdpo.problem import Evaluation, lost_sales
from suite.control.inventory_hdpo.simulator import average_costs


def problem(L=1, p=(9,), n=2, **settings):
    streams = Streams("control/inventory_hdpo", "zipkin", 0, range(n))
    settings = {"T": 10, "steps": 60, "batch": 16, **settings}
    return lost_sales(L, p, **settings, streams=streams, n=n)


def gap(made, policy):
    return evaluate.measure(made, evaluate.Answer(policy))["gap"]


def test_stacked_networks_are_networks_side_by_side():
    """Row by row, the stack gives what torch's own layers give with the same weights."""
    made = problem(n=3)
    stack = StackedMLP((4, 8, 6, 2), made, torch.Generator().manual_seed(0), bias=None)
    x = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(1))
    found = stack(x)
    for row in range(3):
        y = x[row]
        for W, b in zip(stack.parameters[::2], stack.parameters[1::2], strict=True):
            y = torch.nn.functional.linear(y, W[row].T, b[row, 0])
            if W is not stack.parameters[-2]:
                y = torch.nn.functional.elu(y)
        torch.testing.assert_close(found[row], y)


def test_weights_are_drawn_by_fan_in_and_shared_by_the_cells_of_a_replicate():
    """Weights lie on +-1/sqrt(fan-in), replicates differ, cells of one replicate do not."""
    made = problem(p=(4, 9))
    policy = OneStore(made, made.streams.torch("weights"))
    W = policy.parameters[2].detach()
    assert W.shape == (4, 32, 32)
    assert 0.95 / 32**0.5 < float(W.abs().max()) <= 1 / 32**0.5
    assert torch.equal(W[:2], W[2:])
    assert not torch.equal(W[0], W[1])
    assert bool((policy.parameters[-1] == 5).all())


def test_first_orders_are_near_the_mean_demand():
    """softplus(5 + little) is about 5."""
    made = problem()
    orders = OneStore(made, made.streams.torch("weights"))(made.episode().x).detach()
    assert orders.shape == (2, 16, 1)
    assert 3 < float(orders.min()) < float(orders.max()) < 7


def test_training_follows_the_gradient_of_the_simulated_cost():
    """A step's gradient of a weight is the central difference of the mean cost, in float64."""
    made = problem(L=2, T=8, steps=1)
    policy = OneStore(made, made.streams.torch("weights"))
    for i, parameter in enumerate(policy.parameters):
        policy.network.parameters[i] = parameter.detach().double().requires_grad_()
    x, demand = (part.double() for part in made.episode())

    def loss():
        return average_costs(made.network, policy, x, demand).mean(dim=1)

    loss().sum().backward()
    W = policy.network.parameters[2]
    for row in range(2):
        with torch.no_grad():
            W[row, 3, 5] += 1e-6
            up = loss()[row]
            W[row, 3, 5] -= 2e-6
            down = loss()[row]
            W[row, 3, 5] += 1e-6
        assert float(W.grad[row, 3, 5]) == pytest.approx(float(up - down) / 2e-6, rel=1e-4)


def test_rows_are_trained_apart():
    """A row's policy does not depend on who else is in the stack."""
    x = torch.rand(4, 7, 1, 1, generator=torch.Generator().manual_seed(0)) * 9
    found = []
    for other in (9, 39):
        made = problem(p=(4, other), steps=15)
        policy = OneStore(made, made.streams.torch("weights"))
        found.append(method.hdpo(made, policy, policy.parameters)(x))
    torch.testing.assert_close(found[0][:2], found[1][:2], rtol=1e-5, atol=1e-5)
    assert bool((found[0][2:] != found[1][2:]).any())


def test_the_learning_rate_falls_to_zero_by_a_cosine():
    """It starts at lr, is half of it in the middle, and next to nothing at the end."""
    rates = list(method.cosine(0.01, 100))
    assert rates[0] == 0.01
    assert rates[50] == pytest.approx(0.005)
    assert rates[-1] < 1e-5
    assert rates == sorted(rates, reverse=True)


def test_clipping_scales_each_row_by_itself():
    """A row's gradient longer than the limit gets its length, a shorter one stays."""
    parameters = [
        torch.zeros(2, 3, 1, requires_grad=True),
        torch.zeros(2, 1, 1, requires_grad=True),
    ]
    gradients = [torch.tensor([[3.0, 0, 0], [0.3, 0, 0]]), torch.tensor([[4.0], [0.4]])]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.reshape(parameter.shape).clone()
    method.clip_rows(parameters, 1.0)
    assert parameters[0].grad[:, 0, 0].tolist() == pytest.approx([0.6, 0.3])
    assert parameters[1].grad[:, 0, 0].tolist() == pytest.approx([0.8, 0.4])


def test_best_keeps_every_rows_own_best():
    """Each row gets back the parameters at its own least cost."""
    parameter = torch.tensor([[1.0], [1.0]], requires_grad=True)
    best = method.Best([parameter])
    nan = float("nan")
    for value, cost in ((1.0, (nan, 3.0)), (2.0, (4.0, nan)), (3.0, (4.5, 2.0))):
        with torch.no_grad():
            parameter.fill_(value)
        best.meet(torch.tensor(cost))
    best.restore()
    assert parameter.flatten().tolist() == [2, 3]
    untouched = torch.tensor([7.0], requires_grad=True)
    method.Best([untouched]).restore()
    assert untouched.tolist() == [7]


def test_selecting_returns_a_policy_no_worse_on_the_development_set():
    """With a learning rate that wrecks the policy, the best one met is returned."""
    costs = []
    for select in (0, 1):
        made = problem(steps=12)
        policy = OneStore(made, made.streams.torch("weights"))
        policy = method.hdpo(made, policy, policy.parameters, lr=0.3, select=select)
        x, demand = made.development()
        costs.append(average_costs(made.network, policy, x, demand, made.training.T).mean(dim=1))
    assert bool((costs[1] <= costs[0]).all())


@pytest.fixture(scope="module")
def trained():
    made = problem()
    return gap(made, who.hdpo(made).policy)


def test_sixty_small_steps_come_near_the_optimum(trained):
    """60 steps of 16 paths at L = 1 leave a gap of less than 15%, from more than 50%."""
    made = problem(steps=0)
    untrained = gap(made, who.hdpo(made).policy)
    assert (trained < 15).all()
    assert (untrained > 50).all()


def test_exact_cost_of_a_trained_network_is_its_simulated_cost():
    """Half-trained networks at L = 2 cost in simulation, orders rounded, what the grid says (9)."""
    made = problem(L=2, p=(4,), steps=25)
    policy = who.hdpo(made).policy
    exact = evaluate.measure(made, evaluate.Answer(policy))["cost"]
    made.evaluation = Evaluation(paths=2000, periods=130, discard=30)
    with torch.no_grad():
        x, demand = made.test()
        paths = average_costs(
            made.network, lambda x: (policy(x) + 0.5).floor(), x, demand, discard=30
        ).double()
    error = paths.std(dim=1) / 2000**0.5
    assert bool((error < 0.01 * paths.mean(dim=1)).all())
    assert bool(((paths.mean(dim=1) - torch.from_numpy(exact)).abs() < 4 * error).all())


def wrong_sign(made):
    """Climb the cost: the network's step with the sign of its cost turned."""

    class Turned(type(made.network)):
        def step(self, x, q, d):
            after, cost = super().step(x, q, d)
            return after, -cost

    n = made.network
    policy = who.one_store(made)
    turned = Turned(n.lead, n.supplier, n.h, n.p, n.lost)
    return method.hdpo(made, policy, policy.parameters, network=turned)


def backlogged(made):
    """Train as if demand waited."""
    n = made.network
    policy = who.one_store(made)
    waits = type(n)(n.lead, n.supplier, n.h, n.p, lost=False)
    return method.hdpo(made, policy, policy.parameters, network=waits)


MUTANTS = {
    "early": lambda made: who.early(made).policy,
    "wrong sign": wrong_sign,
    "backlog": backlogged,
}


@pytest.mark.parametrize("mutant", ["early", "wrong sign"])
def test_mutants_end_far_from_the_optimum(mutant, trained):
    """Orders that come early in training, or the wrong sign, cost 20% and more above it."""
    made = problem()
    assert (gap(made, MUTANTS[mutant](made)) > 20 + trained).all()


@pytest.mark.exam
def test_a_backlog_in_training_costs_a_tenth():
    """Trained on backlog in place of lost sales, L = 2, p = 4 ends 5% to 20% above the optimum."""
    made = problem(L=2, p=(4,), T=25, steps=300, batch=64)
    found = gap(made, backlogged(made))
    assert ((found > 5) & (found < 20)).all()


def test_a_gradient_cut_in_every_period_teaches_nothing():
    """With the state detached in every period no gradient is left: the dynamics carry all of it."""
    made = problem(L=2, T=4, steps=1)
    with pytest.raises(RuntimeError, match="does not require grad"):
        who.train(made, who.one_store(made), who.one_store(made).parameters, cut=1)


def test_a_cut_gradient_is_another_gradient():
    """Cut at every third period, L = 2 trains to another policy; cut after the end, to the same."""
    x = torch.rand(2, 9, 1, 2, generator=torch.Generator().manual_seed(0)) * 9
    found = []
    for cut in (0, 3, 99):
        made = problem(L=2, T=9, steps=5)
        policy = who.one_store(made)
        found.append(method.hdpo(made, policy, policy.parameters, cut=cut)(x).detach().numpy())
    np.testing.assert_array_equal(found[0], found[2])
    assert not np.allclose(found[0], found[1], rtol=1e-3)
