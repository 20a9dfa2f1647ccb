"""Noise without a variance: levels of the protocol, and the rule that needs level and exponent."""

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.optimization.last_iterate import bench_last_iterate as bench
from suite.optimization.last_iterate import contenders as who
from suite.optimization.last_iterate import schedules
from suite.optimization.last_iterate.evaluate import measure_gap
from suite.optimization.last_iterate.geometry import Power
from suite.optimization.last_iterate.heavy import ETA, TAIL, P, heavy
from suite.optimization.last_iterate.method import mirror_descent

KS = (0.5, 1.0, 2.0, 4.0)


def made(*horizons, n=1, **options):
    streams = Streams("optimization/last_iterate", "heavy", 0, range(n))
    T = [T for T in horizons for _ in KS]
    return heavy(T, KS * len(horizons), streams=streams, n=n, **options)


def levels(problem, x, horizons):
    """Return T^(1/3) times the largest mean gap over k, for each horizon."""
    gap = measure_gap(problem, x)["gap"].reshape(len(horizons), len(KS)).amax(dim=1)
    return gap.numpy() * np.array(horizons) ** (1 / 3)


def test_instance_shrinks_with_the_rate():
    """eps = k T^(1/p - 1), and the noise is told by its p-th moment."""
    problem = made(64, 4096, paths=1)
    expected = np.outer([64 ** (-1 / 3), 4096 ** (-1 / 3)], KS).ravel()
    np.testing.assert_allclose(problem.eps[:, 0], expected, rtol=1e-12)
    assert problem.geometry == Power(3)
    assert P < TAIL < 2
    assert problem.sigma > 1


def test_steps_are_those_of_theorem_5_2():
    """eta_t = eta (T - t + 1) / T^(1 + 1/p), then nothing."""
    steps = who._heavy_decay(made(4, 8, paths=1))
    np.testing.assert_allclose(steps[0, :4], ETA * np.array([4, 3, 2, 1]) / 4 ** (5 / 3))
    assert steps[0, 4:].tolist() == [0.0] * 4


def test_levels_are_the_protocols():
    """T^(1/3) gap at its worst k: mirror 1.82 to 1.94, clipped 1.06 to 1.13, who stays 4."""
    horizons = (64, 256)
    expected = {who.mirror: (1.7, 2.05), who.clipped: (1.0, 1.2), who.sgd: (1.4, 2.4)}
    for contender, (low, high) in expected.items():
        problem = made(*horizons, paths=2000)
        found = levels(problem, contender(problem), horizons)
        assert (low < found).all(), contender
        assert (found < high).all(), contender
        assert problem.calls.tolist() == [64.0] * 4 + [256.0] * 4
    stay = levels(problem, who.zero_step(problem), horizons)
    np.testing.assert_allclose(stay, 4, rtol=1e-12)


def test_ascent_is_caught_by_its_level():
    """Steps of the wrong sign end at a level of 5 or more, where 3 is let through."""
    problem = made(64, paths=500)
    x = mirror_descent(problem, -who._heavy_decay(problem))
    assert levels(problem, x, (64,)) > 5 > bench.LEVEL


def test_a_finite_variance_makes_the_mirror_map_plain():
    """At p = q = 2 the run is that of plain steps on the same noise (check 7)."""
    plain = made(64, paths=20)
    steps = schedules.linear_decay(plain.T, plain.eta, p=2)
    mirrored = made(64, paths=20)
    x = mirror_descent(mirrored, steps, geometry=Power(2))
    np.testing.assert_allclose(x, mirror_descent(plain, steps, geometry=who.Euclidean()), rtol=1e-9)


def test_clipping_bounds_every_step_by_the_rows_own_level():
    """A step is at most eta times the level of its row, also when only the last rows run."""
    geometry = who.Clipped(level=torch.tensor([[1.0], [2.0]]))
    x, g = torch.zeros(2, 3), torch.tensor([[5.0, -5.0, 0.5]]).expand(2, 3)
    both = geometry.step(x, g, 0.1)
    np.testing.assert_allclose(both, [[-0.1, 0.1, -0.05], [-0.2, 0.2, -0.05]], rtol=1e-6)
    assert torch.equal(geometry.step(x[1:], g[1:], 0.1), both[1:])


def test_gradients_are_clipped_at_the_pth_root_of_the_horizon():
    """Under noise beyond all bounds every step is eta_t T^(1/p): 4 at T = 8 and p = 3/2."""
    problem = made(8, paths=1)
    problem.noise = lambda x: torch.full_like(x, 1e9)
    steps = who._heavy_decay(problem)[0]
    np.testing.assert_allclose(who.clipped(problem), 1 - 4 * float(steps.sum()), rtol=1e-12)


def evidence(level, exponent):
    """Return evidence whose worst gap is level T^exponent, k = 0.5 without any gap to speak of."""
    T = np.repeat([64, 512, 4096], 2)
    gap = np.where(np.tile([True, False], 3), 1e-9, level * T**exponent)
    return {"T": T, "k": np.tile([0.5, 4.0], 3), "gap": np.tile(gap, (5, 1))}


def test_estimand_divides_by_what_is_let_through():
    """T^-0.40 and T^-0.27 lie at the two limits, a level of 3 at the third."""
    middle = bench.heavy_rate(evidence(1.5, -1 / 3))
    np.testing.assert_allclose(middle["level at T = 512"], 0.5, rtol=1e-12)
    for exponent, name in ((-0.27, "no slower than T^-0.27"), (-0.40, "no faster than T^-0.4")):
        np.testing.assert_allclose(bench.heavy_rate(evidence(1, exponent))[name], 1, rtol=1e-9)


def test_who_stays_has_the_exponent_and_not_the_level():
    """A zero step shrinks with the instance: only its level of 4 is beyond what is let through."""
    found = bench.heavy_rate(evidence(4.0, -1 / 3))
    beyond = [name for name, effects in found.items() if (effects > 1).all()]
    assert beyond == [f"level at T = {T}" for T in (64, 512, 4096)]


@pytest.mark.parametrize("exponent", [-0.25, -0.5])
def test_another_exponent_is_caught(exponent):
    """A gap that falls like T^(-1/4) or T^(-1/2) is beyond one of the limits."""
    found = bench.heavy_rate(evidence(1.0, exponent))
    assert max(float(effects.max()) for effects in found.values()) > 1
