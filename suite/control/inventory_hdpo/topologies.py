"""Networks for several locations: the plain one, and those that are built like the system.

All policies are feasible by construction: nobody ships more than is on hand.

Source: the official code (vanilla and graph networks of version 3, and in its history the
symmetry-aware network of version 2), whose sizes, features and last layers these are.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from .networks import StackedMLP
from .simulator import OUTSIDE

#: The most that is ordered from outside, in mean demands of all stores.
MOST = 4.0


def proportional(wanted: Tensor, on_hand: Tensor) -> Tensor:
    """Return orders (..., K), scaled down to what is on hand, (..., 1), if need be."""
    return wanted * (on_hand / (wanted.sum(dim=-1, keepdim=True) + 1e-10)).clamp(max=1)


def ship_all(wanted: Tensor, on_hand: Tensor) -> Tensor:
    """Return shares of what is on hand, scaled to ship all of it: nothing can stay."""
    return wanted * (on_hand / wanted.sum(dim=-1, keepdim=True))


def softmax_shares(scores: Tensor, on_hand: Tensor, stay: float | None) -> Tensor:
    """Return what the stores get of what is on hand, by a softmax with one score for staying."""
    if stay is None:
        return scores.softmax(dim=-1) * on_hand
    kept = torch.full_like(scores[..., :1], stay)
    return torch.cat((scores, kept), dim=-1).softmax(dim=-1)[..., :-1] * on_hand


class PlainSerial:
    """All inventories to shares of what the supplier has on hand: [32, 32], sigmoid."""

    def __init__(self, problem: Any, generator: torch.Generator) -> None:
        n = len(problem.network.lead)
        sizes = (n * problem.network.longest, 32, 32, n)
        self._network = StackedMLP(sizes, problem, generator, bias=None)
        self.parameters = self._network.parameters
        self._most = MOST * sum(problem.demand.mean)

    def __call__(self, x: Tensor) -> Tensor:
        """Return orders (rows, B, n)."""
        share = self._network(x.flatten(-2)).sigmoid()
        outside = torch.full_like(x[..., :1, 0], self._most)
        return share * torch.cat((x[..., 1:, 0], outside), dim=-1)


class PlainWarehouse:
    """All inventories to all orders: fully connected, softmax for the stores, sigmoid upstream."""

    def __init__(
        self, problem: Any, generator: torch.Generator, *, width: int = 512, holds: bool = True
    ) -> None:
        """Take the width of the three hidden layers, and whether the supplier can keep stock."""
        n = len(problem.network.lead)
        sizes = (n * problem.network.longest, width, width, width, n)
        self._network = StackedMLP(sizes, problem, generator, bias=None)
        self.parameters = self._network.parameters
        self._most = MOST * sum(problem.demand.mean)
        self._stay = 1.0 if holds else None

    def __call__(self, x: Tensor) -> Tensor:
        """Return orders (rows, B, n), the supplier's last."""
        scores = self._network(x.flatten(-2))
        shares = softmax_shares(scores[..., :-1], x[..., -1:, 0], self._stay)
        return torch.cat((shares, scores[..., -1:].sigmoid() * self._most), dim=-1)


class SymmetryAware:
    """One network for all stores, one for the warehouse, and a context that both see.

    Parameters
    ----------
    shift
        For a control: store k orders by the inventory of store k + shift.
    """

    def __init__(self, problem: Any, generator: torch.Generator, *, shift: int = 0) -> None:
        system, demand = problem.network, problem.demand
        n, self._shift = len(system.lead), shift
        self._facts = torch.stack(
            [
                torch.tensor(demand.mean),
                torch.tensor(demand.sd),
                system.p.reshape(-1, n)[0, :-1].cpu(),
                torch.tensor(system.lead[:-1], dtype=torch.float32),
            ],
            dim=1,
        ).to(problem.device)
        context, facts = 256, self._facts.shape[1]
        make = (problem, generator)
        self._context = StackedMLP((n * system.longest, 256, context), *make, bias=None)
        self._store = StackedMLP((system.longest + facts + context, 32, 32, 1), *make, bias=None)
        self._warehouse = StackedMLP((system.longest + context, 16, 16, 1), *make, bias=None)
        self.parameters = [
            *self._context.parameters,
            *self._store.parameters,
            *self._warehouse.parameters,
        ]
        self._most = MOST * sum(demand.mean)

    def __call__(self, x: Tensor) -> Tensor:
        """Return orders (rows, B, n), the warehouse's last."""
        rows, B, n, _ = x.shape
        context = self._context(x.flatten(-2)).sigmoid()
        stores = x[..., :-1, :].roll(self._shift, dims=2)
        facts = self._facts.expand(rows, B, -1, -1)
        shared = context.unsqueeze(2).expand(-1, -1, n - 1, -1)
        seen = torch.cat((stores, facts, shared), dim=-1).flatten(1, 2)
        wanted = softplus(self._store(seen)).reshape(rows, B, n - 1)
        share = self._warehouse(torch.cat((x[..., -1, :], context), dim=-1)).sigmoid()
        return torch.cat((proportional(wanted, x[..., -1:, 0]), share * self._most), dim=-1)


