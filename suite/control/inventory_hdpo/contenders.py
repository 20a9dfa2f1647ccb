"""Who controls the lost-sales store: the method, its opponents and its controls."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch

from baselines.control import inventory_hdpo as pins
from baselines.control import inventory_policy_gradient as gradients

from . import lost_sales
from .evaluate import Answer
from .method import hdpo as train
from .networks import OneStore, StackedMLP
from .simulator import EarlyNetwork

#: Learning rates, each the best of three on the same full-length runs (see baselines/pins.toml).
HDPO_LR, REINFORCE_LR, PPO_LR = 1e-2, 3e-3, 1e-3


class MeanOrder(OneStore):
    """The same network as the method's, without its softplus: a mean of Gaussian actions."""

    def __call__(self, x):
        """Return (rows, B, 1), of any sign."""
        return self.network(x.flatten(-2))


class Critic:
    """The value of a state: [32, 32]."""

    def __init__(self, problem, generator):
        sizes = (problem.network.longest, 32, 32, 1)
        self.network = StackedMLP(sizes, problem, generator, bias=None)
        self.parameters = self.network.parameters

    def __call__(self, x):
        """Return (rows, B)."""
        return self.network(x.flatten(-2))[..., 0]


def one_store(problem):
    """Return untrained policies: the same for every contender."""
    return OneStore(problem, problem.streams.torch("weights"))


# The method.


def hdpo(problem, *, lr=HDPO_LR):
    """Gradients of the simulated cost through the dynamics."""
    policy = one_store(problem)
    return Answer(train(problem, policy, policy.parameters, lr=lr))


# Opponents at as many simulated periods.


def reinforce(problem, *, streams, lr=REINFORCE_LR):
    """Score-function gradients, rewards centred over the paths of a period."""
    return _policy_gradient(problem, gradients.reinforce, streams, lr)


def reinforce_fast(problem, *, streams):
    """REINFORCE at the learning rate that is best when steps are few, 1e-2."""
    return reinforce(problem, streams=streams, lr=1e-2)


def ppo(problem, *, streams, lr=PPO_LR):
    """Proximal policy optimisation with the same rewards and critic."""
    return _policy_gradient(problem, gradients.ppo, streams, lr, gradients.MINIBATCHES)


def _policy_gradient(problem, losses, streams, lr, minibatches=1):
    networks = gradients.networks_of(
        MeanOrder(problem, problem.streams.torch("weights")),
        Critic(problem, problem.streams.torch("critic")),
    )
    return Answer(
        gradients.train(
            losses,
            problem.episode,
            problem.network.step,
            networks,
            lr=lr,
            steps=problem.training.steps,
            generator=streams.torch("actions", problem.device),
            minibatches=minibatches,
        )
    )


def sb3_ppo(problem, *, streams, lr=PPO_LR):
    """Stable-Baselines3's PPO, one network after another."""
    from baselines.control import inventory_sb3

    # The last episode begins but is not trained on.
    T, steps, batch, _ = problem.training
    episodes = [problem.episode() for _ in range(steps + 1)]
    problem.calls -= T * batch
    policies = []
    for row, own in enumerate([*streams.each("actions")] * problem.cells):
        one = dataclasses.replace(
            problem.network, h=problem.network.h[[row]], p=problem.network.p[[row]]
        )
        policies.append(
            inventory_sb3.train(
                [(x[[row]], demand[:, [row]]) for x, demand in episodes],
                one.step,
                lr=lr,
                minibatches=gradients.MINIBATCHES,
                seed=int(own.integers(2**31)),
            )
        )
    return Answer(
        lambda x: torch.stack([policy(own) for policy, own in zip(policies, x, strict=True)])
    )


# Policies that need no training.


def value_iteration(problem):
    """Order what value iteration found to be optimal."""
    L = problem.network.longest
    orders = np.array([lost_sales.optimum(L, p).orders.ravel() for p in problem.p.tolist()])
    return tabulated(problem, orders)


def tabulated(problem, orders):
    """Return the answer of a table (rows, S), which knows the grid's states only."""
    rows = torch.arange(problem.rows).unsqueeze(1)
    shape = torch.tensor(lost_sales.shape(problem.network.longest))
    stride = shape.flip(0).cumprod(0).flip(0) // shape
    known = torch.as_tensor(orders)
    return Answer(lambda x: known[rows, (x[:, :, 0].cpu().long() * stride).sum(-1)].unsqueeze(-1))


def base_stock(problem):
    """Order up to the level of least exact cost."""
    return _structured(problem, _best_level)


def capped_base_stock(problem):
    """Order up to a level, but no more than a cap: the pair of least exact cost."""
    return _structured(problem, _best_pair)


def _structured(problem, best):
    found = {p: best(problem.network.longest, p) for p in set(problem.p.tolist())}
    level, cap = torch.tensor([found[p] for p in problem.p.tolist()]).float().T
    policy = pins.base_stock(
        level.reshape(-1, 1, 1).to(problem.device), cap.reshape(-1, 1, 1).to(problem.device)
    )
    shown = np.where(cap > lost_sales.LARGEST_ORDER, 0, cap)
    return Answer(policy, level.numpy(), shown)


def _best_level(L, p):
    def cost(S):
        return _cost(L, p, S, lost_sales.LARGEST_ORDER)

    # The mean demand of L + 1 periods: the search walks from there.
    level = pins.best_base_stock(cost, int(lost_sales.RATE) * (L + 1))
    return level, lost_sales.LARGEST_ORDER + 1


def _best_pair(L, p):
    def cost(S, cap):
        return _cost(L, p, S, cap)

    level, _ = _best_level(L, p)
    return pins.best_capped_base_stock(cost, (level, int(lost_sales.RATE) + 1))


def _cost(L, p, S, cap):
    orders = np.clip(S - lost_sales.states(L).sum(axis=1), 0, cap)
    return lost_sales.average_cost(L, p, orders.reshape(lost_sales.shape(L)))


# Controls.


def detached(problem):
    """HDPO with detached dynamics: no cost depends on the period's own order.

    So no gradient is left, and the networks stay as they were drawn.
    """
    return Answer(one_store(problem))


def truncated(problem):
    """HDPO whose gradient does not pass through the state of every third period."""
    policy = one_store(problem)
    return Answer(train(problem, policy, policy.parameters, lr=HDPO_LR, cut=3))


def early(problem):
    """HDPO trained on a system whose orders arrive a period early."""
    network = problem.network
    wrong = EarlyNetwork(network.lead, network.supplier, network.h, network.p, network.lost)
    policy = one_store(problem)
    return Answer(train(problem, policy, policy.parameters, lr=HDPO_LR, network=wrong))
