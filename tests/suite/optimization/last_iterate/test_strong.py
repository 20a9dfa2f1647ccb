"""Strong convexity: exact expectations, the hard maximum's known figures, and the estimands."""

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.optimization.last_iterate import bench_last_iterate as bench
from suite.optimization.last_iterate import contenders as who
from suite.optimization.last_iterate import schedules
from suite.optimization.last_iterate.evaluate import measure_gap
from suite.optimization.last_iterate.strong import MU, parabola, strong, strong_harvey

STREAMS = Streams("optimization/last_iterate", "strong", 0, range(2))


def expected_gap(steps, x1, mu, variance):
    """Return mu E x_{T+1}^2 / 2 by the exact recursion of the second moment."""
    second = x1**2
    for eta in steps.tolist():
        second = (1 - eta * mu) ** 2 * second + eta**2 * variance
    return mu * second / 2


@pytest.mark.parametrize("T", [1, 2, 10, 1000])
@pytest.mark.parametrize(("mu", "x1", "variance"), [(1.0, 1.0, 1.0), (0.3, 50.0, 4.0)])
def test_expectations_of_both_steps_are_the_closed_forms(T, mu, x1, variance):
    """E f(x_{T+1}) is s^2/(2 mu T) and (s^2/(2 mu)) 2(2T + 1)/(3T(T + 1)), whatever x_1."""
    harmonic = expected_gap(schedules.harmonic(T, mu), x1, mu, variance)
    assert harmonic == pytest.approx(variance / (2 * mu * T), rel=1e-10)
    double = expected_gap(schedules.double_harmonic(T, mu), x1, mu, variance)
    closed = variance / (2 * mu) * 2 * (2 * T + 1) / (3 * T * (T + 1))
    assert double == pytest.approx(closed, rel=1e-10)


def test_harmonic_steps_average_the_noise():
    """Under 1 / (mu t) the last iterate is minus the mean of the noise over mu."""
    T = torch.tensor([7, 20])
    drawn = []
    problem = parabola(T, streams=STREAMS, paths=3)
    law = problem.noise

    def recorded(x):
        drawn.append(law(x))
        return drawn[-1]

    problem.noise = recorded
    x = who.harmonic(problem)
    np.testing.assert_allclose(x[1], -torch.stack([n[-1] for n in drawn]).mean(0), atol=1e-14)
    np.testing.assert_allclose(x[0], -torch.stack([n[0] for n in drawn[:7]]).mean(0), atol=1e-14)
    assert problem.calls.tolist() == [7.0, 20.0]


def test_parabola_is_mu_x_squared_over_two():
    """Gap and subgradient are those of mu x^2 / 2, at the mu that the steps are told."""
    problem = parabola(torch.tensor([4]), streams=STREAMS, paths=3)
    x = torch.tensor([[-2.0, 0.0, 3.0]])
    assert (problem.mu, problem.L) == (MU, MU)
    assert problem.gap(x).tolist() == [[2 * MU, 0, 4.5 * MU]]
    assert problem.slope(x).tolist() == [[-2 * MU, 0, 3 * MU]]


def test_fixed_steps_stall():
    """Steps of 0.1 leave 0.1 / (2 (2 - 0.1)) = 0.0263 at every T: T gap grows like T."""
    steps = torch.full((500,), 0.1)
    assert expected_gap(steps, 1.0, 1.0, 1.0) == pytest.approx(0.1 / (2 * 1.9), rel=1e-6)


def test_hard_maximum_has_the_protocols_gaps():
    """T gap at T = 64, 256 of every contender on the strongly convex hard instance."""
    known = {
        who.harmonic: (1.740, 2.073),
        who.double_harmonic: (2.613, 3.275),
        who.average_of_harmonic: (1.332, 1.370),
        who.suffix_of_harmonic: (1.086, 1.089),
        who.weighted_average: (1.132, 1.151),
    }
    for contender, expected in known.items():
        problem = strong_harvey(torch.tensor([64, 256]))
        found = measure_gap(problem, contender(problem))
        np.testing.assert_allclose(found["gap"] * found["horizon"], expected, atol=1e-3)


