"""Measurement operators and conjugate gradients, against their definitions and dense solves."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, cg

from suite.imaging.dds import operators
from suite.imaging.dds.conjugate_gradient import conjugate_gradient
from suite.imaging.dds.method import noiseless, proximal

SIDE = 16


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def mri():
    generator = np.random.default_rng(0)
    masks = np.array([[operators.column_mask(generator, SIDE, 4) for _ in range(3)] for _ in "ab"])
    return operators.mri(masks, 4, "cpu", torch.float64)


def fully_sampled():
    return operators.mri(np.ones((2, 3, SIDE)), 4, "cpu", torch.float64)


def ct():
    return operators.ct(SIDE, 8, "cpu", torch.float64)


def image(*shape, seed=0):
    return normal(2, 3, *shape, SIDE**2, seed=seed)


BOTH = pytest.mark.parametrize("make", [mri, ct])


@BOTH
@pytest.mark.parametrize("extra", [(), (5,)])
def test_the_adjoint_is_exact(make, extra):
    """<A x, y> = <x, A' y> to 1e-10, of one image per row and of several."""
    A, x = make(), image(*extra)
    y = A.forward(x)
    y = normal(*y.shape, seed=1, dtype=y.dtype)
    left = (A.forward(x).conj() * y).flatten(2).sum(-1).real
    right = (x * A.adjoint(y)).flatten(2).sum(-1)
    torch.testing.assert_close(left, right, rtol=0, atol=1e-10)


@BOTH
@pytest.mark.parametrize("extra", [(), (5,)])
def test_the_quick_gram_product_is_the_adjoint_of_the_measurement(make, extra):
    """Blocks of image rows, and compressed rows, give A'A x to 1e-12, of norm at most 1."""
    A, x = make(), image(*extra)
    torch.testing.assert_close(A.gram(x), A.adjoint(A.forward(x)), rtol=0, atol=1e-12)
    assert 0.5 < float(A.eigenvalues.max()) <= 1 + 1e-12


def test_mri_is_its_definition():
    """A x is the mask times the centred orthonormal Fourier transform of S x, written as sums."""
    A, x = mri(), image()
    u = np.arange(SIDE) - SIDE // 2
    F = np.exp(-2j * np.pi * np.outer(u, u) / SIDE) / np.sqrt(SIDE)
    S = operators.sensitivities(4, SIDE)
    np.testing.assert_allclose((np.abs(S) ** 2).sum(0), 1, atol=1e-14)
    y = A.forward(x)[1, 2].numpy()
    for c in range(4):
        k_space = F @ (S[c] * x[1, 2].numpy().reshape(SIDE, SIDE)) @ F.T
        np.testing.assert_allclose(y[c], k_space * A.mask[1, 2].numpy(), atol=1e-12)


def test_coils_are_strongest_at_their_places():
    """Coil 0 of four sits beyond the corner of large x and y, and each is alike but turned."""
    S = np.abs(operators.sensitivities(4, SIDE))
    assert np.unravel_index(S[0].argmax(), S[0].shape) == (SIDE - 1, SIDE - 1)
    np.testing.assert_allclose(S[2], S[0][::-1, ::-1], atol=1e-12)


def test_a_full_mask_measures_everything():
    """A'A = I, since the coils' squared moduli add to one."""
    A, x = fully_sampled(), image()
    torch.testing.assert_close(A.gram(x), x, rtol=0, atol=1e-12)


def test_a_mask_reads_the_centre_and_a_quarter_of_all_columns():
    """Of 32: columns 15 and 16 always, six of the others, each of them sometimes."""
    generator = np.random.default_rng(1)
    masks = np.array([operators.column_mask(generator, 32, 4) for _ in range(300)])
    assert set(masks.sum(axis=1)) == {8}
    assert masks[:, 15:17].all()
    others = np.delete(masks, [15, 16], axis=1).mean(axis=0)
    assert abs(others - 6 / 30).max() < 0.1


def test_ct_sums_along_rows_columns_and_keeps_the_first_moment():
    """At angle 0 bins are column sums, at a quarter turn row sums; each view keeps the centroid."""
    matrix = operators.projection_matrix(32, 8)
    assert matrix.shape == (8 * 46, 1024)
    x = np.random.default_rng(2).random((32, 32))
    views = (matrix @ x.ravel()).reshape(8, 46)
    np.testing.assert_allclose(views[0, 7:39], x.sum(axis=0), atol=1e-12)
    np.testing.assert_allclose(views[4, 7:39], x.sum(axis=1), atol=1e-12)
    centres = (np.arange(32) - 15.5)[:, None]
    moments = (x * centres.T).sum(), (x * centres).sum()
    for k, view in enumerate(views):
        t = np.pi * k / 8
        expected = moments[0] * np.cos(t) + moments[1] * np.sin(t)
        assert (view * (np.arange(46) - 22.5)).sum() == pytest.approx(expected)
        assert view.sum() == pytest.approx(x.sum())


def gram_matrix(A, row):
    eye = torch.eye(SIDE**2, dtype=torch.float64).expand(2, 3, -1, -1)
    return A.gram(eye)[row].numpy()


