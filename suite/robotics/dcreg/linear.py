"""Normal equations of one linearisation, with the scene's own normals: no search, no iteration.

For what is said of detectors and preconditioners alone. Rows are cells times replicates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from .correspondences import jacobian, normal_equations, weights
from .scenes import surface, unobservable

Floats = NDArray[np.float64]

#: Origin of the body frame in the scene, m. Moments, and with them H, depend on it.
FRAMES = {
    "in the scene": (0.0, 0.0, 0.0),
    "5 m above": (0.0, 0.0, 5.0),
    "5 m aside": (5.0, 5.0, 0.0),
    "100 m above": (0.0, 0.0, 100.0),
    "100 m along x": (100.0, 0.0, 0.0),
}
#: Noise along the normals in m, and the initial error in m and rad: those of the registrations.
NOISE, SHIFT, TURN = 0.01, 0.3, np.deg2rad(1.0)
#: Eigenvalues of H count as small below it, for 1,500 points.
GATE, POINTS = 120.0, 1500


def sample(
    scene: Sequence[str],
    frame: Sequence[str],
    N: int,
    streams: Any,
    *,
    normal_noise: float = 0.0,
    centred: bool = False,
) -> tuple[Tensor, Tensor]:
    """Draw N points of each cell's scene, the same ones for all of its frames.

    Parameters
    ----------
    normal_noise
        Of the normals, in rad.
    centred
        Whether frames of the stairs, which have no middle, are relative to their centroid.

    Returns
    -------
    tuple
        Points p and unit normals n in the body frame, each (rows, N, 3).
    """
    points, normals = [], []
    for name, where in zip(scene, frame, strict=True):
        cloud = surface(name)
        middle = cloud.points.mean(axis=0) if centred and name == "stairs" else np.zeros(3)
        origin = middle + np.array(FRAMES[where])
        draws = zip(streams.each("points"), streams.each("normals"), strict=True)
        for of_points, of_normals in draws:
            chosen = of_points.choice(len(cloud.points), N, replace=False, shuffle=False)
            points.append(cloud.points[chosen] - origin)
            normals.append(_tilted(cloud.normals[chosen], of_normals, normal_noise))
    p, n = np.stack(points), np.stack(normals)
    return torch.as_tensor(p, device=streams.device), torch.as_tensor(n, device=streams.device)


def _tilted(normals: Floats, random: Generator, angle: float) -> Floats:
    if angle == 0:
        return normals
    tilted = normals + angle * random.standard_normal(normals.shape)
    return tilted / np.linalg.norm(tilted, axis=1, keepdims=True)


@dataclass
class Marginals:
    """What the blocks of H say of errors, against draws of the noise.

    Attributes
    ----------
    H
        (rows, 6, 6), with weights of one.
    empirical
        (rows, 6), standard deviations of H^-1 b.
    sigma
        Standard deviation of the noise, m.
    """

    H: Tensor
    empirical: Tensor
    sigma: float
    calls: Tensor = field(init=False)

    def __post_init__(self):
        self.calls = torch.zeros(len(self.H), dtype=torch.float64)


def marginals(
    scene: Sequence[str],
    frame: Sequence[str],
    N: int = POINTS,
    draws: int = 4000,
    *,
    streams: Any,
    n: int,
) -> Marginals:
    """Return the normal equations of each cell, and the spread of their solutions.

    All cells meet the same noise along the normals, N(0, (1 cm)^2).
    """
    g = jacobian(*sample(scene, frame, N, streams, centred=True)).unflatten(0, (len(scene), n))
    H = g.mT @ g
    empirical = torch.empty_like(g[:, :, 0])
    for i, random in enumerate(streams.each("noise")):
        noise = NOISE * torch.as_tensor(random.standard_normal((draws, N)), device=g.device)
        b = -(noise @ g[:, i])
        empirical[:, i] = torch.linalg.solve(H[:, i], b.mT).std(dim=-1)
    return Marginals(H.flatten(0, 1), empirical.flatten(0, 1), NOISE)


@dataclass
class Detection:
    """Normal equations for detectors of weak directions.

    Attributes
    ----------
    H, H_mm
        (rows, 6, 6), with translations in metres and in millimetres.
    gate
        The absolute gate at this number of points.
    truth
        (rows, 6), which motions the scene leaves free: roll, pitch, yaw, x, y, z.
    """

    H: Tensor
    H_mm: Tensor
    gate: float
    truth: Tensor
    calls: Tensor = field(init=False)

    def __post_init__(self):
        self.calls = torch.zeros(len(self.H), dtype=torch.float64)


def detection(
    scene: Sequence[str],
    frame: Sequence[str],
    N: int = POINTS,
    normal_noise: float = 0.02,
    *,
    streams: Any,
    n: int,
) -> Detection:
    """Return the normal equations of each cell with noisy normals, as an estimate's are."""
    g = jacobian(*sample(scene, frame, N, streams, normal_noise=normal_noise))
    g_mm = g * torch.tensor([1, 1, 1, 1e-3, 1e-3, 1e-3], dtype=g.dtype, device=g.device)
    truth = [unobservable(name) for name in scene for _ in range(n)]
    gate = GATE * N / POINTS
    return Detection(g.mT @ g, g_mm.mT @ g_mm, gate, torch.tensor(truth, device=g.device))


