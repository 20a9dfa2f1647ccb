"""The opponents are what they say: HiGHS, enumeration and the protocol's reference values."""

from itertools import pairwise, product
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from baselines.optimization import sparse_ot as pins
from suite.optimization.sparse_ot import evaluate, problem

STREAMS = SimpleNamespace(replicates=range(1), device="cpu")


def instance(seed, m=8, n=6):
    """Return a, b, C with unequal marginals."""
    r = np.random.default_rng(seed)
    a, b = r.random(m) + 0.1, r.random(n) + 0.1
    return a / a.sum(), b / b.sum(), r.random((m, n))


def measured(made, answers):
    """Return the evidence about a problem's answers."""
    return evaluate.measure(made, evaluate.Answer(*map(np.array, zip(*answers, strict=True))))


def highs(a, b, C, allowed=None):
    """Return the optimum of unregularised transport by another solver, on the allowed entries."""
    m, n = C.shape
    rows, columns = np.kron(np.eye(m), np.ones(n)), np.kron(np.ones(m), np.eye(n))
    most = np.full(m * n, 1.0) if allowed is None else allowed.ravel()
    found = linprog(
        C.ravel(),
        A_eq=np.vstack((rows, columns)),
        b_eq=np.r_[a, b],
        bounds=[(0, upper) for upper in most],
        method="highs",
    )
    return found.fun if found.status == 0 else np.inf


def test_linear_program_equals_highs_and_its_potential_is_dual():
    """POT's optimum is HiGHS's, and its potential proves it through the c-transform."""
    a, b, C = instance(0)
    found = pins.linear_program(a, b, C)
    assert found.value == pytest.approx(highs(a, b, C), rel=1e-9)
    transform = (C - found.alpha[:, None]).min(axis=0)
    assert found.alpha @ a + transform @ b == pytest.approx(found.value, rel=1e-9)


def test_sinkhorn_is_dense_and_its_plan_is_a_scaling_of_the_kernel():
    """T = diag(u) exp(-C / epsilon) diag(v) with epsilon log u = alpha, marginals a and b."""
    a, b, C = instance(1)
    found = pins.sinkhorn(a, b, C, 0.1)
    assert (found.plan > 0).all()
    np.testing.assert_allclose(found.plan.sum(axis=1), a, atol=1e-8)
    scaled = found.plan / np.exp((found.alpha[:, None] - C) / 0.1)
    np.testing.assert_allclose(scaled, scaled[:1].repeat(len(a), axis=0), rtol=1e-9)


def test_quadratic_equals_a_general_convex_solver():
    """POT's quadratic optimum is that of SLSQP on the primal."""
    a, b, C = instance(2, m=4, n=3)
    found = pins.quadratic(a, b, C, 0.5)
    rows, columns = np.kron(np.eye(4), np.ones(3)), np.kron(np.ones(4), np.eye(3))
    primal = minimize(
        lambda t: t @ C.ravel() + 0.25 * t @ t,
        np.outer(a, b).ravel(),
        jac=lambda t: C.ravel() + 0.5 * t,
        bounds=[(0, None)] * 12,
        constraints={
            "type": "eq",
            "fun": lambda t: np.vstack((rows, columns[:-1])) @ t - np.r_[a, b[:-1]],
            "jac": lambda t: np.vstack((rows, columns[:-1])),
        },
        options={"ftol": 1e-13, "maxiter": 500},
    )
    assert found.value == pytest.approx(primal.fun, rel=1e-7)
    np.testing.assert_allclose(found.plan.ravel(), primal.x, atol=1e-4)


@pytest.mark.parametrize("solve", [pins.pot_semi_dual, pins.pot_dual])
def test_pot_is_what_its_public_function_returns(solve, capsys):
    """Our call gives POT's own plan, prints nothing, and counts POT's evaluations."""
    import ot.smooth

    a, b, C = instance(3)
    calls = []

    def counted(function):
        return lambda *arguments: calls.append(1) or function(*arguments)

    found = solve(a, b, C, 0.5, 2, counted=counted)
    assert capsys.readouterr().out == ""
    name = f"smooth_ot_{solve.__name__.removeprefix('pot_')}"
    with pytest.warns(DeprecationWarning, match="disp"):
        plan, log = getattr(ot.smooth, name)(
            a, b, C, 0.5, reg_type="sparsity_constrained", max_nz=2, log=True
        )
    np.testing.assert_array_equal(found.plan, plan)
    assert found.value == -log["res"].fun
    assert len(calls) == log["res"].nfev


