"""Quantiles of the gap: the protocol's figures, brute force, and whom the rule catches."""

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.optimization.last_iterate import bench_last_iterate as bench
from suite.optimization.last_iterate import contenders as who
from suite.optimization.last_iterate.tails import KAPPA, measure_quantile, tails

DELTA = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)


def made(noise="gaussian", T=64, delta=DELTA, **options):
    streams = Streams("optimization/last_iterate", "tails", 0, range(1))
    return tails(noise, T, delta, streams=streams, n=1, **options)


def test_steps_are_told_the_level():
    """Eta is sqrt(D / (4 eps^2 + sigma^2 log(1/delta))) for every delta and kappa."""
    problem = made(paths=1)
    eps = np.array(KAPPA) / 8
    expected = np.sqrt(0.5 / (4 * eps**2 + np.log(1 / np.array(DELTA))[:, None]))
    np.testing.assert_allclose(problem.eta, expected, rtol=1e-14)


def test_all_levels_and_sharpnesses_meet_one_noise():
    """Noise differs from path to path only."""
    problem = made(paths=5)
    drawn = problem.noise(problem.x1).expand(problem.x1.shape)
    assert torch.equal(drawn, drawn[:1, :1].expand_as(drawn))
    assert drawn.unique().numel() == 5


def test_ratio_is_the_quantile_over_the_rate():
    """Rho is what numpy's quantiles give by the formula, at the kappa where it is largest."""
    problem = made(delta=(0.25, 0.5), paths=101)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 4, 101)))
    found = measure_quantile(problem, x)
    for row, delta in enumerate((0.25, 0.5)):
        ratios = []
        for i, kappa in enumerate(KAPPA):
            eps = kappa / 8
            quantile = np.quantile(eps * np.abs(x[row, i].numpy()), 1 - delta)
            ratios.append(quantile * 8 / ((2 * eps + np.sqrt(np.log(1 / delta))) * np.sqrt(0.5)))
        assert float(found["rho"][row]) == pytest.approx(max(ratios), rel=1e-12)
        assert float(found["kappa"][row]) == KAPPA[int(np.argmax(ratios))]


def test_gaussian_ratios_are_the_protocols():
    """At T = 64 a replicate of 8000 paths has the ratios of the protocol's 20000."""
    problem = made()
    found = measure_quantile(problem, who.linear_decay(problem))["rho"]
    expected = [1.02, 1.23, 1.37, 1.44, 1.47, 1.46]
    np.testing.assert_allclose(found[:4], expected[:4], atol=0.04)
    np.testing.assert_allclose(found[4:], expected[4:], atol=0.15)  # of 24 and of 8 paths
    assert problem.calls.tolist() == [64.0] * len(DELTA)


def test_zero_step_and_ascent_are_caught_by_the_ratio():
    """Who stays at x_1 has rho of 7.1 at T = 1024, and who ascends more than 3 at T = 64."""
    problem = made(T=1024, paths=2)
    assert float(measure_quantile(problem, who.zero_step(problem))["rho"].max()) == pytest.approx(
        8 / ((0.5 + np.sqrt(np.log(1 / 0.3))) * np.sqrt(0.5)), rel=1e-12
    )
    problem = made(paths=500)
    assert float(measure_quantile(problem, who.ascent(problem))["rho"].max()) > 3


def test_estimand_tells_the_exponent_of_the_logarithm():
    """For rho = log(1/delta)^0.3 growth is 2 of what is let through, whatever larger deltas say."""
    delta = np.tile(DELTA, 2)
    rho = np.where(delta < 0.02, np.log(1 / delta) ** 0.3, 0.1)
    subject = {"T": np.repeat([64, 256], 6), "delta": delta, "rho": np.tile(rho, (3, 1))}
    found = bench.quantile_ratio(subject)
    assert list(found) == [f"{what} at T = {T}" for T in (64, 256) for what in ("growth", "ratio")]
    np.testing.assert_allclose(found["growth at T = 256"], [2.0] * 3, rtol=1e-12)
    np.testing.assert_allclose(found["ratio at T = 64"], [np.log(1000) ** 0.3 / 3] * 3)
