"""Noise has the law it is named after, and cells of a stack share it where they should."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import kstest, lomax, norm, t

from suite.optimization.last_iterate.noise import Normal, Own, Pareto, Shared, Signs, StudentT

DRAWS = 20_000


def draws(law, *parameters):
    return law(np.random.default_rng(5), *parameters)((DRAWS,)).numpy()


@pytest.mark.parametrize(
    ("sample", "reference"),
    [
        (draws(Normal), norm()),
        (draws(StudentT, 2.1), t(2.1, scale=(0.1 / 2.1) ** 0.5)),
        (np.abs(draws(Pareto, 1.55)), lomax(1.55)),
        (1 / (1 + np.abs(draws(Pareto, 2.5))) ** 2.5, None),
    ],
    ids=["normal", "t", "pareto", "pareto-uniform"],
)
def test_laws_are_those_of_scipy(sample, reference):
    """Twenty thousand draws pass Kolmogorov and Smirnov's test against scipy's distribution."""
    assert kstest(sample, "uniform" if reference is None else reference.cdf).pvalue > 1e-3


def test_t_noise_has_variance_one():
    """Scaled by sqrt((nu - 2) / nu), Student's t has the variance of the Gaussian noise."""
    assert t(2.1, scale=(0.1 / 2.1) ** 0.5).var() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("law", [Pareto(np.random.default_rng(0), 1.55), Signs])
def test_signs_are_even(law):
    """Half of the draws are positive, within four standard errors."""
    sample = law((DRAWS,)).numpy() if isinstance(law, Pareto) else draws(law)
    assert abs((sample > 0).mean() - 0.5) < 2 / DRAWS**0.5
    assert isinstance(law, Pareto) or set(np.abs(sample)) == {1.0}


def test_signs_fill_shapes_that_are_no_multiple_of_eight():
    """Three by five signs come from two bytes."""
    assert Signs(np.random.default_rng(0))((3, 5)).shape == (3, 5)


def test_pareto_moment_is_the_integral():
    """E |xi|^p = tail B(p + 1, tail - p) is the integral of p y^(p-1) P(|xi| > y)."""
    law = Pareto(np.random.default_rng(0), 3.5)
    integral, _ = quad(lambda y: 1.5 * y**0.5 * (1 + y) ** -3.5, 0, np.inf)
    assert law.moment(1.5) == pytest.approx(integral, rel=1e-8)


@pytest.mark.parametrize("uniform", [0.0, 1 - 2**-53])
def test_pareto_is_finite_at_the_ends_of_its_uniform_draws(uniform):
    """The smallest and the largest uniform number give finite sizes."""
    generator = SimpleNamespace(random=lambda shape: np.full(shape, uniform))
    size = Pareto(generator, 1.55)((1,)).abs()
    assert bool(torch.isfinite(size).all())
    assert float(size) > 1e9


def test_shared_noise_is_one_draw_for_all_cells_that_still_run():
    """Each replicate's draw is repeated for every cell, and the last rows get theirs."""
    noise = Shared(Normal(np.random.default_rng(1)), (2, 3))
    one = Normal(np.random.default_rng(1))((2, 3))
    assert torch.equal(noise(torch.zeros(6, 3)), one.repeat(3, 1))
    noise = Shared(Normal(np.random.default_rng(1)), (2, 3))
    assert torch.equal(noise(torch.zeros(3, 3)), one.repeat(2, 1)[-3:])


def test_own_noise_differs_from_row_to_row():
    """Every entry of x has a draw of its own, in the shape of x."""
    found = Own(Normal(np.random.default_rng(1)))(torch.zeros(4, 3))
    assert found.shape == (4, 3)
    assert found.unique().numel() == 12
