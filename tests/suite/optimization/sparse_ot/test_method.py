"""The formulae of sparsity-constrained transport against enumeration, differences and POT."""

from __future__ import annotations

import contextlib
import io
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from suite.optimization.sparse_ot.method import (
    conjugate,
    conjugate_on_simplex,
    dual,
    largest,
    semi_dual,
    sparse_projection,
)


def tensors(*arrays_):
    return [torch.as_tensor(np.asarray(x, dtype=float)) for x in arrays_]


def instance(seed, m=6, n=5, B=3):
    r = np.random.default_rng(seed)
    a, b = r.random((B, m)) + 0.1, r.random((B, n)) + 0.1
    return tensors(a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True), r.random((B, m, n)))


def project_on_simplex(v):
    """Bisect for theta: no sort, no cumulative sum, no count of the support."""
    low, high = v.min() - 1, v.max()
    for _ in range(200):
        theta = (low + high) / 2
        low, high = (theta, high) if np.maximum(v - theta, 0).sum() > 1 else (low, theta)
    return np.maximum(v - low, 0)


def project_by_enumeration(v, k):
    """Return the best projection over every support of k entries, and its distance."""
    best, distance = None, np.inf
    for support in combinations(range(len(v)), k):
        p = np.zeros(len(v))
        p[list(support)] = project_on_simplex(v[list(support)])
        if ((p - v) ** 2).sum() < distance:
            best, distance = p, ((p - v) ** 2).sum()
    return best, distance


columns = arrays(float, (1, 7, 3), elements=st.floats(-5, 5, width=32))


def test_projection_equals_the_best_over_all_supports():
    """At k = 3 of m = 6 the projection is as near as the best of all 20 supports."""
    v = np.random.default_rng(0).standard_normal((1, 6, 50))
    p = sparse_projection(*tensors(v), 3)[0].numpy()
    for j in range(50):
        best, distance = project_by_enumeration(v[0, :, j], 3)
        assert ((p[:, j] - v[0, :, j]) ** 2).sum() == pytest.approx(distance, abs=1e-14)
        np.testing.assert_allclose(p[:, j], best, atol=1e-14)


def test_projection_at_k_equal_m_is_the_simplex_projection():
    """Without a binding limit, k = m or beyond, the plain projection on the simplex results."""
    v = np.random.default_rng(1).standard_normal((2, 6, 4))
    for k in (6, 9):
        p = sparse_projection(*tensors(v), k).numpy()
        for i in range(2):
            for j in range(4):
                np.testing.assert_allclose(p[i, :, j], project_on_simplex(v[i, :, j]), atol=1e-14)


def test_projection_at_k_one_is_the_vertex_of_the_largest_entry():
    """At k = 1 all mass sits exactly on the largest entry."""
    v = torch.as_tensor(np.random.default_rng(2).standard_normal((2, 6, 4)))
    expected = torch.nn.functional.one_hot(v.argmax(dim=-2), 6).mT
    assert torch.equal(sparse_projection(v, 1), expected.to(v.dtype))


@given(columns, st.integers(1, 7))
def test_projection_is_a_sparse_point_of_the_simplex(v, k):
    """Nonnegative, of sum one, at most k nonzeros, ties or not."""
    p = sparse_projection(*tensors(v), k)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(dim=-2), 1, rtol=0, atol=2e-14)
    assert ((p > 0).sum(dim=-2) <= k).all()


@given(columns, st.integers(1, 7), st.floats(-3, 3))
def test_projection_ignores_a_shift_of_a_column(v, k, shift):
    """Adding a constant to a column leaves the distances of its projection as they were."""
    v = v.astype(float)
    p, shifted = (sparse_projection(*tensors(x), k).numpy() for x in (v, v + shift))
    distances = [((q - v) ** 2).sum(axis=-2) for q in (p, shifted)]
    np.testing.assert_allclose(*distances, rtol=0, atol=1e-12)


@given(columns, st.integers(1, 7))
def test_projection_keeps_what_is_sparse_and_in_the_simplex(v, k):
    """Projecting a projection changes nothing."""
    p = sparse_projection(*tensors(v), k)
    np.testing.assert_allclose(sparse_projection(p, k), p, rtol=0, atol=1e-14)


@given(columns, st.integers(1, 7), st.permutations(range(3)))
def test_projection_treats_columns_alike(v, k, order):
    """A column's projection does not depend on where it stands."""
    p = sparse_projection(*tensors(v), k)
    assert torch.equal(sparse_projection(*tensors(v[..., order]), k), p[..., order])


