"""Linear problems are what their docstrings say, and numpy's steps are torch's."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from suite.robotics.dcreg import detection, detectors, linear, method, opponents, single, solvers
from suite.robotics.dcreg.correspondences import jacobian
from suite.robotics.dcreg.evaluate import measure_batch, measure_marginals, measure_steps


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams."""

    def each(self, purpose="problem"):
        return [np.random.default_rng([*map(ord, purpose), i]) for i in self.replicates]

    def torch(self, purpose):
        return torch.Generator().manual_seed(sum(map(ord, purpose)))


def streams(n=2):
    return Streams(replicates=range(n), device="cpu")


SCENE = ["corridor_0.1", "corridor_0.1"]
FRAME = ["in the scene", "5 m above"]


def test_frames_see_the_same_points_from_elsewhere():
    """5 m above, every point lies 5 m lower; normals are exact, of length one, and the same."""
    p, n = linear.sample(SCENE, FRAME, 50, streams())
    assert p.shape == n.shape == (4, 50, 3)
    torch.testing.assert_close(p[:2] - p[2:], torch.tensor([0, 0, 5.0]).double().expand(2, 50, 3))
    assert torch.equal(n[:2], n[2:])
    assert set(n.abs().sum(dim=-1).flatten().tolist()) == {1.0}
    assert not torch.equal(p[0], p[1])


def test_tilted_normals_are_unit_and_off_by_their_noise():
    """Noise of 0.02 rad turns normals by 0.02 in each of two directions."""
    _, exact = linear.sample(["box"], ["in the scene"], 2000, streams())
    _, tilted = linear.sample(["box"], ["in the scene"], 2000, streams(), normal_noise=0.02)
    torch.testing.assert_close(tilted.norm(dim=-1), torch.ones(2, 2000).double())
    angle = (exact * tilted).sum(dim=-1).clamp(max=1).acos()
    assert float(angle.square().mean().sqrt()) == pytest.approx(0.02 * np.sqrt(2), rel=0.05)


def test_stairs_are_centred_where_asked():
    """Their points then have the mean 0, up to the sample's."""
    p, _ = linear.sample(["stairs"], ["in the scene"], 2000, streams(), centred=True)
    off, _ = linear.sample(["stairs"], ["in the scene"], 2000, streams())
    assert float(p.mean(dim=(0, 1)).norm()) < 0.1
    assert float(off.mean(dim=(0, 1)).norm()) > 1


@pytest.mark.parametrize("frame", ["in the scene", "5 m aside"])
def test_complements_predict_the_spread_and_their_mutants_do_not(frame):
    """Schur is within 15% (200 draws); off the middle, blocks alone and the wrong sign are not."""
    problem = linear.marginals(["stairs"], [frame], 300, 200, streams=streams(), n=2)
    worst = {}
    for contender in (
        detectors.schur_marginals, detectors.diagonal_marginals, detectors.plus_marginals,
    ):  # fmt: skip
        columns = measure_marginals(problem, contender(problem))
        assert all(column.shape == (2,) for column in columns.values())
        worst[contender.__name__] = float(torch.stack(list(columns.values())).abs().max())
    assert worst["schur_marginals"] < 0.15
    if frame != "in the scene":
        assert worst["diagonal_marginals"] > 0.4
        assert worst["plus_marginals"] > 0.4


def test_blocks_do_not_predict_less_than_nothing():
    """An oracle: the prediction of Schur is the diagonal of sigma^2 H^-1."""
    problem = linear.marginals(["box"], ["5 m above"], 100, 4, streams=streams(), n=2)
    variances = problem.sigma**2 * torch.linalg.inv(problem.H).diagonal(dim1=1, dim2=2)
    torch.testing.assert_close(detectors.schur_marginals(problem), variances.sqrt())


def test_millimetres_change_the_unit_and_nothing_else():
    """H in millimetres is D H D; gates by eigenvalue then see another matrix."""
    problem = linear.detection(["plane"], ["in the scene"], 200, streams=streams(), n=2)
    D = torch.diag(torch.tensor([1, 1, 1, 1e-3, 1e-3, 1e-3]).double())
    torch.testing.assert_close(problem.H_mm, D @ problem.H @ D)
    assert problem.truth.tolist() == [[False, False, True, True, True, False]] * 2
    assert problem.gate == 120 * 200 / 1500
    found = detectors.schur(problem)
    assert torch.equal(found.mask, found.mask_mm)
    torch.testing.assert_close(found.condition, found.condition_mm)
    whole = detectors.me(problem)
    assert not torch.equal(whole.mask, whole.mask_mm)
    assert torch.equal(whole.condition[:, 0], whole.condition[:, 1])
    expected = torch.linalg.cond(problem.H)
    torch.testing.assert_close(whole.condition[:, 0], expected)


