"""Opponents of N-PG-IGT and (N)-HARPG, as functions of arrays and callables.

    theta (n, dim)            parameters, a replicate on each row; everything is maximised
    gradient(theta)           g(tau, theta), (n, dim), of a new trajectory tau ~ p(.|theta)
    pair(theta, other)        g(tau, theta), and w g(tau, other) of the same tau ~ p(.|theta), where
                              w = p(tau|other) / p(tau|theta) is the importance weight
    gamma(t), eta(t)          step size and weight of the new gradient, t = 0, 1, ...

Each yields (theta_t, d_t, theta_{t+1}), one iteration after another, for as long as it is asked:
the point, its estimate of the gradient there, and the next point.

Third parties' are below: gymnasium's environments, as loop and as vector, and A2C of
stable-baselines3. Packages are imported inside the functions: listing the opponents costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Gradient = Callable[[Tensor], Tensor]
Pair = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
Schedule = Callable[[int], float]
Steps = Iterator[tuple[Tensor, Tensor, Tensor]]


def policy_gradient(gradient: Gradient, theta: Tensor, *, gamma: Schedule) -> Steps:
    """Vanilla policy gradient, theta <- theta + gamma_t g (Yuan, Gower and Lazaric 2022)."""
    for t in count():
        g = gradient(theta)
        following = torch.add(theta, g, alpha=gamma(t))
        yield theta, g, following
        theta = following


def normalised_momentum(
    gradient: Gradient, theta: Tensor, *, gamma: Schedule, eta: Schedule
) -> Steps:
    """Normalised policy gradient with momentum (Cutkosky and Mehta 2020).

    d_t = (1 - eta_t) d_{t-1} + eta_t g, d_0 = g; theta <- theta + gamma_t d_t / ||d_t||.
    """
    d = torch.zeros_like(theta)
    for t in count():
        g = gradient(theta)
        d = g if t == 0 else torch.lerp(d, g, eta(t))
        norm = (d * d).sum(dim=-1, keepdim=True).sqrt_()
        unit = d / norm.clamp_(min=torch.finfo(d.dtype).tiny)
        following = torch.add(theta, unit, alpha=gamma(t))
        yield theta, d, following
        theta = following


def storm_pg(pair: Pair, theta: Tensor, *, gamma: Schedule, eta: Schedule) -> Steps:
    """STORM-PG (Yuan, Lian, Liu and Zhou 2020; Ding et al. 2022).

    d_t = g(tau_t, theta_t) + (1 - eta_t) (d_{t-1} - w g(tau_t, theta_{t-1}));
    theta <- theta + gamma_t d_t.
    """
    previous, d = theta, torch.zeros_like(theta)
    for t in count():
        g, there = pair(theta, previous)
        d = g if t == 0 else torch.add(g, d - there, alpha=1 - eta(t))
        following = torch.add(theta, d, alpha=gamma(t))
        yield theta, d, following
        theta, previous = following, theta


def is_mbpg(pair: Pair, theta: Tensor, *, k: float, m: float, c: float) -> Steps:
    """IS-MBPG (Huang, Gao, Pei and Huang 2020): STORM-PG with steps that adapt.

    gamma_t = k / (m + sum over i <= t of ||g_i||^2)^(1/3), eta_{t+1} = min(1, c gamma_t^2), each
    replicate's own.
    """
    previous, d = theta, torch.zeros_like(theta)
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


def gymnasium_loop(
    name: str, act: Callable[[Any], int], *, limit: int, steps: int
) -> tuple[float, float]:
    """Play an environment of gymnasium's, one step and one episode after another.

    Parameters
    ----------
    act
        Observation -> action.
    limit
        Steps after which an episode is truncated.
    steps
        No further episode starts after so many.

    Returns
    -------
    tuple
        Steps made, and episodes.
    """
    import gymnasium

    env = gymnasium.make(name, max_episode_steps=limit)
    made = episodes = 0
    observation, _ = env.reset(seed=0)
    while made < steps:
        ended = False
        while not ended:
            observation, _, terminated, truncated, _ = env.step(act(observation))
            ended = terminated or truncated
            made += 1
        episodes += 1
        observation, _ = env.reset()
    env.close()
    return float(made), float(episodes)


def gymnasium_vector(
    name: str, act: Callable[[Any], Any], *, episodes: int, limit: int, steps: int
) -> tuple[float, float]:
    """Step gymnasium's vector environment `steps` times; a slot that only restarts is no step.

    Parameters
    ----------
    act
        Observations (episodes, parts) -> actions (episodes,).

    Returns
    -------
    tuple
        Live steps made, and episodes started.
    """
    import gymnasium

    env = gymnasium.make_vec(
        name, num_envs=episodes, vectorization_mode="vector_entry_point", max_episode_steps=limit
    )
    observations, _ = env.reset(seed=0)
    made = started = 0
    restarting = np.zeros(episodes, dtype=bool)
    for _ in range(steps):
        observations, _, terminated, truncated, _ = env.step(act(observations))
        made += episodes - int(restarting.sum())
        started += int(restarting.sum())
        restarting = terminated | truncated
    env.close()
    return float(made), float(started + episodes)


def gymnasium_simulators(name: str, episodes: int) -> Any:
    """Return gymnasium's vector of as many simulators, stepped one after another, float64."""
    import gymnasium

    return gymnasium.make_vec(name, num_envs=episodes, vectorization_mode="sync")


def a2c(
    name: str, *, hidden: Sequence[int], episodes: Sequence[int], limit: int, seed: int
) -> list[NDArray[np.float32]]:
    """Train A2C of stable-baselines3 with its defaults and return its policy now and then.

    Parameters
    ----------
    hidden
        Widths of the policy's hidden layers, tanh; those of the value function are 32 and 32.
    episodes
        After how many ended episodes to look, ascending.
    limit
        Steps after which an episode is truncated.

    Returns
    -------
    list
        For each look the policy's parameters, flat: matrix and bias of every layer, and the log
        standard deviation where actions are continuous.
    """
    import gymnasium
    from stable_baselines3 import A2C
    from stable_baselines3.common.callbacks import BaseCallback

    kept: list[NDArray[np.float32]] = []

    class Looks(BaseCallback):
        """Keeps the parameters when enough episodes have ended, and stops after the last look."""

        ended = 0

        def _on_step(self) -> bool:
            self.ended += int(self.locals["dones"].sum())
            while len(kept) < len(episodes) and self.ended >= episodes[len(kept)]:
                kept.append(_flat(self.model.policy))
            return len(kept) < len(episodes)

    model = A2C(
        "MlpPolicy",
        gymnasium.make(name, max_episode_steps=limit),
        policy_kwargs={
            "net_arch": {"pi": list(hidden), "vf": [32, 32]},
            "activation_fn": torch.nn.Tanh,
        },
        seed=seed % 2**32,
        device="cpu",
    )
    model.learn(limit * (episodes[-1] + 1), callback=Looks())
    model.get_env().close()
    return kept


def _flat(policy: Any) -> NDArray[np.float32]:
    """Return the parameters that a policy of stable-baselines3 acts by."""
    layers = [*policy.mlp_extractor.policy_net, policy.action_net]
    parts = [p for layer in layers for p in layer.parameters()]
    if hasattr(policy, "log_std"):
        parts.append(policy.log_std)
    return torch.cat([p.detach().flatten() for p in parts]).numpy().copy()
