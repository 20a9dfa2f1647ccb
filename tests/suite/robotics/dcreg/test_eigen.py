"""Batched eigenvalues of symmetric 3x3 matrices against LAPACK."""

import pytest
import torch

from suite.robotics.dcreg import eigen
from suite.robotics.dcreg.small import batch_last


def matrices(seed, log_spread, count=50):
    """Return symmetric matrices with random axes and eigenvalues over decades, (3, 3, count)."""
    random = torch.Generator().manual_seed(seed)
    Q, _ = torch.linalg.qr(torch.randn(count, 3, 3, dtype=torch.float64, generator=random))
    values = 10 ** (log_spread * torch.rand(count, 1, 3, dtype=torch.float64, generator=random) - 2)
    A = (Q * values) @ Q.mT
    return batch_last((A + A.mT) / 2)


@pytest.fixture(name="many", autouse=True)
def _many(monkeypatch):
    """Treat any number of matrices as many."""
    monkeypatch.setattr(eigen, "FEW", 0)


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("log_spread", [0.0, 1.0, 3.0, 8.0])
def test_symmetric_agrees_with_lapack(log_spread, few, monkeypatch):
    """V diag(values) V' is A, V is orthonormal, and the values are LAPACK's, to rounding."""
    monkeypatch.setattr(eigen, "FEW", few)
    A = matrices(int(log_spread), log_spread, count=400)
    values, V = eigen.symmetric(A)
    V, rows = V.permute(2, 0, 1), A.permute(2, 0, 1)
    size = rows.abs().amax(dim=(1, 2), keepdim=True)
    torch.testing.assert_close((V * values.T.unsqueeze(1)) @ V.mT / size, rows / size)
    torch.testing.assert_close(V.mT @ V, torch.eye(3).to(V).expand_as(V), atol=1e-13, rtol=0)
    found = values.T.sort(dim=1).values / size[..., 0]
    torch.testing.assert_close(
        found, torch.linalg.eigvalsh(rows) / size[..., 0], atol=1e-14, rtol=1e-14
    )


def test_symmetric_leaves_diagonal_and_zero_matrices():
    """A diagonal matrix is its own decomposition; so is zero, without a division by zero."""
    A = torch.stack((torch.diag(torch.tensor([3.0, -1.0, 2.0])), torch.zeros(3, 3)), -1).double()
    values, V = eigen.symmetric(A)
    torch.testing.assert_close(values, torch.tensor([[3.0, 0], [-1, 0], [2, 0]]).double())
    torch.testing.assert_close(V, torch.eye(3).double().unsqueeze(-1).expand(3, 3, 2))


def test_symmetric_with_multiple_eigenvalues():
    """Multiple eigenvalues leave the vectors orthonormal and A = V diag(values) V'."""
    n = torch.nn.functional.normalize(torch.tensor([[1.0, 2, 3], [1, 0, 0]]).double(), dim=1)
    A = batch_last(torch.eye(3).double() + 2 * n[:, :, None] * n[:, None])
    values, V = eigen.symmetric(A)
    torch.testing.assert_close(torch.einsum("ian,an,jan->ijn", V, values, V), A)
    torch.testing.assert_close(values.sum(dim=0), torch.full((2,), 5.0).double())


def test_least_direction_of_flat_neighbourhoods_is_their_normal():
    """For spreads flat to 1 in 10 to 1 in 1e6, the direction is LAPACK's eigenvector."""
    for flatness in (1e-2, 1e-6, 1e-12):
        A = matrices(3, 0.5)
        Q = torch.linalg.eigh(A.permute(2, 0, 1)).eigenvectors
        values = torch.tensor([flatness, 1.0, 2.0]).double()
        found = eigen.least_direction(batch_last((Q * values) @ Q.mT))
        assert found.shape == (3, 50)
        torch.testing.assert_close(
            (found * Q[:, :, 0].T).sum(dim=0).abs(), torch.ones(50).double(), atol=1e-13, rtol=0
        )


def test_least_direction_of_an_exact_plane():
    """Points with z = 0 have the normal z, although the smallest eigenvalue is exactly zero."""
    A = torch.diag(torch.tensor([2.0, 3.0, 0.0])).double().unsqueeze(-1)
    torch.testing.assert_close(
        eigen.least_direction(A)[:, 0].abs(), torch.tensor([0.0, 0, 1]).double()
    )
