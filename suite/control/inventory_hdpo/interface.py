"""What a contender may use of a problem of this paper, and what it returns."""

from __future__ import annotations

from typing import Annotated, Any, Protocol

import torch
from torch import Tensor

from .evaluate import Answer
from .problem import Demand, Episode, Training
from .simulator import OUTSIDE, Network


class Inventory(Protocol):
    """A system of locations with random demand; rows are (cell, replicate).

    Attributes
    ----------
    network
        Lead times in periods, suppliers, costs h and p per unit and period, and ``step(x, q, d)``,
        which returns the next state and the period's cost, (rows, B); differentiable.
    demand
        The law of demand: mean and standard deviation of each store, in units.
    p
        Cost of a unit of unmet demand.
    training
        T periods, steps and batch: how many paths of how many periods each contender may simulate.
    n, cells, rows, stores
        Replicates, cells, their product, and the locations that have customers; they come first.
    device
        Of the tensors.
    streams
        ``streams.torch("weights")``: what all contenders draw their first networks from.
    calls
        Periods simulated so far.
    """

    network: Network
    demand: Demand
    p: Annotated[Tensor, "(rows,) float32"]
    training: Training
    n: int
    cells: int
    rows: int
    stores: int
    device: str
    streams: Any
    calls: Annotated[Tensor, "(rows,) number, counts periods"]

    def episode(self) -> Episode:
        """Return x, (rows, B, locations, L), and demand, (T, rows, B, locations); it is counted."""

    def development(self) -> Episode:
        """Return paths to choose among one's own policies by, twice as long; not counted."""


class StoreControl(Protocol):
    """Controls one store with lost sales; orders are rounded to whole units and costed exactly."""

    def __call__(
        self, problem: Inventory, /
    ) -> Annotated[
        Answer, "policy callable, states (rows, B, 1, L) to orders (rows, B, 1), float32, in units"
    ]:
        """Return ``Answer(policy)``; orders are at least zero."""


def naive_store_control(problem: Inventory) -> Answer:
    """Order up to the mean demand of L + 1 periods, whatever a lost sale costs."""
    (mean,) = problem.demand.mean
    level = mean * (problem.network.longest + 1)

    def policy(x: Tensor) -> Tensor:
        # x[..., 0] is on hand, x[..., k] arrives k periods ahead: together the position.
        return (level - x.sum(dim=-1)).clamp(min=0)

    return Answer(policy)


class NetworkControl(Protocol):
    """Controls a network of locations, whose costs are simulated on paths nobody trained on."""

    def __call__(
        self, problem: Inventory, /
    ) -> Annotated[Any, "callable, states (rows, B, locations, L) to orders (rows, B, locations)"]:
        """Return the policy; nobody may ship more than there is on hand."""


def naive_network_control(problem: Inventory) -> Any:
    """Order up to the mean demand of lead time + 1 periods, as far as suppliers have stock."""
    network, mean = problem.network, problem.demand.mean
    behind = len(network.lead) - len(mean)  # locations without customers of their own
    flow = torch.tensor([*mean, *[sum(mean)] * behind], device=problem.device)
    level = flow * (torch.tensor(network.lead, device=problem.device) + 1)

    def policy(x: Tensor) -> Tensor:
        orders = (level - x.sum(dim=-1)).clamp(min=0)
        for supplier in set(network.supplier) - {OUTSIDE}:
            own = [i for i, s in enumerate(network.supplier) if s == supplier]
            asked = orders[..., own].sum(dim=-1, keepdim=True)
            stock = x[..., supplier, :1].clamp(min=0)
            orders[..., own] *= (stock / asked.clamp(min=1e-9)).clamp(max=1)
        return orders

    return policy
