"""One system at a time, in numpy: the step as a robot would take it, in Python.

Written apart from the batched ones, so that an error has to be made twice to go unseen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Floats = NDArray[np.float64]


class Step(NamedTuple):
    """dx (6,), and the steps of conjugate gradients."""

    dx: Floats
    steps: int


def direct(H: Floats, b: Floats) -> Step:
    """Return H^-1 b."""
    return Step(cho_solve(cho_factor(H, check_finite=False), b, check_finite=False), 0)


def me_sr(H: Floats, b: Floats, gate: float = 120.0) -> Step:
    """Return H^-1 b without its part along eigenvectors of eigenvalues below the gate."""
    values, vectors = np.linalg.eigh(H)
    kept = vectors[:, values >= gate]
    return Step(kept @ (kept.T @ direct(H, b).dx), 0)


def dcreg(H: Floats, b: Floats, kappa: float = 10.0, threshold: float = 10.0) -> Step:
    """Return the method's step for a system whose diagonal blocks have inverses."""
    RR, Rt, tt = H[:3, :3], H[:3, 3:], H[3:, 3:]
    P = np.zeros((6, 6))
    P[:3, :3] = _clamped_inverse(RR - Rt @ np.linalg.solve(tt, Rt.T), kappa, threshold)
    P[3:, 3:] = _clamped_inverse(tt - Rt.T @ np.linalg.solve(RR, Rt), kappa, threshold)
    return _conjugate_gradients(H, b, P)


def _clamped_inverse(S: Floats, kappa: float, threshold: float) -> Floats:
    values, vectors = np.linalg.eigh(S)
    largest = values[2]
    weak = largest > threshold * np.maximum(values, 1e-12)
    clamped = np.where(weak, max(largest / kappa, 1e-9), values)
    return (vectors / clamped) @ vectors.T


def _conjugate_gradients(
    H: Floats, b: Floats, P: Floats, tolerance: float = 1e-6, cap: int = 10
) -> Step:
    x, r = np.zeros(6), b
    p = z = P @ r
    rz = r @ z
    goal = tolerance * max(1.0, np.linalg.norm(b))
    for step in range(1, cap + 1):
        Hp = H @ p
        alpha = rz / (p @ Hp)
        x = x + alpha * p
        r = r - alpha * Hp
        if np.linalg.norm(r) <= goal:
            return Step(x, step)
        z = P @ r
        rz, before = r @ z, rz
        p = z + (rz / before) * p
    return Step(direct(H, b).dx, cap)
