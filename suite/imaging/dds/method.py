"""DDS, the decomposed diffusion sampler (Chung, Lee and Ye, ICLR 2024, arXiv 2303.05754).

    for levels (i, j):
        x0 = E[x_0 | x_i],  e = (x - a_i x0) / sqrt(v_i)           # Tweedie: one evaluation
        xh = M steps of conjugate gradients from x0 towards the data
        x  = a_j xh + sqrt(v_j) (eta z + sqrt(1 - eta^2) e),  z ~ N(0, I)
           = xh in the last two passes

The gradient is not passed through the denoiser: if the clean images near x0 lie in a Krylov
subspace, steps of conjugate gradients from x0 do not leave it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

from torch import Tensor

from .conjugate_gradient import conjugate_gradient
from .schedule import CLEAN, Level, passes, predicted_noise, vp_levels

#: x0 to xh.
Consistency = Callable[[Tensor], Tensor]

#: (xh, e, z, i, j, eta) to x_j.
Transition = Callable[[Tensor, Tensor, Tensor, Level, Level, float], Tensor]


def dds(problem: Any, *, gamma: float = 1.0, eta: float = 0.85, M: int = 5) -> Tensor:
    """Return the reconstruction after `problem.T` evaluations, by VP levels and the proximal form.

    gamma, eta and M are the released code's.
    """
    return sample(problem, vp_levels(problem.T), proximal(problem, gamma, M), eta)


def variance_split(
    xh: Tensor,
    e: Tensor,
    z: Tensor,
    i: Level,  # noqa: ARG001  as `ddim`
    j: Level,
    eta: float,
) -> Tensor:
    """Return x_j as the released code makes it: eta splits the variance of level j."""
    return j.a * xh + sqrt(j.v) * (eta * z + sqrt(1 - eta**2) * e)


def ddim(xh: Tensor, e: Tensor, z: Tensor, i: Level, j: Level, eta: float) -> Tensor:
    """Return x_j as the paper and DDIM make it; at eta = 0 there is no difference.

    Its noise has the variance eta^2 b^2 with b^2 = (v_j / v_i) (v_i - v_j a_i^2 / a_j^2), for VP
    the same as (1 - abar_j) / (1 - abar_i) (1 - abar_i / abar_j).
    """
    b = sqrt(j.v / i.v * (i.v - j.v * (i.a / j.a) ** 2))
    return j.a * xh + sqrt(j.v - (eta * b) ** 2) * e + eta * b * z


def sample(
    problem: Any,
    levels: Sequence[Level],
    consistency: Consistency,
    eta: float,
    *,
    transition: Transition = variance_split,
) -> Tensor:
    """Return the last xh, (P, R, d), after one evaluation for each level.

    e is what the denoiser predicted before data consistency; the second last pass returns xh
    without noise, which the last one denoises again.
    """
    noise = problem.noise()
    x = problem.start * max(1.0, sqrt(levels[0].v))  # VE begins at sigma z
    for i, j in passes(levels):
        x0 = problem.denoise(x, i)
        e = predicted_noise(x, x0, i)
        x = xh = consistency(x0)
        if j not in {levels[-1], CLEAN}:
            x = transition(xh, e, noise(), i, j, eta)
    return x


def noiseless(problem: Any, M: int) -> Consistency:
    """Return M steps on A'A x = A'y."""

    def consistency(x0: Tensor) -> Tensor:
        return conjugate_gradient(problem.gram, problem.back, x0, M, dims=problem.dims)

    return consistency


def proximal(problem: Any, gamma: float, M: int) -> Consistency:
    """Return M steps on (I + gamma A'A) x = x0 + gamma A'y, for noisy data."""

    def product(x: Tensor) -> Tensor:
        return x + gamma * problem.gram(x)

    def consistency(x0: Tensor) -> Tensor:
        b = x0 + gamma * problem.back
        return conjugate_gradient(product, b, x0, M, dims=problem.dims)

    return consistency


def none(x0: Tensor) -> Tensor:
    """Return x0: no data consistency."""
    return x0
