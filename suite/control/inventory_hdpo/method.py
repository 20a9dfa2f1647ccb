"""HDPO: train a policy by the gradient of its simulated cost (Alvo, Russo, Kanoria, Lee 2023).

The dynamics are known, and demand does not depend on what is ordered. So the cost of a policy on a
recorded demand path can be computed in hindsight, and so can its gradient: through costs, dynamics
and all later orders, by backpropagation over the whole path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import cos, pi
from typing import Any

import torch
from torch import Tensor

from .simulator import Network, Policy


def hdpo(
    problem: Any,
    policy: Policy,
    parameters: Iterable[Tensor],
    *,
    lr: float = 1e-2,
    network: Network | None = None,
    cut: int = 0,
) -> Policy:
    """Train the policies of all rows, each on `problem.steps` episodes, and return them.

    Deviation: the learning rate falls to zero by a cosine, and the last parameters are returned;
    the official code keeps it constant, and returns those that did best on a development set. So
    nobody needs further paths, and equal numbers of simulated periods are easy to keep.

    Parameters
    ----------
    network
        What is trained on, the problem's own unless a control says otherwise.
    cut
        For a control: the gradient does not pass through the state of every so many periods.
    """
    network = network or problem.network
    adam = torch.optim.Adam(parameters, lr=lr)
    for rate in cosine(lr, problem.steps):
        adam.param_groups[0]["lr"] = rate
        x, demand = problem.episode()
        total = torch.zeros(())
        for t, d in enumerate(demand):
            if cut and t % cut == 0:
                x = x.detach()
            x, cost = network.step(x, policy(x), d)
            total = total + cost
        # Rows share no parameter, so that the sum's gradient is that of each.
        loss = total.mean(dim=1).sum() / (problem.T * problem.stores)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return policy


def cosine(lr: float, steps: int) -> Iterator[float]:
    """Yield the learning rates lr (1 + cos(pi k / steps)) / 2, k = 0, 1, ..., steps - 1."""
    return (lr * (1 + cos(pi * k / steps)) / 2 for k in range(steps))
