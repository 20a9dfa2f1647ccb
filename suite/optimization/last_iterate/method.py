"""Composite stochastic mirror descent: Algorithm 1 of Liu and Zhou, ICLR 2024.

    x_1 in X
    for t = 1, ..., T:
        draw g_t with E[g_t | past] a subgradient of f at x_t
        x_{t+1} = argmin over x in X of h(x) + <g_t, x - x_t> + D_psi(x, x_t) / eta_t
    return x_{T+1}

All runs of a problem advance together: x is (rows, ...), a replicate or a cell on each row.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .geometry import Geometry
from .problem import Problem


def mirror_descent(
    problem: Problem,
    steps: Tensor,
    *,
    average: Tensor | None = None,
    geometry: Geometry | None = None,
) -> Tensor:
    """Return the last iterate x_{T+1}, after exactly T calls of the oracle.

    Parameters
    ----------
    problem
        A row that has finished is not touched again.
    steps
        eta_1, ..., eta_T along the last axis; its leading axes are leading axes of x, or none.
    average
        Weights of x_1, ..., x_T, shaped as steps are: the weighted average is returned in place of
        x_{T+1}.
    geometry
        In place of the problem's: another mirror map on the same domain.

    Returns
    -------
    Tensor
        Shaped as ``problem.x1``.
    """
    geometry = problem.geometry if geometry is None else geometry
    x = problem.x1.clone()
    eta = along_time(steps, x)
    weight = None if average is None else along_time(average, x)
    mean = torch.zeros_like(x)
    for t in range(1, len(eta) + 1):
        rows = problem.running(t)
        now = x[rows]
        if weight is not None:
            mean[rows] += of(rows, weight[t - 1]) * now
        g = problem.subgradient(now, t)
        x_next = geometry.step(now, g, of(rows, eta[t - 1]))
        if len(x_next) == len(x):
            x = x_next  # large problems are saved a copy
        else:
            x[rows] = x_next
    return x if average is None else mean


def along_time(steps: Tensor, x: Tensor) -> tuple[Tensor, ...]:
    """Return eta_1, ..., eta_T on x's device and in a shape that meets x: as its leading axes."""
    trailing = [1] * (x.ndim - (steps.ndim - 1))
    steps = steps.to(x.device)
    return steps.reshape(*steps.shape[:-1], *trailing, -1).contiguous().unbind(-1)


def of(rows: slice, eta: Tensor) -> Tensor:
    """Return eta_t of the running rows, where each row has its own."""
    return eta if len(eta) == 1 or rows.start == 0 else eta[rows]
