"""DCReg's step: the released example, exactness for any preconditioner, and singular systems."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from suite.robotics.dcreg import detection, method, opponents
from tests.suite.robotics.dcreg.test_detection import hessian, points_of


def example():
    """Return H and b of the released minimal example."""
    B = torch.eye(6).double()
    B[0, 2], B[1, 5], B[2, 5], B[3, 2], B[4, 5] = 0.35, 0.15, 0.45, 0.20, 0.25
    J = B * torch.tensor([6, 4.5, 1.1, 5, 3.5, 0.18]).double()
    b = torch.tensor([[0.8, -1.1, 0.6, -0.5, 0.3, 1.4]]).double()
    return (J.mT @ J)[None], b


def systems(scene, offset=(0.0, 0.0, 0.0), rows=20):
    """Return H and b of a scene with random residuals, its frame moved by an offset."""
    p, n = points_of(scene, rows=rows, N=1500)
    random = torch.Generator().manual_seed(5)
    r = 0.1 * torch.randn(rows, p.shape[1], dtype=torch.float64, generator=random)
    g = rows_of(p + torch.tensor(offset).double(), n)
    return g.mT @ g, -(g.mT @ r.unsqueeze(-1)).squeeze(-1)


def rows_of(p, n):
    """Return [p x n, n]."""
    return torch.cat((torch.linalg.cross(p, n), n), dim=-1)


def test_released_example():
    """Check 4: conditions, aligned eigenvalues, mask and steps are the release's."""
    H, b = example()
    found = detection.schur(H)
    update = method.dcreg(H, b)
    assert float(detection.full_condition(H)) == pytest.approx(1122.3456, abs=5e-5)
    np.testing.assert_allclose(found.values[0, 0], [36.15250, 19.88197, 1.00180], atol=5e-6)
    np.testing.assert_allclose(found.values[0, 1], [24.03871, 12.25203, 0.0323943], atol=5e-6)
    np.testing.assert_allclose(found.condition[0], [36.0877, 742.0664], atol=5e-5)
    assert update.flags.int().tolist() == [[0, 0, 1, 0, 0, 1]]
    assert update.steps.tolist() == [6]
    assert not update.fallback.any()
    np.testing.assert_allclose(update.dx[0], linalg.solve(H[0].numpy(), b[0].numpy()), atol=1e-8)


@pytest.mark.parametrize(
    ("kappa", "steps"), [(1.0, 6), (2.0, 6), (5.0, 6), (10.0, 6), (20.0, 5), (50.0, 5), (100.0, 5)]
)
def test_kappa_changes_the_steps_only(kappa, steps):
    """Check 8: 6 steps up to kappa 10 and 5 from 20 on; dx moves by less than 5e-8."""
    H, b = example()
    update = method.dcreg(H, b, kappa=kappa)
    assert update.steps.tolist() == [steps]
    torch.testing.assert_close(update.dx, method.dcreg(H, b).dx, atol=5e-8, rtol=0)


def test_preconditioner_inverts_the_clamped_blocks():
    """P^-1 has the block's eigenvectors; weak modes have lambda_max / kappa, others their own."""
    H, _ = systems("corridor_0.01")
    found = detection.schur(H)
    assert found.mask.any()
    P = method.preconditioner(found, kappa=7.0)
    for row in range(3):
        for block, part in enumerate((slice(0, 3), slice(3, 6))):
            values = found.values[row, block].clone()
            weak = found.mask[row, 3 * block : 3 * block + 3]
            values[weak] = values.max() / 7
            V = found.vectors[row, block]
            expected = V @ torch.diag(values) @ V.T
            inverse = torch.linalg.inv(P[row, part, part])
            torch.testing.assert_close(inverse, expected, rtol=1e-9, atol=1e-9)
    assert P[:, :3, 3:].abs().max() == P[:, 3:, :3].abs().max() == 0


@given(seed=st.integers(0, 1000))
def test_six_steps_with_any_preconditioner(seed):
    """Check 3: whatever the SPD preconditioner, six steps end at H^-1 b to 1e-8."""
    random = torch.Generator().manual_seed(seed)
    A, B = torch.randn(2, 30, 6, 12, dtype=torch.float64, generator=random)
    b = torch.randn(30, 6, dtype=torch.float64, generator=random)
    H, P = A @ A.mT, B @ B.mT
    dx, steps, converged = method.pcg(H, b, P, tolerance=1e-10, cap=8)
    assert converged.all()
    # Rounding can ask for one step more than exact arithmetic.
    assert steps.max() <= 7
    exact = torch.linalg.solve(H, b)
    assert ((dx - exact).norm(dim=1) / exact.norm(dim=1)).max() < 1e-8