@BOTH
def test_solutions_are_those_of_dense_matrices(make):
    """(A'A + rho)^-1 b and the pseudo-inverse with a cut, of one vector per row and of several."""
    A, b = make(), image(4)
    solved, inverted = A.solve(b, 0.3), A.pseudo_inverse(b, 0.05)
    torch.testing.assert_close(A.solve(b[:, :, 0], 0.3), solved[:, :, 0], rtol=0, atol=1e-12)
    for row in ((0, 0), (1, 2)):
        gram = gram_matrix(A, row)
        expected = np.linalg.solve(gram + 0.3 * np.eye(len(gram)), b[row].numpy().T).T
        np.testing.assert_allclose(solved[row], expected, atol=1e-11)
        w, V = np.linalg.eigh(gram)
        inverse = V[:, w >= 0.05] / w[w >= 0.05] @ V[:, w >= 0.05].T
        np.testing.assert_allclose(inverted[row], b[row].numpy() @ inverse, atol=1e-9)


@BOTH
def test_steps_are_those_of_scipy(make):
    """M = 1 to 6 steps on every row are scipy's, whatever the other rows of the batch do."""
    A, b, x = make(), image(), image(seed=1)
    b[0, 1] *= 1e3
    for M in range(1, 7):
        found = conjugate_gradient(lambda p: p + 4 * A.gram(p), b, x, M)
        for row in ((0, 1), (1, 2)):
            matrix = np.eye(SIDE**2) + 4 * gram_matrix(A, row)
            expected, _ = cg(
                LinearOperator(matrix.shape, matrix.__matmul__),
                b[row].numpy(),
                x[row].numpy(),
                rtol=0,
                maxiter=M,
            )
            np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-8)


@BOTH
def test_many_steps_solve_the_equations(make):
    """On I + gamma A'A they end at the dense solution, to 1e-5: the stopping rule's distance."""
    A, b = make(), image()
    found = conjugate_gradient(lambda x: x + 5 * A.gram(x), b, torch.zeros_like(b), 200)
    error = (found - A.solve(b / 5, 1 / 5)).abs().max()
    assert 0 < float(error) < 1e-5


def test_a_volume_has_one_step_size():
    """With two axes to an image, all slices share the step: it is one system of all of them."""
    scales = torch.tensor([1.0, 3.0, 10.0], dtype=torch.float64)[:, None]

    def product(x):
        return scales * x

    b, x = normal(2, 3, 7), normal(2, 3, 7, seed=1)
    found = conjugate_gradient(product, b, x, 3, dims=2)
    torch.testing.assert_close(found, b / scales, rtol=0, atol=1e-9)  # three eigenvalues
    one = conjugate_gradient(product, b, x, 1, dims=2)
    r = b - product(x)
    step = r.square().sum((-2, -1), True) / (r * product(r)).sum((-2, -1), True)
    torch.testing.assert_close(one, x + step * r, rtol=0, atol=1e-12)


def test_a_row_that_is_done_stays():
    """A row at its solution is left as it is, without a division by zero, others move on."""
    b, x = normal(2, 1, 5), normal(2, 1, 5, seed=1)
    x[0] = b[0]
    found = conjugate_gradient(lambda p: p * torch.arange(1.0, 6.0), b, x * 1.0, 0)
    assert torch.equal(found, x)
    found = conjugate_gradient(lambda p: p, b, x, 7)
    torch.testing.assert_close(found, b, rtol=0, atol=1e-12)
    assert torch.equal(found[0], x[0])


def stub(A, x_true):
    """Return a problem without noise."""
    return SimpleNamespace(gram=A.gram, back=A.gram(x_true), dims=1)


@given(st.floats(0.01, 100.0), st.integers(1, 5))
def test_one_step_is_exact_where_everything_is_measured(gamma, M):
    """With a full mask xh = (x0 + gamma x) / (1 + gamma), after any number of steps."""
    x, x0 = image(), image(seed=1)
    found = proximal(stub(fully_sampled(), x), gamma, M)(x0)
    torch.testing.assert_close(found, (x0 + gamma * x) / (1 + gamma), rtol=0, atol=1e-9)


@BOTH
def test_one_noiseless_step_is_steepest_descent(make):
    """xh = x0 + a r with r = A'(y - A x0) and a = |r|^2 / |A r|^2."""
    A, x, x0 = make(), image(), image(seed=1)
    r = A.adjoint(A.forward(x) - A.forward(x0))
    Ar = A.forward(r).abs().square().flatten(2).sum(-1, keepdim=True)
    expected = x0 + r.square().sum(-1, keepdim=True) / Ar * r
    torch.testing.assert_close(noiseless(stub(A, x), 1)(x0), expected, rtol=0, atol=1e-10)


@BOTH
def test_without_steps_or_weight_the_estimate_is_left_alone(make):
    """M = 0 returns x0 in both forms, and so does gamma = 0."""
    x, x0 = image(), image(seed=1)
    one = stub(make(), x)
    for consistency in (noiseless(one, 0), proximal(one, 5.0, 0), proximal(one, 0.0, 5)):
        assert torch.equal(consistency(x0), x0)
