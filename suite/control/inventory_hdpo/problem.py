"""The systems that the paper's claims are judged on, with their demand paths, counted.

Stores come first among the locations. Rows are (cell, replicate): the cells of a stack share
demand and initial weights, so that they differ in nothing but their setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.stats import poisson
from torch import Tensor

from .lost_sales import RATE, H
from .simulator import OUTSIDE, Network


@dataclass(frozen=True)
class Demand:
    """Independent periods; within a period, K stores with one correlation between any two.

    Attributes
    ----------
    mean, sd
        (K,). Without sd the demand is Poisson, uncorrelated.
    clipped
        Normal demand below zero counts as zero.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...] = ()
    correlation: float = 0.0
    clipped: bool = True

    def draw(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """Return demand of shape (*shape, K), float32, on the CPU."""
        mean = torch.tensor(self.mean).expand(*shape, len(self.mean))
        if not self.sd:
            return _poisson(self.mean, torch.rand(mean.shape, generator=generator))
        own = torch.randn(mean.shape, generator=generator)
        if self.correlation:
            common = torch.randn((*shape, 1), generator=generator)
            own = sqrt(1 - self.correlation) * own + sqrt(self.correlation) * common
        drawn = mean + torch.tensor(self.sd) * own
        return drawn.clamp(min=0) if self.clipped else drawn


def _poisson(mean: tuple[float, ...], uniform: Tensor) -> Tensor:
    """Return quantiles of Poisson laws, (..., K): ten times as quick as torch's own draws.

    Exact up to the 2^-24 between two uniform numbers.
    """
    levels = [torch.from_numpy(poisson.cdf(np.arange(100), each)).float() for each in mean]
    drawn = [
        torch.searchsorted(level, part.contiguous(), right=True)
        for level, part in zip(levels, uniform.unbind(-1), strict=True)
    ]
    return torch.stack(drawn, dim=-1).float()


class Episode(NamedTuple):
    """Paths from their start.

    Attributes
    ----------
    x
        (rows, B, n, L), where they start.
    demand
        (T, rows, B, n); zero where there are no customers.
    """

    x: Tensor
    demand: Tensor


@dataclass
class InventoryProblem:
    """Networks to be trained on one system, all by the same number of simulated periods.

    Attributes
    ----------
    p
        (rows,), the cost of unmet demand at the stores.
    reference
        (rows,), the optimal policy's cost per period on the test paths, or a lower bound; None
        where neither is known, or the cost is not found by simulation.
    cells, n
        Rows are cells * n.
    T, steps, batch
        Periods and paths of an episode, and the number of episodes to train on.
    traces
        Size of the data set that episodes are taken from, in turn; 0 for fresh paths.
    test_paths, test_periods, discard
        Of the test, where there is one: paths, periods, and how many of these are not counted.
    calls
        (rows,), periods simulated so far.
    """

    network: Network
    demand: Demand
    p: Tensor
    cells: int
    n: int
    streams: Any
    T: int = 1
    steps: int = 0
    batch: int = 1
    traces: int = 0
    test_paths: int = 0
    test_periods: int = 0
    discard: int = 0
    reference: Tensor | None = None
    calls: Tensor = field(init=False)
    _taken: int = field(init=False, default=0)

    def __post_init__(self):
        self.rows = self.cells * self.n
        self.stores = len(self.demand.mean)
        self.calls = torch.zeros(self.rows, dtype=torch.float64)
        self._paths = self.streams.torch("paths")

    @property
    def device(self) -> str:
        """Of the tensors."""
        return self.streams.device

    def episode(self) -> Episode:
        """Return the next paths to train on, and count their periods."""
        if not self.traces:
            found = self._drawn(self._paths, self.batch, self.T)
        else:
            size = min(self.batch, self.traces)
            first = self._taken % (self.traces - self.traces % size)
            self._taken += size
            x, demand = self._data
            found = Episode(x[:, first : first + size], demand[:, :, first : first + size])
        self.calls += found.demand[..., 0][:, 0].numel()
        return self._for_all_cells(found)

    def test(self, batch: int, T: int) -> Episode:
        """Return paths that nobody trained on, uncounted: the same ones for every contender."""
        return self._for_all_cells(self._drawn(self.streams.torch("test"), batch, T))

    def development(self) -> Episode:
        """Return paths to choose among a run's policies by, uncounted; as many as a batch."""
        return self._for_all_cells(
            self._drawn(self.streams.torch("development"), self.batch, 2 * self.T)
        )

    @cached_property
    def _data(self) -> Episode:
        return self._drawn(self._paths, self.traces, self.T)

    def _drawn(self, generator: torch.Generator, batch: int, T: int) -> Episode:
        """Return paths of the n replicates, each store's pipeline uniform on (0, mean) at first."""
        lead = torch.tensor(self.network.lead)
        x = torch.zeros(self.n, batch, len(lead), self.network.longest)
        start = torch.rand(*x.shape[:2], self.stores, x.shape[-1], generator=generator)
        used = torch.arange(x.shape[-1]) < lead[: self.stores, None]
        x[:, :, : self.stores] = start * torch.tensor(self.demand.mean)[:, None] * used
        demand = self.demand.draw((T, self.n, batch), generator)
        elsewhere = torch.zeros(*demand.shape[:-1], len(lead) - self.stores)
        demand = torch.cat((demand, elsewhere), dim=-1)
        return Episode(x.to(self.device), demand.to(self.device))

    def _for_all_cells(self, one: Episode) -> Episode:
        return Episode(one.x.repeat(self.cells, 1, 1, 1), one.demand.repeat(1, self.cells, 1, 1))


def lost_sales(
    L: int,
    p: Sequence[float],
    T: int = 1,
    steps: int = 0,
    batch: int = 1,
    traces: int = 0,
    *,
    streams: Any,
    n: int,
) -> InventoryProblem:
    """Return setting B: one store, Poisson(5), lost sales, for a stack of p.

    Parameters
    ----------
    p
        One entry per cell of the stack.
    """
    cost = torch.tensor(np.repeat(p, n), dtype=torch.float32, device=streams.device)
    network = Network(
        lead=(L,),
        supplier=(OUTSIDE,),
        h=torch.full_like(cost, H).reshape(-1, 1, 1),
        p=cost.reshape(-1, 1, 1),
        lost=True,
    )
    return InventoryProblem(
        network,
        Demand(mean=(RATE,)),
        cost,
        cells=len(p),
        n=n,
        streams=streams,
        T=T,
        steps=steps,
        batch=batch,
        traces=traces,
    )
