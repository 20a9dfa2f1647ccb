"""DCReg: decoupled characterisation for degenerate registration (Hu et al., 2025).

A point-to-plane step, H dx = b: the Schur complements of H tell the weak directions of rotation
and translation, weak eigenvalues are clamped in a preconditioner, and conjugate gradients solve the
system as it is. The least-squares objective and its minimiser are unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .detection import THRESHOLD, Characterisation, schur
from .small import batch_last, dot, times

KAPPA = 10.0
TOLERANCE, CAP = 1e-6, 10
# A right-hand side this short is zero; a curvature this small ends the iteration.
ZERO, FLAT = 1e-12, 1e-20
SMALLEST = 1e-9
# Pivots this much smaller than the largest one are zero: the system has no unique solution.
SINGULAR = 1e-13


class Update(NamedTuple):
    """One step of a registration.

    Attributes
    ----------
    dx
        (rows, 6), rotation first.
    flags
        (rows, 6), the directions held to be weak: DCReg's by axis (roll, pitch, yaw, x, y, z),
        those of full-Hessian methods by eigenvector, ascending.
    steps
        (rows,), steps of conjugate gradients.
    fallback
        (rows,), whether these did not converge and the system was solved directly.
    """

    dx: Tensor
    flags: Tensor
    steps: Tensor
    fallback: Tensor


def dcreg(
    H: Tensor,
    b: Tensor,
    *,
    kappa: float = KAPPA,
    threshold: float = THRESHOLD,
    detect: Callable[..., Characterisation] = schur,
) -> Update:
    """Return DCReg's step for systems H, (rows, 6, 6), and b, (rows, 6): modules 1 to 3.

    Parameters
    ----------
    kappa
        kappa_target, the method's one parameter: a weak eigenvalue becomes lambda_max / kappa.
    threshold
        A mode is weak where lambda_max / lambda exceeds it.
    detect
        The characterisation: of the Schur complements, unless an opponent says otherwise.
    """
    H = batch_last(H).permute(2, 0, 1)
    found = detect(H, threshold=threshold)
    return solve(H, b, preconditioner(found, kappa=kappa), found.mask, ~found.singular)


def preconditioner(found: Characterisation, *, kappa: float = KAPPA) -> Tensor:
    """Return P = blockdiag(V diag(1 / clamped lambda) V'), (rows, 6, 6), nearly H^-1."""
    values, V = found.values.permute(2, 1, 0), found.vectors.permute(2, 3, 1, 0)
    weak = found.mask.unflatten(1, (2, 3)).permute(2, 1, 0)
    clamped = torch.where(weak, (values.amax(dim=0) / kappa).clamp(min=SMALLEST), values)
    inverse = sum((V[:, None, a] * (V[None, :, a] / clamped[a]) for a in range(3)), torch.zeros(()))
    P = V.new_zeros(6, 6, len(found.mask))
    P[:3, :3], P[3:, 3:] = inverse.unbind(2)
    return P.permute(2, 0, 1)


def solve(
    H: Tensor,
    b: Tensor,
    P: Tensor,
    flags: Tensor,
    usable: Tensor | None = None,
    *,
    tolerance: float = TOLERANCE,
    cap: int = CAP,
) -> Update:
    """Return the step by conjugate gradients, and by a direct solve where these do not converge.

    Parameters
    ----------
    usable
        (rows,), where a preconditioner is known: elsewhere the direct solve alone; all by default.
    """
    dx, steps, converged = pcg(H, b, P, tolerance=tolerance, cap=cap)
    fallback = ~converged if usable is None else ~(converged & usable)
    if fallback.any():
        dx[fallback] = direct(H[fallback], b[fallback])
    return Update(dx, flags, steps, fallback)


def pcg(
    H: Tensor, b: Tensor, P: Tensor, *, tolerance: float = TOLERANCE, cap: int = CAP
) -> tuple[Tensor, Tensor, Tensor]:
    """Solve H dx = b from dx = 0 by preconditioned conjugate gradients, all rows together.

    A row is done when its residual has norm tolerance * max(1, |b|) or less.

    Returns
    -------
    tuple
        dx (rows, 6), the steps taken (rows,), and whether they converged (rows,).
    """
    H, P, r = batch_last(H), batch_last(P), batch_last(b)
    size = dot(r, r).sqrt()
    goal = tolerance * size.clamp(min=1)
    converged = size < ZERO
    running = ~converged
    dx, steps = torch.zeros_like(r), torch.zeros_like(size, dtype=torch.long)
    p = z = times(P, r)
    rz = dot(r, z)
    for _ in range(cap):
        if not running.any():
            break
        Hp = times(H, p)
        curvature = dot(p, Hp)
        ratio = rz / curvature
        running = running & (curvature.abs() >= FLAT) & torch.isfinite(ratio)
        alpha = torch.where(running, ratio, 0.0)
        dx = torch.addcmul(dx, alpha, p)
        r = torch.addcmul(r, alpha, Hp, value=-1)
        steps += running
        arrived = running & (dot(r, r).sqrt() <= goal)
        converged = converged | arrived
        running = running & ~arrived
        z = times(P, r)
        rz, before = dot(r, z), rz
        # Rows that are done stand still; a ratio of two zeros must not reach them.
        p = torch.addcmul(z, torch.where(running, rz / before, 0.0), p)
    return dx.T, steps, converged


def direct(H: Tensor, b: Tensor) -> Tensor:
    """Return the solution of H dx = b, (rows, 6), of least norm where there are many.

    Deviation: LU with partial pivoting in place of the release's Householder QR: the same to
    rounding, and the faster in a batch, so that nobody is slowed by it.
    """
    LU, swaps, _ = torch.linalg.lu_factor_ex(H)
    pivots = LU.diagonal(dim1=-2, dim2=-1).abs()
    singular = ~(pivots.amin(dim=-1) > SINGULAR * pivots.amax(dim=-1))
    dx = torch.linalg.lu_solve(LU, swaps, b.unsqueeze(-1)).squeeze(-1)
    if singular.any():
        inverse = torch.linalg.pinv(H[singular], rtol=SINGULAR, hermitian=True)
        dx[singular] = (inverse @ b[singular].unsqueeze(-1)).squeeze(-1)
    return dx
