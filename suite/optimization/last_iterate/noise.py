"""Laws of noise, and who draws from them: cells of a stack share draws, or have their own.

Laws draw on the CPU, so that a GPU gets the same numbers; who draws moves them to x.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass
class Shared:
    """One draw for the replicates, repeated for every cell that is still running.

    Attributes
    ----------
    law
        Maps a shape to independent draws.
    shape
        (n, ...), of one draw for n replicates; broadcast against as many rows of x.
    """

    law: Callable[[tuple[int, ...]], Tensor]
    shape: tuple[int, ...]

    def __call__(self, x: Tensor) -> Tensor:
        """Return (rows, ...) for the last rows, which are laid out as (cell, replicate)."""
        one = self.law(self.shape).to(x.device)
        cells = -(-len(x) // len(one))
        return one.repeat(cells, *[1] * (one.ndim - 1))[-len(x) :]


@dataclass
class Own:
    """A draw of its own for every entry of x.

    Attributes
    ----------
    law
        Maps a shape to independent draws.
    """

    law: Callable[[tuple[int, ...]], Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        """Return draws shaped as x."""
        return self.law(tuple(x.shape)).to(x.device)


@dataclass
class Normal:
    """The standard normal distribution."""

    generator: np.random.Generator

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """Return independent draws."""
        return torch.from_numpy(self.generator.standard_normal(shape))


@dataclass
class StudentT:
    """Student's t with nu > 2 degrees of freedom, scaled to variance 1: of finite moments < nu."""

    generator: np.random.Generator
    nu: float

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """Return independent draws."""
        draws = self.generator.standard_t(self.nu, shape) * ((self.nu - 2) / self.nu) ** 0.5
        return torch.from_numpy(draws)


@dataclass
class Pareto:
    """A random sign times a Lomax variable: P(|xi| > y) = (1 + y)^-tail, of finite moments < tail.

    It is what ``numpy.random.Generator.pareto`` draws, at half the time.
    """

    generator: np.random.Generator
    tail: float

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """Return independent draws: one uniform number makes both sign and size."""
        u = torch.from_numpy(self.generator.random(shape)).mul_(2).sub_(1)
        # One draw in 2^53 is -1, whose size would be infinite.
        size = u.abs().clamp_(max=1 - 2**-52).neg_().log1p_().mul_(-1 / self.tail).expm1_()
        return torch.copysign(size, u)

    def moment(self, p: float) -> float:
        """Return E |xi|^p for p < tail: tail B(p + 1, tail - p)."""
        from scipy.special import beta  # not at import: collecting the suite should stay quick

        return float(self.tail * beta(p + 1, self.tail - p))


@dataclass
class Signs:
    """-1 or 1 with equal probability."""

    generator: np.random.Generator

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """Return independent draws."""
        count = int(np.prod(shape))
        bytes_ = np.frombuffer(self.generator.bytes(-(-count // 8)), np.uint8)
        bits = torch.from_numpy(np.unpackbits(bytes_)[:count]).to(torch.float64)
        return bits.mul_(2).sub_(1).view(shape)