def test_pots_print_is_back_after_the_call(capsys):
    """Silencing POT leaves no trace in its module."""
    import ot.utils

    pins.pot_semi_dual(*instance(3), 0.5, 2)
    capsys.readouterr()
    assert "print" not in vars(ot.utils)


def test_pot_takes_k_equal_m():
    """At k = m, which POT refuses, the plain quadratic regulariser is used."""
    a, b, C = instance(4)
    whole = pins.pot_semi_dual(a, b, C, 0.5, len(a))
    np.testing.assert_array_equal(whole.plan, pins.quadratic(a, b, C, 0.5).plan)


def test_truncation_keeps_the_largest_and_restores_the_columns():
    """The k largest entries of a column stay, the first of equal ones, with the column's sum."""
    plan = np.array([[0.2, 0.1], [0.1, 0.1], [0.1, 0.2], [0.0, 0.1]])
    kept = pins.truncate(plan, np.array([0.4, 0.5]), 2)
    np.testing.assert_allclose(kept, [[0.8 / 3, 0.5 / 3], [0.4 / 3, 0], [0, 1 / 3], [0, 0]])


def test_routing_rules_send_what_they_say():
    """Token choice takes each token's best expert, expert choice each expert's k best tokens."""
    made = problem.routing((8,), streams=STREAMS, n=1)
    C, a, b = made.C[0].numpy(), made.a[0].numpy(), made.b[0].numpy()
    token = pins.token_choice(a, C).plan
    assert (token.sum(axis=1) == 1).all()
    assert token[C.min(axis=1, keepdims=True) == C].sum() == 64
    expert = pins.expert_choice(a, b, C, 8).plan
    assert ((expert > 0).sum(axis=0) == 8).all()
    np.testing.assert_allclose(expert.sum(axis=0), 8)
    for column, cost in zip(expert.T, C.T, strict=True):
        assert cost[column > 0].max() < cost[column == 0].min()


def tiny(seed):
    """Return the protocol's 3 x 3 instance of a seed."""
    r = np.random.RandomState(seed)
    a, b, C = r.rand(3), r.rand(3), r.rand(3, 3)
    return a / a.sum(), b / b.sum(), C


def nonconvex_optimum(a, b, C, k):
    """Return the least cost over every choice of k rows in each column, gamma = 1."""
    import cvxpy as cp

    best = np.inf
    supports = [s for s in product((0, 1), repeat=3) if sum(s) == k]
    for columns in product(supports, repeat=3):
        if highs(a, b, C, np.array(columns, float).T) == np.inf:
            continue
        T = cp.Variable((3, 3), nonneg=True)
        allowed = [cp.multiply(T, 1 - np.array(columns).T) == 0]
        margins = [cp.sum(T, axis=1) == a, cp.sum(T, axis=0) == b]
        cost = cp.sum(cp.multiply(C, T)) + 0.5 * cp.sum_squares(T)
        best = min(best, cp.Problem(cp.Minimize(cost), allowed + margins).solve(solver="CLARABEL"))
    return best


@pytest.mark.parametrize(
    ("seed", "k", "dual", "primal"),
    [(0, 2, 0.523296, 0.523296), (1, 2, 0.528903, 0.529107), (2, 2, 0.411097, 0.429098)],
)
def test_tiny_instances_have_the_printed_optima_and_gaps(seed, k, dual, primal):
    """D_2 and the enumerated nonconvex optimum agree with the printed values (check 7)."""
    a, b, C = tiny(seed)
    made = problem.pack(a[None], b[None], C[None], k=k, gamma=1.0, n=1)
    found = measured(made, [pins.cone_program(a, b, C, 1.0, k)])
    assert found["dual_value"][0] == pytest.approx(dual, abs=6e-7)
    assert abs(found["certified_gap"][0]) < 1e-9
    assert nonconvex_optimum(a, b, C, k) == pytest.approx(primal, abs=6e-7)


def test_tiny_instance_without_constraint():
    """D_3 of RandomState(2) is the printed 0.407583."""
    a, b, C = tiny(2)
    assert pins.cone_program(a, b, C, 1.0, 3).value == pytest.approx(0.407583, abs=6e-7)


