"""The instances on which the bound in expectation is held against what is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from . import schedules
from .geometry import Euclidean, soft_threshold
from .hard import harvey
from .noise import Normal, Shared
from .problem import Problem, Sharp
from .simplex import simplex
from .strong import Parabola

#: Paths in a replicate, whose mean is taken; of vectors fewer.
PATHS = 100
VECTOR_PATHS = 20
STEPS = {
    "linear_decay": schedules.linear_decay,
    "inverse_sqrt": schedules.inverse_sqrt,
    "constant": schedules.constant,
}


@dataclass(kw_only=True)
class Quadratic(Problem):
    """f = sum_i lambda_i x_i^2 / 2, smooth with L = max lambda_i.

    Attributes
    ----------
    spectrum
        lambda, (d,).
    """

    spectrum: Tensor

    def slope(self, x: Tensor) -> Tensor:
        """Return lambda x."""
        return self.spectrum * x

    def gap(self, x: Tensor) -> Tensor:
        """Return f(x), (rows, path)."""
        return (self.spectrum * x**2).sum(dim=-1) / 2


@dataclass(kw_only=True)
class Denoising(Problem):
    """F = ||x - b||^2 / 2 + l1 ||x||_1, minimal at soft(b, l1); the geometry holds the l1 term.

    Attributes
    ----------
    b
        (d,).
    """

    b: Tensor

    def slope(self, x: Tensor) -> Tensor:
        """Return x - b, of the smooth part alone."""
        return x - self.b

    def gap(self, x: Tensor) -> Tensor:
        """Return F(x) - F*, (rows, path)."""
        return self.objective(x) - self.objective(soft_threshold(self.b, self.geometry.l1))

    def objective(self, x: Tensor) -> Tensor:
        """Return F(x)."""
        return ((x - self.b) ** 2).sum(dim=-1) / 2 + self.geometry.l1 * x.abs().sum(dim=-1)


@dataclass
class Scaled:
    """A noise times a factor, (rows,)."""

    noise: Callable[[Tensor], Tensor]
    factor: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return one draw."""
        return self.factor.reshape(-1, *[1] * (x.ndim - 1)) * self.noise(x)


@dataclass
class Scheduled:
    """A problem and the step sizes it is to be run with, (rows, T)."""

    problem: Problem
    steps: Tensor

    @property
    def calls(self) -> Tensor:
        """(rows,), of the problem's oracle."""
        return self.problem.calls


def ones(*shape: int, device: str) -> Tensor:
    """Return float64 ones."""
    return torch.ones(*shape, dtype=torch.float64, device=device)


def build(instance: str, T: int, rows: int, *, streams: Any, n: int) -> Problem:
    """Return an instance by name, as `inequality` lists them."""
    generator, device = streams.numpy("noise"), streams.device
    name, _, number = instance.partition(" ")
    if name == "hard":
        return harvey(number, torch.tensor([T] * rows, device=device))
    if name == "simplex":
        return simplex(T, 16, [2.0] * (rows // n), streams=streams, n=n, paths=VECTOR_PATHS)
    if name in {"sharp", "parabola"}:
        noise = Shared(Normal(generator), (n, PATHS))
        x1 = ones(rows, PATHS, device=device)
        known = {"T": T, "x1": x1, "D": 0.5, "sigma": 1.0, "noise": noise}
        if name == "sharp":
            eps = float(number) / T**0.5
            return Sharp(**known, eps=eps, M=2 * eps)
        return Parabola(**known, mu=float(number), L=float(number), M=0.0)
    d = {"quadratic": 50, "l1": 10}[name]
    # Coordinates of variance 1/d make vectors of variance 1.
    scale = torch.tensor([d**-0.5], device=device)
    noise = Scaled(Shared(Normal(generator), (n, VECTOR_PATHS, d)), scale)
    known = {"T": T, "L": 1.0, "M": 0.0, "sigma": 1.0, "noise": noise}
    i = torch.arange(1, d + 1, dtype=torch.float64, device=device)
    x1 = ones(rows, VECTOR_PATHS, d, device=device)
    if name == "quadratic":
        return Quadratic(**known, x1=x1 / d**0.5, D=0.5, spectrum=i**-2)
    geometry = Euclidean(l1=0.2)
    D = float((soft_threshold(1 / i, geometry.l1) ** 2).sum() / 2)
    return Denoising(**known, x1=0 * x1, D=D, geometry=geometry, b=1 / i)


def inequality(
    instance: str,
    T: int,
    schedule: Sequence[str],
    noise_factor: Sequence[float],
    *,
    streams: Any,
    n: int,
) -> Scheduled:
    """Return an instance under several schedules, all with the theory's eta.

    Parameters
    ----------
    instance
        "hard inverse_sqrt" or "hard constant", exact; "sharp <kappa>", kappa |x| / sqrt(T);
        "parabola <mu>", mu x^2 / 2, of which the theory is told smoothness alone; "quadratic",
        lambda_i = i^-2 for i to 50, x_1 = (1, ..., 1) / sqrt(50); "l1", b_i = 1/i for i to 10,
        l1 = 0.2 and x_1 = 0, half of x* zero; "simplex", of 16 corners.
    schedule
        A key of STEPS for each cell of the stack.
    noise_factor
        For each cell of the stack: the noise's true standard deviation over sigma, which eta and
        the bound are told.
    """
    problem = build(instance, T, len(schedule) * n, streams=streams, n=n)
    factor = torch.tensor(noise_factor, dtype=torch.float64, device=streams.device)
    factor = factor.repeat_interleave(n)
    if problem.noise is not None:
        problem.noise = Scaled(problem.noise, factor)
    elif bool((factor != 1).any()):
        raise ValueError(f"{instance} has no noise that could be multiplied")
    steps = torch.stack([STEPS[name](T, problem.eta) for name in schedule]).to(streams.device)
    if problem.L:
        steps = schedules.capped(steps, problem.L)
    return Scheduled(problem, steps.repeat_interleave(n, dim=0))
