"""What a contender may use of a problem of this paper, and what it returns.

Vectors of six are rotation (roll, pitch, yaw; rad) first, then translation (x, y, z; m).
"""

from __future__ import annotations

from typing import Annotated, Protocol

import torch
from torch import Tensor

from . import so3
from .detectors import Detected
from .icp import Answer, System
from .search import Targets
from .solvers import Step


class NoisyEquations(Protocol):
    """Normal equations H dx = b whose b is noise.

    Attributes
    ----------
    H
        With weights of one.
    sigma
        Standard deviation of the noise, m.
    """

    H: Annotated[Tensor, "(rows, 6, 6) float64"]
    sigma: float


class MarginalPredictor(Protocol):
    """Predicts how far H^-1 b scatters, axis by axis."""

    def __call__(
        self, problem: NoisyEquations, /
    ) -> Annotated[Tensor, "(rows, 6) float64, standard deviations in rad and m"]:
        """Return the standard deviation of every axis."""


def naive_marginal_predictor(problem: NoisyEquations) -> Tensor:
    """Read the covariance sigma^2 H^-1 off as it stands."""
    variance = torch.linalg.inv(problem.H).diagonal(dim1=-2, dim2=-1)
    return problem.sigma * variance.sqrt()


class Hessians(Protocol):
    """Normal equations for detectors of weak directions.

    Attributes
    ----------
    H, H_mm
        With translations in metres and in millimetres.
    gate
        Below it eigenvalues of H count as small, at this number of points.
    """

    H: Annotated[Tensor, "(rows, 6, 6) float64"]
    H_mm: Annotated[Tensor, "(rows, 6, 6) float64"]
    gate: float


class Detector(Protocol):
    """Says which motions a scene leaves free, in metres and in millimetres."""

    def __call__(
        self, problem: Hessians, /
    ) -> Annotated[
        Detected,
        "mask (rows, 6) bool, weak axes",
        "condition (rows, 2) float64, of rotation and of translation",
        "mask_mm (rows, 6) bool, weak axes by H_mm",
        "condition_mm (rows, 2) float64, by H_mm",
    ]:
        """Return masks and condition numbers."""


def naive_detector(problem: Hessians) -> Detected:
    """Call an axis weak whose diagonal entry is a tenth of its block's largest."""
    found = []
    for H in (problem.H, problem.H_mm):
        stiffness = H.diagonal(dim1=-2, dim2=-1).unflatten(-1, (2, 3))
        largest = stiffness.amax(dim=-1, keepdim=True)
        found.append((10 * stiffness < largest).flatten(1))
        found.append((largest / stiffness.clamp(min=1e-12)).amax(dim=-1))
    return Detected(*found)


class LinearSystems(Protocol):
    """H dx = b.

    Attributes
    ----------
    H, b
        Normal equations of registrations.
    kappa
        The condition that clamped modes are given.
    gate
        Below it eigenvalues of H count as small, at this number of points.
    """

    H: Annotated[Tensor, "(B, 6, 6) float64"]
    b: Annotated[Tensor, "(B, 6) float64"]
    kappa: float
    gate: float


class StepSolver(Protocol):
    """Solves for the step."""

    def __call__(
        self, problem: LinearSystems, /
    ) -> Annotated[
        Step,
        "dx (B, 6) float64",
        "steps (B,) number, of conjugate gradients; zero for who takes none",
    ]:
        """Return the steps of all systems."""


def naive_step_solver(problem: LinearSystems) -> Step:
    """Solve the systems as they stand."""
    dx = torch.linalg.solve(problem.H, problem.b)
    return Step(dx, torch.zeros(len(dx), dtype=torch.long, device=dx.device))


class CloudPairs(Protocol):
    """Pairs of clouds, x = R p + t; rows are (scene, replicate).

    Attributes
    ----------
    source, targets
        Points in the body frame, m, and the clouds that they are registered with.
    R0, t0
        Initial poses.
    rows, n
        Pairs, and replicates of each scene.
    scale
        How many times 1,500 points there are: H grows with it.
    calls
        Linearisations so far, each with its search of correspondences.
    """

    source: Annotated[Tensor, "(rows, N, 3) float64"]
    targets: Targets
    R0: Annotated[Tensor, "(rows, 3, 3) float64"]
    t0: Annotated[Tensor, "(rows, 3) float64"]
    rows: int
    n: int
    scale: float
    calls: Annotated[Tensor, "(rows,) int, counts linearisations"]

    def linearise(self, R: Tensor, t: Tensor, active: Tensor) -> System:
        """Return H, b, correspondences and their RMS, m, of rows `active` at poses R and t."""


class Registrar(Protocol):
    """Registers the clouds."""

    def __call__(
        self, problem: CloudPairs, /
    ) -> Annotated[
        Answer,
        "R (rows, 3, 3) float64",
        "t (rows, 3) float64, m",
        "iterations (rows,) int",
        "converged (rows,) bool",
        "failed (rows,) bool, too few correspondences",
    ]:
        """Return poses x = R p + t, and how they were reached."""


def naive_registrar(problem: CloudPairs) -> Answer:
    """Take ten Gauss-Newton steps, a hundredth of H's diagonal added to it."""
    R, t = problem.R0.clone(), problem.t0.clone()
    every = torch.arange(problem.rows, device=t.device)
    for _ in range(10):
        H, b, *_ = problem.linearise(R, t, every)
        damping = 0.01 * H.diagonal(dim1=-2, dim2=-1) + 1e-9
        dx = torch.linalg.solve(H + torch.diag_embed(damping), b)
        # In the body frame: rotation first.
        t = t + (R @ dx[:, 3:, None]).squeeze(-1)
        R = R @ so3.exp(dx[:, :3])
    taken = torch.full_like(every, 10)
    no = torch.zeros_like(every, dtype=torch.bool)
    return Answer(R, t, taken, converged=no, failed=no)


class Frames(Protocol):
    """The registrations of one round of a race.

    Attributes
    ----------
    registration
        With all that is prepared before the clock starts.
    calls
        Linearisations so far; add those of the registration.
    """

    registration: CloudPairs
    calls: Annotated[Tensor, "(1,) number, counts linearisations"]


class FrameRegistrar(Protocol):
    """Registers the clouds of a round as fast as it can."""

    def __call__(
        self, problem: Frames, /
    ) -> Annotated[
        Answer,
        "R (rows, 3, 3) float64",
        "t (rows, 3) float64, m",
        "iterations (rows,) int",
        "converged (rows,) bool",
        "failed (rows,) bool, too few correspondences",
    ]:
        """Return poses x = R p + t, and how they were reached."""


def naive_frame_registrar(problem: Frames) -> Answer:
    """Register by ten damped Gauss-Newton steps, and count them."""
    answer = naive_registrar(problem.registration)
    problem.calls += problem.registration.calls.sum()
    return answer
