"""Who reconstructs: DDS, its ablations and its controls, a problem to images (P, R, d)."""

from __future__ import annotations

import torch

from .conjugate_gradient import conjugate_gradient
from .method import dds as decomposed
from .method import noiseless, none, sample
from .schedule import vp_levels

#: Of the ablation: its eta on 50 evaluations (released code).
ETA = 0.85


def dds(problem, *, gamma=5.0, eta=0.5):
    """DDS in the proximal form, M = 5."""
    return decomposed(problem, gamma=gamma, eta=eta)


def dds_of_many_steps(problem):
    """DDS in the proximal form, M = 25."""
    return decomposed(problem, gamma=5.0, eta=0.5, M=25)


def no_consistency(problem):
    """Sample from the prior alone: no look at the data."""
    return sample(problem, vp_levels(problem.T), none, ETA)


# The ablation, in the noiseless form: M steps on A'A x = A'y.


def cg_1(problem):
    """One step: steepest descent."""
    return noiseless_dds(problem, 1)


def cg_2(problem):
    """Two steps."""
    return noiseless_dds(problem, 2)


def cg_3(problem):
    """Three steps."""
    return noiseless_dds(problem, 3)


def cg_5(problem):
    """Five steps: the paper's choice."""
    return noiseless_dds(problem, 5)


def cg_7(problem):
    """Seven steps."""
    return noiseless_dds(problem, 7)


def cg_10(problem):
    """Ten steps."""
    return noiseless_dds(problem, 10)


def noiseless_dds(problem, M):
    """DDS in the noiseless form."""
    return sample(problem, vp_levels(problem.T), noiseless(problem, M), ETA)


def cg_from_zero(problem):
    """Five steps from zero instead of from the Tweedie estimate: the denoiser is not heard."""

    def consistency(x0):
        zero = torch.zeros_like(x0)
        return conjugate_gradient(problem.gram, problem.back, zero, 5, dims=problem.dims)

    return sample(problem, vp_levels(problem.T), consistency, ETA)
