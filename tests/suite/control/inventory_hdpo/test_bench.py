"""Every contender answers, every estimand is right on numbers made by hand, claims fit."""

import numpy as np
import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from claimbench.evidence.streams import Streams
from suite.control.inventory_hdpo import bench_inventory_hdpo as bench
from suite.control.inventory_hdpo import contenders as who
from suite.control.inventory_hdpo import evaluate, lost_sales, systems
from suite.control.inventory_hdpo import problem as problems

SERIES = {"L": 2, "p": (4, 9), "T": 8, "steps": 2, "batch": 3, "traces": 6}
TEST = {"test_paths": 8, "test_periods": 40, "discard": 30}


def streams(experiment, n=2):
    return Streams("control/inventory_hdpo", experiment, 0, range(n))


def store(L=1, p=(4, 9), n=2, experiment="zipkin"):
    return problems.lost_sales(L, p, T=5, steps=2, batch=4, streams=streams(experiment, n), n=n)


def answered(contender, problem, experiment):
    private = {"streams": streams(experiment).private(contender.name)}
    return contender.function(problem, **(private if contender.wants_streams else {}))


def test_contenders_of_a_larger_system_meet_the_same_test_paths():
    """The optimal policy's gap to itself is zero, and who sees the future pays nothing."""
    made = systems.serial(**SERIES, **TEST, streams=streams("serial"), n=2)
    found = {
        name: bench.serial.measure(made, answered(bench.serial.contenders[name], made, "serial"))
        for name in ("echelon_base_stock", "just_in_time", "echelon_longer_lead")
    }
    assert found["echelon_base_stock"]["gap"].abs().max() < 1e-9
    assert found["just_in_time"]["cost"].abs().max() < 0.05
    assert found["echelon_longer_lead"]["gap"].min() > 5


def test_closed_form_is_the_simulated_cost():
    """In setting A the newsvendor's policy costs C* within 0.5%, two standard errors (check 1)."""
    made = systems.backlog(
        4, (9,), test_paths=8000, test_periods=120, discard=20, streams=streams("backlog"), n=1
    )
    gaps = {
        name: float(bench.backlog.measure(made, contender.function(made))["gap"])
        for name, contender in bench.backlog.contenders.items()
    }
    assert abs(gaps["base_stock"]) < 0.5
    assert gaps["longer_lead"] > 5
    assert gaps["just_in_time"] == pytest.approx(-100, abs=0.01)


def test_exact_gaps_of_policies_without_training():
    """Value iteration has none; base-stock policies have those of the audit (check 10)."""
    made = store(2, (4, 9), n=1)
    measured = {
        name: bench.optima.measure(made, contender.function(made))
        for name, contender in bench.optima.contenders.items()
    }
    assert np.abs(measured["value_iteration"]["gap"]).max() < 1e-4
    assert measured["base_stock"]["gap"][0] == pytest.approx(5.54, abs=0.01)
    assert measured["base_stock"]["level"][0] == 16
    assert measured["base_stock"]["cap"].tolist() == [0, 0]
    capped = measured["capped_base_stock"]
    assert (capped["level"][0], capped["cap"][0]) == (17, 5)
    assert capped["gap"][0] == pytest.approx(0.24, abs=0.01)
    for x in range(evaluate.SHOWN):
        assert capped[f"order_{x}"][0] == min(max(17 - 5 - x, 0), 5)


def test_orders_are_rounded_to_the_nearest_whole_number():
    """An order of 4.4 is 4, of 4.6 is 5; both are what the table holds."""
    made = store(2, (4,))
    for order, whole in ((4.4, 4), (4.6, 5)):
        policy = lambda x, order=order: torch.full_like(x[..., 0], order)
        assert set(evaluate.table(made, policy).ravel()) == {whole}


def test_a_tables_states_are_those_of_the_grid():
    """A policy is asked at (x_0, q_1) in the order in which the grid is flattened."""
    made = store(2, (4,))
    table = evaluate.table(made, lambda x: x[..., 0] * 100 + x[..., 1])
    x, q = np.indices(lost_sales.shape(2))
    np.testing.assert_array_equal(table[1].reshape(lost_sales.shape(2)), 100 * x + q)


def test_a_policy_of_no_numbers_has_diverged():
    """NaN orders cost infinity in their row, and nothing in the others."""
    made = store(1, (4,))
    rows = torch.tensor([float("nan"), 5.0]).reshape(2, 1, 1)
    found = evaluate.measure(made, evaluate.Answer(lambda x: rows.expand(x.shape[:3])))
    assert found["gap"][0] == np.inf
    assert np.isfinite(found["gap"][1])


def subject(gap, **settings):
    return {"gap": np.array(gap, dtype=float), **settings}


def test_gap_is_the_mean_over_instances_and_diverged_policies_count_as_100():
    """One number per seed, winsorised at 100%."""
    found = bench.gap(subject([[0.2, 0.4, 0.6], [0.1, 537.0, 0.1], [0.1, np.inf, 0.1]]))
    np.testing.assert_allclose(found, [0.4, 100.2 / 3, 100.2 / 3])


def test_gap_difference_favours_who_is_nearer():
    """It is the opponent's gap less the subject's, instance by instance and on average."""
    where = {"L": np.array([1, 4]), "p": np.array([9.0, 9.0])}
    ours, theirs = subject([[0.1, 0.5]] * 5, **where), subject([[0.4, 1.8]] * 5)
    np.testing.assert_allclose(bench.gap_difference(ours, theirs), [0.8] * 5)
    apart = bench.gap_differences(ours, theirs)
    assert list(apart) == ["L = 1, p = 9", "L = 4, p = 9"]
    np.testing.assert_allclose(apart["L = 4, p = 9"], [1.3] * 5)


def test_an_opponent_that_did_not_learn_proves_nothing():
    """With two of five seeds above 100% on an instance the difference is NaN, not so with one."""
    ours = subject([[0.1, 0.5]] * 5)
    theirs = [[0.4, 1.8] for _ in range(5)]
    theirs[0][1] = 537.0
    once = bench.gap_difference(ours, subject(theirs))
    assert once[0] == pytest.approx((0.3 + 99.5) / 2)
    theirs[1][1] = np.inf
    assert np.isnan(bench.gap_difference(ours, subject(theirs))).all()


def test_distance_to_published_is_the_worst_instances():
    """Costs off by 0.003 and 0.02 are 0.02 away."""
    made = {"L": np.array([1, 4]), "p": np.array([4, 39]), "cost": np.array([[4.043, 10.81]])}
    np.testing.assert_allclose(bench.distance_to_published(made), [0.02])


def test_cost_saved_is_in_percent_of_the_cost():
    """A cost a tenth higher is 9.5 log-percent above."""
    ours, theirs = {"cost": np.array([[10.0]])}, {"cost": np.array([[11.0]])}
    np.testing.assert_allclose(bench.cost_saved(ours, theirs), [100 * np.log(1.1)])


def test_learning_rates_are_the_pinned_ones():
    """Contenders train at the rates that were found best beforehand, by equal trials."""
    assert (who.HDPO_LR, who.REINFORCE_LR, who.PPO_LR) == (1e-2, 3e-3, 1e-3)


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves at every profile, and the full one has every claim."""
    paper = bind(PaperFiles(find_root(), "control", "inventory_hdpo"), profile)
    if profile == "full":
        assert paper.claims == paper.file.claims
