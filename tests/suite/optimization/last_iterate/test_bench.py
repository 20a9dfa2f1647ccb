"""Contenders answer, estimands are right on numbers made by hand, and the headline catches."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from suite.optimization.last_iterate import bench_last_iterate as bench
from suite.optimization.last_iterate import contenders as who
from suite.optimization.last_iterate import schedules
from suite.optimization.last_iterate.evaluate import KEPT, mean_gap, measure_iterate
from suite.optimization.last_iterate.hard import hard, harvey, one_run
from suite.optimization.last_iterate.instances import inequality
from suite.optimization.last_iterate.method import mirror_descent

CELLS = {"inverse_sqrt": (0, 2), "constant": (0, 2), "progress": (2,)}
STREAMS = SimpleNamespace(
    replicates=range(2), device="cpu", numpy=lambda purpose: np.random.default_rng(7)
)


def evidence(contender):
    """Return what the estimands of `hard` see of a contender: two octaves, two replicates."""
    columns, instances, octaves = [], [], []
    for instance, octave in CELLS.items():
        problem = hard(instance, octave, streams=STREAMS, n=2)
        found = bench.hard.measure(problem, contender(problem))
        columns.append({name: value.reshape(-1, 2).T.numpy() for name, value in found.items()})
        instances += [instance] * len(octave)
        octaves += octave
    whole = {name: np.concatenate([part[name] for part in columns], axis=1) for name in columns[0]}
    return {**whole, "instance": np.array(instances), "octave": np.array(octaves)}


def weakest(contender):
    """Return the condition that is furthest over what is let through, and by how much."""
    conditions = {
        name: effect.mean() for name, effect in bench.free_of_log(evidence(contender)).items()
    }
    return max(conditions.items(), key=lambda condition: condition[1])


@pytest.mark.parametrize("name", list(bench.hard.contenders))
def test_contenders_of_hard_answer_at_their_own_horizons(name):
    """Every contender ends with a finite gap per row; who moves asks the oracle T times."""
    for instance in CELLS:
        problem = hard(instance, (0, 1), streams=STREAMS, n=2)
        found = bench.hard.measure(problem, bench.hard.contenders[name].function(problem))
        assert all(column.shape == (4,) for column in found.values())
        assert all(bool(torch.isfinite(column).all()) for column in found.values())
        asked = [0] * 4 if name == "zero_step" else problem.T.tolist()
        assert problem.calls.tolist() == asked


@pytest.mark.parametrize("name", list(bench.sweep.contenders))
def test_contenders_of_the_sweep_leave_a_trace_of_coordinates(name):
    """The trace holds KEPT coordinates of the last iterate."""
    problem = one_run("constant", 128, streams=STREAMS, n=1)
    found = bench.sweep.measure(problem, bench.sweep.contenders[name].function(problem))
    assert found["coordinate"].shape == (1, KEPT)
    assert found["gap"].shape == (1,)


def test_coordinates_are_spread_evenly_up_to_the_last():
    """Of 128 coordinates every second is kept, the last one among them."""
    x = torch.arange(1.0, 130)[None]
    found = measure_iterate(harvey("constant", torch.tensor([128])), x.double())
    assert found["coordinate"][0].tolist() == list(range(2, 129, 2))


def test_who_stands_still_answers_x1():
    """The control of the bound in expectation takes no step."""
    made = inequality("sharp 1", 8, ("constant",), (1.0,), streams=STREAMS, n=2)
    assert bench.zero_step(made) is made.problem.x1
    found = bench.inequality.measure(made, bench.last_iterate(made))
    assert all(column.shape == (2,) for column in found.values())
    assert made.calls.tolist() == [8, 8]


def test_mean_gaps_have_the_standard_error_of_the_mean():
    """Paths are averaged; one exact path has no error."""
    gap = torch.tensor([[1.0, 3.0], [2.0, 2.0]])
    assert mean_gap(gap)["gap"].tolist() == [2, 2]
    assert mean_gap(gap)["standard_error"].tolist() == [1, 0]
    assert mean_gap(gap[:, 0])["standard_error"].tolist() == [0, 0]


def test_the_method_keeps_every_condition():
    """Linear decay stays within what is let through, in each of the six conditions."""
    assert len(bench.free_of_log(evidence(who.linear_decay))) == 6
    assert weakest(who.linear_decay)[1] < 1


def run(problem, w):
    """Return the last iterate of the schedule eta w."""
    eta = torch.as_tensor(problem.eta, dtype=torch.float64).expand(len(problem.x1))
    return mirror_descent(problem, eta[:, None] * w)


def floored(problem):
    """Linear decay that stops at a tenth of its first step."""
    floor = schedules.constant(problem.T, 1.0) / 10
    return run(problem, torch.maximum(schedules.linear_decay(problem.T, 1.0), floor))


def to_one_half(problem):
    """Decay to one half in place of zero."""
    T = problem.T
    return run(problem, (schedules.linear_decay(T, 1.0) + schedules.constant(T, 1.0)) / 2)


def rising(problem):
    """Steps t / T^(3/2)."""
    t, T = schedules.times(problem.T)
    return run(problem, schedules.scaled(1.0, t / T**1.5, problem.T))


@pytest.mark.parametrize(
    ("mutant", "caught_by"),
    [
        (who.inverse_sqrt, "no growth"),
        (who.constant, "no growth"),
        (floored, "no growth"),
        (to_one_half, "no growth"),
        (rising, "no growth"),
        (who.zero_step, "progress at T = 256"),
    ],
    ids=["1/sqrt(t)", "constant", "floor", "one half", "rising", "zero step"],
)
def test_the_headline_catches_the_mutants(mutant, caught_by):
    """A logarithm is seen in the slope, and who does nothing under progress."""
    name, effect = weakest(mutant)
    assert name.startswith(caught_by)
    assert effect > 1


@pytest.mark.parametrize("contender", [who.zero_step, who.ascent])
def test_who_does_nothing_or_the_opposite_is_seen_by_progress(contender):
    """Where steps eta/sqrt(t) are fooled these two have no logarithm; progress they lack."""
    conditions = bench.free_of_log(evidence(contender))
    assert np.abs(conditions["no growth, inverse_sqrt"].mean()) < 1
    assert conditions["progress at T = 256"].mean() > 1


def made(gap, error=0.0, bound=1.0):
    """Return evidence of one replicate at T = e^4 and e^6 on both instances, and of progress."""
    instance = np.array(["inverse_sqrt"] * 2 + ["constant"] * 2 + ["progress"])
    T = np.exp([[4.0, 6, 4, 6, 4]])
    return {
        "instance": instance,
        "octave": np.array([0, 3, 0, 3, 2]),
        "horizon": T,
        "gap": np.array([gap]) / np.sqrt(T),
        "standard_error": np.full((1, 5), error),
        "bound": np.full((1, 5), bound),
    }


def test_growth_is_the_slope_of_the_scaled_gap_by_instance():
    """sqrt(T) gap from 1 to 1.004 over two units of ln T is 0.002 a unit, just let through."""
    found = bench.free_of_log(made([1.0, 1.004, 1.0, 0.996, 0.0], bound=2.0))
    assert found["no growth, inverse_sqrt"] == pytest.approx(1)
    assert found["no decline, inverse_sqrt"] == pytest.approx(-1)
    assert found["no growth, constant"] == pytest.approx(-1)
    assert found["no decline, constant"] == pytest.approx(1)
    assert found["bound on the hard instances"] == pytest.approx(np.exp(-2) / 2)
    assert bench.growth_on_inverse_sqrt(made([1.0, 1.1, 0, 0, 0])) == pytest.approx(-0.05)
    assert bench.growth_on_constant(made([0, 0, 1.0, 1.1, 0])) == pytest.approx(-0.05)


def test_the_bound_meets_three_standard_errors():
    """Mean and errors stand over the bound, and progress names its horizon."""
    gap = np.exp(2) * np.array([0, 0, 0, 0, 0.3])
    found = bench.free_of_log(made(gap, error=0.1, bound=2.0))
    assert found["progress at T = 256"] == pytest.approx(0.3)


def test_within_bound_is_the_worst_cell_of_each_instance():
    """Conditions are named by instance; schedules and horizons are a maximum inside them."""
    subject = {
        "instance": np.array(["b", "b", "a"]),
        "gap": np.array([[1.0, 2.0, 0.5]]),
        "standard_error": np.array([[0.0, 0.1, 0.0]]),
        "bound": np.array([[2.0, 4.0, 1.0]]),
    }
    found = bench.within_bound(subject)
    assert list(found) == ["b", "a"]
    np.testing.assert_allclose([found["b"], found["a"]], [[0.575], [0.5]])


def test_same_iterate_is_in_units_of_1e_12():
    """The largest coordinate apart and the largest gap apart, over all horizons."""
    ours = {"coordinate": np.zeros((1, 2, 3)), "gap": np.zeros((1, 2))}
    theirs = {"coordinate": np.zeros((1, 2, 3)), "gap": np.array([[0.0, -3e-12]])}
    theirs["coordinate"][0, 1, 2] = 2e-12
    found = bench.same_iterate(ours, theirs)
    assert found["coordinates"] == pytest.approx(2)
    assert found["gap"] == pytest.approx(3)


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves at every profile, and the standard one has every claim."""
    paper = bind(PaperFiles(find_root(), "optimization", "last_iterate"), profile)
    assert paper.claims == paper.file.claims
