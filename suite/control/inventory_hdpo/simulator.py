"""The inventory system that all settings share: one period, exact, batched and differentiable.

State x (rows, B, n, L): of each of n locations, on hand in x[..., 0] (today's arrivals included),
and in x[..., k] what arrives k periods ahead. Rows are networks in training, B is demand paths.

In every period, in this order: orders are chosen from x; demand is met; costs are charged; what is
on the way moves one period on, and the orders enter it. An order with lead time L placed in period
t meets demand from period t + L on.

Source: the simulator of the official code, in its order of events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

#: x, (rows, B, n, L), to orders (rows, B, n), at least zero.
Policy = Callable[[Tensor], Tensor]

#: The supplier that is never out of stock.
OUTSIDE = -1


@dataclass(frozen=True)
class Network:
    """Locations, who supplies them, and what they cost.

    Attributes
    ----------
    lead
        Lead time of each location, at least 1.
    supplier
        Of each location, the one that ships to it, or `OUTSIDE`.
    h, p
        Broadcast against (rows, B, n): cost per unit and period of stock left at the end of the
        period, and of demand not met. A location that ships on is charged after shipping, and
        nothing is charged for what is on the way.
    lost
        Demand not met is lost; else it waits, and x[..., 0] goes below zero.
    ships
        (n, n), one at (i, j) where j ships to i; None where nobody ships to another.
    price
        h + p.
    place
        (n, L), one where an order enters the pipeline; None where all enter at its end.
    """

    lead: tuple[int, ...]
    supplier: tuple[int, ...]
    h: Tensor
    p: Tensor
    lost: bool = False
    ships: Tensor | None = field(init=False)
    place: Tensor | None = field(init=False)
    price: Tensor = field(init=False)

    def __post_init__(self):
        n = len(self.lead)
        ships, place = self.h.new_zeros(n, n), self.h.new_zeros(n, self.longest)
        for i, supplier in enumerate(self.supplier):
            place[i, self.lead[i] - 1] = 1
            if supplier != OUTSIDE:
                ships[i, supplier] = 1
        object.__setattr__(self, "price", self.h + self.p)
        object.__setattr__(self, "ships", ships if bool(ships.any()) else None)
        object.__setattr__(self, "place", place if len(set(self.lead)) > 1 else None)

    @property
    def longest(self) -> int:
        """The longest lead time, which is the length of x."""
        return max(self.lead)

    def step(self, x: Tensor, q: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
        """Return the next x, and the period's cost of all locations together, (rows, B).

        Parameters
        ----------
        x
            (rows, B, n, L), in units.
        q, d
            (rows, B, n): ordered by every location, and demanded from it by customers.
        """
        on_hand, *coming = x.unbind(dim=-1)  # one operation back, where slices would take many
        post = on_hand - (d if self.ships is None else d + q @ self.ships)
        kept = torch.relu(post)
        # p (-post)^+ is p (post^+ - post), which saves an operation where time is spent.
        costs = self.price * kept - self.p * post
        cost = costs.squeeze(dim=-1) if len(self.lead) == 1 else costs.sum(dim=-1)
        return self._moved_on(kept if self.lost else post, coming, q), cost

    def _moved_on(self, post: Tensor, coming: list[Tensor], q: Tensor) -> Tensor:
        if self.longest == 1:
            return (post + q).unsqueeze(-1)
        moved = [post + coming[0], *coming[1:]]
        if self.place is None:
            return torch.stack((*moved, q), dim=-1)
        return torch.stack((*moved, torch.zeros_like(post)), dim=-1) + self.place * q.unsqueeze(-1)


class EarlyNetwork(Network):
    """A control: every order is usable one period before its lead time is over.

    For locations that are supplied from outside only.
    """

    def step(self, x: Tensor, q: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `Network.step` does, with q put in before the pipeline moves on."""
        place = torch.zeros_like(x[0, 0]) if self.place is None else self.place
        if self.place is None:
            place[..., -1] = 1
        return super().step(x + place * q.unsqueeze(-1), torch.zeros_like(q), d)


def average_costs(
    network: Network, policy: Policy, x: Tensor, demand: Tensor, discard: int = 0
) -> Tensor:
    """Return each path's mean cost per period, (rows, B), of all locations together.

    Parameters
    ----------
    policy
        Asked once in every period, in turn.
    x, demand
        (rows, B, n, L), the first state, and (T, rows, B, n).
    discard
        Periods at the beginning that are simulated but not counted.
    """
    total = torch.zeros(x.shape[:2], dtype=x.dtype, device=x.device)
    for t, d in enumerate(demand):
        x, cost = network.step(x, policy(x), d)
        if t >= discard:
            total = total + cost
    return total / (len(demand) - discard)
