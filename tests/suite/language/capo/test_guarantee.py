"""The theorem's quantities are exact on small processes: against rollouts of the definitions."""

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.language.capo import guarantee


def made(gamma=0.9, lr=0.5, n=3):
    streams = Streams("language/capo", "guarantee", 0, range(n))
    return guarantee.processes(gamma, lr, streams=streams, n=n)


def test_returns_visits_and_advantages_are_those_of_the_definitions():
    """J and visits equal long sums over time; E_a A = 0; J is the mean reward over visits."""
    problem = made()
    pi = problem.policy(problem.W)
    step = torch.einsum("nsa,nsat->nst", pi, problem.P)
    at = torch.full((3, 1, guarantee.STATES), 1 / guarantee.STATES, dtype=torch.float64)
    r = (pi * problem.r).sum(dim=-1, keepdim=True)
    J, visits = torch.zeros(3, dtype=torch.float64), torch.zeros_like(at)
    for t in range(400):
        J += 0.9**t * (at @ r).flatten()
        visits += 0.1 * 0.9**t * at
        at = at @ step
    torch.testing.assert_close(problem.J(problem.W), J)
    torch.testing.assert_close(problem.visits(pi), visits.squeeze(1))
    assert float((pi * problem.advantage(pi)).sum(dim=-1).abs().max()) < 1e-12


def test_the_step_is_the_unit_policy_gradient():
    """G is autograd's gradient of J by W, divided by its norm."""
    problem = made()
    W = problem.W.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(problem.J(W).sum(), W)
    unit = gradient / gradient.flatten(1).norm(dim=-1).view(-1, 1, 1)
    torch.testing.assert_close(problem.G, unit)


def test_omega_is_the_expected_surrogate_to_second_order():
    """omega equals E_{d, pi_new} A / (1 - gamma) up to a cubic rest, delta_F the mean KL."""
    rests = []
    for lr in (0.02, 0.01):
        problem = made(lr=lr)
        pi, new = (problem.policy(W) for W in (problem.W, problem.W + lr * problem.G))
        d = problem.visits(pi)
        surrogate = (d * (new * problem.advantage(pi)).sum(dim=-1)).sum(dim=-1) / 0.1
        omega, delta_F = guarantee.means(problem)
        rests.append((surrogate - omega).abs())
        kl = (d * (pi * (pi / new).log()).sum(dim=-1)).sum(dim=-1)
        torch.testing.assert_close(delta_F, kl, rtol=0.02, atol=0)
    np.testing.assert_allclose(rests[0] / rests[1], 8, rtol=0.1)


def test_constant_grows_with_the_horizon():
    """C = 2 gamma / (1 - gamma)^2 sqrt(2) times the largest expected advantage."""
    problem = made(gamma=0.9)
    new = problem.policy(problem.W + problem.lr * problem.G)
    eps = (new * problem.advantage(problem.policy(problem.W))).sum(dim=-1).abs().amax(dim=-1)
    torch.testing.assert_close(
        guarantee.constant(problem) / eps, torch.full_like(eps, 180 * 2**0.5)
    )


def test_bound_lies_below_the_change_and_the_control_does_not():
    """On these processes the bound holds; omega alone exceeds the change somewhere."""
    problem = made(n=10)
    bound = guarantee.measure_guarantee(problem, guarantee.guarantee(problem))
    alone = guarantee.measure_guarantee(problem, guarantee.objective_alone(problem))
    assert (bound["excess"] < 0).all()
    assert (alone["excess"] > 0).any()
    torch.testing.assert_close(bound["bound"] - bound["change"], bound["excess"])


@pytest.mark.parametrize("lr", [1e-4])
def test_small_steps_along_the_gradient_improve(lr):
    """The true change is positive and of first order in lr."""
    small, half = (made(lr=each) for each in (lr, lr / 2))
    change, less = (
        guarantee.measure_guarantee(each, guarantee.guarantee(each))["change"]
        for each in (small, half)
    )
    assert (change > 0).all()
    torch.testing.assert_close(change / less, torch.full_like(change, 2), rtol=1e-3, atol=0)
