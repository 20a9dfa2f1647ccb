"""Nearest points of target clouds: a tree for each on the CPU, all distances on a GPU."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from .eigen import least_direction

NEIGHBOURS = 10
# Distances computed at once on a GPU: 2 GB of float64.
CHUNK = 2**28


class Search(Protocol):
    """Finds the points of one cloud that are nearest to others."""

    def query(self, x: Tensor, k: int) -> Tensor:
        """Return the k nearest of each x, (points, k), nearest first; `x` is (points, 3)."""


class Tree:
    """By a k-d tree, built once."""

    def __init__(self, points: Tensor) -> None:
        # Without balance it is built twice as fast and searched as fast.
        self._tree = cKDTree(points.numpy(), balanced_tree=False, leafsize=32)

    def query(self, x: Tensor, k: int) -> Tensor:
        """See `Search`."""
        _, index = self._tree.query(x.numpy(), k=np.arange(1, k + 1))
        return torch.from_numpy(index)


class AllDistances:
    """By all distances, in chunks: for a GPU."""

    def __init__(self, points: Tensor) -> None:
        self._points = points
        self._squares = points.square().sum(dim=-1)

    def query(self, x: Tensor, k: int) -> Tensor:
        """See `Search`."""
        found = []
        for part in x.split(max(1, CHUNK // len(self._points))):
            # |q|^2 - 2 x.q orders as |x - q|^2 does.
            distance = torch.addmm(self._squares, part, self._points.T, alpha=-2)
            found.append(distance.topk(k, dim=-1, largest=False).indices)
        return torch.cat(found)


class Targets:
    """One target cloud for each row, with normals by PCA of ten neighbours.

    A normal is computed when its point is first met: a registration meets a third of them.

    Attributes
    ----------
    points
        (rows, M, 3).
    """

    def __init__(self, points: Tensor) -> None:
        self.points = points
        kind = AllDistances if points.is_cuda else Tree
        self.searches: list[Search] = [kind(each) for each in points]
        self._normals = torch.zeros_like(points)
        self._known = torch.zeros(points.shape[:2], dtype=torch.bool, device=points.device)

    def nearest(self, rows: Tensor, x: Tensor) -> Tensor:
        """Return the index of the point nearest to each x, (rows, points); x (rows, points, 3)."""
        return self._indices(rows, x, 1).squeeze(-1)

    def neighbours(self, rows: Tensor, x: Tensor, k: int) -> Tensor:
        """Return the k points nearest to each x, (rows, points, k, 3), nearest first."""
        index = self._indices(rows, x, k)
        return self.points[rows[:, None, None], index]

    def at(self, rows: Tensor, index: Tensor) -> Tensor:
        """Return points by their index, (rows, points, 3)."""
        return self.points[rows.unsqueeze(1), index]

    def normals_at(self, rows: Tensor, index: Tensor) -> Tensor:
        """Return normals by the index of their points, (rows, points, 3)."""
        new = torch.zeros_like(self._known)
        new[rows.unsqueeze(1), index] = True
        new &= ~self._known
        if new.any():
            self._find(new)
        return self._normals[rows.unsqueeze(1), index]

    def normals(self) -> Tensor:
        """Return all normals, (rows, M, 3)."""
        if not self._known.all():
            self._find(~self._known)
        return self._normals

    def _find(self, new: Tensor) -> None:
        """Compute the normals of the points that are marked in (rows, M)."""
        neighbourhoods = torch.cat(
            [
                points[search.query(points[mine], NEIGHBOURS)]
                for points, search, mine in zip(self.points, self.searches, new, strict=True)
            ]
        )
        centred = neighbourhoods - neighbourhoods.mean(dim=1, keepdim=True)
        self._normals[new] = least_direction(centred.mT @ centred)
        self._known |= new

    def _indices(self, rows: Tensor, x: Tensor, k: int) -> Tensor:
        return torch.stack(
            [self.searches[row].query(own, k) for row, own in zip(rows.tolist(), x, strict=True)]
        )
