"""Algorithm 1 does what its three lines say, for all rows at once."""

import numpy as np
import pytest
import torch

from suite.optimization.last_iterate import schedules
from suite.optimization.last_iterate.geometry import Euclidean, Power
from suite.optimization.last_iterate.method import mirror_descent
from suite.optimization.last_iterate.noise import Normal, Own
from suite.optimization.last_iterate.problem import Problem, Sharp


def sharp(T, rows=1, paths=3, seed=None, **more):
    """Return |x| / 2 from x_1 = 1, with normal noise where there is a seed."""
    noise = None if seed is None else Own(Normal(np.random.default_rng(seed)))
    x1 = torch.ones(rows, paths, dtype=torch.float64)
    return Sharp(T=T, x1=x1, D=0.5, M=1.0, sigma=1.0, eps=0.5, noise=noise, **more)


def plain_loop(steps, paths, seed):
    """Return x_1, ..., x_{T+1} of stochastic subgradient descent on |x| / 2, in numpy."""
    rng = np.random.default_rng(seed)
    x = [np.ones(paths)]
    for eta in steps:
        x.append(x[-1] - eta * (0.5 * np.sign(x[-1]) + rng.standard_normal((1, paths))[0]))
    return np.array(x)


def test_it_is_the_plain_loop():
    """The last iterate is x_{T+1} of a loop written by hand, after exactly T calls."""
    problem, steps = sharp(20, seed=1), schedules.linear_decay(20, 0.8)
    x = mirror_descent(problem, steps)
    np.testing.assert_allclose(x[0], plain_loop(steps.numpy(), 3, 1)[-1], rtol=0, atol=1e-14)
    assert problem.calls.tolist() == [20]
    assert problem.gap(x).tolist() == (0.5 * x.abs()).tolist()


def test_an_average_weighs_the_points_before_the_last():
    """Weights are those of x_1, ..., x_T; x_{T+1} has none."""
    steps, weights = schedules.inverse_sqrt(20, 0.8), torch.linspace(0, 1, 20, dtype=torch.float64)
    mean = mirror_descent(sharp(20, seed=1), steps, average=weights)
    expected = weights.numpy() @ plain_loop(steps.numpy(), 3, 1)[:-1]
    np.testing.assert_allclose(mean[0], expected, rtol=0, atol=1e-13)


def test_rows_of_different_horizons_are_runs_of_their_own():
    """Every row ends after its own T, at the point and the average of a run alone."""
    T = torch.tensor([3, 5, 5, 9])
    steps, weights = schedules.linear_decay(T, 0.8), schedules.constant(T, 1.0)
    together = sharp(T, rows=4)
    x = mirror_descent(together, steps)
    mean = mirror_descent(sharp(T, rows=4), steps, average=weights)
    for row, horizon in enumerate(T.tolist()):
        one = schedules.linear_decay(horizon, 0.8)
        alone = mirror_descent(sharp(horizon), one)
        torch.testing.assert_close(x[[row]], alone, rtol=0, atol=1e-15)
        even = schedules.constant(horizon, 1.0)
        alone = mirror_descent(sharp(horizon), one, average=even)
        torch.testing.assert_close(mean[[row]], alone, rtol=0, atol=1e-15)
    assert together.calls.tolist() == [3, 5, 5, 9]


def test_steps_may_differ_along_leading_axes():
    """Steps (rows, T), and those of one value for all rows, meet x of more axes."""
    steps = torch.stack([schedules.constant(6, 0.1), schedules.constant(6, 0.4)])
    x = mirror_descent(sharp(6, rows=2), steps)
    for row in range(2):
        torch.testing.assert_close(x[[row]], mirror_descent(sharp(6), steps[row]))
    torch.testing.assert_close(mirror_descent(sharp(6), steps[:1]), x[[0]])


def test_another_geometry_takes_the_place_of_the_problems():
    """The problem's own geometry is used unless one is given."""
    steps = schedules.constant(6, 0.1)
    cubed = mirror_descent(sharp(6, geometry=Power(3)), steps)
    torch.testing.assert_close(mirror_descent(sharp(6), steps, geometry=Power(3)), cubed)
    plain = mirror_descent(sharp(6, geometry=Power(3)), steps, geometry=Euclidean())
    torch.testing.assert_close(plain, mirror_descent(sharp(6), steps))


def test_x1_is_left_as_it_was():
    """A run does not write into the problem's starting point."""
    problem = sharp(torch.tensor([2, 4]), rows=2)
    mirror_descent(problem, schedules.constant(problem.T, 0.3))
    assert bool((problem.x1 == 1).all())


def test_the_theorys_eta_is_the_default():
    """eta = sqrt(D / (M^2 + sigma^2)) unless the problem says otherwise."""
    assert sharp(4).eta == pytest.approx(0.5)
    assert sharp(4, eta=0.25).eta == 0.25


def test_horizons_that_fall_are_refused():
    """Rows finish from the first on; another order would stop the wrong ones."""
    with pytest.raises(ValueError, match="must not fall"):
        sharp(torch.tensor([4, 3]), rows=2)


def test_a_problem_must_say_what_it_is():
    """The common base has neither a subgradient nor a gap."""
    bare = Problem(T=1, x1=torch.zeros(1, 1), D=1.0, M=1.0)
    for ask in (bare.slope, bare.gap):
        with pytest.raises(NotImplementedError):
            ask(bare.x1)
