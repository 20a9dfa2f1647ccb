"""The solvers of sparsity-constrained transport against references, LPs and enumeration."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize

from claimbench.errors import ClaimFileError
from suite.optimization.sparse_ot.lbfgs import minimise
from suite.optimization.sparse_ot.method import semi_dual
from suite.optimization.sparse_ot.oracle import Dual, SemiDual
from suite.optimization.sparse_ot.solvers import continuation, solve


def gaussian(n, mean, deviation):
    return np.exp(-((np.arange(n) - mean) ** 2) / (2 * deviation**2))


def histograms(a, b):
    """Return one batch entry: two histograms on bins, squared distance over its maximum."""
    x = np.arange(len(a))
    C = (x[:, None] - x) ** 2
    return [torch.as_tensor(z)[None] for z in (a / a.sum(), b / b.sum(), C / C.max())]


PAIRS = {
    "A": histograms(gaussian(32, 10, 4), gaussian(32, 16, 5)),
    "B": histograms(gaussian(32, 16, 5), gaussian(32, 8, 5) + gaussian(32, 24, 5)),
    "demo": histograms(gaussian(100, 20, 5), gaussian(100, 60, 10)),
}
# Dual values by a k-support-norm cone program, an implementation independent of ours.
REFERENCES = [
    ("A", 1, 1.0, 0.06633174),
    ("A", 2, 1.0, 0.05249626),
    ("A", 4, 1.0, 0.04659425),
    ("A", 32, 1.0, 0.04577014),
    ("B", 1, 1.0, 0.03323250),
    ("B", 3, 1.0, 0.02307240),
    ("B", 32, 1.0, 0.02229169),
    ("demo", 2, 0.1, 0.16655904),
]
LP = {"A": 0.03804189, "B": 0.01639734, "demo": 0.16580581}


def random_instances(B, n, seed, *, m=None):
    """Return points of two Gaussians, unequal marginals, cost over its maximum."""
    r = np.random.default_rng(seed)
    m = n if m is None else m
    x, y = r.standard_normal((B, m, 2)), r.standard_normal((B, n, 2)) @ [[1, -0.8], [-0.8, 1]] + 4
    C = ((x[:, :, None] - y[:, None]) ** 2).sum(-1)
    a, b = r.random((B, m)) + 0.1, r.random((B, n)) + 0.1
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    return [torch.as_tensor(z) for z in (a, b, C / C.max(axis=(1, 2), keepdims=True))]


def expand(problem, B):
    return [z.expand(B, *z.shape[1:]).contiguous() for z in problem]


def marginal_constraints(m, n):
    return np.vstack([np.kron(np.eye(m), np.ones(n)), np.kron(np.ones(m), np.eye(n))])


def unregularised(a, b, C):
    """Return the value of the linear program, by HiGHS."""
    m, n = C.shape
    rows = marginal_constraints(m, n)
    return linprog(C.ravel(), A_eq=rows, b_eq=np.concatenate([a, b]), method="highs").fun


def value(problem, alpha, k, gamma):
    return semi_dual(alpha, *problem, k, gamma).value


def semi_dual_oracle(problem, k, gamma):
    calls = torch.zeros(len(problem[0]), dtype=torch.long)
    return SemiDual(*problem, k, gamma, calls)


@pytest.mark.parametrize(("name", "k", "gamma", "reference"), REFERENCES)
def test_reference_values(name, k, gamma, reference):
    """`solve` reaches the dual values of the cone program to 1e-6, tied or not."""
    problem = PAIRS[name]
    found = solve(*problem, k, gamma)
    assert value(problem, found.alpha, k, gamma).item() == pytest.approx(reference, rel=1e-6)


def test_the_whole_sweep_is_monotone_between_its_ends():
    """D_k falls in k from LP + (gamma/2) ||b||^2 at k = 1 to quadratic transport at k = m."""
    for name, gamma in (("A", 1.0), ("B", 1.0)):
        problem = expand(PAIRS[name], 32)
        k = torch.arange(1, 33)
        D = value(problem, solve(*problem, k, gamma).alpha, k, gamma).numpy()
        end = LP[name] + gamma / 2 * float((problem[1][0] ** 2).sum())
        assert D[0] == pytest.approx(end, rel=1e-6)
        assert (np.diff(D) <= 1e-9 * D[1:]).all()


@pytest.mark.parametrize("gamma", [1.0, 10.0])
def test_k_one_is_the_linear_program_plus_a_constant(gamma):
    """D_1 = LP + (gamma/2) ||b||^2: a column's mass sits on one row, whichever it is."""
    problem = random_instances(4, 8, 0)
    found = solve(*problem, 1, gamma)
    for i, (a, b, C) in enumerate(zip(*(z.numpy() for z in problem), strict=True)):
        expected = unregularised(a, b, C) + gamma / 2 * (b**2).sum()
        S = value(problem, found.alpha, 1, gamma)[i]
        assert float(S) == pytest.approx(expected, rel=1e-9)


