"""Instances are nested and paired, and the packed oracles are the plain formulae."""

from math import sqrt
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from suite.optimization.subgm.method import geometric, random_start, subgm
from suite.optimization.subgm.problem import matrix_recovery


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams: one generator for each replicate and purpose."""

    def each(self, purpose):
        return [np.random.default_rng([*map(ord, purpose), i]) for i in self.replicates]


def recovery(d=6, r=2, m=50, T=30, search_rank=6, alpha=1e-2, first=0, n=2, **settings):
    streams = Streams(replicates=range(first, first + n), device="cpu")
    return matrix_recovery(d, r, m, T, search_rank, alpha, streams=streams, n=n, **settings)


NOISE = {"p": 0.3, "magnitude": 10.0, "sigma": 0.5}


def normal(*shape, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal(shape))


def dense(problem):
    """Return measurement matrices, (n, m, d, d), not symmetric, that pack to the problem's."""
    i, j = np.triu_indices(problem.d)
    A = np.random.default_rng(9).standard_normal((problem.n, problem.m, problem.d, problem.d))
    A[..., i, j] = problem.A.numpy() - np.where(i == j, 0, A[..., j, i])
    return A


def noise(problem):
    """Return s, (n, m, c)."""
    i, j = np.triu_indices(problem.d)
    return problem.y - problem.A @ problem.truth[:, i, j].unsqueeze(-1)


def test_a_smaller_sample_is_the_beginning_of_a_larger_one():
    """Measurements, noise and outliers of m = 20 are the first of m = 50; the rest is the same."""
    less, more = recovery(m=20, **NOISE), recovery(m=50, **NOISE)
    assert torch.equal(less.A, more.A[:, :20])
    torch.testing.assert_close(less.y, more.y[:, :20], rtol=0, atol=1e-12)
    assert torch.equal(less.truth, more.truth)
    assert torch.equal(less.direction, more.direction)


def test_a_smaller_search_rank_is_the_first_columns_and_zeros():
    """r' = 2 beside r' = 5 starts from the first two columns; its others are exactly zero."""
    made = recovery(search_rank=(2, 5), n=3)
    two, five = made.direction.unflatten(0, (2, 3))
    assert made.direction.shape == (6, 6, 5)
    assert torch.equal(two[..., :2], five[..., :2])
    assert bool((two[..., 2:] == 0).all())
    assert bool((five != 0).all())


def test_outliers_are_nested_in_p_and_scale_with_magnitude():
    """Where p = 0.1 has an outlier, p = 0.4 has it too; s is proportional to the magnitude."""
    made = recovery(m=400, p=(0.1, 0.4, 0.4), magnitude=(10.0, 10.0, 100.0))
    some, more, larger = noise(made).unbind(dim=-1)
    hit = some.abs() > 1e-9
    assert 0.05 < float(hit.double().mean()) < 0.15
    assert 0.33 < float((more.abs() > 1e-9).double().mean()) < 0.47
    torch.testing.assert_close(some[hit], more[hit], rtol=0, atol=1e-11)
    torch.testing.assert_close(larger, 10 * more, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("sides", "mean"), [(1, sqrt(2 / np.pi)), (2, 0.0)])
def test_outliers_have_one_side_or_two(sides, mean):
    """s is abs(N(0, 100)) or N(0, 100) where p = 1; its mean square is 100 either way."""
    s = noise(recovery(m=20_000, n=1, p=1.0, magnitude=10.0, sides=sides))
    assert bool((s >= -1e-9).all()) == (sides == 1)
    assert float(s.mean()) / 10 == pytest.approx(mean, abs=0.02)
    assert float((s**2).mean()) == pytest.approx(100, rel=0.03)


def test_gaussian_noise_has_its_standard_deviation():
    """Without outliers s is N(0, sigma^2), one draw for all sigma."""
    half, two = noise(recovery(m=20_000, n=1, sigma=(0.5, 2.0))).unbind(dim=-1)
    assert float(half.std()) == pytest.approx(0.5, rel=0.02)
    torch.testing.assert_close(two, 4 * half, rtol=0, atol=1e-11)


def test_measurements_are_symmetric_parts_of_standard_normal_matrices():
    """Features have variance 1 on the diagonal and 2 above it, as A_ij + A_ji has."""
    made = recovery(m=40_000, n=1)
    i, j = np.triu_indices(6)
    variances = made.A[0].var(dim=0).numpy()
    np.testing.assert_allclose(variances, np.where(i == j, 1.0, 2.0), rtol=0.05)


def test_truth_is_a_projection_of_rank_r():
    """X* has r eigenvalues 1 and d - r zeros, another X* for each replicate."""
    made = recovery(r=3)
    values = torch.linalg.eigvalsh(made.truth)
    expected = torch.tensor([[0.0] * 3 + [1.0] * 3] * 2, dtype=torch.float64)
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-14)
    assert not torch.allclose(made.truth[0], made.truth[1])


def test_a_block_is_its_replicates():
    """Replicates 3 to 5 are the same numbers in one block of three as in blocks of one."""
    together = recovery(first=3, n=3, alpha=(1e-2, 1.0), **NOISE)
    for number in range(3):
        alone = recovery(first=3 + number, n=1, alpha=(1e-2, 1.0), **NOISE)
        assert torch.equal(alone.A[0], together.A[number])
        torch.testing.assert_close(alone.y[0], together.y[number], rtol=0, atol=1e-12)
        assert torch.equal(alone.direction, together.direction[number::3])
        assert torch.equal(alone.alpha, together.alpha[number::3])


