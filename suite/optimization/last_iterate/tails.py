"""The quantiles of the gap on eps |x|, eps = kappa / sqrt(T): what high probability promises.

The instance shrinks with T. On a fixed sharp one the gap would fall much faster than 1/sqrt(T), and
no quantile would say anything about Theorem 3.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .noise import Normal, Shared, StudentT
from .problem import Sharp

#: Paths in a replicate: a quantile is taken over them, never over replicates.
PATHS = 8000
KAPPA = (1.0, 2.0, 4.0, 8.0)
#: Degrees of freedom of the heavy tails: the variance is finite, and hardly more than that.
NU = 2.1


@dataclass(kw_only=True)
class Tails(Sharp):
    """Paths of every kappa at several levels delta, all under one noise.

    Attributes
    ----------
    delta
        (rows,), the probability with which a bound may fail.
    """

    delta: Tensor


def tails(
    noise: str, T: int, delta: Sequence[float], *, streams: Any, n: int, paths: int = PATHS
) -> Tails:
    """Return eps |x| with x_1 = 1, D = 1/2 and noise of variance 1; x is (rows, kappa, path).

    eta is that of Theorem 3.4: in place of sigma^2 it is told sigma^2 log(1/delta).

    Parameters
    ----------
    noise
        "gaussian", or "t": Student's, of the same variance, which is not sub-Gaussian.
    delta
        One level for each cell of the stack.
    """
    like = {"dtype": torch.float64, "device": streams.device}
    eps = torch.tensor(KAPPA, **like) / T**0.5
    levels = torch.tensor(delta, **like).repeat_interleave(n)
    generator = streams.numpy("noise")
    law = {"gaussian": Normal(generator), "t": StudentT(generator, NU)}[noise]
    return Tails(
        T=T,
        x1=torch.ones(len(levels), len(eps), paths, **like),
        D=0.5,
        M=2 * eps,
        sigma=levels.reciprocal().log().sqrt()[:, None],
        eps=eps[None, :, None],
        noise=Shared(law, (n, 1, paths)),
        delta=levels,
    )


def measure_quantile(problem: Tails, x: Tensor) -> dict[str, Tensor]:
    """Return columns (rows,) about the (1 - delta)-quantiles over the paths.

    `rho` is the largest over kappa of quantile sqrt(T) / ((2 eps + sigma sqrt(log(1/delta)))
    sqrt(D)), and `kappa` is where it is reached.
    """
    gap = problem.gap(x)
    quantile = torch.stack(
        [
            torch.quantile(row, 1 - level, dim=-1)
            for row, level in zip(gap, problem.delta.tolist(), strict=True)
        ]
    )
    rate = (problem.M + problem.sigma) * problem.D**0.5 / problem.T**0.5
    rho, worst = (quantile / rate).max(dim=1)
    return {"rho": rho, "kappa": torch.tensor(KAPPA, device=x.device)[worst]}