def test_k_beyond_the_quadratic_nonzeros_gives_the_quadratic_plan():
    """Pair A has at most 10 nonzeros per column without a limit: from k = 10 nothing changes."""
    problem = PAIRS["A"]
    plans = {}
    for k in (9, 10, 32):
        plans[k] = semi_dual(solve(*problem, k, 1.0, tolerance=1e-12).alpha, *problem, k, 1.0).plan
    assert int((plans[32] > 1e-10).sum(dim=-2).max()) == 10
    np.testing.assert_allclose(plans[10], plans[32], atol=1e-6)
    assert int((plans[9] > 0).sum(dim=-2).max()) == 9


def tiny(seed):
    r = np.random.RandomState(seed)
    a, b = r.rand(3), r.rand(3)
    return a / a.sum(), b / b.sum(), r.rand(3, 3)


def nonconvex_primal(a, b, C, k):
    """Return the best value over every choice of k rows per column, a small QP each."""
    best, rows = np.inf, marginal_constraints(3, 3)
    right = np.concatenate([a, b])
    for choice in product(combinations(range(3), k), repeat=3):
        bounds = [(0, None if i in choice[j] else 0) for i in range(3) for j in range(3)]
        vertex = linprog(C.ravel(), A_eq=rows, b_eq=right, bounds=bounds)
        if vertex.status != 0:
            continue
        found = minimize(
            lambda t: t @ C.ravel() + t @ t / 2,
            vertex.x,
            jac=lambda t: C.ravel() + t,
            bounds=bounds,
            constraints={"type": "eq", "fun": lambda t: rows[1:] @ t - right[1:]},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        best = min(best, found.fun)
    return best


@pytest.mark.parametrize(
    ("seed", "dual_value", "primal"),
    [(0, 0.523296, 0.523296), (1, 0.528903, 0.529107), (2, 0.411097, 0.429098)],
)
def test_tiny_instances_by_enumeration(seed, dual_value, primal):
    """At k = 2 the gap to the enumerated nonconvex primal is zero, small, and positive."""
    a, b, C = tiny(seed)
    problem = [torch.as_tensor(z)[None] for z in (a, b, C)]
    D = value(problem, solve(*problem, 2, 1.0).alpha, 2, 1.0).item()
    assert pytest.approx(dual_value, abs=5e-7) == D
    assert nonconvex_primal(a, b, C, 2) == pytest.approx(primal, abs=5e-7)


@pytest.mark.parametrize("k", [1, 2, 4, 8, 20])
@pytest.mark.parametrize("gamma", [0.1, 1.0, 10.0])
def test_solve_is_never_below_lbfgs(k, gamma):
    """The fast solver's value is at least that of the paper's solver, and its gap is small."""
    problem = random_instances(6, 20, 1)
    S = value(problem, solve(*problem, k, gamma).alpha, k, gamma)
    oracle = semi_dual_oracle(problem, k, gamma)
    slow = -minimise(oracle, torch.zeros_like(problem[0]), max_evaluations=400).value
    assert (slow <= S + 1e-10 * S).all()
    if k == 20:  # smooth: the paper's solver arrives too
        np.testing.assert_allclose(S, slow, rtol=1e-9)


@pytest.mark.parametrize("k", [1, 2, 4, 20])
def test_the_gap_is_certified(k):
    """max S - S(alpha) is within the reported gap, and that within the tolerance."""
    problem = random_instances(6, 20, 2)
    best = value(problem, solve(*problem, k, 1.0, tolerance=1e-13).alpha, k, 1.0)
    for tolerance in (1e-3, 1e-6, 1e-10):
        found = solve(*problem, k, 1.0, tolerance=tolerance)
        missing = best - value(problem, found.alpha, k, 1.0)
        assert (missing <= found.gap + 1e-12).all()
        assert (found.gap <= 1.01 * tolerance * best).all()


def test_a_point_near_a_bound_is_moved_away_from_it():
    """An instance on which Mehrotra's corrector alone is blocked at a bound for ever."""
    r = np.random.RandomState(92)
    x, y = r.randn(20, 2), r.randn(20, 2) @ [[1, -0.8], [-0.8, 1]] + 4
    a, b = r.rand(20) + 0.1, r.rand(20) + 0.1
    C = ((x[:, None] - y) ** 2).sum(-1)
    problem = [torch.as_tensor(z)[None] for z in (a / a.sum(), b / b.sum(), C / C.max())]
    found = solve(*problem, 4, 0.1)
    assert found.gap <= 1.01e-10 * value(problem, found.alpha, 4, 0.1)


@pytest.mark.parametrize("k", [2, 4])
def test_every_instance_converges(k):
    """None of 384 instances is blocked at a bound: all reach the tolerance in 45 iterations."""
    problem = random_instances(384, 20, 15)
    found = solve(*problem, k, 0.1)
    S = value(problem, found.alpha, k, 0.1)
    assert (found.gap <= 1.01e-10 * S).all()
    assert int(found.iterations.max()) <= 45


@pytest.mark.parametrize(("m", "n"), [(1, 4), (4, 1), (12, 5), (5, 12)])
def test_oblong_problems(m, n):
    """Any shape is solved, for every k, down to one row or one column."""
    problem = random_instances(3, n, 3, m=m)
    for k in {1, 2, m - 1, m, m + 1} - {0}:
        S = value(problem, solve(*problem, k, 0.5).alpha, k, 0.5)
        oracle = semi_dual_oracle(problem, k, 0.5)
        slow = -minimise(oracle, torch.zeros_like(problem[0]), max_evaluations=400).value
        assert (slow <= S + 1e-10 * S).all()


def test_masses_need_not_be_one():
    """Routing has a = 1 per token: marginals of any common sum are taken as they are."""
    logits = 2 * np.random.RandomState(0).randn(24, 4)
    C = -np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    problem = [torch.as_tensor(z)[None] for z in (np.ones(24), np.full(4, 6.0), C)]
    found = solve(*problem, 6, 0.1)
    plan = semi_dual(found.alpha, *problem, 6, 0.1).plan
    # Six tokens per expert and six nonzeros: the linear program's vertex, every entry one.
    expected = unregularised(*(z[0].numpy() for z in problem)) + 0.1 / 2 * 24
    # HiGHS is feasible to 1e-7 only.
    assert value(problem, found.alpha, 6, 0.1).item() == pytest.approx(expected, rel=1e-8)
    assert int((plan > 0).sum(dim=-2).max()) <= 6


def test_empty_bins_are_taken():
    """Marginals of zero mass, on which a logarithm fails, do not stop the solver."""
    a, b, C = random_instances(2, 10, 4)
    a[:, 3], a[:, 7] = 0, 1e-200
    a = a / a.sum(dim=-1, keepdim=True)
    kept = [i for i in range(10) if i not in (3, 7)]
    for k in (2, 10):
        S = value((a, b, C), solve(a, b, C, k, 1.0).alpha, k, 1.0)
        without = (a[:, kept].contiguous(), b, C[:, kept].contiguous())
        expected = value(without, solve(*without, k, 1.0).alpha, k, 1.0)
        np.testing.assert_allclose(S, expected, rtol=1e-8)


def test_a_shift_of_the_cost_shifts_the_value():
    """C + u_i + v_j adds <u, a> + <v, b> to the optimum of every k."""
    a, b, C = random_instances(3, 12, 5)
    u, v = (torch.as_tensor(np.random.default_rng(6).random((3, 12))) for _ in range(2))
    moved = (a, b, C + u[:, :, None] + v[:, None, :])
    for k in (1, 3, 12):
        S = value((a, b, C), solve(a, b, C, k, 1.0).alpha, k, 1.0)
        shifted = value(moved, solve(*moved, k, 1.0).alpha, k, 1.0)
        np.testing.assert_allclose(shifted, S + (u * a).sum(-1) + (v * b).sum(-1), rtol=1e-9)


def test_solve_does_not_see_neighbours():
    """A problem alone, in a batch, and in a batch of mixed k and gamma has one answer."""
    problem = random_instances(9, 20, 7)
    k = torch.tensor([1, 2, 3, 4, 5, 8, 12, 20, 20])
    gamma = torch.logspace(-1, 1, 9, dtype=torch.float64)
    batch = solve(*problem, k, gamma)
    for i in range(9):
        one = [z[i : i + 1] for z in problem]
        alone = solve(*one, int(k[i]), float(gamma[i]))
        expected = value(one, alone.alpha, int(k[i]), float(gamma[i])).item()
        together = value(one, batch.alpha[i : i + 1], int(k[i]), float(gamma[i])).item()
        assert together == pytest.approx(expected, rel=1e-10)
        assert alone.iterations[0] == batch.iterations[i]


@pytest.mark.parametrize("k", [2, 20])
def test_dual_and_semi_dual_meet(k):
    """L-BFGS on the dual ends where the semi-dual's maximum is: below it if tied, at it if not."""
    problem = random_instances(4, 20, 8)
    S = value(problem, solve(*problem, k, 10.0).alpha, k, 10.0)
    calls = torch.zeros(4, dtype=torch.long)
    start = torch.zeros(4, 40, dtype=torch.float64)
    D = -minimise(Dual(*problem, k, 10.0, calls), start, max_evaluations=1000).value
    assert (D <= S + 1e-10 * S).all()
    np.testing.assert_allclose(D, S, rtol=1e-2 if k == 2 else 1e-9)


def test_continuation_in_k_counts_every_stage():
    """It starts at k = m, ends at least as high as a start from zero, and counts everything."""
    problem = random_instances(4, 8, 9)
    k = torch.tensor([1, 2, 4, 8])
    oracle = semi_dual_oracle(problem, k, 10.0)
    warm = continuation(oracle, torch.zeros_like(problem[0]), max_evaluations=300)
    assert torch.equal(warm.evaluations, oracle.calls)
    np.testing.assert_allclose(-warm.value, value(problem, warm.x, k, 10.0), rtol=1e-13)
    best = value(problem, solve(*problem, k, 10.0).alpha, k, 10.0)
    assert (-warm.value <= best + 1e-10).all()
    np.testing.assert_allclose(-warm.value, best, rtol=1e-3)


def test_lbfgs_counts_per_replicate():
    """The oracle's calls are the solver's evaluations; a selection counts in the same place."""
    problem = random_instances(4, 8, 10)
    oracle = semi_dual_oracle(problem, torch.tensor([1, 2, 4, 8]), 1.0)
    found = minimise(oracle, torch.zeros_like(problem[0]))
    assert torch.equal(found.evaluations, oracle.calls)
    before = oracle.calls.clone()
    few = oracle.select(torch.tensor([3, 1])).select(torch.tensor([0]))
    few.evaluate(torch.zeros(1, 8, dtype=torch.float64))
    assert (oracle.calls - before).tolist() == [0, 0, 0, 1]


def test_a_selection_evaluates_the_selected_problems():
    """Selected problems keep their marginals, cost, k and gamma."""
    problem = random_instances(4, 8, 11)
    k, gamma = torch.tensor([1, 2, 4, 8]), torch.logspace(-1, 1, 4, dtype=torch.float64)
    calls = torch.zeros(4, dtype=torch.long)
    for cls, d in ((SemiDual, 8), (Dual, 16)):
        x = torch.as_tensor(np.random.default_rng(12).random((4, d)))
        whole = cls(*problem, k, gamma, calls)
        index = torch.tensor([2, 0])
        for all_, few in zip(whole(x), whole.select(index)(x[index]), strict=True):
            np.testing.assert_allclose(few, all_[index], atol=1e-15)


@pytest.mark.parametrize(
    ("k", "gamma", "message"),
    [
        (0, 1.0, "a column needs room for one nonzero: 'k = 0'; allowed: k >= 1"),
        (2, 0.0, "the weight of the regulariser must be positive: 'gamma = 0.0'"),
        (2, -1.0, "the weight of the regulariser must be positive: 'gamma = -1.0'"),
    ],
)
def test_impossible_settings_are_refused(k, gamma, message):
    """k below one and gamma that is not positive name the value and the file to mend."""
    with pytest.raises(ClaimFileError, match=r"edit (k|gamma) in suite") as error:
        semi_dual_oracle(random_instances(1, 4, 13), k, gamma)
    assert message in str(error.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_the_gpu_solves_the_same():
    """On CUDA, `solve` and L-BFGS stay on the device and reach the CPU's values."""
    problem = random_instances(6, 20, 14)
    there = [z.cuda() for z in problem]
    for k in (2, 20):
        expected = value(problem, solve(*problem, k, 1.0).alpha, k, 1.0)
        found = solve(*there, k, 1.0)
        assert found.alpha.is_cuda
        np.testing.assert_allclose(value(there, found.alpha, k, 1.0).cpu(), expected, rtol=1e-9)
        oracle = SemiDual(*there, k, 1.0, torch.zeros(6, dtype=torch.long, device="cuda"))
        slow = minimise(oracle, torch.zeros_like(there[0]))
        assert slow.x.is_cuda
        assert (-slow.value.cpu() <= expected + 1e-10).all()


def test_the_solution_is_made_of_ordinary_tensors():
    """What `solve` returns may be differentiated through and written to, like any tensor."""
    problem = random_instances(2, 6, 16)
    for k in (2, 6):
        found = solve(*problem, k, 1.0)
        assert not any(part.is_inference() for part in found)
        alpha = found.alpha.requires_grad_()
        S = semi_dual(alpha, *problem, k, 1.0)
        S.value.sum().backward()
        np.testing.assert_allclose(alpha.grad, S.gradient.detach(), atol=1e-12)
