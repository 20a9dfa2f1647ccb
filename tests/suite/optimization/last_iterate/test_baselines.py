"""Opponents are what their pins say, against plain loops."""

from math import ceil, log2, sqrt

import numpy as np
import pytest
import torch

from baselines.optimization import last_iterate as pins
from suite.optimization.last_iterate import contenders as who
from suite.optimization.last_iterate.hard import harvey


@pytest.mark.parametrize("T", [2, 3, 7, 64, 100, 1023])
def test_phases_halve_as_their_authors_say(T):
    """Phase i covers T_i < t <= T_{i+1} with T_i = T - ceil(T / 2^i), T_0 = 0, T_{k+1} = T."""
    k = ceil(log2(T))
    end = [T - ceil(T * 2.0**-i) for i in range(k + 1)] + [T]
    expected = [
        next(2.0**-i for i in range(k + 1) if end[i] < t <= end[i + 1]) for t in range(1, T + 1)
    ]
    assert end[0] == 0
    np.testing.assert_array_equal(pins.phases(T), expected)


@pytest.mark.parametrize("T", [1, 2, 5, 64])
def test_weights_sum_to_one_and_lie_where_they_should(T):
    """Uniform, the last half, and proportional to t."""
    t = np.arange(1, T + 1)
    late = t > T // 2
    np.testing.assert_allclose(pins.uniform(T), 1 / T)
    np.testing.assert_allclose(pins.suffix(T), late / (T - T // 2))
    np.testing.assert_allclose(pins.increasing(T), 2 * t / (T * (T + 1)))
    for rule in (pins.uniform, pins.suffix, pins.increasing):
        assert rule(T).sum() == pytest.approx(1)


@pytest.mark.parametrize("T", [10, 64, 100, 1000])
@pytest.mark.parametrize("instance", ["inverse_sqrt", "constant"])
def test_torchs_sgd_takes_linearly_decaying_steps(instance, T):
    """torch.optim.SGD under LinearLR ends where a numpy loop and our method do, to 1e-12."""
    problem, loop = (harvey(instance, torch.tensor([T])) for _ in range(2))
    theirs = who.torch_sgd(problem)
    x = np.zeros((1, T + 1))
    for t in range(1, T + 1):
        x = x - (T - t + 1) / T**1.5 * loop.subgradient(torch.tensor(x), t).numpy()
    ours = harvey(instance, torch.tensor([T]))
    np.testing.assert_allclose(theirs.numpy(), x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(who.linear_decay(ours).numpy(), x, rtol=0, atol=1e-12)
    assert problem.calls.tolist() == [T]
    assert not theirs.requires_grad
    assert np.abs(who.one_step_early(ours).numpy() - x).max() > 1e-5 / sqrt(T)


def test_torchs_sgd_runs_one_horizon():
    """Rows of different horizons have no common schedule, and are refused."""
    with pytest.raises(ValueError, match="too many values"):
        who.torch_sgd(harvey("constant", torch.tensor([4, 8])))


def test_rules_are_laid_out_by_row():
    """One horizon gives a row of weights, several a row each with zeros after its end."""
    assert who.per_row(pins.uniform, 2).tolist() == [0.5, 0.5]
    rows = who.per_row(pins.uniform, torch.tensor([1, 2, 4]))
    assert rows.tolist() == [[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0.25] * 4]
