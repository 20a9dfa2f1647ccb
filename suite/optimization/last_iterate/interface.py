"""What a contender may use of a problem of this paper, and what it returns."""

from __future__ import annotations

from typing import Annotated, Protocol

import torch
from torch import Tensor

from .geometry import Geometry


class Minimisation(Protocol):
    """min of F = f + h over X by an oracle of subgradients of f; rows are cells and replicates.

    Tensors lie on the device of x1, but for `calls`, which is on the CPU.

    Attributes
    ----------
    T
        Calls of the oracle, T; or (rows,) of them that do not fall, one for each row.
    x1
        x_1; paths and coordinates follow the rows.
    D, M, sigma
        D_psi(x*, x_1) or an upper bound, twice the Lipschitz constant of f, and the standard
        deviation of the noise in the dual norm: numbers, or tensors of leading axes of x.
    L
        Smoothness of f; 0 for none.
    eta
        What step sizes are made of: sqrt(D / (M^2 + sigma^2)) or the experiment's own, a number or
        a tensor of leading axes of x.
    geometry
        ``geometry.step(x, g, eta)``: argmin over X of h(x') + <g, x'> + D_psi(x', x) / eta.
    calls
        Calls of the oracle so far.
    """

    T: int | Tensor
    x1: Annotated[Tensor, "(rows, *point) float64"]
    D: float | Tensor
    M: float | Tensor
    sigma: float | Tensor
    L: float
    eta: float | Tensor
    geometry: Geometry
    calls: Annotated[Tensor, "(rows,) number, counts calls"]

    def running(self, t: int) -> slice:
        """Return the rows whose horizon is t or later: only these are still asked about."""

    def subgradient(self, x: Tensor, t: int) -> Tensor:
        """Return an unbiased estimate of a subgradient at the running rows of x_t; a call."""


class Optimiser(Protocol):
    """An optimiser: T calls of the oracle for the point that F is judged at."""

    def __call__(
        self, problem: Minimisation, /
    ) -> Annotated[Tensor, "(rows, *point) float64, in X"]:
        """Return a point of X for every row."""


def naive_optimiser(problem: Minimisation) -> Tensor:
    """Take T steps of eta / sqrt(T) and return where they end."""
    x = problem.x1.clone()
    # Step sizes are numbers, or tensors of leading axes of x: give them all axes of x.
    eta = torch.as_tensor(problem.eta, dtype=x.dtype, device=x.device)
    eta = eta.reshape(*eta.shape, *[1] * (x.ndim - eta.ndim))
    T = torch.as_tensor(problem.T, device=x.device).expand(len(x))
    step = eta / T.to(x.dtype).sqrt().reshape(-1, *[1] * (x.ndim - 1))
    for t in range(1, int(T.max()) + 1):
        rows = problem.running(t)
        g = problem.subgradient(x[rows], t)
        x[rows] = problem.geometry.step(x[rows], g, step[rows])
    return x


class Scheduled(Protocol):
    """A problem whose step sizes are given.

    Attributes
    ----------
    problem
        One horizon T for all rows.
    steps
        eta_1, ..., eta_T.
    """

    problem: Minimisation
    steps: Annotated[Tensor, "(rows, T) float64"]


class ScheduleRunner(Protocol):
    """Runs a schedule that is not its own: the bound under test is the schedule's."""

    def __call__(
        self, scheduled: Scheduled, /
    ) -> Annotated[Tensor, "(rows, *point) float64, in X"]:
        """Return a point of X for every row."""


def naive_schedule_runner(scheduled: Scheduled) -> Tensor:
    """Take the steps as they are given and return where they end."""
    problem = scheduled.problem
    x = problem.x1.clone()
    for t, eta in enumerate(scheduled.steps.unbind(dim=-1), start=1):
        g = problem.subgradient(x, t)
        x = problem.geometry.step(x, g, eta.reshape(-1, *[1] * (x.ndim - 1)))
    return x
