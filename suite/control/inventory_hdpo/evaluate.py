"""The one evaluator of the lost-sales store: exact costs of the policy that was returned.

No simulation, no noise: orders are rounded to whole numbers, so that a policy is a table on the
grid of `lost_sales`, and its average cost is bracketed there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from . import lost_sales
from .problem import InventoryProblem
from .simulator import Policy

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]

#: States that a policy is asked about at a time.
CHUNK = 20_000
#: Stocks on hand at which orders are kept for the picture; the pipeline has mean demands.
SHOWN = 21


class Answer(NamedTuple):
    """What every contender of a lost-sales store returns.

    Attributes
    ----------
    policy
        States (rows, B, 1, L) to orders (rows, B, 1).
    level, cap
        (rows,), of a base-stock policy; zero where there is none.
    """

    policy: Policy
    level: Any = 0.0
    cap: Any = 0.0


def table(problem: InventoryProblem, policy: Policy) -> Wholes:
    """Return the orders of all rows on the grid, (rows, S), rounded to the nearest whole number."""
    grid = torch.as_tensor(lost_sales.states(problem.network.longest), dtype=torch.float32)
    parts = []
    with torch.no_grad():
        for some in grid.to(problem.device).split(CHUNK):
            x = some[None, :, None, :].expand(problem.rows, -1, -1, -1)
            parts.append(policy(x)[..., 0].double().cpu())
    return np.floor(torch.cat(parts, dim=1).numpy() + 0.5)


def measure(problem: InventoryProblem, answer: Answer) -> dict[str, Floats]:
    """Return the columns of the evidence, each (rows,).

    `cost` and `optimum` per period, `gap` in percent of the optimum; `level` and `cap` of a
    base-stock policy; `order_x` with x on hand and mean demands on their way.
    """
    L = problem.network.longest
    orders = table(problem, answer.policy)
    lost = ~np.isfinite(orders).all(axis=1)
    whole = np.where(lost[:, None], 0, orders).astype(np.int64)
    whole = whole.reshape(-1, *lost_sales.shape(L))
    p = problem.p.tolist()
    cost = np.array([lost_sales.average_cost(L, *row) for row in zip(p, whole, strict=True)])
    optimum = np.array([lost_sales.optimum(L, each).cost for each in p])
    shown = whole[(slice(None), slice(SHOWN), *[int(lost_sales.RATE)] * (L - 1))]
    return {
        "cost": np.where(lost, np.inf, cost),
        "optimum": optimum,
        "gap": np.where(lost, np.inf, 100 * (cost / optimum - 1)),
        "level": np.broadcast_to(answer.level, len(p)).astype(float),
        "cap": np.broadcast_to(answer.cap, len(p)).astype(float),
        **{f"order_{x}": shown[:, x].astype(float) for x in range(SHOWN)},
    }
