"""Who minimises: Algorithm 1 under the paper's schedules, other schedules, averages, controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from baselines.optimization import last_iterate as pins

from . import schedules
from .geometry import Euclidean, EuclideanSimplex
from .heavy import P
from .method import mirror_descent


def linear_decay(problem: Any) -> Tensor:
    """Last iterate under eta (T - t + 1) / T^(3/2), Theorem 3.3."""
    return mirror_descent(problem, schedules.linear_decay(problem.T, problem.eta))


def inverse_sqrt(problem: Any) -> Tensor:
    """Last iterate under eta / sqrt(t), Theorem 3.1."""
    return mirror_descent(problem, schedules.inverse_sqrt(problem.T, problem.eta))


def constant(problem: Any) -> Tensor:
    """Last iterate under eta / sqrt(T), Theorem 3.1."""
    return mirror_descent(problem, schedules.constant(problem.T, problem.eta))


def per_row(rule: Callable[[int], Any], T: int | Tensor) -> Tensor:
    """Return rule(T), (T,), or that of each row's own horizon, (rows, max T), zero after it.

    It lies on T's device, as schedules do.
    """
    if not isinstance(T, Tensor):
        return torch.from_numpy(rule(T))
    rows = np.zeros((len(T), int(T.max())))
    for row, horizon in zip(rows, T.tolist(), strict=True):
        row[:horizon] = rule(horizon)
    return torch.from_numpy(rows).to(T.device)


def phases(problem: Any) -> Tensor:
    """Last iterate under steps halved from phase to phase."""
    halved = per_row(pins.phases, problem.T)
    return mirror_descent(problem, schedules.constant(problem.T, problem.eta) * halved)


def uniform_average(problem: Any) -> Tensor:
    """Average of all iterates of the run under eta / sqrt(t)."""
    steps = schedules.inverse_sqrt(problem.T, problem.eta)
    return mirror_descent(problem, steps, average=per_row(pins.uniform, problem.T))


def suffix_average(problem: Any) -> Tensor:
    """Average of the last half of the run under eta / sqrt(t)."""
    steps = schedules.inverse_sqrt(problem.T, problem.eta)
    return mirror_descent(problem, steps, average=per_row(pins.suffix, problem.T))


def average_of_linear_decay(problem: Any) -> Tensor:
    """Average of all iterates of the method's own run."""
    steps = schedules.linear_decay(problem.T, problem.eta)
    return mirror_descent(problem, steps, average=per_row(pins.uniform, problem.T))


def torch_sgd(problem: Any) -> Tensor:
    """Last iterate of torch's SGD under its own linear decay; one horizon for all rows."""
    (T,) = torch.as_tensor(problem.T).unique().tolist()
    return pins.torch_sgd(problem.subgradient, problem.x1, T, problem.eta)


def zero_step(problem: Any) -> Tensor:
    """Stay at x_1: steps of zero, for which no oracle needs to be asked."""
    return problem.x1.clone()


def ascent(problem: Any) -> Tensor:
    """Take the method's steps with the wrong sign."""
    return mirror_descent(problem, -schedules.linear_decay(problem.T, problem.eta))


def one_step_early(problem: Any) -> Tensor:
    """Decay by T - t in place of T - t + 1: every step falls short, the last one is zero."""
    steps = schedules.linear_decay(problem.T, problem.eta)
    last = schedules.scaled(problem.eta, steps.new_ones(steps.shape[-1]), problem.T)
    return mirror_descent(problem, steps - last / schedules.times(problem.T)[1] ** 1.5)


# Strong convexity: mu = 1, and steps that know it.


def harmonic(problem: Any) -> Tensor:
    """Last iterate under 1 / (mu t)."""
    return mirror_descent(problem, schedules.harmonic(problem.T, problem.mu))


def double_harmonic(problem: Any) -> Tensor:
    """Last iterate under 2 / (mu (t + 1))."""
    return mirror_descent(problem, schedules.double_harmonic(problem.T, problem.mu))


def average_of_harmonic(problem: Any) -> Tensor:
    """Average of all iterates of the run under 1 / (mu t)."""
    steps = schedules.harmonic(problem.T, problem.mu)
    return mirror_descent(problem, steps, average=per_row(pins.uniform, problem.T))


def suffix_of_harmonic(problem: Any) -> Tensor:
    """Average of the last half of the run under 1 / (mu t)."""
    steps = schedules.harmonic(problem.T, problem.mu)
    return mirror_descent(problem, steps, average=per_row(pins.suffix, problem.T))


def weighted_average(problem: Any) -> Tensor:
    """Average with weights proportional to t of the run under 2 / (mu (t + 1))."""
    steps = schedules.double_harmonic(problem.T, problem.mu)
    return mirror_descent(problem, steps, average=per_row(pins.increasing, problem.T))


def fixed_step(problem: Any) -> Tensor:
    """Last iterate under steps of 0.1, whatever t and T."""
    ones = torch.ones(int(problem.T.max()), dtype=torch.float64, device=problem.T.device)
    return mirror_descent(problem, schedules.scaled(0.1, ones, problem.T))


# The simplex: linear decay in two geometries.


def kl(problem: Any) -> Tensor:
    """Last iterate of entropic mirror descent, eta = sqrt(log d)."""
    return linear_decay(problem)


def euclidean(problem: Any) -> Tensor:
    """Last iterate of projected gradient steps, eta = sqrt(1/d): the noise has length sqrt(d)."""
    steps = schedules.linear_decay(problem.T, problem.x1.shape[-1] ** -0.5)
    return mirror_descent(problem, steps, geometry=EuclideanSimplex())


# Heavy tails: linear decay as in Theorem 5.2, and who takes plain steps.


@dataclass(frozen=True)
class Clipped(Euclidean):
    """Plain steps along gradients of modulus `level` at most, (rows, 1)."""

    level: Tensor | None = None

    def step(self, x: Tensor, g: Tensor, eta: float | Tensor) -> Tensor:
        """Return x - eta g after clipping, for the last rows."""
        level = self.level[-len(x) :]
        return super().step(x, g.clamp(-level, level), eta)


def _heavy_decay(problem: Any) -> Tensor:
    return schedules.linear_decay(problem.T, problem.eta, p=P)


def mirror(problem: Any) -> Tensor:
    """Last iterate under eta (T - t + 1) / T^(1 + 1/p) with psi = |x|^q / q, Theorem 5.2."""
    return mirror_descent(problem, _heavy_decay(problem))


def sgd(problem: Any) -> Tensor:
    """Last iterate of plain steps of the same lengths."""
    return mirror_descent(problem, _heavy_decay(problem), geometry=Euclidean())


def clipped(problem: Any) -> Tensor:
    """Last iterate of plain steps along gradients clipped at T^(1/p)."""
    level = problem.T[:, None].to(torch.float64) ** (1 / P)
    return mirror_descent(problem, _heavy_decay(problem), geometry=Clipped(level=level))
