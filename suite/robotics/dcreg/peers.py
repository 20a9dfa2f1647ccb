"""Third parties' registration, one pair of clouds after another, on the suite's problems."""

from __future__ import annotations

import numpy as np
import torch

from baselines.robotics import dcreg as pins

from .icp import Answer


def small_gicp(problem):
    """small_gicp's point to plane, with normals of its own."""
    return aligned(
        problem,
        [
            pins.small_gicp(pins.small_gicp_target(target), source, T)
            for target, source, T in each(problem)
        ],
    )


def open3d(problem):
    """Open3D's point to plane, with the suite's normals."""
    normals = problem.targets.normals().cpu().numpy()
    return aligned(
        problem,
        [
            pins.open3d(target, own, source, T)
            for own, (target, source, T) in zip(normals, each(problem), strict=True)
        ],
    )


def each(problem):
    """Yield target (M, 3), source (N, 3) and initial pose (4, 4) of every row."""
    start = torch.eye(4, dtype=torch.float64).repeat(problem.rows, 1, 1)
    start[:, :3, :3], start[:, :3, 3] = problem.R0, problem.t0
    parts = (problem.targets.points, problem.source, start)
    yield from zip(*(part.cpu().numpy() for part in parts), strict=True)


def aligned(problem, found):
    """Return the answer of registrations found one by one, and count their linearisations."""
    T = torch.from_numpy(np.stack([one.T for one in found]))
    iterations = torch.tensor([one.iterations for one in found])
    converged = torch.tensor([one.converged for one in found])
    device = problem.source.device
    problem.calls += iterations.to(device)
    parts = (T[:, :3, :3], T[:, :3, 3], iterations, converged, torch.zeros_like(converged))
    return Answer(*(part.to(device) for part in parts))
