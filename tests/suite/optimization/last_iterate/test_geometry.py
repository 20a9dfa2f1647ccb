"""A step is the minimiser that its definition asks for, whatever its closed form."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from suite.optimization.last_iterate.geometry import (
    Entropy,
    Euclidean,
    EuclideanSimplex,
    Power,
    project_on_simplex,
    soft_threshold,
)

SIMPLEX = {"Entropy", "EuclideanSimplex"}
GEOMETRIES = [
    Euclidean(),
    Euclidean(radius=0.7),
    Euclidean(l1=0.3),
    Entropy(),
    EuclideanSimplex(),
    Power(2),
    Power(3),
    Power(3.5),
]


def objective(geometry, z, x, g, eta):
    """Return h(z) + <g, z - x> + D_psi(z, x) / eta by the definition, in numpy."""
    if isinstance(geometry, Entropy):
        divergence = np.sum(z * np.log(z / x), axis=-1)
    elif isinstance(geometry, Power):
        q = geometry.q
        slope = np.sign(x) * np.abs(x) ** (q - 1)
        divergence = np.sum((np.abs(z) ** q - np.abs(x) ** q) / q - slope * (z - x), axis=-1)
    else:
        divergence = np.sum((z - x) ** 2, axis=-1) / 2
    h = getattr(geometry, "l1", 0.0) * np.abs(z).sum(axis=-1)
    return h + ((z - x) * g).sum(axis=-1) + divergence / eta


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=repr)
def test_a_step_minimises_its_own_definition(geometry):
    """No other point of the domain, near or far, has a smaller objective than the step's."""
    rng = np.random.default_rng(1)
    on_simplex = type(geometry).__name__ in SIMPLEX

    def draw(*shape):
        return (
            rng.dirichlet(np.ones(5), shape) if on_simplex else 0.3 * rng.normal(size=(*shape, 5))
        )

    x, g, eta = draw(20), rng.normal(size=(20, 5)), 0.8
    z = geometry.step(torch.tensor(x), torch.tensor(g), eta).numpy()
    least = objective(geometry, np.maximum(z, 1e-300) if on_simplex else z, x, g, eta)
    for distance in (1.0, 0.1, 1e-3):
        others = z + distance * (draw(200, 20) - z)  # inside, by convexity
        radius = getattr(geometry, "radius", None)
        if radius:
            length = np.linalg.norm(others, axis=-1, keepdims=True)
            others *= np.minimum(1, radius / length)
        others = np.maximum(others, 1e-300) if on_simplex else others
        assert (objective(geometry, others, x, g, eta) >= least - 1e-12).all()


@pytest.mark.parametrize("geometry", [g for g in GEOMETRIES if type(g).__name__ in SIMPLEX])
def test_simplex_steps_stay_on_the_simplex(geometry):
    """Long steps leave nonnegative entries of sum 1."""
    rng = np.random.default_rng(2)
    x = torch.tensor(rng.dirichlet(np.ones(7), (4, 3)))
    z = geometry.step(x, torch.tensor(rng.normal(size=(4, 3, 7))), 1000.0)
    assert bool((z >= 0).all())
    torch.testing.assert_close(z.sum(dim=-1), torch.ones(4, 3, dtype=torch.float64))


def test_eta_may_differ_from_row_to_row():
    """A tensor of step sizes gives each row what a number gives it alone."""
    rng = np.random.default_rng(3)
    x, g = (torch.tensor(rng.normal(size=(3, 4))) for _ in range(2))
    eta = torch.tensor([[0.1], [1.0], [5.0]], dtype=torch.float64)
    for geometry in (Euclidean(), Euclidean(radius=1.0), Euclidean(l1=0.2), Power(3)):
        rows = [geometry.step(x[[i]], g[[i]], float(eta[i])) for i in range(3)]
        torch.testing.assert_close(geometry.step(x, g, eta), torch.cat(rows), rtol=0, atol=1e-15)


def test_a_constant_gradient_leads_to_the_softmax_of_its_sum():
    """T entropic steps along c give softmax(-c sum eta_t) from the centre (check 6)."""
    c = torch.tensor([0.0, 0.4, 1.0, -0.3], dtype=torch.float64)
    x = torch.full((4,), 0.25, dtype=torch.float64)
    etas = [0.5, 0.3, 2.0, 0.01]
    for eta in etas:
        x = Entropy().step(x, c, eta)
    expected = np.exp(-c.numpy() * sum(etas))
    np.testing.assert_allclose(x.numpy(), expected / expected.sum(), rtol=1e-13)


def test_an_entry_that_underflowed_stays_zero():
    """exp(-2000) is 0 in float64, and neither NaN nor a resurrection follows."""
    x = torch.tensor([0.5, 0.5], dtype=torch.float64)
    for g in ([0.0, 2000.0], [0.0, -5.0]):
        x = Entropy().step(x, torch.tensor(g, dtype=torch.float64), 1.0)
        assert x.tolist() == [1.0, 0.0]


def test_the_power_of_two_is_euclidean():
    """With p = 2 the mirror map of heavy tails takes plain steps (check 7)."""
    rng = np.random.default_rng(4)
    x, g = (torch.tensor(rng.normal(size=50)) for _ in range(2))
    torch.testing.assert_close(
        Power(2).step(x, g, 0.3), Euclidean().step(x, g, 0.3), rtol=0, atol=1e-15
    )


def test_the_cube_needs_no_power():
    """q = 3 by a product and a square root is q = 3 by powers."""
    rng = np.random.default_rng(5)
    x, g = rng.normal(size=50), rng.normal(size=50)
    dual = np.sign(x) * np.abs(x) ** 2.0 - 0.3 * g
    expected = np.sign(dual) * np.abs(dual) ** 0.5
    found = Power(3).step(torch.tensor(x), torch.tensor(g), 0.3)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)


def test_a_threshold_of_zero_is_no_threshold():
    """With l1 = 0 the composite step is the plain one, bit for bit (check 8)."""
    rng = np.random.default_rng(6)
    x, g = (torch.tensor(rng.normal(size=50)) for _ in range(2))
    plain = Euclidean().step(x, g, 0.3)
    assert bool((Euclidean(l1=0.0).step(x, g, 0.3) == plain).all())
    torch.testing.assert_close(soft_threshold(plain, 0.0), plain, rtol=0, atol=0)


def test_a_ball_with_an_l1_term_is_refused():
    """There is no closed form for both at once."""
    with pytest.raises(ValueError, match="give radius or l1"):
        Euclidean(radius=1.0, l1=0.1)


@given(arrays(float, (2, 6), elements=st.floats(-50, 50)))
def test_the_projection_is_that_of_sorting(z):
    """Discarding entries finds the threshold that sorting finds (Held, Wolfe, Crowder 1974)."""
    expected = []
    for row in z:
        u = np.sort(row)[::-1]
        theta = (np.cumsum(u) - 1) / np.arange(1, len(u) + 1)
        expected.append(np.maximum(row - theta[np.flatnonzero(u > theta)[-1]], 0))
    found = project_on_simplex(torch.tensor(z)).numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
