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


class Training(NamedTuple):
    """How long every network is trained.

    Attributes
    ----------
    T, batch, steps
        Periods and paths of an episode, and the number of episodes.
    traces
        Size of the data set that episodes are taken from, in turn; 0 for fresh paths.
    """

    T: int = 1
    steps: int = 0
    batch: int = 1
    traces: int = 0


class Evaluation(NamedTuple):
    """The test by simulation: paths, periods, and how many of these are not counted.

    Deviation: the official test has 32,768 paths of 5,000 periods, of which 3,000 are discarded.
    Shorter ones widen the intervals; they favour nobody, since all meet the same paths.
    """

    paths: int = 0
    periods: int = 0
    discard: int = 0


#: For problems whose policies are not trained, or not simulated.
UNTRAINED, UNTESTED = Training(), Evaluation()


@dataclass
class InventoryProblem:
    """Networks to be trained on one system, all by the same number of simulated periods.

    Attributes
    ----------
    p
        (rows,), the cost of unmet demand at the stores; their mean, where they differ.
    n
        Replicates of each cell.
    training, evaluation
        Sizes.
    reference
        (rows,), the optimal policy's cost per period on the test paths, or a lower bound; None
        where neither is known, or the cost is not found by simulation.
    rows, cells, stores
        Rows are cells * n; stores are the locations that have customers.
    calls
        (rows,), periods simulated so far.
    """

    network: Network
    demand: Demand
    p: Tensor
    n: int
    streams: Any
    training: Training = UNTRAINED
    evaluation: Evaluation = UNTESTED
    reference: Tensor | None = None
    calls: Tensor = field(init=False)
    _taken: int = field(init=False, default=0)

    def __post_init__(self):
        self.rows = len(self.p)
        self.cells = self.rows // self.n
        self.stores = len(self.demand.mean)
        self.calls = torch.zeros(self.rows, dtype=torch.float64)
        self._paths = self.streams.torch("paths")

    @property
    def device(self) -> str:
        """Of the tensors."""
        return self.streams.device

    def episode(self) -> Episode:
        """Return the next paths to train on, and count their periods."""
        T, _, batch, traces = self.training
        if not traces:
            found = self._drawn(self._paths, batch, T)
        else:
            size = min(batch, traces)
            first = self._taken % (traces - traces % size)
            self._taken += size
            x, demand = self._data
            found = Episode(x[:, first : first + size], demand[:, :, first : first + size])
        self.calls += T * found.demand.shape[2]
        return self._for_all_cells(found)

    def test(self) -> Episode:
        """Return paths that nobody trained on, uncounted: the same ones for every contender."""
        paths, periods, _ = self.evaluation
        return self._for_all_cells(self._drawn(self.streams.torch("test"), paths, periods))

    def development(self) -> Episode:
        """Return paths to choose among a run's policies by, uncounted; as many as a batch.

        They last twice as long as an episode. Deviation: half of that is discarded, where the
        official code discards 60 periods of 100.
        """
        T, _, batch, _ = self.training
        return self._for_all_cells(self._drawn(self.streams.torch("development"), batch, 2 * T))

    @cached_property
    def _data(self) -> Episode:
        return self._drawn(self._paths, self.training.traces, self.training.T)

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


def per_row(
    values: Sequence[float], streams: Any, n: int, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Return one value per cell as one per row, (cells * n,), on the streams' device."""
    return torch.tensor(np.repeat(values, n), dtype=dtype, device=streams.device)


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
    """Return setting B: one store, Poisson(5), lost sales, h = 1, for a stack of p (Zipkin 2008).

    Parameters
    ----------
    L
        Lead time in periods.
    p
        Cost of a lost sale, one entry per cell of the stack.
    T, steps, batch, traces
        See `Training`.
    """
    rows = per_row(p, streams, n)
    price = rows.reshape(-1, 1, 1)
    network = Network((L,), (OUTSIDE,), torch.full_like(price, H), price, lost=True)
    training = Training(T, steps, batch, traces)
    return InventoryProblem(network, Demand((RATE,)), rows, n, streams, training)
