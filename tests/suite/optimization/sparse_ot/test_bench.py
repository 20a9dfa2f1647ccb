"""Every contender answers, every estimand is right on numbers made by hand, every mutant fails."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.optimization import sparse_ot as pins
from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from suite.optimization.sparse_ot import bench_sparse_ot as bench
from suite.optimization.sparse_ot import contenders as who
from suite.optimization.sparse_ot import method, problem
from suite.optimization.sparse_ot.evaluate import AUDITED, Answer, measure
from suite.optimization.sparse_ot.lbfgs import minimise
from suite.optimization.sparse_ot.oracle import SemiDual

KS = (2, 4, 20)


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams."""

    def each(self, purpose):
        return [np.random.default_rng((len(purpose), i)) for i in self.replicates]


STREAMS = Streams(replicates=range(1), device="cpu")


def plane(ks=KS, gamma=10.0, weights="unequal"):
    return problem.plane((gamma,) * len(ks), weights, ks, streams=STREAMS, n=1)


def clouds(batch, k=16, size=8):
    return problem.clouds(size, batch, k, streams=STREAMS, n=1)


def subject(made, answer, **settings):
    """Return the evidence of one replicate as an estimand sees it."""
    columns = {name: column[None] for name, column in measure(made, answer).items()}
    return {
        **columns,
        "calls": made.calls.numpy()[None].astype(float),
        "k": made.k.numpy(),
        "gamma": made.gamma.numpy(),
        **settings,
    }


@pytest.fixture(scope="module")
def reference():
    made = plane()
    return subject(made, who.cone(made))


@pytest.mark.parametrize("name", ["sweep", "uniform", "lines", "pictures"])
def test_every_contender_answers_with_alpha_plan_and_value(name):
    """All contenders of an experiment return one alpha, plan and value per problem, finite."""
    for contender in getattr(bench, name).contenders.values():
        made = plane((8, 20))
        found = measure(made, contender.function(made))
        assert all(np.isfinite(column).all() for column in found.values()), contender.name
        assert all(column.shape == (made.n,) for column in found.values()), contender.name


def test_iterative_solvers_are_counted_and_others_are_not():
    """Solvers of the dual and semi-dual have calls; POT's are its own evaluations."""
    counted = {"semi_dual", "dual", "pot_semi_dual", "pot_dual", "quadratic", "truncation"}
    for name, contender in bench.sweep.contenders.items():
        made = plane((8,))
        contender.function(made)
        assert bool((made.calls > 1).all()) == (name in {*counted, "reversed_k"}), name


def test_opponents_without_k_are_solved_and_counted_once_per_instance():
    """Quadratic transport is solved once for all k, and every k is charged the same calls."""
    made = plane((1, 2, 20))
    found = who.quadratic(made)
    assert len(set(made.calls.tolist())) == 1
    np.testing.assert_array_equal(found.plan[0], found.plan[2])


def test_dual_and_semi_dual_have_one_optimum():
    """At k = m dual and semi-dual agree, and semi-dual plans have column sums b (check 4)."""
    made = plane((20,))
    ours, theirs = who.semi_dual(made), who.dual(plane((20,)))
    torch.testing.assert_close(ours.value, theirs.value, rtol=1e-9, atol=0)
    torch.testing.assert_close(ours.plan.sum(dim=1), made.b, rtol=0, atol=1e-14)


def test_a_warm_start_reaches_the_cold_ones_optimum_where_it_is_smooth():
    """At k = 12, where nothing is tied, warm and cold L-BFGS agree; warm counts all its stages."""
    made, again = plane((12,)), plane((12,))
    ours, theirs = who.warm(made), who.semi_dual(again)
    torch.testing.assert_close(ours.value, theirs.value, rtol=1e-9, atol=0)
    assert bool((made.calls > again.calls).all())


def test_reversed_k_is_told_the_mirrored_k():
    """The control solves k = 20 where the problem says 2, and the other way round."""
    made = plane((2, 4, 20))
    found = who.reversed_k(made)
    most = (found.plan > 0).sum(dim=1).amax(dim=1)
    assert int(most[2]) <= 2
    assert int(most[0]) > 4


def test_an_adam_step_is_counted_and_raises_the_dual():
    """Adam, for the large batches, climbs from alpha = 0 by counted evaluations."""
    made = clouds(3, k=2)
    found = who.adam(made, steps=50)
    assert made.evaluations.tolist() == [50] * 3
    assert bool((found.value > who.greedy(made).value).all())


def test_every_router_answers_and_the_sparse_one_keeps_capacity():
    """Of the routers, the k-sparse one has no expert over capacity and drops no token at k = 8."""
    streams = Streams(replicates=range(2), device="cpu")
    for name, contender in bench.router.contenders.items():
        made = problem.routing((8, 16), streams=streams, n=2)
        tuned = {parameter: values[0] for parameter, values in contender.grid.items()}
        found = bench.router.measure(made, contender.function(made, **tuned))
        assert all(column.shape == (4,) for column in found.values()), name
        if name == "sparse_router":
            assert (found["share_over"] == 0).all()
            assert (found["dropped"] == 0).all()
        if name == "no_capacity":
            assert (found["share_over"] == 1).all()


