"""Systems whose policies are simulated: one store with backlog, series, and two layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from baselines.control import inventory_hdpo as pins

from .problem import Demand, Evaluation, InventoryProblem, Training, per_row
from .references import BaseStock, clark_scarf, single_store, transshipment_bound
from .simulator import OUTSIDE, Network, Policy, average_costs

#: Setting A: normal demand, clipped.
STORE_MEAN, STORE_SD = 5.0, 1.6
#: Setting C: normal demand, clipped; what supplies the store, from below: lead times and costs.
MEAN, SD = 5.0, 2.0
UPSTREAM_LEAD, UPSTREAM_H = (3, 4, 2), (0.5, 0.2, 0.1)
#: Settings D and E: of the centre and of the warehouse.
LEAD, WAREHOUSE_H = 3, 0.3


class Instance(NamedTuple):
    """Stores' demand in settings D and E, each (K,)."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]


def stores(K: int) -> Instance:
    """Return K stores' demand: means on (2.5, 7.5), coefficients of variation on (0.25, 0.5).

    The official instance: legacy seeds 33 and 92, rounded to three decimals.
    """
    mean = np.random.RandomState(33).uniform(2.5, 7.5, K).round(3)
    sd = (mean * np.random.RandomState(92).uniform(0.25, 0.5, K)).round(3)
    return Instance(tuple(mean.tolist()), tuple(sd.tolist()))


def backlog(
    L: int,
    p: Sequence[float],
    test_paths: int,
    test_periods: int,
    discard: int,
    *,
    streams: Any,
    n: int,
) -> InventoryProblem:
    """Return setting A, one store with backlog, for a stack of p; nothing is trained on it.

    The reference is the closed form for demand that is not clipped, less than 0.1% above.

    Parameters
    ----------
    L
        Lead time in periods.
    p
        Cost per unit and period of a backlog, one entry per cell of the stack.
    test_paths, test_periods, discard
        See `Evaluation`.
    """
    rows = per_row(p, streams, n)
    optima = [single_store(L, STORE_MEAN, STORE_SD, each).cost for each in p]
    return InventoryProblem(
        Network((L,), (OUTSIDE,), torch.ones(1, device=streams.device), rows.reshape(-1, 1, 1)),
        Demand((STORE_MEAN,), (STORE_SD,)),
        rows,
        n,
        streams,
        evaluation=Evaluation(test_paths, test_periods, discard),
        reference=per_row(optima, streams, n, torch.float64),
    )


def serial(
    L: int,
    p: Sequence[float],
    T: int,
    steps: int,
    batch: int,
    traces: int,
    test_paths: int,
    test_periods: int,
    discard: int,
    *,
    streams: Any,
    n: int,
) -> InventoryProblem:
    """Return setting C, four locations in series with backlog, for a stack of p.

    The reference is the optimal echelon base-stock policy on the same test paths.

    Parameters
    ----------
    L
        The store's lead time.
    p
        Cost per unit and period of a backlog, one entry per cell of the stack.
    T, steps, batch, traces
        See `Training`.
    test_paths, test_periods, discard
        See `Evaluation`.
    """
    lead, h = (L, *UPSTREAM_LEAD), (1.0, *UPSTREAM_H)
    best = [clark_scarf(lead, h, each, MEAN, SD) for each in p]
    rows = per_row(p, streams, n)
    shortage = torch.zeros(len(rows), 1, len(lead), device=streams.device)
    shortage[..., 0] = rows[:, None]
    problem = InventoryProblem(
        Network(lead, (1, 2, 3, OUTSIDE), torch.tensor(h, device=streams.device), shortage),
        Demand((MEAN,), (SD,)),
        rows,
        n,
        streams,
        Training(T, steps, batch, traces),
        Evaluation(test_paths, test_periods, discard),
    )
    problem.reference = simulated(problem, echelon(problem, best))
    return problem


