"""Prior B: a network trained on phantoms in place of the exact denoiser, for the full profile.

Deviation: real images of phantoms with a smooth texture, and a small network, instead of complex
knees and a network of 256 channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import pi, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import operators
from .mixture import Pullback
from .network import UNet, restored, trained
from .phantoms import INSIDE
from .problem import Instance, InverseProblem, measured
from .schedule import Level, abar

#: Of the texture: its standard deviation, and the width of its bumps in fields of view.
TEXTURE, WIDTH = 0.05, 0.05


@dataclass(frozen=True, eq=False)
class LearnedPrior:
    """A noise predictor of VP diffusion, asked at any level.

    x_t = a x_0 + sqrt(v) e over sqrt(a^2 + v) is a VP level with abar = a^2 / (a^2 + v); its time
    is interpolated in the logarithm of the signal-to-noise ratio.
    """

    network: UNet

    def denoise(self, x: Tensor, level: Level) -> Tensor:
        """Return the network's mean of x_0 given x_t, (1, R, d)."""
        with torch.no_grad():
            return self._estimate(x, level)

    def linearise(self, x: Tensor, level: Level) -> tuple[Tensor, Pullback]:
        """Return the same, and products with the transposed Jacobian by backpropagation."""
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            x0 = self._estimate(x, level)

        def pullback(u: Tensor) -> Tensor:
            return torch.autograd.grad(x0, x, u, retain_graph=True)[0]

        return x0.detach(), pullback

    def _estimate(self, x: Tensor, level: Level) -> Tensor:
        a, v = level
        total = sqrt(a**2 + v)
        side = round(x.shape[-1] ** 0.5)
        scaled = x.reshape(-1, side, side) / total
        t = torch.full((len(scaled),), time_of(level), device=x.device)
        e = self.network(scaled, t).reshape(x.shape)
        return (x - sqrt(v) * e) / a


def time_of(level: Level) -> float:
    """Return the time of the VP level with this signal-to-noise ratio, between 0 and N - 1."""
    ratio = np.log(abar() / (1 - abar()))
    own = 2 * np.log(level.a) - np.log(level.v)
    return float(np.interp(own, ratio[::-1], np.arange(len(ratio))[::-1]))


def learned_mri(
    evaluations: int,
    noise: float,
    side: int = 64,
    coils: int = 8,
    acceleration: int = 4,
    channels: int = 64,
    steps: int = 6000,
    *,
    streams: Any,
    n: int,
) -> InverseProblem:
    """Return phantoms measured as `problem.mri` does, with the network as denoiser, all float32.

    Test images are of the law that the network was trained on, from other streams. Nobody knows
    the posterior; rows are (1, n).
    """
    made = _instance(noise, side, coils, acceleration, channels, steps, streams, n)
    return InverseProblem(made, evaluations, streams)


@lru_cache(maxsize=4)
def _instance(
    noise: float,
    side: int,
    coils: int,
    acceleration: int,
    channels: int,
    steps: int,
    streams: Any,
    n: int,
) -> Instance:
    device = streams.device
    weights = streams.kept(train, side=side, channels=channels, steps=steps, seed=0, device=device)
    network = restored(
        widths(channels), {name: torch.as_tensor(own).to(device) for name, own in weights.items()}
    )
    truth = textured_phantoms(n, side, streams.torch("truth")).flatten(1).unsqueeze(0).to(device)
    masks = [operators.column_mask(own, side, acceleration) for own in streams.each("mask")]
    operator = operators.mri(np.array([masks]), coils, device, truth.dtype)
    y = operator.masked(measured(operator, truth, noise, streams, priors=1))
    return Instance(LearnedPrior(network), operator, truth, y, noise)


def widths(channels: int) -> tuple[int, int, int]:
    """Return the channels of the three resolutions."""
    return channels, 2 * channels, 2 * channels


def train(side: int, channels: int, steps: int, seed: int, device: str) -> dict[str, Tensor]:
    """Return the weights of a network trained on fresh textured phantoms."""

    def source(images: int, generator: torch.Generator) -> Tensor:
        return textured_phantoms(images, side, generator)

    return trained(source, widths(channels), steps, seed, device)


def textured_phantoms(images: int, side: int, generator: torch.Generator) -> Tensor:
    """Return images (images, side, side), float32: 2 phantom - 1 and a smooth texture.

    The law of `phantoms.phantom`, many at once and on any device.
    """
    device = generator.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        drawn = torch.rand(images, *shape, 1, 1, generator=generator, device=device)
        return low + (high - low) * drawn

    centres = (torch.arange(side, device=device) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    body = (x / uniform(0.7, 0.9)) ** 2 + (y / uniform(0.55, 0.85)) ** 2 <= 1
    dx, dy = x - uniform(-0.5, 0.5, INSIDE), y - uniform(-0.5, 0.5, INSIDE)
    angle = uniform(0, pi, INSIDE)
    along, across = dx * angle.cos() + dy * angle.sin(), dy * angle.cos() - dx * angle.sin()
    long, wide = uniform(0.08, 0.35, INSIDE), uniform(0.08, 0.35, INSIDE)
    inside = (along / long) ** 2 + (across / wide) ** 2 <= 1
    value = uniform(-0.4, 0.4, INSIDE)
    image = (0.6 * body + (value * inside).sum(dim=1)).clamp(0, 1)
    return 2 * image - 1 + TEXTURE * smooth_noise(images, side, generator)


def smooth_noise(images: int, side: int, generator: torch.Generator) -> Tensor:
    """Return stationary Gaussian noise of variance 1 and correlation exp(-|u|^2 / (4 WIDTH^2)).

    u in fields of view, at whose edges it is periodic.
    """
    white = torch.randn(images, side, side, generator=generator, device=generator.device)
    k = torch.fft.fftfreq(side, 1 / side, device=white.device)
    response = torch.exp(-((2 * pi * WIDTH) ** 2) / 2 * (k[:, None] ** 2 + k**2))
    response = response * side / response.square().sum().sqrt()
    return torch.fft.ifft2(torch.fft.fft2(white) * response).real


def measure(problem: InverseProblem, xh: Tensor) -> dict[str, Tensor]:
    """Return ``mse`` per pixel, its logarithm ``log_mse``, and ``backward``, each (n,)."""
    mse = problem.rows((xh - problem.truth).square().mean(dim=-1))
    return {"mse": mse, "log_mse": mse.log(), "backward": problem.backward}
