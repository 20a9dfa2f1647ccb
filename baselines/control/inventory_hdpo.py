"""Classical policies of inventory control: a level, and what to order below it.

    x (rows, B, n, L)   inventory of n locations: on hand in x[..., 0], arriving in k periods in
                        x[..., k]
    q (rows, B, n)      orders, at least zero

A policy maps x to q. Opponents that learn are in `inventory_policy_gradient`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import inf

import torch
from torch import Tensor

Policy = Callable[[Tensor], Tensor]


def base_stock(level: Tensor | float, cap: Tensor | float = inf) -> Policy:
    """Return q = min((S - inventory position)^+, cap), for single stores.

    Parameters
    ----------
    level, cap
        S and the most that is ordered in a period, one or (rows, 1, 1).
    """
    return lambda x: (level - x.sum(dim=-1)).clamp(min=0).minimum(torch.as_tensor(cap))


def best_base_stock(cost: Callable[[int], float], start: int) -> int:
    """Return the whole number S of least cost, walking downhill from `start`.

    The cost is convex in S, also where sales are lost (Downs, Metters and Semple 2001).
    """
    cost = cache(cost)
    S = start
    while True:
        best = min((S, S - 1, S + 1), key=cost)
        if best == S:
            return S
        S = best


def best_capped_base_stock(
    cost: Callable[[int, int], float], start: tuple[int, int]
) -> tuple[int, int]:
    """Return (S, cap), whole numbers, of least cost among themselves and all they border on.

    Xin, "Understanding the performance of capped base-stock policies in lost-sales inventory
    models", Operations Research 69 (2021).
    """
    cost = cache(cost)
    S, cap = start
    while True:
        near = [(S + i, cap + j) for i in (0, -1, 1) for j in (0, -1, 1) if cap + j > 0]
        best = min(near, key=lambda pair: cost(*pair))
        if best == (S, cap):
            return best
        S, cap = best


def echelon_base_stock(levels: Tensor) -> Policy:
    """Return q_j = min((S_j - echelon position_j)^+, on hand at the supplier), for series.

    Location 0 is the store, j + 1 supplies j, and the last one is supplied from outside. The
    echelon position of j counts all that 0, ..., j have and await.

    Parameters
    ----------
    levels
        S, (n,) or (rows, 1, n).
    """

    def orders(x: Tensor) -> Tensor:
        wanted = (levels - x.sum(dim=-1).cumsum(dim=-1)).clamp(min=0)
        supply = torch.cat((x[..., 1:, 0], torch.full_like(x[..., :1, 0], inf)), dim=-1)
        return wanted.minimum(supply.clamp(min=0))

    return orders


def just_in_time(demand: Tensor, lead: Sequence[int]) -> Policy:
    """Return the policy of one who sees the future, for series with backlog: a bound.

    Echelon base-stock whose level is the demand until the order has reached the customers, so that
    nothing is left and nobody waits. It is asked once for each period, in turn.

    Parameters
    ----------
    demand
        (T, rows, B, n), of which the first location's counts.
    lead
        Of the locations, from the store upwards.
    """
    T = len(demand)
    total = torch.cat((torch.zeros_like(demand[:1, ..., 0]), demand[..., 0].cumsum(dim=0)))
    until = [[min(t + sum(lead[: j + 1]) + 1, T) for j in range(len(lead))] for t in range(T)]
    levels = (total[ends].movedim(0, -1) - total[t].unsqueeze(-1) for t, ends in enumerate(until))

    def orders(x: Tensor) -> Tensor:
        return echelon_base_stock(next(levels))(x)

    return orders
