"""The eight checks of the protocol, and the mutants of the method that a unit test can see."""

from math import pi, sqrt
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from suite.optimization.subgm.method import (
    adaptive,
    geometric,
    iterates,
    random_start,
    spectral_start,
    subgm,
)
from suite.optimization.subgm.problem import Evaluation, matrix_recovery


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams."""

    def each(self, purpose):
        return [np.random.default_rng([*map(ord, purpose), i]) for i in self.replicates]


def recovery(d=6, r=2, m=60, T=40, search_rank=6, alpha=1e-2, n=2, **settings):
    streams = Streams(replicates=range(n), device="cpu")
    return matrix_recovery(d, r, m, T, search_rank, alpha, streams=streams, n=n, **settings)


def normal(*shape, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal(shape))


def dense(problem):
    """Return the symmetric measurement matrices, (n, m, d, d), of the packed ones."""
    i, j = np.triu_indices(problem.d)
    A = np.zeros((problem.n, problem.m, problem.d, problem.d))
    A[..., i, j] += problem.A.numpy() / 2
    A[..., j, i] += problem.A.numpy() / 2
    return A


class Fixed:
    """A problem whose oracle answers one f and one Q everywhere."""

    def __init__(self, f, Q, T=1):
        self.answer, self.T = Evaluation(f, Q), T

    def subgradient(self, _):
        return self.answer


class Population:
    """What the oracle answers on average: f = c ||Delta||_F, Q = c Delta / ||Delta||_F."""

    def __init__(self, truth, T=1):
        self.truth, self.T = truth, T

    def subgradient(self, U):
        Delta = U @ U.mT - self.truth
        length = torch.linalg.matrix_norm(Delta)
        return Evaluation(sqrt(2 / pi) * length, sqrt(2 / pi) * Delta / length[:, None, None])


def test_subgradient_is_the_finite_difference():
    """D = 2 Q U is the central difference of f in every entry of U, to 1e-6 (check 1)."""
    problem = recovery(d=4, m=30, search_rank=3, n=1, p=0.2, magnitude=5.0)
    U = normal(1, 4, 3)
    D = 2 * problem.subgradient(U).Q @ U
    for i in range(4):
        for j in range(3):
            step = torch.zeros_like(U)
            step[0, i, j] = 1e-6
            slope = (problem.loss(U + step) - problem.loss(U - step)) / 2e-6
            assert float(slope) == pytest.approx(float(D[0, i, j]), abs=1e-6)


def at(problem, Delta):
    """Return a factor of X* + Delta, Delta positive semidefinite."""
    values, vectors = torch.linalg.eigh(problem.truth + Delta)
    return vectors * values.clamp(min=0).sqrt().unsqueeze(-2)


def direction(length, d=5):
    """Return a positive semidefinite Delta of rank 2 and this Frobenius norm."""
    G = normal(1, d, 2, seed=1)
    Delta = G @ G.mT
    return length * Delta / torch.linalg.matrix_norm(Delta)


def test_loss_is_on_average_the_distance():
    """The mean of abs <A, Delta> over 2e5 measurements is sqrt(2/pi) ||Delta||_F (check 2)."""
    problem = recovery(d=5, r=1, m=200_000, n=1)
    loss = problem.loss(at(problem, direction(2.0)))
    assert float(loss) == pytest.approx(2 * sqrt(2 / pi), rel=0.01)


@pytest.mark.parametrize(
    ("noise", "phi"),
    [
        # E exp(-s^2 / (2 Delta^2)) of s = abs N(0, 3^2) at Delta = 2 is 1 / sqrt(1 + 9/4).
        ({"p": 0.4, "magnitude": 3.0}, sqrt(2 / pi) * (0.6 + 0.4 / sqrt(1 + 9 / 4))),
        ({"p": 0.4, "magnitude": 3.0, "sides": 2}, sqrt(2 / pi) * (0.6 + 0.4 / sqrt(1 + 9 / 4))),
        ({"sigma": 1.5}, sqrt(2 / pi) * 2 / sqrt(4 + 1.5**2)),
    ],
)
def test_sign_gradient_points_along_the_error_whatever_the_noise(noise, phi):
    """Q projects to phi on Delta, and little is left beside it, for 2e5 measurements (check 3)."""
    problem = recovery(d=5, r=1, m=200_000, n=1, **noise)
    Delta = direction(2.0)
    Q = problem.subgradient(at(problem, Delta)).Q
    along = float((Q * Delta).sum() / 2)
    assert along == pytest.approx(phi, rel=0.01)
    assert float(torch.linalg.matrix_norm(Q - along * Delta / 2)) < 3 * sqrt(25 / 200_000)


def test_adaptive_step_descends_the_population_loss():
    """On population quantities one adaptive step is U - 2 eta Delta U exactly (check 4)."""
    truth, U = direction(1.5), normal(1, 5, 4, seed=2)
    stepped = subgm(Population(truth), U, adaptive(0.1))
    expected = U - 2 * 0.1 * (U @ U.mT - truth) @ U
    torch.testing.assert_close(stepped, expected, rtol=0, atol=1e-14)


def test_zero_stays_zero_and_no_step_raises_the_rank():
    """U = 0 is a fixed point, and the rank of U never rises along the path (check 5)."""
    problem = recovery(p=0.2, magnitude=10.0)
    still = subgm(problem, torch.zeros(2, 6, 6, dtype=torch.float64), geometric(0.2, 0.985))
    assert bool((still == 0).all())
    low = normal(2, 6, 2) @ normal(2, 2, 6, seed=3)
    for U in iterates(problem, 0.1 * low, geometric(0.2, 0.985)):
        assert int(torch.linalg.matrix_rank(U, rtol=1e-9).max()) <= 2


@pytest.mark.parametrize("steps", [adaptive(0.1), geometric(0.2, 0.985)])
def test_method_turns_with_its_start(steps):
    """U_0 R with R orthogonal ends at U_T R, so that U U' is the same (check 6)."""
    problem = recovery()
    U = random_start(problem.direction, problem.alpha)
    R = torch.linalg.qr(normal(6, 6)).Q
    straight, turned = subgm(problem, U, steps), subgm(problem, U @ R, steps)
    torch.testing.assert_close(turned, straight @ R, rtol=0, atol=1e-12)
    torch.testing.assert_close(turned @ turned.mT, straight @ straight.mT, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("m", "T"), [(2400, 100), (600, 200)])
