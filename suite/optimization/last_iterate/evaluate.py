"""What is measured of an answer: its gap over paths, beside the bound that it should keep."""

from __future__ import annotations

import torch
from torch import Tensor

from . import schedules
from .instances import Scheduled
from .problem import Problem

#: Coordinates that are kept of a long iterate.
KEPT = 64


def mean_gap(gap: Tensor) -> dict[str, Tensor]:
    """Return mean and standard error over a row's paths, (rows,) each; no error of one path."""
    paths = gap.reshape(len(gap), -1)
    count = paths.shape[1]
    error = paths.std(dim=1) / count**0.5 if count > 1 else gap.new_zeros(len(gap))
    return {"gap": paths.mean(dim=1), "standard_error": error}


def horizons(problem: Problem, x: Tensor) -> Tensor:
    """Return T of every row, (rows,), on x's device."""
    return torch.as_tensor(problem.T, device=x.device).expand(len(x))


def measure_gap(problem: Problem, x: Tensor) -> dict[str, Tensor]:
    """Return gap and horizon."""
    return {**mean_gap(problem.gap(x)), "horizon": horizons(problem, x)}


def measure(problem: Problem, x: Tensor) -> dict[str, Tensor]:
    """Return gap, horizon and linear decay's bound: every contender is held against the same."""
    T = horizons(problem, x)
    steps = schedules.linear_decay(T, problem.eta)
    bound = schedules.expected_gap_bound(steps, problem.D, problem.M, problem.sigma)
    return {**mean_gap(problem.gap(x)), "bound": bound, "horizon": T}


def measure_iterate(problem: Problem, x: Tensor) -> dict[str, Tensor]:
    """Return the gap, and as a trace KEPT coordinates of x, evenly spread over 1, ..., T."""
    T = int(horizons(problem, x).max())
    kept = torch.arange(1, KEPT + 1, device=x.device) * T // KEPT - 1
    return {**mean_gap(problem.gap(x)), "coordinate": x[:, kept]}


def measure_bound(scheduled: Scheduled, x: Tensor) -> dict[str, Tensor]:
    """Return the gap and the bound of the schedule that was run."""
    problem = scheduled.problem
    bound = schedules.expected_gap_bound(scheduled.steps, problem.D, problem.M, problem.sigma)
    return {**mean_gap(problem.gap(x)), "bound": bound}