def echelon(problem: InventoryProblem, found: Sequence[BaseStock]) -> Policy:
    """Return the echelon base-stock policy of one solution per cell."""
    levels = torch.tensor(np.array([each.levels for each in found]), dtype=torch.float32)
    rows = levels.repeat_interleave(problem.n, dim=0).unsqueeze(1)
    return pins.echelon_base_stock(rows.to(problem.device))


def transshipment(
    K: int,
    L: int,
    p: Sequence[float],
    correlation: float,
    T: int,
    steps: int,
    batch: int,
    traces: int,
    test_paths: int,
    test_periods: int,
    discard: int,
    *,
    streams: Any,
    n: int,
) -> InventoryProblem:
    """Return setting D: K stores behind a centre that ships on all it gets, for a stack of p.

    Demand is not clipped. The reference is the lower bound of all stores' cost.

    Parameters
    ----------
    L
        The stores' lead time.
    p
        Cost per unit and period of a backlog, one entry per cell of the stack.
    correlation
        Of any two stores' demand.
    T, steps, batch, traces
        See `Training`.
    test_paths, test_periods, discard
        See `Evaluation`.
    """
    instance = stores(K)
    rows = per_row(p, streams, n)
    shortage = rows.reshape(-1, 1, 1).repeat(1, 1, K + 1)
    shortage[..., K] = 0
    h = torch.ones(K + 1, device=streams.device)
    h[K] = 0
    bounds = [transshipment_bound(instance.sd, correlation, L, LEAD, each) for each in p]
    return InventoryProblem(
        Network((*[L] * K, LEAD), (*[K] * K, OUTSIDE), h, shortage),
        Demand(instance.mean, instance.sd, correlation, clipped=False),
        rows,
        n,
        streams,
        Training(T, steps, batch, traces),
        Evaluation(test_paths, test_periods, discard),
        per_row(bounds, streams, n, torch.float64),
    )


def warehouse(
    K: int,
    traces: int,
    T: int,
    steps: int,
    batch: int,
    test_paths: int,
    test_periods: int,
    discard: int,
    *,
    streams: Any,
    n: int,
) -> InventoryProblem:
    """Return setting E: K stores with lost sales behind one warehouse; no optimum is known.

    Deviation: lead times and costs of the stores are drawn from seed 57, not the official one,
    which was not found: uniform on {2, 3}, (0.7, 1.3) and (6.3, 11.7), as stated.

    Parameters
    ----------
    T, steps, batch, traces
        See `Training`.
    test_paths, test_periods, discard
        See `Evaluation`.
    """
    instance = stores(K)
    draw = np.random.RandomState(57)
    h, p = draw.uniform(0.7, 1.3, K).round(3), draw.uniform(6.3, 11.7, K).round(3)
    lead = (*draw.randint(2, 4, K).tolist(), LEAD)
    return InventoryProblem(
        Network(
            lead,
            (*[K] * K, OUTSIDE),
            torch.tensor([*h, WAREHOUSE_H], dtype=torch.float32, device=streams.device),
            torch.tensor([*p, 0.0], dtype=torch.float32, device=streams.device),
            lost=True,
        ),
        Demand(instance.mean, instance.sd, correlation=0.5),
        torch.full((n,), float(p.mean())),
        n,
        streams,
        Training(T, steps, batch, traces),
        Evaluation(test_paths, test_periods, discard),
    )


def simulated(problem: InventoryProblem, policy: Policy) -> torch.Tensor:
    """Return the mean cost per period of a policy on the test paths, (rows,), float64."""
    x, demand = problem.test()
    with torch.no_grad():
        costs = average_costs(problem.network, policy, x, demand, problem.evaluation.discard)
    return costs.double().mean(dim=1)


def measure(problem: InventoryProblem, policy: Policy) -> dict[str, torch.Tensor]:
    """Return the cost per period of all locations on paths that nobody trained on, (rows,).

    With a reference, also its cost, and the gap to it in percent.
    """
    cost = simulated(problem, policy)
    if problem.reference is None:
        return {"cost": cost, "cost_per_store": cost / problem.stores}
    gap = 100 * (cost / problem.reference - 1)
    return {"cost": cost, "reference": problem.reference, "gap": gap}