def test_ties_go_to_the_lowest_index():
    """Of equal entries the first ones are kept, also with several values of k in a batch."""
    s = torch.tensor([2.0, 1, 1, 1, 0]).reshape(1, 5, 1).expand(3, 5, 1).double()
    marked = largest(s, torch.tensor([1, 3, 5]))[1].squeeze(-1).int().tolist()
    assert marked == [[1, 0, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_conjugates_have_the_stated_gradients(k):
    """Central differences of Omega* and M_j agree with their plans to 1e-7 away from ties."""
    _, b, _ = instance(3)
    s = torch.as_tensor(np.random.default_rng(4).standard_normal((3, 6, 5)))
    gamma, h = 0.7, 1e-6
    for f in (lambda s: conjugate(s, k, gamma), lambda s: conjugate_on_simplex(s, b, k, gamma)):
        plan = f(s)[1]
        for i in range(6):
            e = torch.zeros(6, 1, dtype=s.dtype)
            e[i] = h
            difference = (f(s + e)[0] - f(s - e)[0]) / (2 * h)
            np.testing.assert_allclose(difference, plan[:, i], rtol=0, atol=1e-7)


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_conjugates_are_maxima(k):
    """No k-sparse column does better than the one that is returned, which attains the value."""
    _, b, _ = instance(5)
    s, gamma = torch.as_tensor(np.random.default_rng(6).standard_normal((3, 6, 5))), 0.7
    free, on_simplex = conjugate(s, k, gamma), conjugate_on_simplex(s, b, k, gamma)
    for value, t in (free, on_simplex):
        attained = (s * t).sum(dim=-2) - gamma / 2 * (t**2).sum(dim=-2)
        np.testing.assert_allclose(value, attained, atol=1e-13)
        assert ((t > 0).sum(dim=-2) <= k).all()
    noise = torch.Generator().manual_seed(0)
    for _ in range(200):
        t = torch.rand(s.shape, generator=noise, dtype=s.dtype)
        t = t * largest(torch.rand(s.shape, generator=noise, dtype=s.dtype), k)[1]
        assert ((s * t).sum(-2) - gamma / 2 * (t**2).sum(-2) <= free[0] + 1e-13).all()
        t = t / t.sum(dim=-2, keepdim=True) * b.unsqueeze(-2)
        assert ((s * t).sum(-2) - gamma / 2 * (t**2).sum(-2) <= on_simplex[0] + 1e-13).all()


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_semi_dual_gradient_by_differences(k):
    """Central differences of S in alpha agree with a - T 1."""
    a, b, C = instance(7)
    alpha, h = torch.as_tensor(np.random.default_rng(8).standard_normal((3, 6))) / 3, 1e-6
    gradient = semi_dual(alpha, a, b, C, k, 0.3).gradient
    for i in range(6):
        e = torch.zeros(6, dtype=alpha.dtype)
        e[i] = h
        up, down = (semi_dual(alpha + d, a, b, C, k, 0.3).value for d in (e, -e))
        np.testing.assert_allclose((up - down) / (2 * h), gradient[:, i], rtol=0, atol=1e-7)


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_dual_gradient_by_differences(k):
    """Central differences of D in alpha and beta agree with (a - T 1, b - T' 1)."""
    a, b, C = instance(9)
    x, h = torch.as_tensor(np.random.default_rng(10).standard_normal((3, 11))), 1e-6

    def D(x):
        return dual(x[:, :6], x[:, 6:], a, b, C, k, 0.3)

    gradient = D(x).gradient
    for i in range(11):
        e = torch.zeros(11, dtype=x.dtype)
        e[i] = h
        difference = (D(x + e).value - D(x - e).value) / (2 * h)
        np.testing.assert_allclose(difference, gradient[:, i], rtol=0, atol=2e-7)


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_semi_dual_is_the_dual_maximised_over_beta(k):
    """With beta_j such that column j of the dual plan sums to b_j, D = S, gradients included."""
    a, b, C = instance(11)
    alpha, gamma = torch.as_tensor(np.random.default_rng(12).standard_normal((3, 6))) / 3, 0.4
    low, high = torch.full_like(b, -20.0), torch.full_like(b, 20.0)
    for _ in range(200):
        beta = (low + high) / 2
        heavy = dual(alpha, beta, a, b, C, k, gamma).plan.sum(dim=-2) > b
        low, high = torch.where(heavy, low, beta), torch.where(heavy, beta, high)
    D, S = dual(alpha, low, a, b, C, k, gamma), semi_dual(alpha, a, b, C, k, gamma)
    np.testing.assert_allclose(D.value, S.value, atol=1e-14)
    np.testing.assert_allclose(D.plan, S.plan, atol=1e-13)
    for shift in (-0.1, 0.1):
        assert (dual(alpha, low + shift, a, b, C, k, gamma).value < S.value).all()


@pytest.mark.parametrize("k", [1, 2, 4, 6])
def test_columns_of_the_semi_dual_plan_sum_to_b(k):
    """T' 1 = b to 1e-14 whatever alpha is."""
    a, b, C = instance(13)
    alpha = torch.as_tensor(np.random.default_rng(14).standard_normal((3, 6)))
    T = semi_dual(alpha, a, b, C, k, 0.05).plan
    np.testing.assert_allclose(T.sum(dim=-2), b, rtol=0, atol=1e-14)


@given(st.integers(0, 50), st.sampled_from([1, 2, 4, 6]), st.floats(-2, 2))
def test_a_shift_between_alpha_and_beta_changes_nothing(seed, k, c):
    """D(alpha + c, beta - c) = D(alpha, beta) and S(alpha + c) = S(alpha)."""
    a, b, C = instance(seed)
    r = np.random.default_rng(seed + 1)
    alpha, beta = tensors(r.standard_normal((3, 6)), r.standard_normal((3, 5)))
    D, shifted = dual(alpha, beta, a, b, C, k, 1.0), dual(alpha + c, beta - c, a, b, C, k, 1.0)
    np.testing.assert_allclose(shifted.value, D.value, atol=1e-12)
    S, shifted = semi_dual(alpha, a, b, C, k, 1.0), semi_dual(alpha + c, a, b, C, k, 1.0)
    np.testing.assert_allclose(shifted.value, S.value, atol=1e-12)
    np.testing.assert_allclose(shifted.plan, S.plan, atol=1e-12)


@given(st.integers(0, 50), st.sampled_from([1, 2, 4, 6]))
def test_a_shift_of_the_cost_moves_the_potentials(seed, k):
    """C + u_i + v_j adds <u, a> + <v, b> to S at alpha + u and leaves its plan."""
    a, b, C = instance(seed)
    r = np.random.default_rng(seed + 1)
    alpha, u, v = tensors(*(r.standard_normal((3, d)) for d in (6, 6, 5)))
    S = semi_dual(alpha, a, b, C, k, 1.0)
    moved = semi_dual(alpha + u, a, b, C + u[:, :, None] + v[:, None, :], k, 1.0)
    added = (u * a).sum(dim=-1) + (v * b).sum(dim=-1)
    np.testing.assert_allclose(moved.value, S.value + added, atol=1e-12)
    np.testing.assert_allclose(moved.plan, S.plan, atol=1e-12)


def test_k_and_gamma_may_differ_within_a_batch():
    """A batch with its own k and gamma per problem equals one call per problem."""
    a, b, C = instance(15)
    alpha = torch.as_tensor(np.random.default_rng(16).standard_normal((3, 6))) / 3
    k, gamma = torch.tensor([1, 6, 3]), torch.tensor([0.1, 2.0, 0.5], dtype=torch.float64)
    batch = semi_dual(alpha, a, b, C, k, gamma)
    for i in range(3):
        one = semi_dual(
            alpha[i : i + 1], a[i : i + 1], b[i : i + 1], C[i : i + 1], int(k[i]), float(gamma[i])
        )
        for whole, single in zip(batch, one, strict=True):
            np.testing.assert_allclose(whole[i], single[0], atol=1e-15)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_agrees_with_pot(k):
    """POT's dual and semi-dual with k nonzeros have the same values and gradients."""
    smooth = pytest.importorskip("ot.smooth")
    a, b, C = instance(17)
    r = np.random.default_rng(18)
    alpha, beta = tensors(r.standard_normal((3, 6)) / 3, r.standard_normal((3, 5)) / 3)
    S, D = semi_dual(alpha, a, b, C, k, 0.3), dual(alpha, beta, a, b, C, k, 0.3)
    regularisation = smooth.SparsityConstrained(max_nz=k, gamma=0.3)
    for i in range(3):
        x = [t[i].numpy() for t in (alpha, beta, a, b, C)]
        with contextlib.redirect_stdout(io.StringIO()):  # POT prints a shape at every projection
            value, gradient = smooth.semi_dual_obj_grad(x[0], x[2], x[3], x[4], regularisation)
        np.testing.assert_allclose(S.value[i], value, atol=1e-14)
        np.testing.assert_allclose(S.gradient[i], gradient, atol=1e-14)
        value, *gradient = smooth.dual_obj_grad(*x, regularisation)
        np.testing.assert_allclose(D.value[i], value, atol=1e-14)
        np.testing.assert_allclose(D.gradient[i], np.concatenate(gradient), atol=1e-14)


def test_agrees_with_quadratic_transport_of_pot():
    """At k = m the semi-dual is POT's with the squared l2 regulariser."""
    smooth = pytest.importorskip("ot.smooth")
    a, b, C = instance(19)
    alpha = torch.as_tensor(np.random.default_rng(20).standard_normal((3, 6))) / 3
    S = semi_dual(alpha, a, b, C, 6, 0.3)
    for i in range(3):
        value, gradient = smooth.semi_dual_obj_grad(
            *(t[i].numpy() for t in (alpha, a, b, C)), smooth.SquaredL2(gamma=0.3)
        )
        np.testing.assert_allclose(S.value[i], value, atol=1e-14)
        np.testing.assert_allclose(S.gradient[i], gradient, atol=1e-14)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_computes_the_same():
    """On CUDA every result stays there and equals the CPU's up to rounding."""
    a, b, C = instance(21)
    alpha, k = torch.zeros_like(a), torch.tensor([1, 2, 6])
    here = semi_dual(alpha, a, b, C, k, 0.3)
    there = semi_dual(alpha.cuda(), a.cuda(), b.cuda(), C.cuda(), k.cuda(), 0.3)
    for x, y in zip(here, there, strict=True):
        assert y.is_cuda
        np.testing.assert_allclose(x, y.cpu(), atol=1e-13)
