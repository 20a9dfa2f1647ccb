"""Steps of those that DCReg is compared with, H dx = b to dx, and of its controls.

An eigenvalue of the whole H is weak below a gate (ME) or a ratio (FCN); then its direction is left
out (SR, TSVD) or all are damped (TReg).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from . import detection
from .detection import GATE, THRESHOLD, absolute_flags, relative_flags
from .method import Update, direct, pcg, preconditioner, solve

GAMMA = 100.0
Flags = Callable[[Tensor], Tensor]


def plain(dx: Tensor, flags: Tensor | None = None) -> Update:
    """Return a step without conjugate gradients."""
    none = torch.zeros(len(dx), dtype=torch.long, device=dx.device)
    if flags is None:
        flags = torch.zeros_like(dx, dtype=torch.bool)
    return Update(dx, flags, none, none.bool())


def none(H: Tensor, b: Tensor) -> Update:
    """Return the Gauss-Newton step: no detection, a direct solve."""
    return plain(direct(H, b))


def remapped(H: Tensor, b: Tensor, flagged: Flags) -> Update:
    """Return the Gauss-Newton step without its part along flagged eigenvectors (LOAM, "SR")."""
    values, U = torch.linalg.eigh(H)
    flags = flagged(values)
    along = times(U.mT, direct(H, b))
    return plain(times(U, torch.where(flags, 0.0, along)), flags)


def truncated(H: Tensor, b: Tensor, flagged: Flags, *, released: bool = False) -> Update:
    """Return sum over unflagged eigenvectors of u (u.b) / lambda (textbook TSVD): the step of SR.

    Parameters
    ----------
    released
        As in the released code, whose mask is in ascending order and meets values in descending
        order: the strongest directions are left out.
    """
    values, U = torch.linalg.eigh(H)
    flags = flagged(values)
    left_out = flags.flip(-1) if released else flags
    scaled = torch.where(left_out, 0.0, times(U.mT, b) / values)
    return plain(times(U, scaled), flags)


def damped(H: Tensor, b: Tensor, flagged: Flags, *, gamma: float = GAMMA) -> Update:
    """Return the step of H + gamma I where any eigenvalue is flagged (TReg), else of H."""
    flags = flagged(torch.linalg.eigvalsh(H))
    identity = torch.eye(6, dtype=H.dtype, device=H.device)
    added = gamma * flags.any(dim=-1).to(H.dtype)[:, None, None] * identity
    return plain(direct(H + added, b), flags)


def me_sr(H: Tensor, b: Tensor, *, gate: float = GATE) -> Update:
    """ME-SR."""
    return remapped(H, b, lambda values: absolute_flags(values, gate=gate))


def fcn_sr(H: Tensor, b: Tensor, *, ratio: float = THRESHOLD) -> Update:
    """FCN-SR."""
    return remapped(H, b, lambda values: relative_flags(values, ratio=ratio))


def me_tsvd(H: Tensor, b: Tensor, *, gate: float = GATE) -> Update:
    """ME-TSVD as in textbooks."""
    return truncated(H, b, lambda values: absolute_flags(values, gate=gate))


def me_tsvd_released(H: Tensor, b: Tensor, *, gate: float = GATE) -> Update:
    """ME-TSVD as released."""
    return truncated(H, b, lambda values: absolute_flags(values, gate=gate), released=True)


def me_treg(H: Tensor, b: Tensor, *, gate: float = GATE, gamma: float = GAMMA) -> Update:
    """ME-TReg."""
    return damped(H, b, lambda values: absolute_flags(values, gate=gate), gamma=gamma)


def x_icp_like(H: Tensor, b: Tensor, *, threshold: float = THRESHOLD) -> Update:
    """Return argmin |H dx - b| subject to u.dx = 0 for each weak eigenvector u of H_RR or H_tt.

    Deviation: a stand-in for X-ICP (Tuna et al., 2023), whose localisability categories from
    correspondences are not specified here.
    """
    found = detection.diagonal(H, threshold=threshold)
    U = torch.zeros_like(H)
    U[:, :3, :3], U[:, 3:, 3:] = found.vectors.unbind(1)
    A = (H @ U).masked_fill(found.mask.unsqueeze(1), 0.0)
    y = times(torch.linalg.pinv(A), b)
    return plain(times(U, y.masked_fill(found.mask, 0.0)), found.mask)


def times(A: Tensor, x: Tensor) -> Tensor:
    """Return A x of matrices (rows, 6, 6) and vectors (rows, 6)."""
    return torch.bmm(A, x.unsqueeze(-1)).squeeze(-1)


# Controls: something of DCReg's put wrong.


def clamped(H: Tensor, b: Tensor) -> Update:
    """Return P b: the clamp applied to H itself, and not to its preconditioner only."""
    found = detection.schur(H)
    return plain(times(preconditioner(found), b), found.mask)


def three_steps(H: Tensor, b: Tensor) -> Update:
    """Return what conjugate gradients reach in three steps, with no direct solve after them."""
    found = detection.schur(H)
    dx, steps, _ = pcg(H, b, preconditioner(found), cap=3)
    return Update(dx, found.mask, steps, torch.zeros_like(found.singular))


def with_preconditioner(H: Tensor, b: Tensor, P: Tensor) -> Update:
    """Return the step with another symmetric positive definite P, (rows, 6, 6)."""
    return solve(H, b, P, torch.zeros_like(b, dtype=torch.bool))


def identity(H: Tensor, b: Tensor) -> Update:
    """Return the step of plain conjugate gradients, P = I."""
    return with_preconditioner(H, b, torch.eye(6, dtype=H.dtype, device=H.device).expand_as(H))


def jacobi(H: Tensor, b: Tensor) -> Update:
    """Return the step with P = diag(H)^-1."""
    return with_preconditioner(H, b, torch.diag_embed(1 / H.diagonal(dim1=-2, dim2=-1)))
