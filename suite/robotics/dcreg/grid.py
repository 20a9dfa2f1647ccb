"""Exact nearest points on a GPU: grids of several widths, and all distances for what is left."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

#: Distances computed at once: 0.5 GB of float64.
CHUNK = 2**26
#: Points in a cell, on average, of the finest grid; and the width, in m, of the coarsest.
FINEST, WIDEST = 2, 1.0


class Level(NamedTuple):
    """Points sorted by their cell.

    Attributes
    ----------
    width
        Of a cell, in m.
    low, shape
        (3,), the grid's corner and its number of cells along each axis.
    keys
        (M,), the cell of each point, ascending.
    order
        (M,), which points these are.
    """

    width: float
    low: Tensor
    shape: Tensor
    keys: Tensor
    order: Tensor


class Grid:
    """Finds the points of one cloud that are nearest to others, on any device."""

    def __init__(self, points: Tensor) -> None:
        self._points = points
        self._levels: list[Level] = []
        width = WIDEST
        level = _level(points, width)
        while _crowding(level) > FINEST:
            self._levels.insert(0, level)
            width /= 2
            level = _level(points, width)

    def query(self, x: Tensor, k: int) -> Tensor:
        """Return the k nearest of each x, (points, k), nearest first; `x` is (points, 3)."""
        found = torch.empty(len(x), k, dtype=torch.long, device=x.device)
        left = torch.arange(len(x), device=x.device)
        for level in self._levels:
            kept = [self._within(level, x, part, k, found) for part in self._parts(level, left)]
            left = torch.cat(kept) if kept else left[:0]
        for part in left.split(max(1, CHUNK // len(self._points))):
            away = (x[part, None] - self._points).square().sum(dim=-1)
            found[part] = away.topk(k, dim=-1, largest=False).indices
        return found

    def _parts(self, level: Level, left: Tensor) -> tuple[Tensor, ...]:
        # Nine rows of three cells, all as long as the fullest three could be.
        most = 27 * int(torch.unique_consecutive(level.keys, return_counts=True)[1].max())
        return left.split(max(1, CHUNK // most)) if len(left) else ()

    def _within(self, level: Level, x: Tensor, part: Tensor, k: int, found: Tensor) -> Tensor:
        """Enter what is nearer than a cell's width, where k points are; return which are left.

        Whatever lies within a width of x lies in the 27 cells around it.
        """
        own = x[part]
        first, last = _rows_of_cells(level, own)
        counts = last - first
        slot = torch.arange(max(k, int(counts.max())), device=x.device)
        there = slot < counts.unsqueeze(-1)
        index = (first.unsqueeze(-1) + slot).clamp(max=len(level.order) - 1)
        candidates = level.order[index].flatten(1)
        away = (self._points[candidates] - own.unsqueeze(1)).square().sum(dim=-1)
        nearest = away.masked_fill(~there.flatten(1), torch.inf).topk(k, dim=-1, largest=False)
        done = nearest.values[:, -1] < level.width**2
        found[part[done]] = candidates.gather(1, nearest.indices)[done]
        return part[~done]


def _level(points: Tensor, width: float) -> Level:
    low = points.amin(dim=0)
    shape = ((points.amax(dim=0) - low) / width).floor().long() + 1
    keys, order = _keys(((points - low) / width).floor().long(), shape).sort()
    return Level(width, low, shape, keys, order)


def _keys(cells: Tensor, shape: Tensor) -> Tensor:
    """Return cells (..., 3) as one number each, in which neighbours along z are consecutive."""
    return (cells[..., 0] * shape[1] + cells[..., 1]) * shape[2] + cells[..., 2]


def _crowding(level: Level) -> float:
    return len(level.keys) / len(torch.unique_consecutive(level.keys))


def _rows_of_cells(level: Level, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the nine rows of three cells around each x begin and end, (points, 9)."""
    steps = torch.arange(-1, 2, device=x.device)
    around = torch.cartesian_prod(steps, steps)
    cell = ((x - level.low) / level.width).floor().long()
    across = cell[:, None, :2] + around
    inside = ((across >= 0) & (across < level.shape[:2])).all(dim=-1)
    ends = []
    for z, side in ((cell[:, 2] - 1, "left"), (cell[:, 2] + 1, "right")):
        within = z.clamp(min=0).minimum(level.shape[2] - 1).unsqueeze(1).expand(across.shape[:2])
        keys = _keys(torch.cat((across, within.unsqueeze(-1)), dim=-1), level.shape)
        ends.append(torch.searchsorted(level.keys, keys, side=side))
    # Far above or below the grid both ends are clamped to its border: too many, never too few.
    return ends[0], torch.where(inside, ends[1], ends[0])
