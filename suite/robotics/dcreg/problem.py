"""Registrations with known truth: scenes seen twice with noise, and the published cylinder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from . import so3
from .correspondences import fitted, jacobian, nearest, normal_equations, weights
from .icp import System
from .scenes import CLONES, cylinder, surface
from .search import Targets

#: Points that the gates of full-Hessian methods, 120 and 100, are meant for.
GATED = 1_500
#: In m and degrees: half-widths of the true translation, and the initial pose's distance.
ALONG, ACROSS, ELSEWHERE = 3.0, 0.3, 0.1
TILT, INITIAL_TILT, INITIAL_SHIFT = 5.0, 1.0, 0.3
#: The published cylinder's initial pose, in m and degrees.
CYLINDER_SHIFT, CYLINDER_RPY = (0.2, 0.8, 0.5), (0.1, 0.1, 2.0)


@dataclass
class Registration:
    """Pairs of clouds, x = R p + t: rows are (scene, replicate).

    Attributes
    ----------
    source
        (rows, N, 3), in the body frame.
    targets
        A cloud for each row.
    R_gt, t_gt, R0, t0
        True and initial poses, (rows, 3, 3) and (rows, 3).
    n
        Replicates of each scene.
    scale
        How many times 1,500 points there are: H grows with it, and what it is compared with.
    loam
        Whether planes are fitted to five neighbours and weights differentiated, as in the published
        cylinder; else the nearest point's normal is taken.
    calls
        (rows,), linearisations so far, each with its search of correspondences.
    """

    source: Tensor
    targets: Targets
    R_gt: Tensor
    t_gt: Tensor
    R0: Tensor
    t0: Tensor
    n: int
    scale: float = 1.0
    loam: bool = False
    calls: Tensor = field(init=False)

    def __post_init__(self):
        self.rows = len(self.source)
        self.calls = torch.zeros(self.rows, dtype=torch.long, device=self.source.device)

    def linearise(self, R: Tensor, t: Tensor, active: Tensor) -> System:
        """Return the normal equations of rows `active`, (k,), at poses (k, 3, 3) and (k, 3)."""
        self.calls[active] += 1
        p = self.source[active]
        x = torch.baddbmm(t.unsqueeze(1), p, R.mT)
        n, r, found = (fitted if self.loam else nearest)(self.targets, active, x)
        w = torch.where(found, weights(r), 0.0)
        H, b = normal_equations(jacobian(p, n @ R), w, r, derivative=self.loam)
        kept = w > 0
        count = kept.sum(dim=1)
        squares = torch.where(kept, r * r, 0.0).sum(dim=1)
        return System(H, b, count, (squares / count.clamp(min=1)).sqrt())


def registrations(
    scene: Sequence[str],
    M: int = 12_000,
    N: int = 1_500,
    noise: float = 0.01,
    normals: str = "at once",
    matching: str = "remembered",
    *,
    streams: Any,
    n: int,
) -> Registration:
    """Return n registrations of each scene of a stack.

    Scenes share the draws of a replicate: its rotation, directions and noise.

    Parameters
    ----------
    M, N
        Points of the target and of the source, drawn from the scene's cloud without replacement.
    noise
        Its standard deviation, in m, on every coordinate of both.
    normals
        ``at once``, so that no contender pays for them, or ``when met``, where clouds are so large
        that most are never asked for.
    matching
        ``afresh`` where a race is to pay for the whole search of every iteration; else
        ``remembered``: the same correspondences without searching again for points at rest.
    """
    pairs = [_pairs(name, M, N, noise, normals, streams) for name in scene]
    targets = Targets.joined([pair.targets for pair in pairs], remember=matching == "remembered")
    source, R_gt, t_gt, R0, t0 = (
        torch.cat([getattr(pair, part) for pair in pairs])
        for part in ("source", "R_gt", "t_gt", "R0", "t0")
    )
    return Registration(source, targets, R_gt, t_gt, R0, t0, n, scale=N / GATED)


# All contenders of a block meet the same clouds, which cost more than most of them.
@lru_cache(maxsize=24)
def _pairs(scene: str, M: int, N: int, noise: float, normals: str, streams: Any) -> Registration:
    """Return the registrations of one scene, whose clouds are read and never written."""
    rows = [_scene(scene, M, N, noise, random) for random in streams.each()]
    source, target, *poses = (
        torch.from_numpy(np.stack(part)).to(streams.device) for part in zip(*rows, strict=True)
    )
    problem = Registration(source, Targets(target), *poses, len(rows))
    if normals == "at once":
        problem.targets.normals()
    return problem


def _scene(scene: str, M: int, N: int, noise: float, random: np.random.Generator) -> tuple:
    """Return source, target, R_gt, t_gt, R0 and t0 of one registration."""
    tilt, initial_tilt, direction = random.standard_normal((3, 3))
    half = (ALONG, ACROSS, ACROSS) if _is_long(scene) else (ELSEWHERE,) * 3
    t_gt = np.array(half) * random.uniform(-1, 1, size=3)
    points = surface(scene).points
    chosen = points[random.choice(len(points), M + N, replace=False)]
    seen = chosen + noise * random.standard_normal((M + N, 3))
    R_gt = _exp(np.radians(TILT) * tilt)
    R0 = R_gt @ _exp(np.radians(INITIAL_TILT) * initial_tilt)
    t0 = t_gt + INITIAL_SHIFT * direction / np.linalg.norm(direction)
    return (seen[M:] - t_gt) @ R_gt, seen[:M], R_gt, t_gt, R0, t0


def _is_long(scene: str) -> bool:
    return scene.startswith(("corridor", "tunnel"))


def _exp(omega):
    return so3.exp(torch.from_numpy(omega)).numpy()


def cylinders(stride: int = 1, *, streams: Any, n: int) -> Registration:
    """Return the published cylinder registered with itself: one clone for each replicate.

    Parameters
    ----------
    stride
        Every how many points one is taken, of a cylinder that is smaller by its square root, so
        that neighbours are as near: 1 but for trials of the path.
    """
    clones = [
        cylinder(replicate % CLONES)[::stride] / stride**0.5 for replicate in streams.replicates
    ]
    points = torch.from_numpy(np.stack(clones)).to(streams.device)
    identity = torch.eye(3).to(points)
    R0 = so3.from_rpy(points.new_tensor(CYLINDER_RPY).deg2rad())
    return Registration(
        points,
        Targets(points),
        identity.expand(n, 3, 3),
        points.new_zeros(n, 3),
        R0.expand(n, 3, 3),
        points.new_tensor(CYLINDER_SHIFT).expand(n, 3),
        n,
        loam=True,
    )
