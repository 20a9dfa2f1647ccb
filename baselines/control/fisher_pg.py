"""Opponents of N-PG-IGT and (N)-HARPG, as functions of arrays and callables.

    theta (n, dim)            parameters, a replicate on each row; everything is maximised
    gradient(theta)           g(tau, theta), (n, dim), of a new trajectory tau ~ p(.|theta)
    pair(theta, other)        g(tau, theta), and w g(tau, other) of the same tau ~ p(.|theta), where
                              w = p(tau|other) / p(tau|theta) is the importance weight
    gamma(t), eta(t)          step size and weight of the new gradient, t = 0, 1, ...

Each yields (theta_t, d_t, theta_{t+1}), one iteration after another, for as long as it is asked: the
point, its estimate of the gradient there, and the next point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import torch
from torch import Tensor

Gradient = Callable[[Tensor], Tensor]
Pair = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Schedule = Callable[[int], float]
Steps = Iterator[tuple[Tensor, Tensor, Tensor]]


def policy_gradient(gradient: Gradient, theta: Tensor, *, gamma: Schedule) -> Steps:
    """Vanilla policy gradient, theta <- theta + gamma_t g (Yuan, Gower and Lazaric 2022)."""
    for t in count():
        g = gradient(theta)
        following = theta + gamma(t) * g
        yield theta, g, following
        theta = following


def normalised_momentum(
    gradient: Gradient, theta: Tensor, *, gamma: Schedule, eta: Schedule
) -> Steps:
    """Normalised policy gradient with momentum (Cutkosky and Mehta 2020).

    d_t = (1 - eta_t) d_{t-1} + eta_t g, d_0 = g; theta <- theta + gamma_t d_t / ||d_t||.
    """
    for t in count():
        g = gradient(theta)
        d = g if t == 0 else (1 - eta(t)) * d + eta(t) * g
        norm = (d * d).sum(dim=-1, keepdim=True).sqrt()
        following = theta + gamma(t) * (d / norm.clamp(min=torch.finfo(d.dtype).tiny))
        yield theta, d, following
        theta = following


def storm_pg(pair: Pair, theta: Tensor, *, gamma: Schedule, eta: Schedule) -> Steps:
    """STORM-PG (Yuan, Lian, Liu and Zhou 2020; Ding et al. 2022).

    d_t = g(tau_t, theta_t) + (1 - eta_t) (d_{t-1} - w g(tau_t, theta_{t-1}));
    theta <- theta + gamma_t d_t.
    """
    previous = theta
    for t in count():
        g, there = pair(theta, previous)
        d = g if t == 0 else g + (1 - eta(t)) * (d - there)
        following = theta + gamma(t) * d
        yield theta, d, following
        theta, previous = following, theta


def is_mbpg(pair: Pair, theta: Tensor, *, k: float, m: float, c: float) -> Steps:
    """IS-MBPG (Huang, Gao, Pei and Huang 2020): STORM-PG with steps that adapt.

    gamma_t = k / (m + sum over i <= t of ||g_i||^2)^(1/3), eta_{t+1} = min(1, c gamma_t^2), each
    replicate's own.
    """
    previous = theta
    total = theta.new_full((len(theta), 1), m)
    eta: Tensor | float = 1.0
    for t in count():
        g, there = pair(theta, previous)
        d = g if t == 0 else g + (1 - eta) * (d - there)
        total = total + (g * g).sum(dim=-1, keepdim=True)
        gamma = k * total ** (-1 / 3)
        following = theta + gamma * d
        yield theta, d, following
        theta, previous = following, theta
        eta = (c * gamma**2).clamp(max=1.0)
