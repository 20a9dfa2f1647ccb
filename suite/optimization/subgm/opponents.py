"""The baselines, bound to the problem: a problem to a factor, or to the path of factors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from baselines.optimization import subgm as pins

from .method import random_start, spectral_start
from .problem import MatrixRecovery

#: Steps of the descent on the l2 loss, of which the best counts.
ETAS = (0.05, 0.01, 0.005, 0.001)


def l2_descent(problem: MatrixRecovery) -> Tensor:
    """Return the best iterate of gradient descent on the l2 loss, over four steps and all t."""
    start = random_start(problem.direction, problem.alpha)
    return pins.gradient_descent(problem.l2_gradient, start, problem.error, etas=ETAS, T=problem.T)


def exact_rank_path(problem: MatrixRecovery) -> Iterator[Tensor]:
    """Yield the iterates of SubGM with r' = r from the truncated spectral initialisation."""
    start = pins.truncated_spectral(problem.correlation, problem.y, problem.r)
    steps = pins.geometric_steps(0.2, problem.rho, problem.T)
    return pins.subgradient_method(_subgradient(problem), start, steps)


def diminishing_path(problem: MatrixRecovery) -> Iterator[Tensor]:
    """Yield the iterates of SubGM with steps 2 / (t + 1) from the spectral direction."""
    start = spectral_start(problem, problem.direction, torch.ones_like(problem.alpha))
    steps = pins.diminishing_steps(2.0, problem.T)
    return pins.subgradient_method(_subgradient(problem), start, steps)


def constant_path(problem: MatrixRecovery) -> Iterator[Tensor]:
    """Yield the iterates of SubGM with a constant step from the small start."""
    start = random_start(problem.direction, problem.alpha)
    steps = pins.constant_steps(0.05, problem.T)
    return pins.subgradient_method(_subgradient(problem), start, steps)


def convex(problem: MatrixRecovery, *, weight: float) -> Tensor:
    """Return factors of the minimisers of l1 loss and nuclear norm, d columns each.

    The weight of the nuclear norm is `weight` sqrt(m d), the order of ||sum_i sign(s_i) A_i||.
    """
    ones = list(problem.each())
    A = np.array([_unpacked(one.A, one.d) for one in ones])
    y = np.array([one.y for one in ones])
    X = pins.convex_relaxation(A, y, weight * (problem.m * problem.d) ** 0.5)
    return pins.spectral_factor(torch.as_tensor(X, device=problem.y.device), problem.d)


def _subgradient(problem):
    return lambda U: problem.subgradient(U).Q


def _unpacked(A, d):
    """Return packed measurements, (m, P), as symmetric matrices, (m, d, d)."""
    i, j = np.triu_indices(d)
    symmetric = np.zeros((len(A), d, d))
    symmetric[:, i, j] += A / 2
    symmetric[:, j, i] += A / 2
    return symmetric
