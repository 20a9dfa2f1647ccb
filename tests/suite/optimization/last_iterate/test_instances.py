"""Every instance of the bound in expectation is what the theory assumes, and known exactly."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from suite.optimization.last_iterate import schedules
from suite.optimization.last_iterate.instances import STEPS, build, inequality
from suite.optimization.last_iterate.method import mirror_descent

NAMES = (
    "hard inverse_sqrt",
    "hard constant",
    "sharp 1",
    "sharp 8",
    "parabola 1",
    "parabola 0.05",
    "quadratic",
    "l1",
    "simplex",
)
NOISY = [name for name in NAMES if not name.startswith("hard")]
SMOOTH = ("parabola 1", "parabola 0.05", "quadratic", "l1")


def streams(seed=0):
    """Return a stand-in for the engine's streams."""
    return SimpleNamespace(
        replicates=range(2),
        device="cpu",
        numpy=lambda purpose: np.random.default_rng((seed, len(purpose))),
    )


def points(problem, seed):
    """Return points of the domain, shaped as the problem's iterates."""
    rng, shape = np.random.default_rng(seed), problem.x1.shape
    if type(problem).__name__ == "Linear":
        return torch.tensor(rng.dirichlet(np.ones(shape[-1]), shape[:-1]))
    return torch.tensor(0.3 * rng.standard_normal(shape))


def smooth_gap(problem, x):
    """Return f(x) up to a constant: the gap without the composite term."""
    l1 = getattr(problem.geometry, "l1", 0.0)
    return problem.gap(x) - l1 * x.abs().sum(dim=-1) if l1 else problem.gap(x)


@pytest.mark.parametrize("name", NAMES)
def test_subgradients_support_f_and_it_is_as_smooth_as_told(name):
    """0 <= f(y) - f(x) - <g, y - x> <= (L/2) ||y - x||^2 + M ||y - x|| between random points."""
    problem = build(name, 16, 2, streams=streams(), n=2)
    x, y = points(problem, 1), points(problem, 2)
    product = problem.slope(x) * (y - x)
    per_path = product.ndim > problem.gap(x).ndim
    product = product.sum(dim=-1) if per_path else product
    rest = smooth_gap(problem, y) - smooth_gap(problem, x) - product
    if type(problem).__name__ == "Linear":
        length = (y - x).abs().sum(dim=-1)
    else:
        length = (y - x).norm(dim=-1) if per_path else (y - x).abs()
    assert float(rest.min()) >= -1e-12
    assert float((rest - problem.L / 2 * length**2 - problem.M * length).max()) <= 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_gaps_are_never_negative(name):
    """No point of the domain lies below F*."""
    problem = build(name, 16, 2, streams=streams(), n=2)
    assert all(float(problem.gap(points(problem, seed)).min()) >= 0 for seed in range(5))


def test_the_optimum_of_the_composite_instance_is_scipys():
    """SciPy, with x split into two nonnegative parts, finds the same F* and the same D."""
    problem = build("l1", 16, 2, streams=streams(), n=2)
    b, l1 = problem.b.numpy(), problem.geometry.l1

    def split(parts):
        apart = parts[:10] - parts[10:] - b
        return apart @ apart / 2 + l1 * parts.sum(), np.r_[apart, -apart] + l1

    found = minimize(
        split, np.full(20, 0.1), jac=True, bounds=[(0, None)] * 20, options={"ftol": 1e-15}
    )
    z = found.x[:10] - found.x[10:]
    assert float(problem.gap(torch.tensor(z).expand_as(problem.x1)).max()) < 1e-10
    assert z @ z / 2 == pytest.approx(problem.D, abs=1e-6)


@pytest.mark.parametrize("name", NOISY)
def test_the_noise_has_the_variance_that_the_bound_is_told(name):
    """E ||xi||^2 = sigma^2 in the dual norm, and the mean is zero."""
    problem = build(name, 16, 2, streams=streams(), n=2)
    draws = torch.stack([problem.noise(problem.x1) for _ in range(300)])
    if name == "simplex":
        squared = draws.abs().amax(dim=-1) ** 2
    else:
        squared = (draws**2).sum(dim=-1) if draws.ndim == 4 else draws**2
    assert float(squared.mean()) == pytest.approx(problem.sigma**2, rel=0.03)
    assert float(draws.mean()) == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("name", NOISY)
def test_the_control_multiplies_the_noise_and_tells_nobody(name):
    """A factor of 30 scales the same draws; eta, sigma and the bound stay as they were."""
    cells = ("constant", "constant")
    made = inequality(name, 16, cells, (1.0, 30.0), streams=streams(), n=2)
    problem = made.problem
    exact = problem.slope(problem.x1)
    noise = problem.subgradient(problem.x1, 1) - exact
    torch.testing.assert_close(noise[2:], 30 * noise[:2], rtol=1e-12, atol=1e-12)
    assert problem.sigma == 1
    torch.testing.assert_close(made.steps[:2], made.steps[2:])


def test_an_exact_instance_has_no_noise_to_multiply():
    """A control that would change nothing is refused."""
    with pytest.raises(ValueError, match="no noise"):
        inequality("hard constant", 16, ("constant",), (30.0,), streams=streams(), n=2)


@pytest.mark.parametrize("name", NAMES)
def test_a_stack_of_schedules_is_a_run_of_each(name):
    """Rows are (schedule, replicate), each with its own steps, capped where f is smooth."""
    cells = tuple(STEPS)
    together = inequality(name, 16, cells, (1.0,) * 3, streams=streams(), n=2)
    x = mirror_descent(together.problem, together.steps)
    assert together.steps.shape == (6, 16)
    assert together.calls.tolist() == [16] * 6
    for i, schedule in enumerate(cells):
        alone = inequality(name, 16, (schedule,), (1.0,), streams=streams(), n=2)
        rows = slice(2 * i, 2 * i + 2)
        torch.testing.assert_close(x[rows], mirror_descent(alone.problem, alone.steps))
        if name in SMOOTH:
            assert float(together.steps[rows].max()) <= 1 / (2 * together.problem.L)
        else:
            expected = STEPS[schedule](16, together.problem.eta)
            torch.testing.assert_close(together.steps[2 * i], expected)


def test_the_bound_is_held_with_the_factors_of_an_independent_check():
    """At T = 64 sharp and parabolic instances leave factors of 2.6 to 570, the quadratic more."""
    for name in ("sharp 1", "parabola 1", "parabola 0.05", "quadratic"):
        made = inequality(name, 64, ("linear_decay",), (1.0,), streams=streams(), n=2)
        problem = made.problem
        bound = schedules.expected_gap_bound(made.steps, problem.D, problem.M, problem.sigma)
        x = mirror_descent(problem, made.steps)
        room = float((bound / problem.gap(x).mean(dim=1)).mean())
        assert 2.6 < room < 570, name
