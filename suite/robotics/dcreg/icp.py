"""Point-to-plane ICP, once for all contenders: they differ in their step only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from . import so3
from .method import Update

Step = Callable[[Tensor, Tensor], Update]
ITERATIONS = 30
#: Converged where the last increment was shorter, in rad and in m: both.
ROTATION, TRANSLATION = 1e-5, 1e-3
FEWEST = 10


class System(NamedTuple):
    """Normal equations at some poses.

    Attributes
    ----------
    H, b
        (rows, 6, 6) and (rows, 6).
    count
        (rows,), correspondences.
    rmse
        (rows,), root mean square of their residuals, in m.
    """

    H: Tensor
    b: Tensor
    count: Tensor
    rmse: Tensor


@dataclass
class Answer:
    """Estimated poses x = R p + t, and how they were reached.

    Attributes
    ----------
    R, t
        (rows, 3, 3) and (rows, 3).
    iterations
        (rows,), steps taken.
    converged, failed
        (rows,); failed where there were fewer than ten correspondences.
    first
        The normal equations at the initial pose; None where a third party made them.
    flags
        (rows, 6), of the first step.
    steps, fallbacks
        (rows,), steps of conjugate gradients and direct solves in their place, over all iterations.
    """

    R: Tensor
    t: Tensor
    iterations: Tensor
    converged: Tensor
    failed: Tensor
    first: System | None = None
    flags: Tensor | None = None
    steps: Tensor | None = None
    fallbacks: Tensor | None = None


def register(problem: Any, step: Step, *, iterations: int = ITERATIONS) -> Answer:
    """Iterate correspondences, step, update from the problem's initial poses; finished rows rest.

    R <- R Exp(omega), t <- t + R v, with dx = (omega, v) in the body frame.
    """
    R, t = problem.R0.clone(), problem.t0.clone()
    active = torch.arange(problem.rows, device=t.device)
    taken = torch.zeros(problem.rows, dtype=torch.long, device=t.device)
    converged = torch.zeros(problem.rows, dtype=torch.bool, device=t.device)
    failed, steps, fallbacks = converged.clone(), taken.clone(), taken.clone()
    first = flags = None
    for _ in range(iterations):
        system = problem.linearise(R[active], t[active], active)
        first = first or system
        few = system.count < FEWEST
        if few.any():
            failed[active[few]] = True
            active = active[~few]
            system = System(*(part[~few] for part in system))
        if not len(active):
            break
        update = step(system.H, system.b)
        if flags is None:
            flags = torch.zeros(problem.rows, 6, dtype=torch.bool, device=t.device)
            flags[active] = update.flags
        omega, v = update.dx[:, :3], update.dx[:, 3:]
        t[active] += (R[active] @ v.unsqueeze(-1)).squeeze(-1)
        R[active] = R[active] @ so3.exp(omega)
        taken[active] += 1
        steps[active] += update.steps
        fallbacks[active] += update.fallback
        done = (omega.norm(dim=-1) < ROTATION) & (v.norm(dim=-1) < TRANSLATION)
        converged[active[done]] = True
        active = active[~done]
        if not len(active):
            break
    return Answer(R, t, taken, converged, failed, first, flags, steps, fallbacks)


def pose_error(problem: Any, R: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Return norm and angle of T_gt^-1 T_est, each (rows,), in m and rad."""
    return (t - problem.t_gt).norm(dim=-1), so3.angle(problem.R_gt.mT @ R)