def test_exact_rank_reaches_machine_precision(m, T):
    """Without noise and with r' = r the adaptive step reaches 1e-15 from 1e-2 (check 7)."""
    problem = recovery(d=20, r=3, m=m, T=T, search_rank=3)
    U = subgm(problem, random_start(problem.direction, problem.alpha), adaptive(0.25))
    assert float(problem.error(U).max()) < 1e-15


def test_sizes_of_large_outliers_do_not_matter():
    """Outliers of 1e3 or of 1e6 give the same path, bit by bit: only signs count (check 8)."""
    problem = recovery(d=8, m=200, search_rank=8)
    corrupted = torch.as_tensor(np.random.default_rng(4).random(problem.y.shape) < 0.3)
    clean, found = problem.y, []
    for size in (1e3, 1e6):
        problem.y = torch.where(corrupted, clean + size, clean)
        start = random_start(problem.direction, problem.alpha)
        found.append(list(iterates(problem, start, geometric(0.2, 0.985))))
    assert all(torch.equal(U, V) for U, V in zip(*found, strict=True))
    assert float(problem.error(found[0][-1]).max()) < 1.5


@pytest.mark.parametrize("schedule", ["adaptive", "geometric"])
def test_path_is_that_of_the_pseudo_code(schedule):
    """Every iterate is the pseudo-code's, run on dense measurements, one replicate at a time."""
    problem = recovery(T=15, p=0.2, magnitude=10.0)
    start = random_start(problem.direction, problem.alpha)
    steps = {"adaptive": adaptive(0.01), "geometric": geometric(0.2, 0.9)}[schedule]
    path = torch.stack(list(iterates(problem, start, steps))).numpy()
    for A, y, U, ours in zip(
        dense(problem), problem.y[..., 0].numpy(), start.numpy(), path.swapaxes(0, 1), strict=True
    ):
        for t in range(16):
            np.testing.assert_allclose(ours[t], U, rtol=0, atol=1e-12)
            e = np.einsum("mij,ij->m", A, U @ U.T) - y
            Q = np.einsum("m,mij->ij", np.sign(e), A) / problem.m
            eta = {
                "adaptive": pi / 2 * 0.01 * np.abs(e).mean(),
                "geometric": 0.2 * 0.9**t / np.linalg.norm(Q),
            }[schedule]
            U = U - 2 * eta * Q @ U  # noqa: PLW2901  the pseudo-code's own name


