"""Races: a batch of images is one replicate, so that a round is timed as a whole."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from . import prior_b
from .problem import InverseProblem, mri


class Batch(InverseProblem):
    """Many images as one replicate: calls are those of each image, (1,)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.calls = torch.zeros(1, dtype=torch.float64)
        self.backward = torch.zeros_like(self.calls)


def batch(
    evaluations: int, noise: float, size: int, side: int = 32, *, streams: Any, n: int
) -> Batch:
    """Return `size` images of multi-coil MRI for each replicate."""
    inner = of_images(streams, size)
    made = mri(evaluations, noise, side, streams=inner, n=n * size)
    return Batch(made.instance, evaluations, inner)


def learned_batch(
    evaluations: int,
    noise: float,
    size: int,
    side: int = 64,
    channels: int = 64,
    steps: int = 6000,
    *,
    streams: Any,
    n: int,
) -> Batch:
    """Return `size` phantoms for each replicate, with the network as denoiser."""
    inner = of_images(streams, size)
    sizes = {"side": side, "channels": channels, "steps": steps}
    made = prior_b.learned_mri(evaluations, noise, **sizes, streams=inner, n=n * size)
    return Batch(made.instance, evaluations, inner)


def of_images(streams: Any, size: int) -> Any:
    """Return streams whose replicates are the images of the batches."""
    first, end = streams.replicates.start, streams.replicates.stop
    return dataclasses.replace(streams, replicates=range(first * size, end * size))


def measure(problem, xh):
    """Return ``log_ratio``, the mean over the batch of ln MSE / MMSE, ``images`` and ``backward``.

    Each (1,). Seconds are the engine's column; ``calls`` counts the evaluations of each image.
    """
    mse = (xh - problem.truth).square().mean(dim=-1)
    return {
        "log_ratio": (mse / problem.posterior.mmse).log().mean().reshape(1),
        "images": torch.full((1,), float(mse.numel())),
        "backward": problem.backward,
    }


def measure_learned(problem, xh):
    """Return ``log_mse``, the mean over the batch of ln MSE, ``images`` and ``backward``."""
    mse = (xh - problem.truth).square().mean(dim=-1)
    return {
        "log_mse": mse.log().mean().reshape(1),
        "images": torch.full((1,), float(mse.numel())),
        "backward": problem.backward,
    }
