"""Planes that source points are drawn to, and the normal equations of their distances.

All in the target's frame; a row is one registration.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from .eigen import symmetric

Floats = NDArray[np.float64]
RADIUS = 1.0
NEIGHBOURS = 10
#: Weight 1 - SLOPE |r|; a correspondence of at most LEAST is dropped.
SLOPE, LEAST = 0.9, 0.1
#: LOAM's fit: neighbours, thickness in m, shortest normal, and the relative cut of A'A.
FIVE, THICKNESS, SHORTEST, CUT = 5, 0.2, 1e-6, 1e-14


class Planes(NamedTuple):
    """A plane for each source point: r = n.x + d.

    Attributes
    ----------
    n
        (points, 3), unit normals.
    r
        (points,), signed distances.
    found
        (points,), whether there is a plane at all.
    """

    n: Floats
    r: Floats
    found: NDArray[np.bool_]


class Target:
    """One target cloud with a search tree, and normals by PCA of ten neighbours.

    A normal is computed when its point is first met: a registration meets a third of them.
    """

    def __init__(self, points: Floats) -> None:
        self.points = points
        # A sliding midpoint is as quick to search, and three times as quick to build.
        self.tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
        self._normals = np.full(points.shape, np.nan)

    def nearest(self, x: Floats) -> Planes:
        """Return the nearest point within 1 m of each x, (points, 3), with its normal."""
        distance, index = self.tree.query(x, distance_upper_bound=RADIUS)
        found = np.isfinite(distance)
        index = np.where(found, index, 0)
        n = self.normals(index)
        return Planes(n, ((x - self.points[index]) * n).sum(axis=1), found)

    def fitted(self, x: Floats) -> Planes:
        """Return the least-squares plane A n~ = -1 of five neighbours of each x, as in LOAM.

        A plane through the origin has no such equation: its A has a smaller rank, the solution of
        least norm is taken, and the thickness test rejects it as good as always.
        """
        distance, index = self.tree.query(x, k=FIVE)
        found = distance[:, -1] ** 2 < RADIUS**2
        A = self.points[index]
        n = least_norm_planes(A)
        length = np.linalg.norm(n, axis=1)
        found &= length >= SHORTEST
        length = np.where(found, length, 1.0)
        n, d = n / length[:, None], 1 / length
        thickness = np.abs(np.einsum("pkj,pj->pk", A, n) + d[:, None]).max(axis=1)
        return Planes(n, (x * n).sum(axis=1) + d, found & (thickness < THICKNESS))

    def normals(self, index: NDArray[np.intp] | None = None) -> Floats:
        """Return the normals of the points of `index`, (points, 3), or of all of them."""
        if index is None:
            index = np.arange(len(self.points))
        new = np.unique(index[np.isnan(self._normals[index, 0])])
        if len(new):
            _, neighbours = self.tree.query(self.points[new], k=NEIGHBOURS)
            self._normals[new] = principal_normals(self.points[neighbours])
        return self._normals[index]


def principal_normals(neighbours: Floats) -> Floats:
    """Return the directions of least spread of neighbourhoods (points, k, 3), (points, 3)."""
    centred = neighbours - neighbours.mean(axis=1, keepdims=True)
    values, vectors = symmetric(torch.from_numpy(centred.transpose(0, 2, 1) @ centred))
    least = values.argmin(dim=-1)
    return vectors.numpy()[np.arange(len(least)), :, least.numpy()]


def least_norm_planes(A: Floats) -> Floats:
    """Return n~ of least norm with A n~ = -1 in the least-squares sense; A is (points, 5, 3)."""
    values, vectors = symmetric(torch.from_numpy(A.transpose(0, 2, 1) @ A))
    largest = values.amax(dim=-1, keepdim=True)
    inverse = torch.where(values > CUT * largest, 1 / values, 0.0)
    right = torch.from_numpy(-A.sum(axis=1)).unsqueeze(-1)
    solved = vectors @ (inverse.unsqueeze(-1) * (vectors.mT @ right))
    return solved.squeeze(-1).numpy()


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
