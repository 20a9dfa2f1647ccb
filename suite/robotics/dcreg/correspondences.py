"""Planes that source points are drawn to, and the normal equations of their distances."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .eigen import symmetric
from .search import Targets
from .small import times

RADIUS = 1.0
#: Weight 1 - SLOPE |r|; a correspondence whose weight is LEAST or less is dropped.
SLOPE, LEAST = 0.9, 0.1
#: LOAM's fit: neighbours, thickness in m, shortest normal, and the relative cut of A'A.
FIVE, THICKNESS, SHORTEST, CUT = 5, 0.2, 1e-6, 1e-14


class Planes(NamedTuple):
    """A plane for each source point.

    Attributes
    ----------
    n
        (rows, points, 3), unit normals in the target's frame.
    r
        (rows, points), signed distances, in m.
    found
        (rows, points), whether there is a plane at all.
    """

    n: Tensor
    r: Tensor
    found: Tensor


def nearest(targets: Targets, rows: Tensor, x: Tensor) -> Planes:
    """Return the nearest point within 1 m of each x, (rows, points, 3), with its PCA normal."""
    index = targets.nearest(rows, x)
    away = x - targets.at(rows, index)
    n = targets.normals_at(rows, index)
    return Planes(n, (away * n).sum(dim=-1), away.square().sum(dim=-1) < RADIUS**2)


def fitted(targets: Targets, rows: Tensor, x: Tensor) -> Planes:
    """Return the least-squares plane A n~ = -1 of five neighbours of each x, as in LOAM.

    A plane through the origin has no such equation: its A has a smaller rank, the solution of least
    norm is taken, and the thickness test rejects it nearly always.
    """
    A = targets.neighbours(rows, x, FIVE)
    found = (A[..., -1, :] - x).square().sum(dim=-1) < RADIUS**2
    # Few points have five neighbours so near: only they are fitted.
    A, near = A[found], x[found]
    n = least_norm_planes(A)
    length = n.norm(dim=-1)
    n, d = n / length.clamp(min=SHORTEST).unsqueeze(-1), 1 / length.clamp(min=SHORTEST)
    thickness = ((A @ n.unsqueeze(-1)).squeeze(-1) + d.unsqueeze(-1)).abs().amax(dim=-1)
    planes = Planes(torch.zeros_like(x), torch.zeros_like(x[..., 0]), found.clone())
    planes.n[found], planes.r[found] = n, (near * n).sum(dim=-1) + d
    planes.found[found] = (length >= SHORTEST) & (thickness < THICKNESS)
    return planes


def least_norm_planes(A: Tensor) -> Tensor:
    """Return n~ of least norm with A n~ = -1 in the least-squares sense; A is (..., 5, 3)."""
    values, vectors = symmetric((A.mT @ A).movedim((-2, -1), (0, 1)).contiguous())
    inverse = torch.where(values > CUT * values.amax(dim=0), 1 / values, 0.0)
    right = -A.sum(dim=-2).movedim(-1, 0)
    return times(vectors, inverse * times(vectors.transpose(0, 1), right)).movedim(0, -1)


def weights(r: Tensor) -> Tensor:
    """Return 1 - 0.9 |r|, and 0 where that is 0.1 or less: such a correspondence is dropped."""
    w = 1 - SLOPE * r.abs()
    return torch.where(w > LEAST, w, 0.0)


def jacobian(p: Tensor, n: Tensor) -> Tensor:
    """Return g = [p x n, n], (..., 6), of points and normals in the body frame, (..., 3).

    The derivative of a point-to-plane distance in (omega, v), R <- R Exp(omega), t <- t + R v.
    """
    return torch.cat((torch.linalg.cross(p, n), n), dim=-1)


def normal_equations(
    g: Tensor, w: Tensor, r: Tensor, *, derivative: bool = False
) -> tuple[Tensor, Tensor]:
    """Return H = sum J'J, (rows, 6, 6), and b = -sum J' w r, (rows, 6), with J = (w + r w') g.

    Parameters
    ----------
    g, w, r
        (rows, points, 6), (rows, points) and (rows, points); w is 0 where there is no plane.
    derivative
        Whether w' = -0.9 sign(r); else it is 0. With it, residuals beyond 0.56 m push away.
    """
    slope = torch.where(w > 0, w - SLOPE * r.abs(), 0.0) if derivative else w
    J = slope.unsqueeze(-1) * g
    return J.mT @ J, -(J.mT @ (w * r).unsqueeze(-1)).squeeze(-1)
