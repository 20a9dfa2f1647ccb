"""Contenders that solve H dx = b once, for all systems together or one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import method, opponents, single
from .linear import Systems

#: Systems that a contender without a batch answers: a loop has one rate at any number of them.
LOOPED = 100
#: Fewer where one takes milliseconds.
CALLED = 20


class Step(NamedTuple):
    """dx (answered, 6) of the first systems, and its steps of conjugate gradients (answered,)."""

    dx: Tensor
    steps: Tensor


def dcreg(problem: Systems) -> Step:
    """Take the method's step."""
    return _stepped(method.dcreg(problem.H, problem.b, kappa=problem.kappa))


def identity(problem: Systems) -> Step:
    """Take conjugate gradients without a preconditioner."""
    return _stepped(opponents.identity(problem.H, problem.b))


def jacobi(problem: Systems) -> Step:
    """Take conjugate gradients with the diagonal of H."""
    return _stepped(opponents.jacobi(problem.H, problem.b))


def random_spd(problem: Systems, *, streams: Any) -> Step:
    """Take conjugate gradients with random preconditioners A A', A of independent normals."""
    drawn = torch.randn(problem.H.shape, dtype=problem.H.dtype, generator=streams.torch("A"))
    P = (drawn @ drawn.mT).to(problem.H.device)
    return _stepped(opponents.with_preconditioner(problem.H, problem.b, P))


def three_steps(problem: Systems) -> Step:
    """Take three steps of the method's conjugate gradients, and no direct solve after them."""
    return _stepped(opponents.three_steps(problem.H, problem.b))


def direct(problem: Systems) -> Step:
    """Solve the systems as they stand: no handling."""
    return _stepped(opponents.none(problem.H, problem.b))


def me_sr(problem: Systems) -> Step:
    """Remap the solution by the full Hessian's eigenvectors."""
    return _stepped(opponents.me_sr(problem.H, problem.b, gate=problem.gate))


def _stepped(found: method.Update) -> Step:
    return Step(found.dx, found.steps)


# What a call costs: the same systems, one at a time.


def dcreg_single(problem: Systems) -> Step:
    """Take the method's step in numpy, one system at a time."""
    return _singly(problem, single.dcreg)


def direct_single(problem: Systems) -> Step:
    """Solve by numpy, one system at a time."""
    return _singly(problem, single.direct)


def me_sr_single(problem: Systems) -> Step:
    """Remap by numpy, one system at a time."""
    return _singly(problem, single.me_sr, problem.gate)


def dcreg_looped(problem: Systems) -> Step:
    """Call the batched step with one system at a time: the batch removed."""
    systems = zip(problem.H[:CALLED].split(1), problem.b[:CALLED].split(1), strict=True)
    found = [method.dcreg(H, b) for H, b in systems]
    return Step(torch.cat([one.dx for one in found]), torch.cat([one.steps for one in found]))


def _singly(problem: Systems, solve: Callable[..., single.Step], *options: float) -> Step:
    H, b = (part[:LOOPED].cpu().numpy() for part in (problem.H, problem.b))
    found = [solve(*pair, *options) for pair in zip(H, b, strict=True)]
    device = problem.H.device
    return Step(
        torch.tensor([one.dx.tolist() for one in found], dtype=torch.float64, device=device),
        torch.tensor([one.steps for one in found], device=device),
    )