@pytest.mark.parametrize("scene", ["corridor_0.01", "box", "stairs"])
def test_step_is_that_of_gauss_newton(scene):
    """Claim 4: after six steps at most it equals scipy's solution of H dx = b to 1e-7."""
    H, b = systems(scene)
    update = method.dcreg(H, b)
    pairs = zip(H.numpy(), b.numpy(), strict=True)
    exact = np.stack([linalg.solve(*each, assume_a="pos") for each in pairs])
    np.testing.assert_allclose(update.dx, exact, atol=1e-7)
    assert update.steps.max() <= 6
    assert not update.fallback.any()


@pytest.mark.parametrize("scene", ["corridor_0.01", "box", "stairs"])
def test_far_frame_keeps_the_residual_small(scene):
    """100 m off, eight steps bring |H dx - b| below 1e-6 max(1, |b|); dx itself is less exact."""
    H, b = systems(scene, (100.0, 0.0, 0.0))
    update = method.dcreg(H, b)
    residual = ((H @ update.dx.unsqueeze(-1)).squeeze(-1) - b).norm(dim=1)
    assert (residual <= 2e-6 * b.norm(dim=1).clamp(min=1)).all()
    assert update.steps.max() <= 8
    assert not update.fallback.any()


def test_preconditioner_saves_steps_in_a_far_frame():
    """100 m off, plain conjugate gradients take more steps; the mutant P = I is seen there."""
    H, b = systems("corridor_0.01", (0.0, 0.0, 100.0))
    ours, plain = method.dcreg(H, b), opponents.identity(H, b)
    assert plain.steps.double().mean() > ours.steps.double().mean() + 0.5


def test_rows_do_not_meet():
    """A row's step is the same alone and in a batch, where others stop earlier or fail."""
    H, b = systems("corridor_0.03", rows=4)
    H, b = torch.cat((H, torch.eye(6)[None], torch.zeros(1, 6, 6))), torch.cat((b, b[:2]))
    b[4] = 0.0
    together = method.dcreg(H, b)
    for row in range(6):
        alone = method.dcreg(H[row, None], b[row, None])
        torch.testing.assert_close(together.dx[row], alone.dx[0], rtol=1e-10, atol=1e-12)
        assert together.steps[row] == alone.steps[0]
    assert together.dx[4].abs().max() == 0
    assert together.dx[5].abs().max() == 0


def test_plane_is_solved_by_least_norm():
    """Check 7: on an exact plane the step is finite, the shortest, and marked as a fallback."""
    p, n = points_of("plane")
    g = rows_of(p, n)
    H = hessian(p, n)
    dx = torch.randn(len(H), 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    b = (H @ dx.unsqueeze(-1)).squeeze(-1)
    update = method.dcreg(H, b)
    assert update.fallback.all()
    assert update.flags.all()
    for row in range(len(H)):
        expected = np.linalg.lstsq(g[row].numpy(), (g[row] @ dx[row]).numpy(), rcond=1e-9)[0]
        np.testing.assert_allclose(update.dx[row], expected, atol=1e-9)


def test_unconverged_rows_are_solved_directly():
    """At a cap of two steps the direct solution is taken, and the row says so."""
    H, b = systems("box")
    P = torch.eye(6).double().expand_as(H)
    update = method.solve(H, b, P, torch.zeros_like(b, dtype=torch.bool), cap=2)
    assert update.fallback.all()
    torch.testing.assert_close(update.dx, torch.linalg.solve(H, b), rtol=1e-9, atol=1e-12)


def test_three_steps_are_not_enough():
    """The control stopped at three steps is away from H^-1 b by more than 1e-6."""
    H, b = systems("corridor_0.01")
    away = (opponents.three_steps(H, b).dx - torch.linalg.solve(H, b)).norm(dim=1)
    assert away.median() > 1e-6


def test_direct_mixes_regular_and_singular_rows():
    """Each row gets the solution of least norm, as numpy's, in whatever company."""
    H, b = systems("box", rows=3)
    H[1] = torch.diag(torch.tensor([1.0, 0, 2, 0, 3, 0])).double()
    found = method.direct(H, b)
    for row in range(3):
        expected = np.linalg.lstsq(H[row].numpy(), b[row].numpy(), rcond=1e-12)[0]
        np.testing.assert_allclose(found[row], expected, rtol=1e-9)
