"""deepinv's DPS and DiffPIR with a denoiser, an operator and data of ours.

Imported by whoever calls it: deepinv needs torchvision, and may not be there.

deepinv's images lie in [0, 1]: DPS clips its estimates there, DiffPIR too. Ours, within about
[-1.35, 1.6], are shrunk to u = (x + 1.6) / 3.2, or the clipping would handicap it. Measurements
follow: (y + 1.6 A 1) / 3.2 = A u + n / 3.2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from deepinv.models import Denoiser
from deepinv.optim.data_fidelity import L2
from deepinv.physics import GaussianNoise, LinearPhysics
from deepinv.sampling import DPS, DiffPIR
from torch import Tensor

Map = Callable[[Tensor], Tensor]

#: Images within +-REACH become [0, 1].
REACH = 1.6


class ShrunkDenoiser(Denoiser):
    """E[u | u + sigma e] from E[x | x + sigma e].

    Parameters
    ----------
    denoise
        (x (n, d), sigma^2) -> (n, d), in torch, so that it can be differentiated.
    """

    def __init__(self, denoise: Callable[[Tensor, float], Tensor], device: torch.device) -> None:
        super().__init__(device=device)
        self._denoise = denoise

    def forward(self, x: Tensor, sigma: float | Tensor, **_: Any) -> Tensor:
        """Return the estimate, (n, 1, height, width), in the precision of x."""
        level = float(torch.as_tensor(sigma).flatten()[0])
        image = 2 * REACH * x.double().flatten(1) - REACH
        found = self._denoise(image, (2 * REACH * level) ** 2)
        return ((found + REACH) / (2 * REACH)).view_as(x).to(x.dtype)


def dps(
    denoise: Callable[[Tensor, float], Tensor],
    forward: Map,
    adjoint: Map,
    y: Tensor,
    shape: tuple[int, int],
    *,
    sigma: float,
    evaluations: int,
    weight: float,
    seed: int,
) -> Tensor:
    """Return `deepinv.sampling.DPS`'s samples, (n, d).

    Parameters
    ----------
    forward, adjoint
        A, (n, d) -> (n, m), and its transpose; real.
    evaluations
        Calls of the denoiser, one for each step between two times.
    """
    denoiser, physics, shrunk = _shrunk(denoise, forward, adjoint, y, shape, sigma)
    sampler = DPS(
        denoiser,
        schedule="vp",
        solver="ddpm",
        num_steps=evaluations + 1,
        weight=weight,
        device=y.device,
        rng=torch.Generator(y.device).manual_seed(seed),
    )
    start = (len(y), 1, *shape)
    with torch.enable_grad():
        return _enlarged(sampler(shrunk, physics, x_init=start).detach())


def diffpir(
    denoise: Callable[[Tensor, float], Tensor],
    forward: Map,
    adjoint: Map,
    y: Tensor,
    shape: tuple[int, int],
    *,
    sigma: float,
    evaluations: int,
    lam: float,
    zeta: float,
    seed: int,
) -> Tensor:
    """Return `deepinv.sampling.DiffPIR`'s restorations, (n, d), after `evaluations` calls."""
    denoiser, physics, shrunk = _shrunk(denoise, forward, adjoint, y, shape, sigma)
    sampler = DiffPIR(
        denoiser,
        L2(),
        sigma=sigma / (2 * REACH),
        max_iter=evaluations,
        zeta=zeta,
        lambda_=lam,
        device=y.device,
    )
    # It seeds and draws from torch's global generator (0 would not seed): that is put back.
    with torch.random.fork_rng(devices=[y.device] if y.is_cuda else []):
        return _enlarged(sampler(shrunk, physics, seed=seed + 1))


def _shrunk(
    denoise: Callable[[Tensor, float], Tensor],
    forward: Map,
    adjoint: Map,
    y: Tensor,
    shape: tuple[int, int],
    sigma: float,
) -> tuple[ShrunkDenoiser, LinearPhysics, Tensor]:
    ones = torch.ones((len(y), shape[0] * shape[1])).to(y)
    physics = LinearPhysics(
        A=lambda u, **_: forward(u.double().flatten(1)),
        A_adjoint=lambda measured, **_: adjoint(measured).view(-1, 1, *shape),
        noise_model=GaussianNoise(sigma / (2 * REACH)),
        device=y.device,
    )
    denoiser = ShrunkDenoiser(denoise, y.device)
    return denoiser, physics, (y + REACH * forward(ones)) / (2 * REACH)


def _enlarged(u: Tensor) -> Tensor:
    return 2 * REACH * u.double().flatten(1) - REACH
