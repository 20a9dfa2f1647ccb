"""Third parties are called as their pins say, and agree with the suite where they must."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.robotics import dcreg as pins
from claimbench.evidence.streams import Streams
from suite.robotics.dcreg import contenders, detection, peers, so3
from suite.robotics.dcreg.icp import pose_error
from suite.robotics.dcreg.problem import registrations


def registration(scene="box", M=3000, N=400, n=2):
    streams = Streams("robotics/dcreg", "test", 0, range(n))
    return registrations([scene], M, N, streams=streams, n=n)


def pose(problem, row):
    return [T for _, _, T in peers.each(problem)][row]


def test_small_gicp_ends_where_gauss_newton_ends():
    """In a box, from 0.3 m off, both end within a centimetre of the truth and of each other."""
    problem = registration()
    found, ours = peers.small_gicp(problem), contenders.none(registration())
    assert float(pose_error(problem, found.R, found.t)[0].max()) < 0.01
    assert float((found.t - ours.t).norm(dim=1).max()) < 0.01
    assert found.converged.all()
    assert torch.equal(problem.calls, found.iterations)
    assert int(found.iterations.min()) > 1


def test_small_gicp_counts_iterations_from_one():
    """Of one iteration allowed it reports one, and it is not yet converged."""
    problem = registration(n=1)
    target, source, T = next(peers.each(problem))
    prepared = pins.small_gicp_target(target)
    one = pins.small_gicp(prepared, source, T, iterations=1)
    assert one.iterations == 1
    assert not one.converged
    assert pins.small_gicp(prepared, source, T, iterations=3).iterations == 3


def test_its_normal_equations_are_rotation_first_in_the_body_frame():
    """Its first H is J'J, b is J'e with e = n * (x - q), one entry for each axis, and x = R p + t.

    Not n.(x - q): point to plane only where normals lie along axes. Swapped halves do not fit.
    """
    problem = registration("corridor_0.1", n=1)
    target, source, T = next(peers.each(problem))
    prepared = pins.small_gicp_target(target)
    found = pins.small_gicp(prepared, source, T, iterations=1)
    R, t = torch.tensor(T[:3, :3]), torch.tensor(T[:3, 3])
    cloud, normals = (
        torch.tensor(np.array(part)[:, :3])
        for part in (prepared.cloud.points(), prepared.cloud.normals())
    )
    p = torch.tensor(source)
    distance, nearest = torch.cdist(p @ R.T + t, cloud).min(dim=1)
    assert float(distance.max()) < pins.RADIUS
    n, q = normals[nearest], cloud[nearest]
    moves = torch.cat((-R @ so3.skew(p), R.expand(len(p), 3, 3)), dim=2)
    J = (n[:, :, None] * moves).flatten(0, 1)
    e = (n * (p @ R.T + t - q)).flatten()
    H, b = torch.tensor(found.H), torch.tensor(found.b)
    torch.testing.assert_close(J.T @ J, H)
    torch.testing.assert_close(J.T @ e, b)
    assert not torch.allclose(H.roll((3, 3), dims=(0, 1)), H, rtol=0.5)


def test_its_normal_equations_are_fit_for_the_detector():
    """In a corridor, where its H is ours to 5%, the same directions are weak."""
    problem = registration("corridor_0.1", n=1)
    target, source, T = next(peers.each(problem))
    found = pins.small_gicp(pins.small_gicp_target(target), source, T, iterations=1)
    theirs = detection.schur(torch.tensor(found.H)[None])
    rows = torch.arange(1)
    ours = detection.schur(problem.linearise(problem.R0, problem.t0, rows).H)
    assert theirs.mask.any()
    assert torch.equal(theirs.mask, ours.mask)


def fake_open3d(seen):
    """Return a module that takes what open3d takes, keeps it, and moves the source by 1 m."""

    def register(source, target, radius, T, estimation, criteria):
        seen.update(source=source, target=target, radius=radius, T=T, criteria=criteria)
        assert estimation == "point to plane"
        moved = T.copy()
        moved[0, 3] += 1
        return SimpleNamespace(transformation=moved)

    registration = SimpleNamespace(
        registration_icp=register,
        TransformationEstimationPointToPlane=lambda: "point to plane",
        ICPConvergenceCriteria=lambda *options: options,
    )
    module = ModuleType("open3d")
    module.geometry = SimpleNamespace(PointCloud=SimpleNamespace)
    module.utility = SimpleNamespace(Vector3dVector=np.array)
    module.pipelines = SimpleNamespace(registration=registration)
    return module


def test_open3d_is_given_the_suites_normals(monkeypatch):
    """Source first, target with our normals second, partners within 1 m, 30 iterations."""
    seen = {}
    monkeypatch.setitem(sys.modules, "open3d", fake_open3d(seen))
    problem = registration(M=300, N=50, n=1)
    found = peers.open3d(problem)
    np.testing.assert_array_equal(seen["target"].points, problem.targets.points[0])
    np.testing.assert_array_equal(seen["target"].normals, problem.targets.normals()[0])
    np.testing.assert_array_equal(seen["source"].points, problem.source[0])
    assert seen["radius"] == 1
    assert seen["criteria"] == (1e-6, 1e-6, 30)
    torch.testing.assert_close(found.t, problem.t0 + torch.tensor([1.0, 0, 0]))
    torch.testing.assert_close(found.R, problem.R0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_poses_are_four_by_four(axis):
    """A point p goes to R0 p + t0."""
    problem = registration(M=50, N=20, n=2)
    T = pose(problem, 1)
    p = np.eye(4)[axis] + np.eye(4)[3]
    expected = problem.R0[1][:, axis] + problem.t0[1]
    np.testing.assert_allclose((T @ p)[:3], expected)
    assert float(so3.angle(torch.tensor(T[:3, :3]) @ problem.R0[1].T)) < 1e-12
