"""Opponents of last-iterate schedules: other schedules, averages, and torch's own SGD.

Schedules and weights are arrays over t = 1, ..., T; oracles are callables of (x, t).
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def phases(T: int) -> Floats:
    """Return 2^-i in phase i, which ends at T - ceil(T 2^-(i+1)): the step is halved each time.

    Jain, Nagaraj and Netrapalli, "Making the last iterate of SGD information theoretically
    optimal", COLT 2019: times C / sqrt(T) where f is convex, and C / (mu t) where it is strongly
    convex.
    """
    k = ceil(log2(T))
    ends = [T - ceil(T / 2**i) for i in range(k + 1)] + [T]
    return np.repeat(0.5 ** np.arange(k + 1), np.diff(ends))


def uniform(T: int) -> Floats:
    """Return the weights 1/T of x_1, ..., x_T (Polyak and Juditsky 1992)."""
    return np.full(T, 1 / T)


def suffix(T: int) -> Floats:
    """Return equal weights on the last half of x_1, ..., x_T (Rakhlin, Shamir, Sridharan 2012)."""
    late = np.arange(1, T + 1) > T // 2
    return late / late.sum()


def increasing(T: int) -> Floats:
    """Return weights proportional to t on x_1, ..., x_T (Lacoste-Julien, Schmidt, Bach 2012)."""
    t = np.arange(1.0, T + 1)
    return t / t.sum()


def torch_sgd(subgradient: Callable[[Any, int], Any], x1: Any, T: int, eta: float) -> Any:
    """Return x_{T+1} of ``torch.optim.SGD`` whose rate ``LinearLR`` takes from eta/sqrt(T) to 0.

    Parameters
    ----------
    subgradient
        (x, t) -> tensor shaped as x.
    x1
        Tensor.
    """
    import torch

    x = torch.nn.Parameter(x1.clone())
    optimizer = torch.optim.SGD([x], lr=eta / sqrt(T))
    decay = torch.optim.lr_scheduler.LinearLR(
        optimizer, start_factor=1.0, end_factor=0.0, total_iters=T
    )
    for t in range(1, T + 1):
        x.grad = subgradient(x.detach(), t)
        optimizer.step()
        decay.step()
    return x.detach()
