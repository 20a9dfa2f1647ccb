"""HDPO: train a policy by the gradient of its simulated cost (Alvo, Russo, Kanoria, Lee 2023).

The dynamics are known, and demand does not depend on what is ordered. So the cost of a policy on a
recorded demand path can be computed in hindsight, and so can its gradient: through costs, dynamics
and all later orders, by backpropagation over the whole path.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import cos, inf, pi
from typing import Any

import torch
from torch import Tensor

from baselines.control.adam import Adam

from .simulator import Network, Policy, average_costs


def hdpo(
    problem: Any,
    policy: Policy,
    parameters: Iterable[Tensor],
    *,
    lr: float = 1e-2,
    clip: float = inf,
    select: int = 0,
    network: Network | None = None,
    cut: int = 0,
) -> Policy:
    """Train the policies of all rows by Adam, one step per episode, and return them.

    The loss is the mean cost per store and period, and counts all periods from the first, as in the
    official code.

    Deviation: the learning rate falls to zero by a cosine, where the official code keeps it
    constant; and unless `select` is given, the last parameters are returned, so that equal numbers
    of simulated periods are easy to keep.

    Parameters
    ----------
    problem
        An `InventoryProblem`: its system, its episodes, and how many of these.
    policy, parameters
        States (rows, B, n, L) to orders (rows, B, n), and what it depends on, rows first.
    lr
        The first learning rate.
    clip
        The largest norm of a row's gradient.
    select
        After every so many steps the policies meet a development set; each row ends with the
        parameters that did best there, as in the official code. For small training sets.
    network
        What is trained on, the problem's own unless a control says otherwise.
    cut
        For a control: the gradient does not pass through the state of every so many periods.
    """
    network = network or problem.network
    parameters = list(parameters)
    T, steps, *_ = problem.training
    adam = Adam(parameters)
    best = Best(parameters)
    for k, rate in enumerate(cosine(lr, steps), start=1):
        x, demand = problem.episode()
        total = torch.zeros(())
        for t, d in enumerate(demand):
            if cut and t % cut == 0:
                x = x.detach()
            x, cost = network.step(x, policy(x), d)
            total = total + cost
        # Rows share no parameter, so that the sum's gradient is that of each.
        loss = total.mean(dim=1).sum() / (T * problem.stores)
        loss.backward()
        if clip < inf:
            clip_rows(parameters, clip)
        adam.step(rate)
        if select and k % select == 0:
            x, demand = problem.development()
            with torch.no_grad():
                costs = average_costs(problem.network, policy, x, demand, T)
            best.meet(costs.mean(dim=1))
    best.restore()
    return policy


class Best:
    """Each row's parameters at the least cost that was met; those it has, where none was."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self._kept: list[Tensor] = []

    def meet(self, cost: Tensor) -> None:
        """Keep the present parameters of rows whose cost, (rows,), is the least so far."""
        cost = cost.nan_to_num(nan=inf)
        if not self._kept:
            self._cost, self._kept = cost, [one.detach().clone() for one in self._parameters]
            return
        better = cost < self._cost
        self._cost = torch.where(better, cost, self._cost)
        for kept, now in zip(self._kept, self._parameters, strict=True):
            kept[better] = now.detach()[better]

    def restore(self) -> None:
        """Put back what was kept."""
        with torch.no_grad():
            for parameter, kept in zip(self._parameters, self._kept, strict=False):
                parameter.copy_(kept)


def cosine(lr: float, steps: int) -> Iterator[float]:
    """Yield the learning rates lr (1 + cos(pi k / steps)) / 2, k = 0, 1, ..., steps - 1."""
    return (lr * (1 + cos(pi * k / steps)) / 2 for k in range(steps))


def clip_rows(parameters: Iterable[Tensor], most: float) -> None:
    """Scale each row's gradient down to the norm `most`, if it is longer."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = torch.stack([gradient.flatten(1).square().sum(dim=1) for gradient in gradients])
    factor = (most / squares.sum(dim=0).sqrt().clamp(min=1e-12)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(factor.reshape(-1, *[1] * (gradient.dim() - 1)))