def test_racers_answer_and_loops_answer_the_audited_problems_only():
    """The batched solver answers all, loops the first AUDITED, in columns of one round."""
    loops = {"pot_race", "looped", "fixed_step"}
    for name, contender in {**bench.race.contenders, **bench.large.contenders}.items():
        made = clouds(AUDITED + 3)
        found = bench.race.measure(made, contender.function(made))
        assert all(column.shape == (1,) for column in found.values())
        assert found["problems"] == (AUDITED if name in loops else AUDITED + 3)
        assert found["audited"] == AUDITED
    made = clouds(1)
    found = bench.race.measure(made, who.interior(made))
    assert found["audited"] == 1
    assert found["value_1"] == 0


def at_other_k(made, told):
    """Return alpha, plan and value of a solver that was told another k."""
    run = SemiDual(made.a, made.b, made.C, told, made.gamma, made.evaluations)
    alpha = minimise(run, torch.zeros_like(made.a)).x
    return who.at(made, alpha, told)


def dense_then_truncated(made, right):
    """Return the mutant that truncates a dense projection in place of a sparse one."""
    s = right.alpha.unsqueeze(-1) - made.C
    dense = method.conjugate_on_simplex(s, made.b, 20, made.gamma)[1].numpy()
    columns = zip(dense, made.b.numpy(), made.k.tolist(), strict=True)
    return Answer(right.alpha, np.array([pins.truncate(*each) for each in columns]), right.value)


MUTANTS = {
    "k ignored": lambda made, right, less: who.at(made, right.alpha, 20),
    "k + 1": lambda made, right, less: who.at(made, right.alpha, made.k + 1),
    "k - 1": lambda made, right, less: less,
    "k - 1, evaluated at k": lambda made, right, less: who.at(made, less.alpha),
    "truncated dense projection": lambda made, right, less: dense_then_truncated(made, right),
    "value off": lambda made, right, less: right._replace(value=right.value * (1 + 1e-9)),
    "alpha = 0": lambda made, right, less: who.greedy(made),
    "quadratic": lambda made, right, less: who.quadratic(made),
    "truncation": lambda made, right, less: who.truncation(made),
}


@pytest.fixture(scope="module")
def right():
    return who.semi_dual(plane())


@pytest.fixture(scope="module")
def less():
    made = plane()
    return at_other_k(made, made.k - 1)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_hard_cardinality_catches_the_mutants(mutant, reference, right, less):
    """Each mutant of the protocol breaks one of the five conditions."""
    made = plane()
    answer = MUTANTS[mutant](made, right, less)
    assert np.abs(bench.certified_cardinality(subject(made, answer), reference)).max() > 1


def test_hard_cardinality_holds_for_the_method(reference, right):
    """L-BFGS at k = 2, 4 and 20 lies within every tolerance."""
    effects = bench.certified_cardinality(subject(plane(), right), reference)
    assert effects.shape == (1, 5)
    assert np.abs(effects).max() <= 1


def test_cardinality_is_in_units_of_its_tolerances():
    """Two nonzeros over count as 4, a plan error of 2e-8 as 2, a value error of 5e-11 as half."""
    made = {
        "excess_nonzeros": np.array([[-3.0, 2.0]]),
        "plan_error": np.array([[2e-8, 0.0]]),
        "value_error": np.array([[0.0, 5e-11]]),
    }
    np.testing.assert_allclose(bench.cardinality(made), [[4, 2, 0.5]])


def test_gap_window_is_signed_and_belongs_to_its_cells():
    """The windows of k = 2 and 4 at gamma = 10 scale gaps of either sign; other cells are free."""
    cells = {"gamma": np.array([10.0, 10.0, 1.0]), "k": np.array([2, 4, 2])}
    zero = np.zeros((1, 3))
    made = {
        "excess_nonzeros": zero,
        "plan_error": zero,
        "value_error": zero,
        "dual_value": np.array([[1 - 5e-5, 1 + 2e-9, 0.0]]),
        **cells,
    }
    effects = bench.certified_cardinality(made, {"relaxed_cost": np.ones((1, 3)), **cells})
    np.testing.assert_allclose(effects[0, 3:], [0.5, -2], rtol=1e-6)


def test_end_points_are_relative_distances():
    """The distance is that of the worst cell, relative to the opponent."""
    ours = {"dual_value": np.array([[1.01, 2.0], [1.0, 1.9]])}
    np.testing.assert_allclose(
        bench.first_end_point(ours, {"endpoint": np.array([[1.0, 2.0]] * 2)}), [0.01, 0.05]
    )
    np.testing.assert_allclose(
        bench.last_end_point(ours, {"dual_value": np.array([[1.0, 2.0]] * 2)}), [0.01, 0.05]
    )


