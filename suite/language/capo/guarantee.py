"""Theorem 5.1 on small decision processes, where every quantity is exact.

A step that shifts the objective by omega, and the policy by delta_F, should change the return by

    J(theta + dtheta) - J(theta) >= omega - C sqrt(delta_F),
    C = 2 gamma / (1 - gamma)^2 eps sqrt(2),  eps = max_s abs(E_{a ~ pi_new} A(s, a)).

The policy is softmax(W h(s)): the theorem's assumption holds, and omega and delta_F are means of
m_H and m_F under the states and actions that the old policy meets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import torch
from torch import Tensor

from .method import shifts, tokens_of

STATES, ACTIONS, WIDTH = 8, 5, 4


@dataclass
class Processes:
    """n random decision processes, a softmax policy on each, and a step that it takes.

    Attributes
    ----------
    gamma
        Discount.
    lr
        The step is lr G, G the policy gradient divided by its norm.
    P
        (n, S, V, S), probabilities of the next state; states at the start are uniform.
    r
        (n, S, V), rewards in [0, 1].
    h
        (n, S, d).
    W
        (n, V, d).
    """

    gamma: float
    lr: float
    P: Tensor
    r: Tensor
    h: Tensor
    W: Tensor
    calls: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.calls = torch.zeros(len(self.P), dtype=torch.float64)
        pi = self.policy(self.W)
        d, A = self.visits(pi), self.advantage(pi)
        weighted = (d.unsqueeze(-1) * pi * A).mT @ self.h  # E[A v] = E[A e_a], as E_a A = 0
        self.G = weighted / weighted.flatten(1).norm(dim=-1).view(-1, 1, 1)

    def policy(self, W: Tensor) -> Tensor:
        """Return pi, (n, S, V)."""
        return (self.h @ W.mT).softmax(dim=-1)

    def values(self, pi: Tensor) -> Tensor:
        """Return V(s), (n, S)."""
        return torch.linalg.solve(self._resolvent(pi), (pi * self.r).sum(dim=-1))

    def advantage(self, pi: Tensor) -> Tensor:
        """Return A(s, a), (n, S, V)."""
        V = self.values(pi)
        following = torch.einsum("nsat,nt->nsa", self.P, V)
        return self.r + self.gamma * following - V.unsqueeze(-1)

    def visits(self, pi: Tensor) -> Tensor:
        """Return the discounted distribution of states, (n, S); it sums to 1."""
        start = torch.full_like(self.r[..., 0], (1 - self.gamma) / STATES)
        return torch.linalg.solve(self._resolvent(pi).mT, start)

    def J(self, W: Tensor) -> Tensor:
        """Return the discounted return, (n,)."""
        return self.values(self.policy(W)).mean(dim=-1)

    def _resolvent(self, pi: Tensor) -> Tensor:
        step = torch.einsum("nsa,nsat->nst", pi, self.P)
        return torch.eye(STATES, dtype=step.dtype, device=step.device) - self.gamma * step


def processes(gamma: float, lr: float, *, streams: Any, n: int) -> Processes:
    """Return random processes with Dirichlet transitions, normal features and weights."""
    generator = streams.torch("process")

    def normal(*shape: int) -> Tensor:
        return torch.randn(n, *shape, generator=generator, dtype=torch.float64)

    shape = (n, STATES, ACTIONS, STATES)
    rates = -torch.rand(shape, generator=generator, dtype=torch.float64).log()
    r = torch.rand(shape[:-1], generator=generator, dtype=torch.float64)
    P = rates / rates.sum(dim=-1, keepdim=True)
    h, W = normal(STATES, WIDTH), normal(ACTIONS, WIDTH)
    return Processes(gamma, lr, *(each.to(streams.device) for each in (P, r, h, W)))


def guarantee(problem):
    """Return omega - C sqrt(delta_F), (n,)."""
    omega, delta_F = means(problem)
    return omega - constant(problem) * delta_F.sqrt()


def objective_alone(problem):
    """Return omega, (n,): no price for the policy's shift."""
    return means(problem)[0]


def means(problem: Processes) -> tuple[Tensor, Tensor]:
    """Return omega = E[m_H] / (1 - gamma) and delta_F = E[m_F], each (n,)."""
    pi = problem.policy(problem.W)
    n, S, V = pi.shape
    every = torch.arange(V, device=pi.device).expand(n, S, V).flatten(1)
    h = problem.h.repeat_interleave(V, dim=1)
    logits = problem.h @ problem.W.mT
    tokens = tokens_of(
        logits.repeat_interleave(V, dim=1), h, every, problem.advantage(pi).flatten(1)
    )
    m = shifts(tokens, h @ problem.G.mT, problem.lr)
    weight = (problem.visits(pi).unsqueeze(-1) * pi).flatten(1)
    return (weight * m.H).sum(dim=-1) / (1 - problem.gamma), (weight * m.F).sum(dim=-1)


def constant(problem: Processes) -> Tensor:
    """Return C, (n,)."""
    new = problem.policy(problem.W + problem.lr * problem.G)
    expected = (new * problem.advantage(problem.policy(problem.W))).sum(dim=-1)
    eps = expected.abs().amax(dim=-1)
    return 2 * problem.gamma / (1 - problem.gamma) ** 2 * eps * sqrt(2)


def measure_guarantee(problem: Processes, bound: Tensor) -> dict[str, Tensor]:
    """Return by how much the bound lies above the true change, and both, each (n,)."""
    change = problem.J(problem.W + problem.lr * problem.G) - problem.J(problem.W)
    return {"excess": bound - change, "bound": bound, "change": change}