REFERENCES = {
    ("A", 1): 0.06633174,
    ("A", 2): 0.05249626,
    ("A", 4): 0.04659425,
    ("A", 32): 0.04577014,
    ("B", 1): 0.03323250,
    ("B", 3): 0.02307240,
    ("B", 32): 0.02229169,
}


@pytest.mark.parametrize(("pair", "k"), REFERENCES)
def test_cone_program_gives_the_reference_values_with_a_certificate(pair, k):
    """D_k of pairs A and B to 1e-6 relative, alpha and rounded plan within 1e-9 of each other."""
    made = problem.gaussians((pair,), (k,), streams=STREAMS, n=1)
    found = measured(
        made, [pins.cone_program(one.a, one.b, one.C, one.gamma, one.k) for one in made.each()]
    )
    assert found["dual_value"][0] == pytest.approx(REFERENCES[pair, k], rel=1e-6)
    assert abs(found["certified_gap"][0]) < 1e-9


@pytest.mark.exam
def test_cone_program_gives_the_reference_value_of_the_demo():
    """D_2 of the demo, 100 x 100, to 1e-6 relative."""
    made = problem.gaussians(("demo",), (2,), streams=STREAMS, n=1)
    found = measured(
        made, [pins.cone_program(one.a, one.b, one.C, one.gamma, one.k) for one in made.each()]
    )
    assert found["dual_value"][0] == pytest.approx(0.16655904, rel=1e-6)


@pytest.mark.parametrize(
    ("pair", "optimum"), [("A", 0.03804189), ("B", 0.01639734), ("demo", 0.16580581)]
)
def test_linear_programs_give_the_reference_values(pair, optimum):
    """The LP optima of the three pairs to 1e-6 relative."""
    [one] = problem.gaussians((pair,), (1,), streams=STREAMS, n=1).each()
    found = pins.linear_program(one.a, one.b, one.C)
    assert found.value == pytest.approx(optimum, rel=1e-6)


@pytest.mark.parametrize("weights", ["uniform", "unequal"])
def test_first_end_point_is_the_linear_program_and_a_constant(weights):
    """D_1 = LP + (gamma/2) ||b||^2 (check 1), a constant of 0.25 at uniform 20 x 20, gamma 10."""
    [one] = problem.plane((10.0,), weights, (1,), streams=STREAMS, n=1).each()
    constant = one.gamma / 2 * one.b @ one.b
    relaxed = pins.cone_program(one.a, one.b, one.C, one.gamma, 1)
    assert relaxed.value == pytest.approx(highs(one.a, one.b, one.C) + constant, rel=1e-8)
    assert (constant == pytest.approx(0.25)) == (weights == "uniform")


@pytest.mark.parametrize(("pair", "most"), [("A", 10), ("B", 7)])
def test_other_end_point_starts_at_the_columns_of_the_quadratic_plan(pair, most):
    """Pairs A and B have 10 and 7 nonzeros per column at most, and D_k = D_m from there on."""
    [one] = problem.gaussians((pair,), (most,), streams=STREAMS, n=1).each()
    quadratic = pins.cone_program(one.a, one.b, one.C, one.gamma, 32)
    # The interior-point plan is accurate to 1e-8, so its zeros are recognised above that.
    assert (quadratic.plan > 1e-7).sum(axis=0).max() == most
    at_most = pins.cone_program(one.a, one.b, one.C, one.gamma, most)
    assert at_most.value == pytest.approx(quadratic.value, rel=1e-7)
    fewer = pins.cone_program(one.a, one.b, one.C, one.gamma, most // 2)
    assert fewer.value > quadratic.value * (1 + 1e-4)


def test_dual_optimum_falls_with_k_between_its_end_points():
    """D_k does not rise with k and stays between D_m and LP + (gamma/2) ||b||^2 (check 3)."""
    a, b, C = instance(7)
    D = [pins.cone_program(a, b, C, 0.5, k).value for k in range(1, 9)]
    assert all(late <= early + 1e-9 for early, late in pairwise(D))
    assert D[0] == pytest.approx(highs(a, b, C) + 0.25 * b @ b, rel=1e-9)
    assert D[0] > D[-1] * (1 + 1e-3)