def test_schedules_begin_at_their_first_step():
    """The geometric step is eta rho^0 / ||Q||_F at first, then a factor rho smaller each time."""
    Q = normal(1, 3, 3)
    Q = Q + Q.mT
    steps = geometric(0.2, 0.5)
    taken = [float(steps(t, torch.ones(1), Q)) for t in range(3)]
    length = float(np.linalg.norm(Q.numpy()))
    assert taken == pytest.approx([0.2 / length, 0.1 / length, 0.05 / length], rel=1e-14)
    f = torch.full((1,), 2.0, dtype=torch.float64)
    assert float(adaptive(0.25)(7, f, Q)) == pytest.approx(pi / 4, rel=1e-15)


def test_a_step_goes_against_twice_the_symmetrised_matrix():
    """With Q = I, U shrinks by 1 - 2 eta_t: neither the factor 2 nor the sign may be lost."""
    U = normal(1, 4, 2)
    one = Fixed(torch.ones(1, dtype=torch.float64), torch.eye(4, dtype=torch.float64)[None])
    torch.testing.assert_close(subgm(one, U, geometric(0.2, 0.985)), U * (1 - 2 * 0.2 / 2))


def test_an_optimum_ends_the_method():
    """Where Q = 0 no step is taken, and none is a division by zero."""
    U = normal(2, 4, 2)
    optimum = Fixed(torch.zeros(2), torch.zeros(2, 4, 4, dtype=torch.float64), T=3)
    for steps in (geometric(0.2, 0.985), adaptive(0.25)):
        assert torch.equal(subgm(optimum, U, steps), U)


def test_starts_have_their_scale():
    """A random start has columns of norm alpha on average; a spectral one scales with alpha."""
    problem = recovery(d=40, m=2, search_rank=40, n=4, alpha=1e-3)
    norms = torch.linalg.vector_norm(random_start(problem.direction, problem.alpha), dim=1)
    assert float(norms.mean()) == pytest.approx(1e-3, rel=0.03)
    problem = recovery(d=8, m=400, search_rank=8, p=0.2, magnitude=10.0, sides=1)
    U, V = (spectral_start(problem, problem.direction, a * torch.ones(2)) for a in (1.0, 1e-3))
    torch.testing.assert_close(V, 1e-3 * U)


def test_spectral_start_knows_the_column_space():
    """C of 20,000 signs is the projection X* times sqrt(2/(pi r)), and U_0 its factor."""
    problem = recovery(d=8, m=20_000, search_rank=8)
    U = spectral_start(problem, problem.direction, torch.ones(2, dtype=torch.float64))
    expected = sqrt(2 / (pi * 2)) * problem.truth
    torch.testing.assert_close(U @ U.mT, expected, rtol=0, atol=0.03)
