"""Who learns CartPole, Pendulum and Reacher: gamma_0 tuned for each by the engine, on one grid."""

import numpy as np
import torch

from baselines.control import fisher_pg as pins

from . import method
from .contenders import as_steps
from .method import decay, unit
from .oracle import Step
from .tasks import BATCH


def n_pg_igt(problem, *, gamma_0):
    """N-PG-IGT, Algorithm 1, with its schedules."""
    steps = method.n_pg_igt(problem, eta=decay(4 / 5), gamma=decay(1, gamma_0))
    return problem.walk(steps, cost=BATCH)


def n_harpg(problem, *, gamma_0):
    """N-HARPG, Algorithm 2 with normalised steps."""
    steps = method.harpg(problem, eta=decay(1), gamma=decay(1, gamma_0), direction=unit)
    return problem.walk(steps, cost=2 * BATCH)


def harpg(problem, *, gamma_0):
    """HARPG, Algorithm 2 with plain steps."""
    steps = method.harpg(problem, eta=decay(1), gamma=decay(1 / 2, gamma_0))
    return problem.walk(steps, cost=2 * BATCH)


def pg(problem, *, gamma_0):
    """Vanilla policy gradient, gamma_t ~ t^(-2/3)."""
    return _walked(
        problem,
        pins.policy_gradient(problem.gradient, problem.theta_0, gamma=decay(2 / 3, gamma_0)),
    )


def n_pgm(problem, *, gamma_0):
    """Normalised policy gradient with momentum, eta = (2 / (t + 2))^(2/3)."""
    return _walked(
        problem,
        pins.normalised_momentum(
            problem.gradient, problem.theta_0, gamma=decay(1, gamma_0), eta=decay(2 / 3)
        ),
    )


def storm_pg(problem, *, gamma_0):
    """STORM-PG: momentum corrected by importance weights."""
    return _walked(
        problem,
        pins.storm_pg(
            problem.gradient_pair,
            problem.theta_0,
            gamma=decay(1 / 3, gamma_0),
            eta=decay(2 / 3),
        ),
    )


def a2c(problem, *, streams):
    """A2C of stable-baselines3 with its defaults, one seed after another: a line for orientation.

    It learns a value function besides and steps within episodes; budgets are equal in episodes.
    """
    policy = problem.policy
    hidden = [out for _, out in policy.layers[:-1]]
    name, limit = policy.environment.name, policy.environment.limit
    looks = [
        pins.a2c(name, hidden=hidden, episodes=problem.N, limit=limit, seed=seed)
        for seed in streams.replicates
    ]
    problem.spent.extend(problem.N)
    theta = torch.tensor(np.array(looks), device=problem.theta_0.device).transpose(0, 1)
    return Step(theta, torch.zeros_like(theta), theta)


def _walked(problem, steps):
    return problem.walk(as_steps(steps), cost=BATCH)
