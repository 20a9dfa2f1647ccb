"""eps |x| under noise without a variance: its p-th moment is finite for p = 3/2, hardly above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from .geometry import Power
from .noise import Pareto, Shared
from .problem import Sharp

P = 1.5
#: Tail index of the noise, between p and 2.
TAIL = 1.55
#: The constant of the step sizes.
ETA = 0.5
#: Paths in a replicate, whose mean is taken.
PATHS = 400


def heavy(
    T: Sequence[int], k: Sequence[float], *, streams: Any, n: int, paths: int = PATHS
) -> Sharp:
    """Return eps |x| with eps = k T^(1/p - 1), x_1 = 1 and psi = |x|^q / q, q = p / (p - 1) = 3.

    Horizons share their noise up to where the shorter one ends; each is a run of its own.

    Parameters
    ----------
    T, k
        One for each cell of the stack; T does not fall from cell to cell.
    """
    horizon = torch.tensor(T, device=streams.device).repeat_interleave(n)
    shrinking = horizon.to(torch.float64) ** (1 / P - 1)
    slopes = torch.tensor(k, dtype=torch.float64, device=streams.device).repeat_interleave(n)
    eps = slopes * shrinking
    noise = Pareto(streams.numpy("noise"), TAIL)
    q = P / (P - 1)
    return Sharp(
        T=horizon,
        x1=eps.new_ones(len(horizon), paths),
        D=1 / q,
        M=2 * eps,
        sigma=noise.moment(P) ** (1 / P),
        geometry=Power(q),
        eta=ETA,
        eps=eps[:, None],
        noise=Shared(noise, (n, paths)),
    )
