"""Volumes: stacks of slices that change slowly, and total variation along the stack.

    min over x of |A x - y|^2 / 2 + lamb |D x|_1,   (D x)_i = x_{i+1} - x_i, circular

by one ADMM pass in every step of the sampler, whose d and u are carried along.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor

from . import operators
from .conjugate_gradient import conjugate_gradient
from .posterior import Posterior, posterior
from .problem import Instance, InverseProblem, measured, prior_draws, priors


class Volume(Instance):
    """Images (P, R, S, d), each slice measured by itself."""

    @cached_property
    def posterior(self) -> Posterior:
        """The best that can be said slice by slice, `mmse` (P, R) the mean over the slices.

        Who looks at several slices at once may do better.
        """
        P, R, S, d = self.truth.shape
        one = posterior(self.prior, self.operator, self.y.flatten(1, 2), self.sigma)
        return Posterior(
            one.mean.reshape(P, R, S, d),
            one.mmse.reshape(P, R, S).mean(dim=-1),
            one.weight.reshape(P, R, S, -1),
        )


def volume(
    evaluations: int,
    noise: float,
    slices: int,
    turn: float = 0.1,
    side: int = 32,
    angles: int = 8,
    *,
    streams: Any,
    n: int,
) -> InverseProblem:
    """Return volumes measured by few views, every slice of them drawn from prior A.

    Slice s is made of cos(s turn) g_0 + sin(s turn) g_1 in place of standard normal numbers, so
    that each is a draw from the prior, and the correlation of two is the cosine of their angle.

    Deviation: the paper's volumes are CT scans of patients, and its slices need not be draws of
    one mixture component.
    """
    made = _volume(noise, slices, turn, side, angles, streams, n)
    return InverseProblem(made, evaluations, streams, dims=2)


@lru_cache(maxsize=4)
def _volume(
    noise: float, slices: int, turn: float, side: int, angles: int, streams: Any, n: int
) -> Volume:
    component, latent, white = prior_draws(side, streams, n, each=2)
    angle = turn * torch.arange(slices, dtype=latent.dtype)
    slowly = torch.stack((angle.cos(), angle.sin()), dim=1)
    prior = priors(side, "cpu")
    truth = prior.draw(component, slowly @ latent, slowly @ white).to(streams.device)
    operator = operators.ct(side, angles, streams.device, truth.dtype)
    y = measured(operator, truth, noise, streams)
    return Volume(priors(side, streams.device), operator, truth, y, noise)


def difference(x: Tensor) -> Tensor:
    """Return D x along the slices of (..., S, d), the first after the last."""
    return x.roll(-1, dims=-2) - x


def difference_adjoint(z: Tensor) -> Tensor:
    """Return D' z: (D' z)_i = z_{i-1} - z_i."""
    return z.roll(1, dims=-2) - z


def soft(v: Tensor, k: float) -> Tensor:
    """Return sign(v) max(|v| - k, 0)."""
    return v.sign() * (v.abs() - k).clamp(min=0)


class AdmmTV:
    """A data consistency step: one ADMM pass, its conjugate gradients begun at x0.

    Deviation: rho and lamb weigh against A'A, so they are given for ||A|| = 1. The released code's
    10 and 0.04 belong to a projector whose A'A has, at this size, the norm 48.7; as they are, they
    would smooth all slices into one.

    Parameters
    ----------
    rho, lamb
        By default the released code's for few views, divided by 48.7. lamb = 0 leaves the total
        variation out, and rho = 0 with it all that ties the slices to each other.
    """

    def __init__(self, problem: Any, *, rho: float = 0.2, lamb: float = 0.0008, M: int = 5) -> None:
        self._problem, self._rho, self._lamb, self._M = problem, rho, lamb, M
        self._d = self._u = torch.zeros_like(problem.back)

    def __call__(self, x0: Tensor) -> Tensor:
        """Return xh, and keep d and u for the next step."""
        problem, rho = self._problem, self._rho
        b = problem.back + rho * difference_adjoint(self._d - self._u)
        xh = conjugate_gradient(self._product, b, x0, self._M, dims=problem.dims)
        if rho > 0:
            v = difference(xh) + self._u
            self._d = soft(v, self._lamb / rho)
            self._u = v - self._d
        return xh

    def _product(self, x: Tensor) -> Tensor:
        return self._problem.gram(x) + self._rho * difference_adjoint(difference(x))
