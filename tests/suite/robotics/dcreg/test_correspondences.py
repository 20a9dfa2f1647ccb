"""Planes, weights and normal equations against definitions one point at a time."""

import numpy as np
import pytest
import torch

from suite.robotics.dcreg import correspondences as of
from suite.robotics.dcreg import so3
from suite.robotics.dcreg.search import Targets


def test_jacobian_is_the_derivative_of_the_distance():
    """Check 9: g against central differences of n.(R Exp(omega) p + R v + t) + d, to 1e-7."""
    random = torch.Generator().manual_seed(0)
    p, n, omega, t = torch.randn(4, 3, dtype=torch.float64, generator=random)
    n, R, d, h = n / n.norm(), so3.exp(omega), 0.7, 1e-6

    def distance(dx):
        return n @ (R @ so3.exp(dx[:3]) @ p + R @ dx[3:] + t) + d

    steps = h * torch.eye(6).double()
    expected = torch.stack([(distance(e) - distance(-e)) / (2 * h) for e in steps])
    torch.testing.assert_close(of.jacobian(p, R.T @ n), expected, atol=1e-7, rtol=0)


@pytest.mark.parametrize("mutant", ["normal not rotated", "translation first"])
def test_jacobian_mutants_are_seen(mutant):
    """The same differences refuse a normal in the target's frame, and swapped columns."""
    random = torch.Generator().manual_seed(0)
    p, n, omega = torch.randn(3, 3, dtype=torch.float64, generator=random)
    R = so3.exp(omega)
    right = of.jacobian(p, R.T @ n)
    wrong = of.jacobian(p, n) if mutant == "normal not rotated" else right.roll(3)
    assert (right - wrong).abs().max() > 0.1


@pytest.mark.parametrize("derivative", [False, True])
def test_normal_equations_are_sums_over_points(derivative):
    """H and b are the sums of J'J and -J' w r over points, J = (w + r w') g."""
    random = np.random.default_rng(1)
    g, r = random.standard_normal((2, 50, 6)), random.uniform(-1.4, 1.4, size=(2, 50))
    w = of.weights(torch.from_numpy(r)).numpy()
    H, b = np.zeros((2, 6, 6)), np.zeros((2, 6))
    for row, i in np.ndindex(2, 50):
        if 1 - 0.9 * abs(r[row, i]) <= 0.1:
            assert w[row, i] == 0
            continue
        weight = 1 - 0.9 * abs(r[row, i])
        slope = -0.9 * np.sign(r[row, i]) if derivative else 0.0
        J = (weight + r[row, i] * slope) * g[row, i]
        H[row] += np.outer(J, J)
        b[row] -= J * weight * r[row, i]
    found = of.normal_equations(
        *(torch.from_numpy(each) for each in (g, w, r)), derivative=derivative
    )
    np.testing.assert_allclose(found[0], H, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[1], b, rtol=1e-12, atol=1e-12)


def test_derivative_turns_long_residuals_around():
    """With the derivative on, a residual beyond 0.5556 m pulls the other way."""
    g = torch.ones(1, 1, 6).double()
    for r, sign in ((0.55, -1), (0.56, 1)):
        residual = torch.full((1, 1), r).double()
        _, b = of.normal_equations(g, of.weights(residual), residual, derivative=True)
        assert (b.sign() == sign).all()


def one_fit(points, x):
    """Return LOAM's plane of one point by numpy's pseudo-inverse: n and d, or None."""
    distances = ((points - x) ** 2).sum(axis=1)
    five = np.argsort(distances)[:5]
    if distances[five[-1]] >= 1.0:
        return None
    n = np.linalg.pinv(points[five], rcond=1e-10) @ -np.ones(5)
    length = np.linalg.norm(n)
    if length < 1e-6:
        return None
    n, d = n / length, 1 / length
    return None if np.abs(points[five] @ n + d).max() >= 0.2 else (n, d)


def test_fitted_planes_are_those_of_a_pseudo_inverse():
    """LOAM's fit, floors through the origin included, agrees with numpy's at every point."""
    random = np.random.default_rng(2)
    points = random.uniform(-3, 3, size=(400, 3))
    points[:200, 2] = 0.0
    points[200:, 0] = 3.0 + 0.01 * random.standard_normal(200)
    x = points + random.uniform(-0.3, 0.3, size=(400, 3))
    targets = Targets(torch.from_numpy(points)[None])
    found = of.fitted(targets, torch.tensor([0]), torch.from_numpy(x)[None])
    expected = [one_fit(points, each) for each in x]
    assert found.found[0].tolist() == [each is not None for each in expected]
    assert 100 < found.found.sum() < 300
    for i, plane in enumerate(expected):
        if plane is not None:
            np.testing.assert_allclose(found.n[0, i], plane[0], atol=1e-9)
            assert float(found.r[0, i]) == pytest.approx(plane[0] @ x[i] + plane[1], abs=1e-9)


def test_floor_through_the_origin_is_seldom_found():
    """Five points with z = 0 exactly have no such plane: nine fits in ten are rejected."""
    random = np.random.default_rng(3)
    points = np.column_stack((random.uniform(-20, 20, size=(2000, 2)), np.zeros(2000)))
    targets = Targets(torch.from_numpy(points)[None])
    found = of.fitted(targets, torch.tensor([0]), torch.from_numpy(points)[None])
    assert found.found.double().mean() < 0.1


def test_nearest_has_distance_and_normal_of_a_plane():
    """Points around a tilted plane have its normal, and their distance along it."""
    random = np.random.default_rng(4)
    R = so3.exp(torch.tensor([0.3, -0.5, 0.2]).double())
    flat = np.column_stack((random.uniform(-2, 2, size=(3000, 2)), np.zeros(3000)))
    points = torch.from_numpy(flat) @ R.T
    x = points[:200] + 0.1 * R[:, 2]
    found = of.nearest(Targets(points[None]), torch.tensor([0]), x[None])
    side = (found.n[0] @ R[:, 2]).sign()
    torch.testing.assert_close(found.n[0] * side[:, None], R[:, 2].expand(200, 3))
    torch.testing.assert_close(found.r[0] * side, torch.full((200,), 0.1).double())
    assert found.found.all()


def test_nearest_beyond_a_metre_is_none():
    """A point 1.01 m away has no correspondence, one 0.99 m away has."""
    points = torch.randn(1, 50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    points[0, :, 2] = 0.0
    x = points[:, :2].clone()
    x[0, :, 2] = torch.tensor([0.99, 1.01]).double()
    assert of.nearest(Targets(points), torch.tensor([0]), x).found.tolist() == [[True, False]]
