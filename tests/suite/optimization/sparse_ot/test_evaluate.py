"""The one evaluator is right on its own: brute force, finite differences, and the method."""

from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from suite.optimization.sparse_ot import evaluate, method, problem


def instance(seed, m=6, n=4, rows=3):
    """Return a, b, C of some random problems with unequal marginals."""
    r = np.random.default_rng(seed)
    a, b = r.random((rows, m)) + 0.1, r.random((rows, n)) + 0.1
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    return a, b, r.random((rows, m, n))


def column_maximum(s, b, k, gamma):
    """Return M_j by brute force: a quadratic program on every support, solved by active sets."""
    best = -np.inf
    for size in range(1, k + 1):
        for support in combinations(range(len(s)), size):
            v = s[list(support)]
            t = v / gamma + (b - v.sum() / gamma) / size  # equality only: interior if positive
            if (t >= 0).all():
                best = max(best, t @ v - gamma / 2 * t @ t)
    return best


@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_semi_dual_equals_brute_force_over_supports(k):
    """S(alpha) is <alpha, a> less the column maxima found by trying every support."""
    a, b, C = instance(k)
    alpha = np.random.default_rng(9).normal(size=a.shape)
    gamma = np.array([0.3, 1.0, 5.0])
    S, _ = evaluate.semi_dual(alpha, a, b, C, np.full(3, k), gamma)
    for i in range(3):
        columns = (alpha[i][:, None] - C[i]).T
        M = [column_maximum(s, b_j, k, gamma[i]) for s, b_j in zip(columns, b[i], strict=True)]
        assert S[i] == pytest.approx(alpha[i] @ a[i] - sum(M), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 6])
def test_semi_dual_plan_is_the_gradient(k):
    """a - T 1 matches central differences of S to 1e-7, and T has column sums b."""
    a, b, C = instance(20 + k)
    alpha = np.random.default_rng(k).normal(size=a.shape)
    k, gamma, h = np.full(3, k), np.array([0.3, 1.0, 5.0]), 1e-6
    _, T = evaluate.semi_dual(alpha, a, b, C, k, gamma)
    np.testing.assert_allclose(T.sum(axis=1), b, rtol=1e-13)
    for i in range(a.shape[1]):
        step = h * (np.arange(a.shape[1]) == i)
        above, _ = evaluate.semi_dual(alpha + step, a, b, C, k, gamma)
        below, _ = evaluate.semi_dual(alpha - step, a, b, C, k, gamma)
        np.testing.assert_allclose((above - below) / (2 * h), (a - T.sum(axis=2))[:, i], atol=1e-7)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 7), gamma=st.floats(0.05, 20))
def test_evaluator_and_method_agree(seed, k, gamma):
    """The evaluator's value and plan are the method's, which computes them by another algorithm."""
    a, b, C = instance(seed)
    alpha = np.random.default_rng(seed).normal(size=a.shape)
    S, T = evaluate.semi_dual(alpha, a, b, C, np.full(3, k), np.full(3, gamma))
    tensors = (torch.as_tensor(x) for x in (alpha, a, b, C))
    theirs = method.semi_dual(*tensors, k, gamma)
    np.testing.assert_allclose(S, theirs.value, atol=1e-11)
    np.testing.assert_allclose(T, theirs.plan, atol=1e-11)