STACK = [
    {"p": 0.0, "magnitude": 10.0, "search_rank": 6},
    {"p": 0.4, "magnitude": 10.0, "search_rank": 2},
    {"p": 0.4, "magnitude": 100.0, "search_rank": 6},
]


def stacked():
    return recovery(**{name: tuple(cell[name] for cell in STACK) for name in STACK[0]})


def test_oracles_are_the_plain_formulae_on_dense_measurements():
    """Losses, Q of the l1 and of the l2 loss agree with sums over <A_i, U U'> to 1e-12."""
    made, U = stacked(), normal(6, 6, 4)
    found, l2 = made.subgradient(U), made.l2_gradient(U)
    A, y, X = dense(made), made.y.numpy(), (U @ U.mT).numpy()
    for row in range(6):
        cell, replicate = divmod(row, 2)
        e = np.einsum("mij,ij->m", A[replicate], X[row]) - y[replicate, :, cell]
        Q, Q2 = (np.einsum("m,mij->ij", s, A[replicate]) / 50 for s in (np.sign(e), e))
        assert float(found.loss[row]) == pytest.approx(np.abs(e).mean(), rel=1e-13)
        np.testing.assert_allclose(found.Q[row], (Q + Q.T) / 2, rtol=0, atol=1e-12)
        np.testing.assert_allclose(l2[row], (Q2 + Q2.T) / 2, rtol=0, atol=1e-10)
    assert torch.equal(made.loss(U), found.loss)


def test_l2_gradient_is_that_of_half_the_mean_square():
    """2 Q U is autograd's gradient of (1/2m) sum e_i^2."""
    made, U = recovery(**NOISE), normal(2, 6, 3).requires_grad_()
    i, j = np.triu_indices(6)
    e = torch.einsum("nmp,np->nm", made.A, (U @ U.mT)[:, i, j]) - made.y[..., 0]
    ((e**2).mean(dim=1).sum() / 2).backward()
    torch.testing.assert_close(2 * made.l2_gradient(U.detach()) @ U.detach(), U.grad)


def test_a_stack_is_its_cells():
    """Cells of a stack have the data, gradients and short paths of the same cells alone."""
    together = stacked()
    start = random_start(together.direction, together.alpha)
    path = subgm(together, start, geometric(0.2, 0.985)).unflatten(0, (3, 2))
    Q = together.subgradient(start).Q.unflatten(0, (3, 2))
    for number, cell in enumerate(STACK):
        alone = recovery(**cell)
        assert torch.equal(alone.y[..., 0], together.y[..., number])
        own = random_start(alone.direction, alone.alpha)
        torch.testing.assert_close(alone.subgradient(own).Q, Q[number], rtol=0, atol=1e-12)
        U = subgm(alone, own, geometric(0.2, 0.985))
        k = cell["search_rank"]
        torch.testing.assert_close(path[number][..., :k], U, rtol=0, atol=1e-10)
        assert bool((path[number][..., k:] == 0).all())


def test_a_row_that_diverges_stays_alone():
    """NaN in one row leaves the other rows' gradients as they are, and is no recovery."""
    made, U = stacked(), normal(6, 6, 4)
    right = made.subgradient(U)
    U[2] = np.nan
    found = made.subgradient(U)
    others = [0, 1, 3, 4, 5]
    assert torch.equal(found.Q[others], right.Q[others])
    assert torch.equal(found.loss[others], right.loss[others])
    assert bool(found.loss[2].isnan())
    after = subgm(made, U, geometric(0.2, 0.985))
    assert made.error(after).isnan().tolist() == [False, False, True, False, False, False]


def test_gradients_are_counted_and_the_measures_are_not():
    """Each call of an oracle counts once for every row; losses and errors are free."""
    made, U = stacked(), normal(6, 6, 4)
    made.subgradient(U)
    made.l2_gradient(U)
    made.loss(U)
    made.error(U)
    made.loss_at_truth()
    assert made.calls.tolist() == [2] * 6


def test_error_and_losses_are_zero_at_the_truth_only():
    """At a factor of X* the error is 0 and f is the mean modulus of the noise."""
    made = stacked()
    values, vectors = torch.linalg.eigh(made.truth)
    U = (vectors * values.clamp(min=0).sqrt().unsqueeze(1)).repeat(3, 1, 1)
    assert float(made.error(U).max()) < 1e-14
    expected = noise(made).abs().mean(dim=1).mT.flatten()
    torch.testing.assert_close(made.loss_at_truth(), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(made.loss(U), expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(made.error(0 * U), torch.full((6,), sqrt(2)).double())


def test_rows_are_handed_out_as_arrays():
    """Row (cell, replicate) has its replicate's A and its cell's y."""
    made = stacked()
    ones = list(made.each())
    assert len(ones) == 6
    np.testing.assert_array_equal(ones[3].A, made.A[1].numpy())
    np.testing.assert_array_equal(ones[3].y, made.y[1, :, 1].numpy())
    assert ones[3].d == 6
