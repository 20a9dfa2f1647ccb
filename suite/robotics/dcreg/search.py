"""Nearest points of target clouds: a tree for each on the CPU, grids on a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from .eigen import least_direction
from .grid import Grid
from .small import batch_last

NEIGHBOURS = 10
# In m: far above the rounding of distances in scenes of 100 m.
ROUNDING = 1e-12


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


class Met(NamedTuple):
    """What each point's last search found.

    Attributes
    ----------
    x
        (rows, N, 3), where it was.
    index
        (rows, N), the nearest.
    slack
        (rows, N), how far it may move and keep it, in m.
    """

    x: Tensor
    index: Tensor
    slack: Tensor

    @classmethod
    def nothing(cls, rows: int, x: Tensor) -> Met:
        """Return the memory before the first search."""
        shape = rows, x.shape[1]
        index = torch.zeros(shape, dtype=torch.long, device=x.device)
        return cls(x.new_zeros(*shape, 3), index, x.new_zeros(shape))


class Targets:
    """One target cloud for each row, with normals by PCA of ten neighbours.

    A normal is computed when its point is first met: a registration meets a third of them.

    Attributes
    ----------
    points
        (rows, M, 3).
    remember
        Whether a point that has hardly moved keeps its nearest without a search.
    """

    def __init__(
        self, points: Tensor, *, remember: bool = True, searches: list[Search] | None = None
    ) -> None:
        self.points = points
        self.remember = remember
        self._met: Met | None = None
        kind = Grid if points.is_cuda else Tree
        self.searches = searches or [kind(each) for each in points]
        # Of all rows' points, one after another.
        self._normals = torch.zeros_like(points).flatten(0, 1)
        self._known = torch.zeros_like(self._normals[:, 0], dtype=torch.bool)

    @classmethod
    def joined(cls, parts: Sequence[Targets], *, remember: bool) -> Targets:
        """Return the clouds of all parts, with their searches and the normals known so far."""
        searches = [search for part in parts for search in part.searches]
        whole = cls(
            torch.cat([part.points for part in parts]), remember=remember, searches=searches
        )
        whole._normals = torch.cat([part._normals for part in parts])  # noqa: SLF001  its own class
        whole._known = torch.cat([part._known for part in parts])  # noqa: SLF001  its own class
        return whole

    def nearest(self, rows: Tensor, x: Tensor) -> Tensor:
        """Return the index of the point nearest to each x, (rows, N); `x` is (rows, N, 3).

        The same N points at every call, moved: whichever moved by less than half of what its second
        nearest was farther away than its nearest has kept its nearest, and is not searched again.
        """
        if self._met is None:
            self._met = Met.nothing(len(self.points), x)
        met = self._met
        stale = torch.ones_like(x[..., 0], dtype=torch.bool)
        if self.remember:
            stale = (x - met.x[rows]).norm(dim=-1) >= met.slack[rows]
        which, point = stale.nonzero(as_tuple=True)
        row, x = rows[which], x[stale]
        found = self._searched(rows, stale.sum(dim=1), x, 2 if self.remember else 1)
        met.index[row, point] = found[:, 0]
        if self.remember:
            away = (self.points[row.unsqueeze(1), found] - x.unsqueeze(1)).norm(dim=-1)
            met.x[row, point] = x
            met.slack[row, point] = (away[:, 1] - away[:, 0]) / 2 - ROUNDING
        return met.index[rows]

    def neighbours(self, rows: Tensor, x: Tensor, k: int) -> Tensor:
        """Return the k points nearest to each x, (rows, points, k, 3), nearest first."""
        counts = torch.full_like(rows, x.shape[1])
        index = self._searched(rows, counts, x.flatten(0, 1), k)
        return self.points[rows[:, None, None], index.unflatten(0, x.shape[:2])]

    def at(self, rows: Tensor, index: Tensor) -> Tensor:
        """Return points by their index, (rows, points, 3)."""
        return self.points[rows.unsqueeze(1), index]

    def normals_at(self, rows: Tensor, index: Tensor) -> Tensor:
        """Return normals by the index of their points, (rows, points, 3)."""
        asked = rows.unsqueeze(1) * self.points.shape[1] + index
        new = asked[~self._known[asked]]
        if len(new):
            self._find(new.unique())
        return self._normals[asked]

    def normals(self) -> Tensor:
        """Return all normals, (rows, M, 3)."""
        if not self._known.all():
            self._find((~self._known).nonzero().squeeze(-1))
        return self._normals.view_as(self.points)

    def _find(self, new: Tensor) -> None:
        """Compute the normals of some points, numbered through all rows, ascending."""
        x = self.points.flatten(0, 1)[new]
        rows, counts = (new // self.points.shape[1]).unique_consecutive(return_counts=True)
        near = self._searched(rows, counts, x, NEIGHBOURS)
        near += rows.repeat_interleave(counts).unsqueeze(1) * self.points.shape[1]
        neighbourhoods = self.points.flatten(0, 1)[near]
        centred = neighbourhoods - neighbourhoods.mean(dim=1, keepdim=True)
        self._normals[new] = least_direction(batch_last(centred.mT @ centred)).T
        self._known[new] = True

    def _searched(self, rows: Tensor, counts: Tensor, x: Tensor, k: int) -> Tensor:
        """Return the k nearest of each x, (points, k); the first `counts[0]` are of `rows[0]`."""
        parts = zip(rows.tolist(), x.split(counts.tolist()), strict=True)
        return torch.cat(
            [self.searches[row].query(own, k) for row, own in parts if len(own)]
            or [torch.empty(0, k, dtype=torch.long, device=x.device)]
        )
