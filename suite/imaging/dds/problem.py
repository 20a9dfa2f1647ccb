"""Images to be reconstructed from few measurements, with a counted denoiser and the best answer.

Replicates are (mask, image, noise) under one of P fixed priors: replicate r has prior r mod P. Rows
are laid out (prior, row of the prior), so that all rows of a prior form one product.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from claimbench.errors import BenchFileError

from . import operators
from .mixture import MixturePrior, Pullback, mixture_priors
from .operators import Operator
from .posterior import Posterior, posterior
from .schedule import Level

#: Seeds of the priors, which play the trained networks: fixed, whatever the replicates.
PRIORS = (0, 1, 2, 3)
#: From so many evaluations on samplers run in float32, in half of the time. What that does to their
#: errors is less than 0.01 dB (a test), a hundredth of the smallest margin.
SINGLE_FROM = 100


class Denoiser(Protocol):
    """What a prior or a network is asked."""

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        """Return the mean of x_0 given x_t, (P, R, d)."""

    def linearise(self, x: Tensor, level: Level) -> tuple[Tensor, Pullback]:
        """Return the same, and products with the transposed Jacobian at x."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Images (P, R, ..., d), how they are measured, and what was measured."""

    prior: Denoiser
    operator: Operator
    truth: Tensor
    y: Tensor
    sigma: float

    @cached_property
    def back(self) -> Tensor:
        """A'y, of the shape of the truth."""
        return self.operator.adjoint(self.y)

    @cached_property
    def posterior(self) -> Posterior:
        """Of prior A: the best estimate and its error."""
        assert isinstance(self.prior, MixturePrior)
        return posterior(self.prior, self.operator, self.y, self.sigma)

    @cached_property
    def single(self) -> Instance:
        """The same in float32."""
        assert isinstance(self.prior, MixturePrior)
        return Instance(
            self.prior.to(torch.float32),
            self.operator.to(torch.float32),
            self.truth.float(),
            self.y.to(torch.complex64 if self.y.is_complex() else torch.float32),
            self.sigma,
        )


@dataclass(eq=False)
class InverseProblem:
    """y = A x + sigma n, to be solved by T evaluations of a denoiser.

    Attributes
    ----------
    instance
        In float64, for the measure.
    T
        Evaluations of the denoiser; 0 for those who do without.
    solved
        What contenders see of it: in float32 from `SINGLE_FROM` evaluations on.
    start
        (P, R, ..., d), N(0, I): where every sampler starts.
    dims
        How many of the last axes make one image: 1, or 2 for a volume of slices.
    calls, backward
        (n,), evaluations of the denoiser and products with its Jacobian so far, of each slice.
    """

    instance: Instance
    T: int
    streams: Any
    dims: int = 1
    solved: Instance = field(init=False)
    start: Tensor = field(init=False)
    calls: Tensor = field(init=False)
    backward: Tensor = field(init=False)

    def __post_init__(self) -> None:
        exact = isinstance(self.instance.prior, MixturePrior)
        single = exact and self.T >= SINGLE_FROM
        self.solved = self.instance.single if single else self.instance
        self.calls = torch.zeros(self.truth.shape[:2].numel(), dtype=torch.float64)
        self.backward = torch.zeros_like(self.calls)
        self.start = self._normal(self.streams.torch("start", self.streams.device))

    @property
    def operator(self) -> Operator:
        """A."""
        return self.solved.operator

    @property
    def y(self) -> Tensor:
        """Measurements, (P, R, ...) as the operator returns them."""
        return self.solved.y

    @property
    def sigma(self) -> float:
        """The noise's standard deviation; of real and of imaginary parts."""
        return self.solved.sigma

    @property
    def back(self) -> Tensor:
        """A'y, (P, R, ..., d)."""
        return self.solved.back

    @property
    def truth(self) -> Tensor:
        """x, (P, R, ..., d): for the measure."""
        return self.instance.truth

    @property
    def posterior(self) -> Posterior:
        """The exact posterior of prior A: for the measure."""
        return self.instance.posterior

    def gram(self, x: Tensor) -> Tensor:
        """Return A'A x."""
        return self.solved.operator.gram(x)

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        """Return E[x_0 | x_t = x], of the shape of x, and count one evaluation."""
        self.calls += 1
        return self.solved.prior.denoise(self._as_rows(x), level).reshape(x.shape)

    def linearise(self, x: Tensor, level: Level) -> tuple[Tensor, Pullback]:
        """Return what `denoise` does and counts, and u -> (d x_0 / d x_t)' u, counted apart."""
        self.calls += 1
        x0, pullback = self.solved.prior.linearise(self._as_rows(x), level)

        def counted(u: Tensor) -> Tensor:
            self.backward += 1
            return pullback(self._as_rows(u)).reshape(x.shape)

        return x0.reshape(x.shape), counted

    def noise(self) -> Callable[[], Tensor]:
        """Return draws of z ~ N(0, I), from the start of a stream that all contenders share."""
        generator = self.streams.torch("noise", self.streams.device)
        return lambda: self._normal(generator)

    def rows(self, values: Tensor) -> Tensor:
        """Return values (P, R) as (n,), in the engine's order of the replicates."""
        return values.T.reshape(-1)

    def _as_rows(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), -1, x.shape[-1])

    def _normal(self, generator: torch.Generator) -> Tensor:
        """Return N(0, I), drawn in float32: four times as quick, and the same for all types."""
        truth = self.solved.truth
        drawn = torch.randn(truth.shape, generator=generator, device=truth.device)
        return drawn.to(truth.dtype)


