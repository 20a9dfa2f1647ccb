"""The steps of others, each against its definition one system at a time."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from suite.robotics.dcreg import detection, opponents
from tests.suite.robotics.dcreg.test_method import systems


@pytest.fixture(name="system", params=["corridor_0.01", "box", "stairs"])
def _system(request):
    return systems(request.param, rows=5)


@given(seed=st.integers(0, 1000))
def test_textbook_truncation_is_remapping(seed):
    """Check 5: for any SPD H ME-TSVD and ME-SR take the same step."""
    random = torch.Generator().manual_seed(seed)
    A = torch.randn(20, 6, 9, dtype=torch.float64, generator=random)
    H, b = A @ A.mT, torch.randn(20, 6, dtype=torch.float64, generator=random)
    for gate in (0.0, 3.0, 10.0, 1e9):
        one, other = (step(H, b, gate=gate).dx for step in (opponents.me_sr, opponents.me_tsvd))
        size = torch.linalg.solve(H, b).norm(dim=1, keepdim=True)
        torch.testing.assert_close(one / size, other / size, atol=1e-10, rtol=0)


def test_released_truncation_leaves_out_the_strongest(system):
    """With k flags the released TSVD leaves out the k largest eigenvalues."""
    H, b = system
    update = opponents.me_tsvd_released(H, b)
    for row in range(len(H)):
        values, U = np.linalg.eigh(H[row].numpy())
        kept = 6 - int((values < 120).sum())
        expected = sum(U[:, k] * (U[:, k] @ b[row].numpy()) / values[k] for k in range(kept))
        np.testing.assert_allclose(update.dx[row], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gate", [0.0, 120.0, 1e9])
def test_remapping_projects_the_exact_step(system, gate):
    """ME-SR is the exact step without its part along flagged eigenvectors; zero if all are."""
    H, b = system
    update = opponents.me_sr(H, b, gate=gate)
    for row in range(len(H)):
        values, U = np.linalg.eigh(H[row].numpy())
        kept = U[:, values >= gate]
        expected = kept @ kept.T @ linalg.solve(H[row].numpy(), b[row].numpy())
        np.testing.assert_allclose(update.dx[row], expected, rtol=1e-9, atol=1e-12)
        assert update.flags[row].tolist() == (values < gate).tolist()


def test_relative_remapping_flags_by_ratio(system):
    """FCN-SR is remapping by lambda_max / lambda > 10."""
    H, b = system
    update = opponents.fcn_sr(H, b)
    values = torch.linalg.eigvalsh(H)
    assert torch.equal(update.flags, values[:, -1:] / values > 10)
    assert update.flags.any()


def test_damping_where_anything_is_flagged(system):
    """ME-TReg adds 100 I where an eigenvalue is below the gate, and nothing elsewhere."""
    H, b = system
    lowest = torch.linalg.eigvalsh(H)[:, 0]
    gate = float(lowest.median())
    update = opponents.me_treg(H, b, gate=gate)
    for row in range(len(H)):
        added = 100.0 if lowest[row] < gate else 0.0
        expected = linalg.solve(H[row].numpy() + added * np.eye(6), b[row].numpy())
        np.testing.assert_allclose(update.dx[row], expected, rtol=1e-9)


def test_held_directions_stay(system):
    """X-ICP-like: no step along weak eigenvectors of the diagonal blocks, least squares else."""
    H, b = system
    update = opponents.x_icp_like(H, b)
    found = detection.diagonal(H)
    for row in range(len(H)):
        U = linalg.block_diag(*found.vectors[row].numpy())
        held = found.mask[row].numpy()
        dx = update.dx[row].numpy()
        np.testing.assert_allclose(U[:, held].T @ dx, 0, atol=1e-12)
        # The residual is orthogonal to all that may still move.
        residual = H[row].numpy() @ dx - b[row].numpy()
        free = H[row].numpy() @ U[:, ~held]
        scale = float(H[row].abs().max() * b[row].abs().max())
        np.testing.assert_allclose(free.T @ residual / scale, 0, atol=1e-10)


def test_clamped_step_is_another(system):
    """The control that clamps H itself takes P b, not H^-1 b."""
    H, b = system
    exact = torch.linalg.solve(H, b)
    away = (opponents.clamped(H, b).dx - exact).norm(dim=1) / exact.norm(dim=1)
    assert away.min() > 1e-3


def test_other_preconditioners_end_at_the_same_step(system):
    """Identity, Jacobi and a random SPD matrix change the number of steps only."""
    H, b = system
    A = torch.randn(len(H), 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    exact = opponents.none(H, b)
    for update in (
        opponents.identity(H, b),
        opponents.jacobi(H, b),
        opponents.with_preconditioner(H, b, A @ A.mT),
    ):
        torch.testing.assert_close(update.dx, exact.dx, atol=1e-6, rtol=0)
        assert (update.steps >= 4).all()
    assert exact.steps.max() == 0
