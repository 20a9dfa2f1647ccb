"""A linear function on the simplex: the protocol's figures in both geometries; estimands."""

from itertools import product

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.optimization.last_iterate import bench_last_iterate as bench
from suite.optimization.last_iterate import contenders as who
from suite.optimization.last_iterate import schedules
from suite.optimization.last_iterate.evaluate import measure_gap
from suite.optimization.last_iterate.geometry import EuclideanSimplex
from suite.optimization.last_iterate.method import mirror_descent
from suite.optimization.last_iterate.simplex import simplex

KS = (0.5, 1.0, 2.0, 4.0)


def made(d, T=1024, k=KS, n=1, **options):
    streams = Streams("optimization/last_iterate", "simplex", 0, range(n))
    return simplex(T, d, k, streams=streams, n=n, **options)


def subject(gap, d, T=1024):
    """Return evidence of shape (replicate, cell), with k = 1 and 2 for every d."""
    return {
        "gap": gap,
        "d": np.repeat(d, 2),
        "k": np.tile([1.0, 2.0], len(d)),
        "horizon": np.full(gap.shape, T),
    }


def test_steps_have_the_theorys_eta():
    """D <= log d and sigma = 1 give eta = sqrt(log d)."""
    assert made(16, paths=1).eta == pytest.approx(np.log(16) ** 0.5, rel=1e-15)


def test_gap_is_the_weight_outside_the_best_coordinate():
    """F(x) - F* = eps (1 - x_1), eps = k sqrt(log d / T), and the optimum has none."""
    problem = made(4, paths=2)
    x = torch.zeros(4, 2, 4, dtype=torch.float64)
    x[:, 0, 0] = 1
    x[:, 1] = torch.tensor([0.3, 0.1, 0.2, 0.4])
    gap = problem.gap(x)
    assert gap[:, 0].tolist() == [0.0] * 4
    np.testing.assert_allclose(gap[:, 1], 0.7 * np.array(KS) * np.sqrt(np.log(4) / 1024))


def test_without_noise_the_gap_is_that_of_the_softmax():
    """A run along c alone ends at softmax(-c sum eta_t) (check 6)."""
    problem = made(8, T=100, paths=1)
    problem.noise = None
    total = float(schedules.linear_decay(100, problem.eta).sum())
    expected = torch.softmax(-problem.c * total, dim=-1)
    np.testing.assert_allclose(who.kl(problem), expected, rtol=1e-11)


def test_noise_is_signs_shared_by_all_slopes():
    """Every coordinate is -1 or 1, and cells of one replicate see the same."""
    problem = made(4, n=2, paths=3)
    drawn = problem.noise(problem.x1)
    assert set(drawn.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(drawn, drawn[:2].repeat(4, 1, 1))


@pytest.mark.parametrize(
    ("contender", "protocol"), [(who.kl, (1.08, 1.90)), (who.euclidean, (0.94, 2.39))]
)
def test_gaps_are_the_protocols(contender, protocol):
    """The largest mean gap over k, times sqrt(T), at d = 4 and 16 within its scatter."""
    for d, expected in zip((4, 16), protocol, strict=True):
        problem = made(d, paths=80)
        gap = measure_gap(problem, contender(problem))["gap"]
        assert float(gap.max()) * 32 == pytest.approx(expected, abs=0.2)
        assert problem.calls.tolist() == [1024.0] * 4


@pytest.mark.parametrize("d", [4, 16, 256])
def test_zero_step_and_ascent_leave_what_is_let_through(d):
    """Over sqrt(log d / T) who stays has a gap of 4 (1 - 1/d), and who ascends one above 3.9."""
    problem = made(d, T=256, paths=2)
    unit = np.sqrt(np.log(d) / 256)
    stay = measure_gap(problem, who.zero_step(problem))["gap"].max() / unit
    assert float(stay) == pytest.approx(4 * (1 - 1 / d), rel=1e-12)
    assert float(stay) > bench.MOST
    ascent = measure_gap(problem, who.ascent(problem))["gap"].max() / unit
    assert float(ascent) > 3.9


@pytest.mark.exam
def test_the_euclidean_gap_is_no_matter_of_tuning():
    """A quarter of eta and four times eta are no better by a tenth at d = 256, T = 256."""
    gaps = []
    for factor in (1.0, 0.25, 4.0):
        problem = made(256, T=256, n=4)
        steps = schedules.linear_decay(256, factor / 16)
        x = mirror_descent(problem, steps, geometry=EuclideanSimplex())
        gaps.append(float(measure_gap(problem, x)["gap"].reshape(4, 4).mean(1).max()) * 16)
    assert min(gaps[1:]) > 0.9 * gaps[0]
    assert gaps[0] == pytest.approx(7.8, abs=0.3)


def test_the_worst_slope_is_chosen_by_all_replicates_together():
    """Of two k the one with the larger mean counts, in every replicate."""
    gap = np.array([[1.0, 3.0], [2.0, 1.0]])
    values, found = bench._worst(subject(gap, [4]), "d")
    assert values.tolist() == [4]
    assert found.tolist() == [[3.0], [1.0]]


def test_growth_is_measured_from_the_middle_of_what_is_let_through():
    """A gap of 1.6 sqrt(log d / T) lies at the upper margin, 0.8 of it at the lower."""
    d = np.array([4, 256])
    for factor, effect in ((1.6, 0.5), (0.8, -0.5)):
        rows = np.tile(factor * np.sqrt(np.log(np.repeat(d, 2)) / 1024), (3, 1))
        found = bench.growth_with_dimension(subject(rows, d))
        assert list(found) == ["d = 4", "d = 256"]
        np.testing.assert_allclose(list(found.values()), effect * np.log(2), rtol=1e-12)


def test_advantage_is_the_rise_of_the_ratio_and_its_end():
    """Ratios 1, 3 and 6 rise by ln 3 and ln 2, and end ln 3 above 2."""
    d = [4, 16, 64]
    ours = np.ones((2, 6))
    theirs = np.tile(np.repeat([1.0, 3.0, 6.0], 2), (2, 1))
    found = bench.dimension_advantage(subject(ours, d), subject(theirs, d))
    np.testing.assert_allclose(
        np.array(list(found.values())), np.log([[3, 3], [2, 2], [3, 3]]), rtol=1e-12
    )
    assert list(found)[-1] == "above 2 at d = 64"


def test_cells_are_laid_out_as_value_then_replicate():
    """Row k n + r is the k-th slope's replicate r."""
    problem = made(4, n=3, paths=1)
    expected = [k * np.sqrt(np.log(4) / 1024) for k, _ in product(KS, range(3))]
    np.testing.assert_allclose(problem.c[:, 0, 1], expected)