def test_rise_with_k_orders_the_cells_and_keeps_gammas_apart():
    """Only a step to the next k of one gamma counts, upper bound against lower bound."""
    made = {
        "gamma": np.array([1.0, 10.0, 1.0, 10.0]),
        "k": np.array([4, 4, 2, 2]),
        "dual_value": np.array([[0.9, 5.0, 1.0, 6.0], [0.9, 5.0, 1.0, 4.0]]),
        "relaxed_cost": np.array([[0.9, 5.0, 1.0, 6.0], [1.1, 5.0, 1.0, 4.0]]),
    }
    np.testing.assert_allclose(bench.rise_with_k(made), [0, 0.25])


def test_smoothness_correlates_over_k_and_forgives_exact_plans():
    """Falling columns give -1, exact ones are equal, evaluations at k = 1 are left out."""
    made = {
        "k": np.array([1, 2, 3]),
        "row_violation": np.array([[0.3, 0.2, 0.1], [1e-9, 1e-8, 1e-5]]),
        "calls": np.array([[1.0, 9.0, 8.0], [9.0, 4.0, 5.0]]),
    }
    np.testing.assert_allclose(bench.smoothness(made), [[-1, -1], [0, 1]])


def test_exact_plans_need_every_cell_and_sparse_ones_the_nonzeros_too():
    """One violated cell, or one nonzero too many, is enough to fail."""
    made = {
        "row_violation": np.array([[1e-5, 1e-5], [1e-5, 1e-3], [1e-5, 1e-5]]),
        "excess_nonzeros": np.array([[0, 0], [0, 0], [0, 1]]),
    }
    assert bench.exact_plan(made).tolist() == [True, False, True]
    assert bench.exact_sparse_plan(made).tolist() == [True, False, False]


def test_dual_advantage_is_relative_and_signed():
    """A value half a per cent above the opponent's counts 0.005, whatever its sign."""
    ours, theirs = {"dual_value": np.array([[1.01, -2.0]])}, {"dual_value": np.array([[1.0, -2.0]])}
    np.testing.assert_allclose(bench.dual_advantage(ours, theirs), [0.005])
    np.testing.assert_allclose(
        bench.dual_advantage(
            {"dual_value": np.array([[-1.0]])}, {"dual_value": np.array([[-2.0]])}
        ),
        [0.5],
    )


def test_capacity_kept_is_the_opponents_excess_less_ours():
    """Positive where the opponent overfills more experts."""
    ours, theirs = (
        {"share_over": np.array([[0.0], [0.5]])},
        {"share_over": np.array([[1.0], [0.5]])},
    )
    assert bench.capacity_kept(ours, theirs).tolist() == [1.0, 0.0]


def racer(problems, seconds, values):
    """Return the evidence of one round at one cell."""
    values = np.r_[values, np.zeros(AUDITED - len(values))]
    return {
        "problems": np.array([[float(problems)]]),
        "audited": np.array([[float(min(problems, AUDITED))]]),
        "seconds": np.array([[float(seconds)]]),
        **{f"value_{i}": np.array([[value]]) for i, value in enumerate(values)},
    }


def test_throughput_counts_what_reaches_the_opponents_value():
    """90 problems in 1 s against 3 in 1 s is 30; with one of three missed, 20; with all, zero."""
    theirs = racer(3, 1.0, [1.0, 2.0, 3.0])
    all_of_them = bench.throughput_ratio(racer(90, 1.0, [1.0, 2.0 - 1e-9, 5.0]), theirs)
    np.testing.assert_allclose(np.exp(all_of_them), [[30]])
    two = bench.throughput_ratio(racer(90, 1.0, [1.0, 2.0 - 1e-8, 5.0]), theirs)
    np.testing.assert_allclose(np.exp(two), [[20]])
    with np.errstate(divide="ignore"):
        none = bench.throughput_ratio(racer(90, 1.0, [0.0] * 3), theirs)
    assert none == -np.inf


def test_throughput_of_a_single_problem_ignores_the_empty_places():
    """A batch of one is audited on one problem."""
    one = racer(1, 0.5, [1.0])
    np.testing.assert_allclose(bench.throughput_ratio(one, racer(1, 1.0, [1.0])), np.log(2))
    np.testing.assert_allclose(bench.over_tenfold(one, racer(1, 1.0, [1.0])), np.log(0.2))
    np.testing.assert_allclose(bench.over_twofold(one, racer(1, 1.0, [1.0])), 0, atol=1e-15)


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves at every profile, and the standard one has every claim."""
    paper = bind(PaperFiles(find_root(), "optimization", "sparse_ot"), profile)
    assert paper.claims == paper.file.claims