def test_hard_maximum_grows_by_a_quarter_per_ln_T():
    """The slope of T gap over ln T is 0.245 for steps 1 / (mu t), as at T = 64 to 4096."""
    problem = strong_harvey(torch.tensor([64, 128, 256, 512]))
    found = measure_gap(problem, who.harmonic(problem))
    T, gap = found["horizon"].numpy(), found["gap"].numpy()
    assert np.polyfit(np.log(T), T * gap, 1)[0] == pytest.approx(0.245, abs=0.006)


def test_hard_maximum_is_what_it_says():
    """F is max_i <H_i, x> + ||x||^2 / 2, the oracle's answer a subgradient, and F* = 0 = f(0)."""
    T = 12
    problem = strong_harvey(torch.tensor([T]))
    a = 1 / (2 * (T + 1 - np.arange(1, T + 1)))
    H = np.vstack([np.tril(np.tile(a, (T, 1)), -1) - np.eye(T), a])
    assert np.linalg.norm(H, axis=1).max() < np.sqrt(1 + np.pi**2 / 24)
    weights = np.zeros(T + 1)
    weights[T] = 1
    for j in range(T - 1, -1, -1):
        weights[j] = a[j] * weights[j + 1 :].sum()
    np.testing.assert_allclose(weights @ H, 0, atol=1e-15)  # 0 is in the hull of the rows
    random = np.random.default_rng(0)
    for _ in range(20):
        x, y = random.normal(size=(2, T)) * 0.2
        row, other = (torch.from_numpy(np.append(z, 0.0)[None]) for z in (x, y))
        f = (H @ x).max() + MU * x @ x / 2
        assert float(problem.gap(row)) == pytest.approx(f, abs=1e-14)
        slope = problem.slope(row)[0, :T].numpy()
        assert float(problem.gap(other)) >= f + slope @ (y - x) + (y - x) @ (y - x) / 2 - 1e-12


@pytest.mark.parametrize("contender", [who.harmonic, who.double_harmonic, who.fixed_step])
def test_no_run_leaves_the_ball(contender):
    """The projection on the unit ball is never active."""
    problem = strong_harvey(torch.tensor([64, 256]))
    assert float(contender(problem).norm(dim=1).max()) < 0.5


def test_horizons_are_interleaved_grids():
    """Replicate r of octave o has T = round(2^(6 + o + r/8)), on both instances."""
    for instance in ("parabola", "hard"):
        problem = strong(instance, (0, 1), streams=STREAMS, n=2)
        assert problem.T.tolist() == [64, 70, 128, 140]


def test_estimands_of_exact_gaps():
    """Gaps of ln T / T have the rate -1, and the exact expectations differ by 0."""
    T = np.array([[64.0, 128, 256, 512], [70, 140, 280, 560]])
    both = {"horizon": np.tile(T, 2), "instance": np.repeat(["parabola", "hard"], 4)}
    rates = bench.rate_beside_log({**both, "gap": np.log(both["horizon"]) / both["horizon"]})
    assert list(rates) == ["parabola", "hard"]
    np.testing.assert_allclose(np.stack(list(rates.values())), -1, rtol=1e-12)
    harmonic = {"horizon": T, "gap": 1 / (2 * T)}
    double = {"horizon": T, "gap": (2 * T + 1) / (3 * T * (T + 1))}
    np.testing.assert_allclose(bench.harmonic_expectation(harmonic), 0, atol=1e-14)
    np.testing.assert_allclose(bench.double_harmonic_expectation(double), 0, atol=1e-14)
    assert (bench.harmonic_expectation(double) > 0.3).all()
    assert (bench.double_harmonic_expectation(harmonic) < -0.2).all()
