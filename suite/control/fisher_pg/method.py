"""N-PG-IGT and (N)-HARPG: Algorithms 1 and 2 of Fatkhullin, Barakat, Kireeva and He, ICML 2023.

    g(tau, theta)    GPOMDP gradient of a trajectory tau ~ p(.|theta)
    B(tau, theta) v  unbiased estimate of the Hessian of J times v
    d_t              estimate of the gradient of J at theta_t, (n, dim)
    eta_t, gamma_t   weight of the new gradient, and step size

Both maximise. They yield one `Step` after another for as long as they are asked; all replicates
advance together, on the leading axis. torch's lerp(x, y, w) is (1 - w) x + w y, and y bit for bit
at w = 1.

Schedules are those of the authors' code, but for the look-ahead, which has eta_{t-1} there: only
with the algorithm's eta_t is d_t exact for a quadratic J without noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import torch
from torch import Tensor

from .oracle import Oracle, Step

#: Iteration t = 0, 1, ... to a step size, or to a weight.
Schedule = Callable[[int], float]


def decay(exponent: float, first: float = 1.0) -> Schedule:
    """Return t -> first (2 / (t + 2))^exponent."""
    return lambda t: first * (2 / (t + 2)) ** exponent


def unit(d: Tensor) -> Tensor:
    """Return d / ||d||, and 0 where d is 0."""
    # vector_norm takes five times as long on columns.
    norm = (d * d).sum(dim=-1, keepdim=True).sqrt_()
    return d / norm.clamp_(min=torch.finfo(d.dtype).tiny)


def n_pg_igt(
    problem: Oracle, *, eta: Schedule, gamma: Schedule, transport: float = 1.0
) -> Iterator[Step]:
    """Normalised policy gradient with implicit gradient transport, Algorithm 1.

    theta~_t = theta_t + ((1 - eta_t) / eta_t) (theta_t - theta_{t-1});
    d_t = (1 - eta_t) d_{t-1} + eta_t g(tau_t, theta~_t), tau_t ~ p(.|theta~_t), d_0 = g(tau_0);
    theta_{t+1} = theta_t + gamma_t d_t / ||d_t||.

    Parameters
    ----------
    eta, gamma
        The paper's are ``decay(4 / 5)`` and ``decay(1, gamma_0)``.
    transport
        Times the look-ahead: 1 is the method, 0 leaves it out, -1 looks the wrong way.
    """
    theta = previous = problem.theta_0
    d = torch.zeros_like(theta)
    for t in count():
        look = transport * (1 - eta(t)) / eta(t)
        g = problem.gradient(torch.add(theta, theta - previous, alpha=look))
        d = g if t == 0 else torch.lerp(d, g, eta(t))
        following = torch.add(theta, unit(d), alpha=gamma(t))
        yield Step(theta, d, following)
        theta, previous = following, theta


def harpg(
    problem: Oracle,
    *,
    eta: Schedule,
    gamma: Schedule,
    direction: Callable[[Tensor], Tensor] = torch.clone,
    correction: float = 1.0,
) -> Iterator[Step]:
    """Hessian-aided recursive policy gradient, Algorithm 2; N-HARPG with ``direction=unit``.

    theta^_t = b_t theta_t + (1 - b_t) theta_{t-1}, b_t ~ U[0, 1];
    v_t = B(tau^_t, theta^_t) (theta_t - theta_{t-1}), tau^_t ~ p(.|theta^_t);
    d_t = (1 - eta_t) (d_{t-1} + v_t) + eta_t g(tau_t, theta_t), d_0 = g(tau_0, theta_0);
    theta_{t+1} = theta_t + gamma_t direction(d_t).

    Two trajectories an iteration, and one at t = 0.

    Parameters
    ----------
    eta, gamma
        The paper's are ``decay(1)``, and ``decay(1 / 2, gamma_0)`` or, normalised,
        ``decay(1, gamma_0)``.
    correction
        Times v_t: 1 is the method, 0 leaves it out, -1 has the wrong sign.
    """
    theta = previous = problem.theta_0
    d = torch.zeros_like(theta)
    for t in count():
        g = problem.gradient(theta)
        if t == 0:
            d = g
        else:
            b = problem.uniform()
            v = problem.hessian_vector(torch.lerp(previous, theta, b), theta - previous)
            d = torch.lerp(torch.add(d, v, alpha=correction), g, eta(t))
        following = torch.add(theta, direction(d), alpha=gamma(t))
        yield Step(theta, d, following)
        theta, previous = following, theta