class GraphNetwork:
    """A graph network whose nodes are locations and whose edges are the ways between them.

    Edges are: supplier to location, from outside, to the customers, and a loop at every location
    that supplies others, whose output is what it keeps. One round of messages suffices for two
    layers. Where nothing can be kept there are no loops, and all is shipped.
    """

    WIDTH = 32

    def __init__(self, problem: Any, generator: torch.Generator, *, holds: bool = True) -> None:
        system, demand, W = problem.network, problem.demand, self.WIDTH
        n = len(system.lead)
        hub, self._holds = n - 1, holds
        stores = range(n - 1)
        # Node n stands for everything outside: its embedding is zero.
        ways = [(hub, k, system.lead[k]) for k in stores] + [(n, hub, system.lead[hub])]
        ways += [(k, n, 0) for k in stores] + ([(hub, hub, 0)] if holds else [])
        assert system.supplier[hub] == OUTSIDE
        source, target, lead = zip(*ways, strict=True)
        device = problem.device
        self._source, self._target = (torch.tensor(one, device=device) for one in (source, target))
        self._lead = torch.tensor(lead, dtype=torch.float32, device=device)[:, None]
        self._into, self._from = (
            (one == torch.arange(n, device=device)[:, None]).float()
            for one in (self._target, self._source)
        )
        # Sums over edges are divided by the root of their number.
        self._into = self._into / self._into.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        self._from = self._from / self._from.sum(dim=1, keepdim=True).clamp(min=1).sqrt()
        zero = torch.zeros(1)
        columns = (
            system.h.reshape(-1, n)[0].cpu(),
            system.p.reshape(-1, n)[0].cpu(),
            torch.cat((torch.tensor(demand.mean), zero)),
            torch.cat((torch.tensor(demand.sd), zero)),
        )
        self._facts = torch.stack(columns, dim=1).to(device)
        make = (problem, generator)
        self._node = StackedMLP((system.longest + 4, 32, 32, W), *make, bias=None)
        self._edge = StackedMLP((2 * W + 1, 32, 32, W), *make, bias=None)
        self._node_update = StackedMLP((3 * W, 32, 32, W), *make, bias=None)
        self._edge_update = StackedMLP((3 * W, 32, 32, W), *make, bias=None)
        self._output = StackedMLP((W, 32, 32, 1), *make, bias=5.0)
        parts = (self._node, self._edge, self._node_update, self._edge_update, self._output)
        self.parameters = [parameter for part in parts for parameter in part.parameters]

    def __call__(self, x: Tensor) -> Tensor:
        """Return orders (rows, B, n), the supplier's last."""
        rows, B, n, _ = x.shape
        node = _each(self._node, torch.cat((x, self._facts.expand(rows, B, -1, -1)), dim=-1))
        lead = self._lead.expand(rows, B, -1, -1)
        edge = _each(self._edge, torch.cat((*self._ends(node), lead), dim=-1))
        into, out = self._into @ edge, self._from @ edge
        node = node + _each(self._node_update, torch.cat((node, into, out), dim=-1))
        edge = edge + _each(self._edge_update, torch.cat((edge, *self._ends(node)), dim=-1))
        wanted = softplus(_each(self._output, edge)).squeeze(-1)
        shipped, ordered = wanted[..., : n - 1], wanted[..., n - 1 : n]
        on_hand = x[..., -1:, 0]
        if self._holds:
            kept = torch.cat((shipped, wanted[..., -1:]), dim=-1)
            return torch.cat((proportional(kept, on_hand)[..., :-1], ordered), dim=-1)
        return torch.cat((ship_all(shipped, on_hand), ordered), dim=-1)

    def _ends(self, node: Tensor) -> tuple[Tensor, Tensor]:
        """Return the embeddings of the edges' sources and targets, (rows, B, edges, W)."""
        all_nodes = torch.cat((node, torch.zeros_like(node[:, :, :1])), dim=2)
        return all_nodes[:, :, self._source], all_nodes[:, :, self._target]


def _each(network: StackedMLP, x: Tensor) -> Tensor:
    """Apply a row's network to each of its nodes or edges: (rows, B, m, in) to (..., out)."""
    return network(x.flatten(1, 2)).unflatten(1, x.shape[1:3])
