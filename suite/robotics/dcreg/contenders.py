"""Who registers: the method, plain Gauss-Newton, and those that leave weak directions out.

All share correspondences, normal equations and outer loop; gates grow with the number of points.
"""

from __future__ import annotations

from functools import partial

import torch

from . import method, opponents
from .detection import GATE, diagonal
from .icp import register
from .opponents import GAMMA

#: Iterations that damped steps need to converge, where others take ten.
ENOUGH = 300


@torch.inference_mode()
def dcreg(problem, *, kappa=method.KAPPA):
    """Schur detection, clamped preconditioner, conjugate gradients."""
    return register(problem, partial(method.dcreg, kappa=kappa))


@torch.inference_mode()
def none(problem):
    """Plain Gauss-Newton: what is left of DCReg without its detection and preconditioner."""
    return register(problem, opponents.none)


@torch.inference_mode()
def diag(problem):
    """DCReg with the eigenvalues of H_RR and H_tt in place of the Schur complements'."""
    return register(problem, partial(method.dcreg, detect=diagonal))


@torch.inference_mode()
def me_sr(problem):
    """Solution remapping (LOAM): no step along eigenvectors of H below the gate."""
    return register(problem, partial(opponents.me_sr, gate=GATE * problem.scale))


@torch.inference_mode()
def me_tsvd(problem):
    """Leave weak directions out by a truncated SVD as in textbooks: the step of remapping."""
    return register(problem, partial(opponents.me_tsvd, gate=GATE * problem.scale))


@torch.inference_mode()
def me_tsvd_released(problem):
    """Leave the strongest directions out, as the released truncated SVD does."""
    return register(problem, partial(opponents.me_tsvd_released, gate=GATE * problem.scale))


@torch.inference_mode()
def me_treg(problem):
    """Damping by 100 I where an eigenvalue is below the gate; stopped at 30 iterations."""
    return register(problem, _damped(problem))


@torch.inference_mode()
def me_treg_converged(problem):
    """Damp likewise, with 300 iterations to converge in."""
    return register(problem, _damped(problem), iterations=ENOUGH)


@torch.inference_mode()
def fcn_sr(problem):
    """Solution remapping along eigenvectors of H more than ten times below the largest."""
    return register(problem, opponents.fcn_sr)


@torch.inference_mode()
def x_icp_like(problem):
    """Least squares with weak eigenvectors of H_RR and H_tt held, in the place of X-ICP."""
    return register(problem, opponents.x_icp_like)


@torch.inference_mode()
def me_sr_unscaled(problem):
    """Solution remapping with the gate as printed, whatever the number of points."""
    return register(problem, opponents.me_sr)


@torch.inference_mode()
def me_treg_unscaled(problem):
    """Damping with gate and gamma as printed, whatever the number of points."""
    return register(problem, opponents.me_treg)


def _damped(problem):
    return partial(opponents.me_treg, gate=GATE * problem.scale, gamma=GAMMA * problem.scale)


# Controls.


@torch.inference_mode()
def clamped(problem):
    """Apply the clamp to H itself: dx = P b."""
    return register(problem, opponents.clamped)


@torch.inference_mode()
def three_steps(problem):
    """Conjugate gradients stopped at three steps, with no direct solve after them."""
    return register(problem, opponents.three_steps)


@torch.inference_mode()
def identity(problem):
    """Conjugate gradients without a preconditioner."""
    return register(problem, opponents.identity)


@torch.inference_mode()
def jacobi(problem):
    """Conjugate gradients with the diagonal of H for a preconditioner."""
    return register(problem, opponents.jacobi)
