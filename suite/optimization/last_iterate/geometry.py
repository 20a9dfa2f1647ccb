"""Bregman proximal steps in closed form: argmin over x' in X of h(x') + <g, x'> + D_psi(x', x)/eta.

Iterates are float64 tensors whose leading axes are rows and paths, in any number. A geometry that
acts on vectors takes them along the last axis; the others act on every entry alone. eta is a
number, or a tensor that broadcasts against x.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Geometry(Protocol):
    """A mirror map psi, the domain X and the composite term h."""

    def step(self, x: Tensor, g: Tensor, eta: float | Tensor) -> Tensor:
        """Return the minimiser x', shaped as x, for a subgradient estimate g."""


def away(x: Tensor, g: Tensor, eta: float | Tensor) -> Tensor:
    """Return x - eta g in one pass over memory."""
    eta = eta if isinstance(eta, Tensor) else x.new_tensor(eta)
    return torch.addcmul(x, g, eta, value=-1)


def soft_threshold(z: Tensor, a: float | Tensor) -> Tensor:
    """Return sign(z) max(|z| - a, 0), the proximal point of a ||.||_1."""
    return z.sign() * (z.abs() - a).clamp(min=0)


@dataclass(frozen=True)
class Euclidean:
    """psi = ||x||^2 / 2, with h = l1 ||x||_1 on R^d, or h = 0 on R^d or a ball around 0.

    Attributes
    ----------
    radius
        Of the ball; None for X = R^d.
    l1
        Weight of ||x||_1.
    """

    radius: float | None = None
    l1: float = 0.0

    def __post_init__(self):
        if self.radius is not None and self.l1:
            raise ValueError("no closed form for an l1 term on a ball: give radius or l1")

    def step(self, x: Tensor, g: Tensor, eta: float | Tensor) -> Tensor:
        """Return x - eta g, thresholded at eta l1, or projected on the ball."""
        z = away(x, g, eta)
        if self.l1:
            return soft_threshold(z, eta * self.l1)
        if self.radius is not None:
            norm = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
            z = torch.where(norm > self.radius, z * (self.radius / norm), z)
        return z


@dataclass(frozen=True)
class Entropy:
    """psi = sum_i x_i log x_i on the simplex, 1-strongly convex in the l1 norm."""

    def step(self, x: Tensor, g: Tensor, eta: float | Tensor) -> Tensor:
        """Return the softmax of log x - eta g; an entry that underflowed stays 0."""
        return torch.softmax(away(x.log(), g, eta), dim=-1)


@dataclass(frozen=True)
class EuclideanSimplex:
    """psi = ||x||^2 / 2 on the simplex: a gradient step and its exact projection."""

    def step(self, x: Tensor, g: Tensor, eta: float | Tensor) -> Tensor:
        """Return the projection of x - eta g."""
        return project_on_simplex(away(x, g, eta))


def project_on_simplex(z: Tensor) -> Tensor:
    """Return max(z - theta, 0) of sum 1, along the last axis.

    theta is found by discarding entries at or below it until none is left to discard (Michelot
    1986): a few passes, and no sort.
    """
    theta = (z.sum(dim=-1, keepdim=True) - 1) / z.shape[-1]
    before = torch.tensor(float(z.shape[-1]), device=z.device)
    while True:
        x = (z - theta).clamp_(min=0)
        count = x.sign().sum(dim=-1, keepdim=True)  # a sum of numbers is faster than one of truths
        if bool((count == before).all()):
            return x
        before = count
        # theta never falls, so that no entry comes back: this ends after d passes at most.
        theta = theta + ((x.sum(dim=-1, keepdim=True) - 1) / count).clamp_(min=0)


@dataclass(frozen=True)
class Power:
    """psi = sum_i |x_i|^q / q on R^d, uniformly convex of degree q: the geometry of heavy tails.

    Attributes
    ----------
    q
        p / (p - 1), where the p-th moment of the noise is finite; q = 2 is Euclidean.
    """

    q: float

    def step(self, x: Tensor, g: Tensor, eta: float | Tensor) -> Tensor:
        """Return m^-1(m(x) - eta g) with the mirror map m(x) = sign(x) |x|^(q - 1)."""
        if self.q == 3:  # p = 3/2: a product and a square root in place of two powers
            dual = x * x.abs() - eta * g
            return dual.sign() * dual.abs().sqrt()
        dual = x.sign() * x.abs() ** (self.q - 1) - eta * g
        return dual.sign() * dual.abs() ** (1 / (self.q - 1))