@dataclass
class Systems:
    """H dx = b: H (B, 6, 6), b (B, 6).

    Attributes
    ----------
    kappa
        The condition that clamped modes are given.
    gate
        The absolute gate at this number of points.
    rows
        Cells times replicates; B is a multiple of it.
    """

    H: Tensor
    b: Tensor
    kappa: float
    gate: float
    rows: int
    calls: Tensor = field(init=False)

    def __post_init__(self):
        self.calls = torch.zeros(self.rows, dtype=torch.float64)


def systems(
    scene: Sequence[str],
    frame: Sequence[str],
    kappa: float = 10.0,
    N: int = POINTS,
    *,
    streams: Any,
    n: int,
) -> Systems:
    """Return the first normal equations of registrations that start 0.3 m and about 1 degree off.

    The error is one of the scene, so that frames differ in H and in nothing else.
    """
    middle = jacobian(*sample(scene, ["in the scene"] * len(scene), N, streams))
    randoms = [random for _ in scene for random in streams.each("error")]
    r = torch.stack([residuals(g, random) for g, random in zip(middle, randoms, strict=True)])
    H, b = normal_equations(jacobian(*sample(scene, frame, N, streams)), weights(r), r)
    return Systems(H, b, kappa, GATE * N / POINTS, len(scene) * n)


def residuals(g: Tensor, random: Generator) -> Tensor:
    """Return r (N,) of rows g (N, 6), from an initial error and noise of one draw."""
    shift = random.standard_normal(3)
    shift *= SHIFT / np.linalg.norm(shift)
    error = np.concatenate((TURN * random.standard_normal(3), shift))
    noise = NOISE * random.standard_normal(len(g))
    return g @ torch.as_tensor(error, device=g.device) + torch.as_tensor(noise, device=g.device)


def batch_of_systems(batch: int, N: int = 600, *, streams: Any, n: int) -> Systems:
    """Return `batch` systems of a corridor for a race: N points, about half of them at half weight.

    No point is left out: of the few on the end wall one must remain, or x would be unobservable.
    """
    (random,) = streams.each("halved")
    g = jacobian(*sample(["corridor_0.01"], ["in the scene"], N, streams))[0]
    r = residuals(g, random)
    w = weights(r)[:, None]
    # What each point adds to H and to b.
    parts = torch.einsum("ni,nj->nij", w * g, torch.cat((w * g, -w * r[:, None]), dim=1))
    bits = np.unpackbits(np.frombuffer(random.bytes(batch * N // 8), dtype=np.uint8))
    share = (1 + torch.as_tensor(bits, device=g.device).reshape(batch, N).to(g.dtype)) / 2
    H, b = (share @ parts.flatten(1)).unflatten(1, (6, 7)).split((6, 1), dim=2)
    return Systems(H.contiguous(), b[..., 0].contiguous(), 10.0, GATE * 0.75 * N / POINTS, n)