def mri(
    evaluations: int,
    noise: float,
    side: int = 32,
    coils: int = 4,
    acceleration: int = 4,
    *,
    streams: Any,
    n: int,
) -> InverseProblem:
    """Return images measured by few columns of k-space in every coil, under prior A."""
    made = _mri(noise, side, coils, acceleration, streams, n)
    return InverseProblem(made, evaluations, streams)


def ct(
    evaluations: int, noise: float, side: int = 32, angles: int = 8, *, streams: Any, n: int
) -> InverseProblem:
    """Return images measured by few views, under prior A."""
    return InverseProblem(_ct(noise, side, angles, streams, n), evaluations, streams)


# All contenders of a block, at all their numbers of evaluations, meet the same instances.


@lru_cache(maxsize=8)
def _mri(noise: float, side: int, coils: int, acceleration: int, streams: Any, n: int) -> Instance:
    prior, truth = priors(side, streams.device), images(side, streams, n)
    masks = by_prior(
        [operators.column_mask(own, side, acceleration) for own in streams.each("mask")]
    )
    operator = operators.mri(masks.numpy(), coils, streams.device, truth.dtype)
    return Instance(
        prior, operator, truth, operator.masked(measured(operator, truth, noise, streams)), noise
    )


@lru_cache(maxsize=8)
def _ct(noise: float, side: int, angles: int, streams: Any, n: int) -> Instance:
    prior, truth = priors(side, streams.device), images(side, streams, n)
    operator = operators.ct(side, angles, streams.device, truth.dtype)
    y = measured(operator, truth, noise, streams)
    return Instance(prior, operator, truth, y, noise)


def measured(
    operator: Operator, truth: Tensor, noise: float, streams: Any, *, priors: int = len(PRIORS)
) -> Tensor:
    """Return A x + noise n, n ~ N(0, I), in real and in imaginary parts."""
    y = operator.forward(truth)
    parts = torch.view_as_real(y).movedim(-1, 2) if y.is_complex() else y
    drawn = [own.standard_normal(parts.shape[2:]) for own in streams.each("measurement")]
    white = by_prior(drawn, priors).to(parts)
    if y.is_complex():
        white = torch.view_as_complex(white.movedim(2, -1).contiguous())
    return y + noise * white


def images(side: int, streams: Any, n: int) -> Tensor:
    """Return images drawn from the priors, (P, R, d)."""
    return priors(side, "cpu").draw(*prior_draws(side, streams, n)).to(streams.device)


def prior_draws(side: int, streams: Any, n: int, *, each: int = 0) -> tuple[Tensor, ...]:
    """Return k, (P, R), and numbers N(0, I) for Q_k and for all pixels, (P, R, [each,] r or d)."""
    if n % len(PRIORS) or streams.replicates.start % len(PRIORS):
        raise BenchFileError(
            "a block does not hold every prior equally often",
            value=(streams.replicates.start, n),
            allowed=f"a first replicate and a size that are multiples of {len(PRIORS)}",
            cure="choose replicates and block of claim.toml, or --replicates, as such multiples",
        )
    K, r = priors(side, "cpu").lam.shape[1:]
    several = (each,) if each else ()
    drawn = [
        (
            own.integers(K),
            own.standard_normal((*several, r)),
            own.standard_normal((*several, side**2)),
        )
        for own in streams.each("truth")
    ]
    return tuple(by_prior(part) for part in zip(*drawn, strict=True))


@cache
def priors(side: int, device: str) -> MixturePrior:
    """Return the priors, float64, on a device."""
    return mixture_priors(PRIORS, side).to(device)


def by_prior(values: list[Any], priors: int = len(PRIORS)) -> Tensor:
    """Return one entry per replicate as (P, R, ...)."""
    stacked = torch.as_tensor(np.array(values))
    return stacked.unflatten(0, (-1, priors)).transpose(0, 1).contiguous()
