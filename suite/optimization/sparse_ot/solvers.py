"""The solvers of the semi-dual and the dual that contenders are made of.

- `lbfgs.minimise(oracle, zeros)` is the paper's: cold L-BFGS, on the semi-dual or the dual.
- `continuation` warm-starts it in k, from smooth to nonsmooth.
- `solve` is the fast one.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from . import interior, lbfgs
from .method import semi_dual
from .oracle import TransportOracle

CACHED = 24_000  # entries of C that are solved at once on a CPU, to stay in its cache


def continuation(oracle: TransportOracle, x: Tensor, **options) -> lbfgs.Minimum:
    """Minimise at m, m - 1, ..., k nonzeros per column, each from the minimiser before it.

    Parameters
    ----------
    oracle
        The semi-dual or the dual; every stage counts in its `calls`.
    x
        (B, d), where the first stage, quadratic transport, starts.
    **options
        Of `lbfgs.minimise`, for each stage.

    Returns
    -------
    lbfgs.Minimum
        Of the last stage of each problem; `evaluations` are those of all stages.
    """
    m = oracle.a.shape[-1]
    k = torch.as_tensor(oracle.k, device=x.device).clamp(max=m).expand(len(x))
    found = lbfgs.minimise(replace(oracle, k=m), x, **options)
    for stage in range(m - 1, int(k.min()) - 1, -1):
        index = (k <= stage).nonzero().squeeze(-1)
        later = lbfgs.minimise(replace(oracle.select(index), k=stage), found.x[index], **options)
        later = later._replace(evaluations=found.evaluations[index] + later.evaluations)
        for field, value in zip(found, later, strict=True):
            field[index] = value
    return found


def floored(marginal: Tensor) -> Tensor:
    """Raise every entry to 1e-13 of the mean at least, at the same sum."""
    raised = marginal.clamp(min=1e-13 * marginal.mean(dim=-1, keepdim=True))
    return raised * (marginal.sum(dim=-1) / raised.sum(dim=-1)).unsqueeze(-1)


def solve(
    a: Tensor,
    b: Tensor,
    C: Tensor,
    k: int | Tensor,
    gamma: float | Tensor,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 60,
) -> interior.Solution:
    """Maximise the semi-dual of every problem of the batch, to a certified gap.

    Quadratic transport is solved first: where its plan has at most k nonzeros in every column, it
    is the answer. The other problems, recognised halfway as a rule, are solved by the relaxation.
    On a CPU a few problems are taken at a time; which ones share a block changes an answer by
    rounding only.

    Parameters
    ----------
    a, b, C
        (B, m), (B, n), (B, m, n), as in `method`. An interior point needs mass everywhere:
        marginals below 1e-13 of their mean are raised to that, far below `tolerance`.
    k, gamma
        One for all problems, or one per problem.
    tolerance
        Stop at a duality gap of `tolerance` times the objective.
    max_iterations
        Of each of the two solves.

    Returns
    -------
    interior.Solution
        `iterations` are those of both solves.
    """
    k = torch.as_tensor(k, device=C.device).expand(len(C))
    gamma = torch.as_tensor(gamma, dtype=C.dtype, device=C.device).expand(len(C))
    # Small batches are bound by the cost of calling torch, a fifth of which is for autograd.
    with torch.inference_mode():
        # S for (C, gamma) at alpha is gamma times S for (C / gamma, 1) at alpha / gamma.
        C = C / gamma.reshape(-1, 1, 1)
        found = _solve(floored(a), floored(b), C, k, tolerance, max_iterations)
    # A product taken outside is an ordinary tensor again.
    return interior.Solution(
        gamma.unsqueeze(-1) * found.alpha, gamma * found.gap, found.iterations.clone()
    )


def _solve(
    a: Tensor, b: Tensor, C: Tensor, k: Tensor, tolerance: float, max_iterations: int
) -> interior.Solution:
    """Solve with gamma = 1, block after block."""
    m = C.shape[-2]
    block = max(1, CACHED // C[0].numel()) if C.device.type == "cpu" else len(C)
    blocks = torch.arange(len(C), device=C.device).split(block)
    parts = [interior.quadratic(a[i], b[i], C[i], k[i], tolerance, max_iterations) for i in blocks]
    found = interior.Solution(*map(torch.cat, zip(*parts, strict=True)))
    value, _, T = semi_dual(found.alpha, a, b, C, m, 1.0)
    given_up = (found.gap > 1.1 * tolerance * value.abs()) & (k < m)
    over = given_up | ((T > 0).sum(dim=-2).amax(dim=-1) > k)
    for i in over.nonzero().squeeze(-1).split(block):
        if not len(i):  # nothing is over: split still gives one, empty, block
            break
        part = interior.relaxed(a[i], b[i], C[i], k[i].to(C.dtype), tolerance, max_iterations)
        part = part._replace(iterations=found.iterations[i] + part.iterations)
        for field, value in zip(found, part, strict=True):
            field[i] = value
    return found
