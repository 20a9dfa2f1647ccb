"""The opponents are what they say: brute force, closed forms and exact conditions."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from baselines.optimization import subgm as pins
from suite.optimization.subgm import opponents
from suite.optimization.subgm.problem import matrix_recovery


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams."""

    def each(self, purpose):
        return [np.random.default_rng([*map(ord, purpose), i]) for i in self.replicates]


def recovery(d=6, r=2, m=60, T=40, search_rank=6, alpha=1e-2, n=2, **settings):
    streams = Streams(replicates=range(n), device="cpu")
    return matrix_recovery(d, r, m, T, search_rank, alpha, streams=streams, n=n, **settings)


def normal(*shape, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal(shape))


def population(truth):
    """Return Q and the error of the l2 loss that infinitely many measurements have."""

    def matrix(U):
        return U @ U.mT - truth

    return matrix, lambda U: torch.linalg.matrix_norm(matrix(U))


@pytest.mark.parametrize("etas", [(0.1,), (0.1, 0.02, 10.0)])
def test_descent_keeps_the_best_of_all_steps_and_iterates_row_by_row(etas):
    """Each row's answer is the least error that a plain loop meets, divergence not counted."""
    truth = normal(3, 4, 4)
    truth = truth @ truth.mT
    matrix, error = population(truth)
    U = 0.5 * normal(3, 4, 4, seed=1)
    found = error(pins.gradient_descent(matrix, U, error, etas=etas, T=30)).numpy()
    for row in range(3):
        X = truth[row].numpy()
        least = np.linalg.norm(U[row].numpy() @ U[row].numpy().T - X)
        for eta in etas:
            V = U[row].numpy()
            for _ in range(30):
                with np.errstate(all="ignore"):
                    V = V - 2 * eta * (V @ V.T - X) @ V
                    here = np.linalg.norm(V @ V.T - X)
                least = min(least, here) if np.isfinite(here) else least
        assert found[row] == pytest.approx(least, rel=1e-9)


def test_descent_falls_back_on_its_start():
    """Where every step diverges at once, the start is the best iterate."""
    matrix, error = population(torch.eye(3, dtype=torch.float64)[None])
    U = torch.eye(3, dtype=torch.float64)[None] * 1.01
    assert torch.equal(pins.gradient_descent(matrix, U, error, etas=(1e3,), T=5), U)


def test_subgradient_method_takes_its_steps_in_turn():
    """With Q = I the iterates are products of 1 - 2 eta_t, the start first."""
    eye = torch.eye(3, dtype=torch.float64)[None]
    path = list(pins.subgradient_method(lambda U: eye, eye, [0.1, 0.25]))
    assert [float(U[0, 0, 0]) for U in path] == pytest.approx([1, 0.8, 0.4])


def test_schedules_are_their_formulas():
    """Geometric steps fall by rho, diminishing ones like 1 / (t + 1), both from eta."""
    assert pins.geometric_steps(0.2, 0.5, 3) == pytest.approx([0.2, 0.1, 0.05])
    assert pins.diminishing_steps(2.0, 4) == pytest.approx([2, 1, 2 / 3, 0.5])


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_spectral_factor_is_the_nearest_of_its_rank(seed, r):
    """The distance to C is what the other eigenvalues and the negative ones leave."""
    C = normal(1, 5, 5, seed=seed)
    C = (C + C.mT) / 2
    U = pins.spectral_factor(C, r)
    assert U.shape == (1, 5, r)
    values = np.sort(np.linalg.eigvalsh(C[0].numpy()))[::-1]
    left = np.r_[np.minimum(values[:r], 0), values[r:]]
    distance = float(torch.linalg.matrix_norm(C - U @ U.mT))
    assert distance == pytest.approx(np.linalg.norm(left), rel=1e-9)


def test_truncated_spectrum_leaves_out_what_is_far_from_the_median():
    """Only measurements up to beta medians have a vote, each replicate and cell by its own."""
    problem = recovery(m=200, p=[0.0, 0.3], magnitude=100.0)
    seen = []

    def adjoint(weights):
        seen.append(weights)
        return problem.correlation(weights)

    U = pins.truncated_spectral(adjoint, problem.y, 2, beta=1.5)
    assert U.shape == (4, 6, 2)
    y = problem.y.numpy()
    for replicate in range(2):
        for cell in range(2):
            own, weights = y[replicate, :, cell], seen[0][replicate, :, cell].numpy()
            middle = np.sort(np.abs(own))[99]  # the lower one of 200
            np.testing.assert_array_equal(weights, np.where(np.abs(own) <= 1.5 * middle, own, 0))


