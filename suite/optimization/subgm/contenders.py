"""Who recovers the matrix: SubGM, its variants and its controls, problem to U."""

from __future__ import annotations

from itertools import islice

import torch

from .method import adaptive, geometric, iterates, random_start, spectral_start, subgm

#: Iterations between the points of a path.
EVERY = 50


def small_start(problem):
    """Return the random U_0 of the problem's alpha."""
    return random_start(problem.direction, problem.alpha)


def large_start(problem):
    """Return the same random U_0 at alpha = 1."""
    return random_start(problem.direction, torch.ones_like(problem.alpha))


def points(path):
    """Return every fiftieth iterate, the first and the last among them."""
    return list(islice(path, 0, None, EVERY))


def constant(eta):
    """eta_t = eta."""
    return lambda t, f, Q: eta


@torch.inference_mode()
def adaptive_steps(problem):
    """SubGM with eta_t = (pi/2) 0.25 f(U_t), for measurements without noise."""
    return subgm(problem, small_start(problem), adaptive(0.25))


@torch.inference_mode()
def constant_steps(problem):
    """SubGM with eta_t = 0.02: it stalls at an error of the order of the step."""
    return subgm(problem, small_start(problem), constant(0.02))


@torch.inference_mode()
def geometric_steps(problem):
    """SubGM with eta_t = 0.2 rho^t / ||Q_t||_F from a small random start, for any noise."""
    return subgm(problem, small_start(problem), geometric(0.2, problem.rho))


@torch.inference_mode()
def spectral_direction(problem):
    """SubGM from a small start along the eigenvectors of the mean of sign(y_i) A_i."""
    start = spectral_start(problem, problem.direction, problem.alpha)
    return subgm(problem, start, geometric(0.2, problem.rho))


@torch.inference_mode()
def large_initialisation(problem):
    """SubGM with the same steps from alpha = 1: the key ingredient removed."""
    return subgm(problem, large_start(problem), geometric(0.2, problem.rho))


@torch.inference_mode()
def short_schedule(problem):
    """SubGM with eta_t = 0.05 0.99^t / ||Q_t||_F: used up before the signal has grown."""
    return subgm(problem, small_start(problem), geometric(0.05, 0.99))


# With the iterates on the way: every fiftieth.


@torch.inference_mode()
def small_path(problem):
    """SubGM with geometric steps from a small random start."""
    return points(iterates(problem, small_start(problem), geometric(0.2, problem.rho)))


@torch.inference_mode()
def large_path(problem):
    """SubGM with geometric steps from alpha = 1."""
    return points(iterates(problem, large_start(problem), geometric(0.2, problem.rho)))


@torch.inference_mode()
def constant_path(problem):
    """SubGM with eta_t = 0.02 from a small random start."""
    return points(iterates(problem, small_start(problem), constant(0.02)))