def test_ties_go_to_the_lowest_index():
    """Of equal entries the first is kept, as in the method."""
    a, b, C = np.full((1, 4), 0.25), np.full((1, 2), 0.5), np.zeros((1, 4, 2))
    _, T = evaluate.semi_dual(np.zeros((1, 4)), a, b, C, np.array([2]), np.array([1.0]))
    np.testing.assert_array_equal(T[0].T, [[0.25, 0.25, 0, 0]] * 2)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_rounded_plans_are_feasible_and_close(seed):
    """Rounding gives the marginals exactly, moves no more than twice the violation, keeps plans."""
    a, b, C = instance(seed)
    T = C / C.sum(axis=(1, 2), keepdims=True)
    rounded = evaluate.round_plan(T, a, b)
    np.testing.assert_allclose(rounded.sum(axis=2), a, atol=1e-15)
    np.testing.assert_allclose(rounded.sum(axis=1), b, atol=1e-15)
    assert (rounded >= 0).all()
    violation = np.abs(T.sum(2) - a).sum(1) + np.abs(T.sum(1) - b).sum(1)
    assert (np.abs(rounded - T).sum(axis=(1, 2)) <= 2 * violation + 1e-12).all()
    np.testing.assert_allclose(evaluate.round_plan(rounded, a, b), rounded, atol=1e-15)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_k_support_norm_is_the_optimum_of_its_definition(k):
    """The closed form equals min over 0 <= h <= 1, sum h <= k of sum t_i^2 / h_i."""
    t = np.array([0.5, 0.31, 0.3, 0.07, 0.02])
    closed = evaluate.k_support_squared(t[None, :, None], np.array([k]))[0, 0]
    found = minimize(
        lambda h: np.sum(t**2 / h),
        np.full(5, k / 5),
        bounds=[(1e-6, 1)] * 5,
        constraints={"type": "ineq", "fun": lambda h: k - h.sum()},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert closed == pytest.approx(found.fun, rel=1e-6)


def test_k_support_norm_has_its_known_ends():
    """At k = 1 it is the l1 norm, at k >= m the l2 norm, and it falls as k grows."""
    T = np.random.default_rng(0).random((3, 6, 4))
    at = [evaluate.k_support_squared(T, np.full(3, k)) for k in range(1, 9)]
    np.testing.assert_allclose(at[0], T.sum(axis=1) ** 2, rtol=1e-13)
    np.testing.assert_allclose(at[5], (T**2).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(at[7], (T**2).sum(axis=1), rtol=1e-13)
    assert all((late <= early + 1e-14).all() for early, late in pairwise(at))


def test_k_support_norm_is_the_square_for_k_sparse_columns():
    """A column with at most k nonzeros pays its own square: the relaxation is tight there."""
    T = np.random.default_rng(1).random((2, 6, 3))
    T[:, 2:] = 0
    np.testing.assert_allclose(
        evaluate.k_support_squared(T, np.full(2, 2)), (T**2).sum(axis=1), rtol=1e-13
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 6))
def test_every_answer_is_bracketed(seed, k):
    """Any alpha bounds D_k from below and any rounded plan from above: no gap is negative."""
    a, b, C = instance(seed)
    r = np.random.default_rng(seed)
    made = problem.pack(a, b, C, k=k, gamma=1.0, n=3)
    answer = evaluate.Answer(r.normal(size=a.shape), r.random(C.shape), np.zeros(3))
    assert (evaluate.measure(made, answer)["certified_gap"] >= -1e-12).all()


def columns_of(T, k=2, value=None):
    """Return the evidence about one plan, at alpha = 0."""
    a, b = np.full((1, 4), 0.25), np.full((1, 2), 0.5)
    C = np.arange(8.0).reshape(1, 4, 2)
    made = problem.pack(a, b, C, k=k, gamma=1.0, n=1)
    S, t = evaluate.semi_dual(np.zeros((1, 4)), a, b, C, np.array([k]), np.array([1.0]))
    T = t if T is None else np.asarray(T, float)[None]
    return evaluate.measure(
        made, evaluate.Answer(np.zeros((1, 4)), T, S if value is None else S + value)
    )


def test_measures_of_a_plan_by_hand():
    """Cost, violations and nonzeros are those that one computes by hand."""
    T = [[0.25, 0], [0.25, 0], [0, 0.5], [0, 0]]
    found = {name: float(column[0]) for name, column in columns_of(T).items()}
    assert found["cost"] == 0.25 * 0 + 0.25 * 2 + 0.5 * 5
    assert found["row_violation"] == 0.5
    assert found["squared_row_error"] == 2 * 0.25**2
    assert found["column_violation"] == 0
    assert found["excess_nonzeros"] == 0
    assert found["nonzero_share"] == 3 / 8
    assert found["endpoint"] == found["cost"] + 0.25


def test_measures_see_a_plan_or_a_value_that_is_not_its_alphas():
    """The plan and the value at alpha have no error; a moved entry or value has."""
    honest, moved = columns_of(None), columns_of(None, value=1e-6)
    assert honest["plan_error"] == honest["value_error"] == 0
    assert moved["value_error"] > 1e-8
    assert columns_of([[0.25, 0], [0.25, 0], [0, 0.5], [0, 0]])["plan_error"] > 1e-3


def test_routing_measures_by_hand():
    """Experts over capacity, tokens beyond it, dropped and misplaced tokens, mean gate."""
    T = np.array([[[1.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 0.0]]])
    C = -np.array([[[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]]])
    made = problem.pack(np.ones((1, 4)), np.full((1, 2), 2.0), C, k=2, gamma=1.0, n=1)
    found = evaluate.measure_routing(made, evaluate.Answer(np.zeros((1, 4)), T, np.zeros(1)))
    by_hand = {
        "share_over": 1 / 2,
        "most_tokens": 3,
        "overflow": 1 / 4,
        "dropped": 1 / 4,
        "affinity": (0.9 + 0.8 + 0.5) / 4,
        "row_violation": 1 / 4,
        "misplaced": 1 / 2,
    }
    assert {name: float(column[0]) for name, column in found.items()} == pytest.approx(by_hand)


def test_nonzeros_follow_one_rule_for_all():
    """An entry counts above 1e-10 of the plan's largest, however it came about."""
    T = np.array([[[1.0, 1e-9], [1e-11, 0.0]]])
    assert evaluate.nonzeros(T).tolist() == [[[True, True], [False, False]]]


def test_shifted_costs_shift_the_value_and_keep_the_plan():
    """C + u_i + v_j with alpha + u changes S by <u, a> + <v, b> and leaves the plan (check 8)."""
    a, b, C = instance(4)
    r = np.random.default_rng(5)
    alpha, u, v = r.normal(size=a.shape), r.normal(size=a.shape), r.normal(size=b.shape)
    k, gamma = np.full(3, 2), np.ones(3)
    S, T = evaluate.semi_dual(alpha, a, b, C, k, gamma)
    moved, same = evaluate.semi_dual(alpha + u, a, b, C + u[:, :, None] + v[:, None, :], k, gamma)
    np.testing.assert_allclose(moved - S, (u * a).sum(1) + (v * b).sum(1), atol=1e-12)
    np.testing.assert_allclose(same, T, atol=1e-12)


def test_an_alpha_that_is_no_number_is_a_divergence_not_a_crash():
    """NaN in alpha becomes NaN in the evidence, which the engine records as a divergence."""
    a, b, C = instance(6)
    made = problem.pack(a, b, C, k=2, gamma=1.0, n=3)
    answer = SimpleNamespace(alpha=np.full(a.shape, np.nan), plan=C, value=np.ones(3))
    found = evaluate.measure(made, (answer.alpha, answer.plan, answer.value))
    assert np.isnan(found["dual_value"]).all()