def test_residuals_are_those_of_the_error():
    """Solved without weights and without noise, the system gives minus the initial error."""
    p, n = linear.sample(["box"], ["in the scene"], 100, streams(1))
    g = jacobian(p, n)[0]
    r = linear.residuals(g, np.random.default_rng(0))
    error = -torch.linalg.lstsq(g, -r).solution
    assert float(error[3:].norm()) == pytest.approx(linear.SHIFT, abs=0.02)
    assert float(error[:3].norm()) < 6 * linear.TURN
    assert float((g @ error - r).std()) == pytest.approx(linear.NOISE, rel=0.3)


def test_frames_of_systems_differ_in_the_moments_only():
    """The residuals, and so the translational half of b, are one for all frames."""
    settings = {"scene": SCENE, "frame": ["in the scene", "100 m along x"]}
    problem = linear.systems(**settings, N=200, streams=streams(), n=2)
    torch.testing.assert_close(problem.b[:2, 3:], problem.b[2:, 3:])
    torch.testing.assert_close(problem.H[:2, 3:, 3:], problem.H[2:, 3:, 3:])
    assert not torch.allclose(problem.H[:2, :3, :3], problem.H[2:, :3, :3])


def test_a_batch_holds_subsets_of_one_cloud():
    """Every H is a sum over all points with other weights: positive definite, and no two alike."""
    problem = linear.batch_of_systems(64, streams=streams(1), n=1)
    assert problem.H.shape == (64, 6, 6)
    assert problem.b.shape == (64, 6)
    assert problem.calls.shape == (1,)
    assert float(torch.linalg.eigvalsh(problem.H).min()) > 0
    assert len(problem.H[:, 0, 0].unique()) == 64
    points = problem.H[:, 3:, 3:].diagonal(dim1=1, dim2=2).sum(dim=1)
    assert 200 < float(points.mean()) < 450  # of 600, three quarters, weighted below 1
    assert problem.gate == 120 * 450 / 1500


BATCHED = {
    solvers.dcreg: (method.dcreg, solvers.dcreg_single, solvers.dcreg_looped),
    solvers.direct: (opponents.none, solvers.direct_single),
    solvers.me_sr: (opponents.me_sr, solvers.me_sr_single),
}


@pytest.mark.parametrize("batched", BATCHED, ids=lambda function: function.__name__)
def test_steps_one_by_one_are_those_of_the_batch(batched):
    """Torch on all, torch on one and numpy on one give one dx, written twice; steps agree."""
    problem = linear.batch_of_systems(120, streams=streams(1), n=1)
    whole = batched(problem)
    assert whole.dx.shape == (120, 6)
    for other in BATCHED[batched][1:]:
        found = other(problem)
        count = solvers.CALLED if other is solvers.dcreg_looped else solvers.LOOPED
        assert found.dx.shape == (count, 6)
        torch.testing.assert_close(found.dx, whole.dx[:count], rtol=0, atol=2e-8)
        assert torch.equal(found.steps, whole.steps[:count])


def test_numpys_step_falls_back_on_a_direct_solve():
    """Of two steps allowed it reports two and returns the direct solution."""
    problem = linear.batch_of_systems(1, streams=streams(1), n=1)
    H, b = problem.H[0].numpy(), problem.b[0].numpy()
    P = np.eye(6)
    found = single._conjugate_gradients(H, b, P, cap=2)
    assert found.steps == 2
    np.testing.assert_allclose(H @ found.dx, b, atol=1e-9)


def test_preconditioners_end_at_one_solution():
    """Whatever the preconditioner, dx is H^-1 b to 1e-6; three steps do not suffice."""
    problem = linear.systems(["corridor_0.03"], ["in the scene"], N=300, streams=streams(), n=2)
    exact = torch.linalg.solve(problem.H, problem.b)
    for contender in (solvers.dcreg, solvers.identity, solvers.jacobi):
        columns = measure_steps(problem, contender(problem))
        assert float(columns["off"].max()) < 1e-6
        torch.testing.assert_close(contender(problem).dx, exact, rtol=0, atol=1e-6)
    random = solvers.random_spd(problem, streams=streams())
    torch.testing.assert_close(random.dx, exact, rtol=0, atol=1e-6)
    assert float(measure_steps(problem, solvers.three_steps(problem))["off"].max()) > 1e-6


def test_kappa_reaches_the_method():
    """Clamped to another condition, the same systems take another number of steps."""
    counts = set()
    for kappa in (1.0, 10.0, 100.0):
        made = linear.systems(
            ["corridor_0.01"], ["in the scene"], kappa, 1500, streams=streams(6), n=6
        )
        assert detection.schur(made.H).mask.any()
        counts.add(float(solvers.dcreg(made).steps.double().mean()))
    assert len(counts) > 1


def test_a_batch_is_measured_as_one():
    """One row for all systems: how many, their mean steps, the worst distance."""
    problem = linear.batch_of_systems(10, streams=streams(1), n=1)
    step = solvers.direct(problem)
    wrong = step._replace(dx=step.dx + torch.eye(10, 6) * 0.5)
    columns = measure_batch(problem, wrong)
    assert columns["answered"].tolist() == [10]
    assert columns["pcg_steps"].tolist() == [0]
    assert columns["off"].tolist() == pytest.approx([0.5])
