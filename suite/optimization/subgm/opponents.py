"""The baselines, bound to the problem: a problem to U, or to a path of iterates."""

from __future__ import annotations

import numpy as np
import torch

from baselines.optimization import subgm as pins

from .contenders import points, small_start
from .method import spectral_start

#: Steps of the descent on the l2 loss, of which the best counts.
ETAS = (0.05, 0.01, 0.005, 0.001)


@torch.inference_mode()
def l2_descent(problem):
    """Descend the l2 loss from the small start: the best of four steps and of all iterates."""
    start = small_start(problem)
    return pins.gradient_descent(problem.l2_gradient, start, problem.error, etas=ETAS, T=problem.T)


@torch.inference_mode()
def exact_rank(problem):
    """SubGM with r' = r from the truncated spectral initialisation: it is told the rank."""
    return last(exact_rank_iterates(problem))


@torch.inference_mode()
def diminishing(problem):
    """SubGM with steps 2 / (t + 1) from the spectral direction, not scaled down."""
    return last(diminishing_iterates(problem))


@torch.inference_mode()
def exact_rank_path(problem):
    """Return the path of `exact_rank`, every fiftieth iterate."""
    return points(exact_rank_iterates(problem))


@torch.inference_mode()
def diminishing_path(problem):
    """Return the path of `diminishing`, every fiftieth iterate."""
    return points(diminishing_iterates(problem))


@torch.inference_mode()
def convex(problem, *, weight):
    """Minimise l1 loss and nuclear norm, which is weighed with `weight` sqrt(m d).

    sqrt(m d) is the order of what noise alone makes of the l1 loss's subgradient, in the spectral
    norm. The answer is a factor of X, d columns.
    """
    ones = list(problem.each())
    A = np.array([unpacked(one.A, one.d) for one in ones])
    y = np.array([one.y for one in ones])
    X = pins.convex_relaxation(A, y, weight * (problem.m * problem.d) ** 0.5)
    return pins.spectral_factor(torch.as_tensor(X, device=problem.y.device), problem.d)


def exact_rank_iterates(problem):
    """Yield U_0, ..., U_T of SubGM with r' = r, steps 0.2 rho^t, from the truncated spectrum."""
    start = pins.truncated_spectral(problem.correlation, problem.y, problem.r)
    steps = pins.geometric_steps(0.2, problem.rho, problem.T)
    return pins.subgradient_method(lambda U: problem.subgradient(U).Q, start, steps)


def diminishing_iterates(problem):
    """Yield U_0, ..., U_T of SubGM with steps 2 / (t + 1) from the spectral direction."""
    start = spectral_start(problem, problem.direction, torch.ones_like(problem.alpha))
    steps = pins.diminishing_steps(2.0, problem.T)
    return pins.subgradient_method(lambda U: problem.subgradient(U).Q, start, steps)


def last(path):
    """Return the last iterate of a path."""
    for iterate in path:
        U = iterate
    return U


def unpacked(A, d):
    """Return packed measurements, (m, P), as symmetric matrices, (m, d, d)."""
    i, j = np.triu_indices(d)
    symmetric = np.zeros((len(A), d, d))
    symmetric[:, i, j] += A / 2
    symmetric[:, j, i] += A / 2
    return symmetric