def test_truncated_spectrum_finds_the_truth_among_outliers():
    """Of 20,000 measurements with a tenth of huge outliers, X* is left up to its scale."""
    problem = recovery(m=20_000, p=0.1, magnitude=1e4)
    U = pins.truncated_spectral(problem.correlation, problem.y, 2)
    X = U @ U.mT
    scale = (X * problem.truth).sum((1, 2)) / 2
    assert bool((scale > 0.7).all())
    assert bool((torch.linalg.matrix_norm(X - scale[:, None, None] * problem.truth) < 0.15).all())


def test_convex_relaxation_of_one_unknown_is_a_weighted_median():
    """For d = 1 the optimum lies on a breakpoint y_i / a_i or at 0, the least of them all."""
    random = np.random.default_rng(5)
    A, y = random.standard_normal((3, 9, 1, 1)), 1 + random.standard_normal((3, 9))
    for weight in (0.0, 1.0, 5.0):
        found = pins.convex_relaxation(A, y, weight)[:, 0, 0]
        for a, target, x in zip(A[:, :, 0, 0], y, found, strict=True):

            def cost(x, a=a, target=target, weight=weight):
                return np.abs(a * x - target).sum() + weight * x

            best = min(cost(max(at, 0.0)) for at in (0.0, *(target / a)))
            assert cost(max(x, 0.0)) == pytest.approx(best, rel=1e-6)


def test_convex_relaxation_is_zero_from_the_dual_norm_on():
    """X = 0 is optimal where the weight reaches the top eigenvalue of sum sign(y_i) A_i."""
    random = np.random.default_rng(6)
    A = random.standard_normal((1, 30, 4, 4))
    A = (A + A.swapaxes(2, 3)) / 2
    y = random.standard_normal((1, 30)) + 2 * np.trace(A[0], axis1=1, axis2=2)
    most = np.linalg.eigvalsh(np.einsum("m,mij->ij", np.sign(y[0]), A[0]))[-1]
    assert np.abs(pins.convex_relaxation(A, y, 1.01 * most)).max() < 1e-6
    assert np.abs(pins.convex_relaxation(A, y, 0.99 * most)).max() > 1e-4


def test_convex_relaxation_recovers_from_outliers():
    """At d = 6, r = 1, 60 measurements and a fifth of outliers, X* is exact to 1e-5."""
    problem = recovery(r=1, p=0.2, magnitude=10.0)
    U = opponents.convex(problem, weight=0.5)
    assert float(problem.error(U).max()) < 1e-5


def test_unpacked_measurements_are_the_packed_ones():
    """<A, X> of the symmetric matrices is that of the packed measurements."""
    problem = recovery()
    [one, *_] = problem.each()
    A = opponents.unpacked(one.A, one.d)
    np.testing.assert_array_equal(A, A.swapaxes(1, 2))
    expected = np.einsum("mij,ij->m", A, problem.truth[0].numpy())
    np.testing.assert_allclose(expected, one.y, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("contender", "most"), [(opponents.exact_rank, 1e-4), (opponents.diminishing, 0.05)]
)
def test_robust_opponents_withstand_outliers(contender, most):
    """From their own starts both sub-gradient opponents get there, in T counted evaluations."""
    problem = recovery(d=8, m=600, T=600, search_rank=8, p=0.2, magnitude=10.0)
    error = problem.error(contender(problem))
    assert float(error.max()) < most
    assert bool((problem.calls - 600 <= 1).all())


def test_exact_rank_has_the_rank_and_diminishing_has_not():
    """Who is told the rank r answers with r columns, the other with r'."""
    problem = recovery(T=5)
    assert opponents.exact_rank(problem).shape == (2, 6, 2)
    assert opponents.diminishing(problem).shape == (2, 6, 6)


@pytest.mark.parametrize("opponent", ["exact_rank", "diminishing"])
def test_paths_end_where_their_contenders_do(opponent):
    """A path holds every fiftieth iterate, and its last one is the answer at T = 100."""
    answer = getattr(opponents, opponent)(recovery(T=100))
    path = getattr(opponents, f"{opponent}_path")(recovery(T=100))
    assert len(path) == 3
    assert torch.equal(path[-1], answer)


def test_l2_descent_recovers_without_outliers_and_not_with_them():
    """The least-squares opponent is within 1e-4 on clean data, and lost among outliers."""
    clean, corrupted = (
        recovery(d=8, m=400, T=700, search_rank=8, alpha=1e-4, p=p, magnitude=100.0)
        for p in (0.0, 0.2)
    )
    assert float(clean.error(opponents.l2_descent(clean)).max()) < 1e-4
    assert float(corrupted.error(opponents.l2_descent(corrupted)).min()) > 0.5
    assert clean.calls.tolist() == [4 * 700] * 2
