"""The analytic prior and its posterior, against dense matrices and simulation."""

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from scipy.stats import multivariate_normal

from claimbench.evidence.streams import Streams
from suite.imaging.dds import mixture, problem
from suite.imaging.dds.conjugate_gradient import conjugate_gradient
from suite.imaging.dds.mixture import MixturePrior, mixture_priors
from suite.imaging.dds.phantoms import phantom, pixel_centres, rotated
from suite.imaging.dds.posterior import posterior
from suite.imaging.dds.schedule import Level, vp_levels

SIDE = 8
LEVELS = [*vp_levels(5), Level(1.0, 2500.0), Level(1.0, 1e-4)]


def prior():
    return mixture_priors((0, 1), SIDE)


def covariance(prior, p, k):
    Q, lam = prior.Q[p, k].numpy(), prior.lam[p, k].numpy()
    return Q * lam @ Q.T + prior.tau**2 * np.eye(len(Q))


def ambiguous(prior, level, seed=0):
    """Return points (P, R, d) between the means, so that several components have a weight."""
    generator = torch.Generator().manual_seed(seed)
    mix = torch.softmax(3 * torch.randn(2, 6, 4, generator=generator, dtype=torch.float64), -1)
    noise = torch.randn(2, 6, SIDE**2, generator=generator, dtype=torch.float64)
    return level.a * mix @ prior.mean + sqrt(level.v) * noise


def test_phantoms_are_a_body_in_an_empty_field():
    """Intensities lie in [0, 1]; the corners are empty, and the centre of the body is not."""
    for seed in range(20):
        image = phantom(np.random.default_rng(seed), 32)
        assert image.shape == (32, 32)
        assert image.min() >= 0
        assert image.max() <= 1
        assert image[[0, 0, -1, -1], [0, -1, 0, -1]].max() == 0
        assert image[12:20, 12:20].mean() > 0.1


def test_pixel_centres_and_directions():
    """The second axis is x; at a quarter turn, along is y and across is minus x."""
    x, y = pixel_centres(4)
    np.testing.assert_allclose(x[2], [-0.75, -0.25, 0.25, 0.75])
    np.testing.assert_allclose(y, x.T)
    along, across = rotated(x, y, np.pi / 2)
    np.testing.assert_allclose(along, y, atol=1e-15)
    np.testing.assert_allclose(across, -x, atol=1e-15)


def test_eigenpairs_are_those_of_a_full_decomposition():
    """On a smooth texture 48 pairs of subspace iteration leave out no more than eigh's do."""
    x, y = (part.ravel() for part in pixel_centres(24))
    squared = np.subtract.outer(x, x) ** 2 + np.subtract.outer(y, y) ** 2
    C = np.exp(-squared / (2 * 0.2**2))
    Q, lam = mixture.leading_eigenpairs(C, 48, np.random.default_rng(0))
    w = np.linalg.eigvalsh(C)[::-1]
    np.testing.assert_allclose(Q.T @ Q, np.eye(48), atol=1e-12)
    assert np.linalg.norm(C - Q * lam @ Q.T) <= 1.001 * np.linalg.norm(w[48:])
    np.testing.assert_allclose(lam[:20], w[:20], rtol=1e-5)


def test_the_priors_are_what_the_protocol_says():
    """Of four priors: orthonormal columns, texture of variance 0.25^2 in the body, less outside."""
    priors = mixture_priors((0, 1, 2, 3), 32)
    assert priors.Q.shape == (4, 4, 1024, 48)
    eye = torch.eye(48, dtype=torch.float64).expand(4, 4, -1, -1)
    torch.testing.assert_close(priors.Q.mT @ priors.Q, eye, rtol=0, atol=1e-12)
    variance = (priors.Q.square() * priors.lam.unsqueeze(-2)).sum(-1)
    body = priors.mean > -0.9
    assert 0.8 * 0.25**2 < float(variance[body].mean()) < 1.001 * 0.25**2
    assert float(variance[~body].max()) < 1.01 * (0.25 * 0.25) ** 2
    assert not torch.equal(priors.mean[0], priors.mean[1])


def test_a_prior_does_not_depend_on_those_beside_it():
    """Seed 1 gives the same mixture alone and beside seed 0."""
    alone, both = mixture_priors((1,), SIDE), prior()
    assert torch.equal(alone.mean[0], both.mean[1])
    assert torch.equal(alone.Q[0], both.Q[1])


def test_images_are_drawn_from_their_component():
    """The j-th latent number moves the image along column j by the root of its eigenvalue."""
    made = prior()
    component = torch.tensor([[0, 3], [2, 2]])
    latent, white = torch.zeros(2, 2, 48).double(), torch.zeros(2, 2, SIDE**2).double()
    latent[..., 5], white[..., 7] = 2.0, -1.0
    drawn = made.draw(component, latent, white)
    for p in range(2):
        for i in range(2):
            k = int(component[p, i])
            expected = made.mean[p, k] + 2 * made.lam[p, k, 5].sqrt() * made.Q[p, k, :, 5]
            expected[7] -= made.tau
            torch.testing.assert_close(drawn[p, i], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("level", LEVELS)
def test_the_denoiser_is_that_of_dense_matrices(level):
    """Weights by scipy's density and means by dense solves give the same x0, to 1e-11."""
    made = prior()
    x = ambiguous(made, level)
    found = made.denoise(x, level).numpy()
    for p in range(2):
        total = [level.a**2 * covariance(made, p, k) + level.v * np.eye(SIDE**2) for k in range(4)]
        mean = made.mean[p].numpy()
        for own, x0 in zip(x[p].numpy(), found[p], strict=True):
            log_w = [multivariate_normal(level.a * mean[k], total[k]).logpdf(own) for k in range(4)]
            m = [
                mean[k]
                + level.a
                * covariance(made, p, k)
                @ np.linalg.solve(total[k], own - level.a * mean[k])
                for k in range(4)
            ]
            np.testing.assert_allclose(x0, softmax(log_w) @ m, rtol=0, atol=1e-11)


@pytest.mark.parametrize("level", LEVELS)
def test_pullbacks_are_the_transposed_jacobian(level):
    """Automatic differentiation of the denoiser gives the same products, and x0 is the same."""
    made = prior()
    x = ambiguous(made, level).requires_grad_()
    u = ambiguous(made, level, seed=1).detach()
    expected = torch.autograd.grad(made.denoise(x, level), x, u)[0]
    x0, pullback = made.linearise(x.detach(), level)
    assert torch.equal(x0, made.denoise(x.detach(), level))
    scale = float(expected.abs().max())
    torch.testing.assert_close(pullback(u), expected, rtol=0, atol=1e-9 * scale)


def test_pullbacks_are_central_differences():
    """At a middle level the relative error is below 1e-6, between components as well."""
    made, level = prior(), vp_levels(10)[6]
    x, u = ambiguous(made, level), ambiguous(made, level, seed=1)
    h = 1e-4
    expected = (made.denoise(x + h * u, level) - made.denoise(x - h * u, level)) / (2 * h)
    found = made.linearise(x, level)[1](u)
    error = torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected)
    assert float(error) < 1e-6


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0), st.floats(1e-3, 10.0))
def test_the_jacobian_is_symmetric(seed, a, v):
    """<u, J w> = <J u, w> at any point and level."""
    made, level = prior(), Level(a, v)
    x, u, w = (ambiguous(made, level, seed=seed + i) for i in range(3))
    pullback = made.linearise(x, level)[1]
    left, right = (u * pullback(w)).sum(-1), (pullback(u) * w).sum(-1)
    torch.testing.assert_close(left, right, rtol=1e-8, atol=1e-8 * float(left.abs().max()))


def instance(name, n=4, side=SIDE, noise=0.05):
    streams = Streams("imaging/dds", name, 0, range(n))
    return getattr(problem, name)(0, noise, side, streams=streams, n=n).instance


def dense(operator, image):
    """Return A of every row as a real matrix, (P, R, measurements, d)."""
    eye = torch.eye(image.shape[-1], dtype=image.dtype)
    y = operator.forward(eye.expand(*image.shape[:2], -1, -1))
    y = torch.view_as_real(y) if y.is_complex() else y
    return y.flatten(3).mT


@pytest.mark.parametrize("name", ["mri", "ct"])
def test_the_posterior_is_that_of_dense_matrices(name):
    """Conditioning each component on y by dense covariances gives the same mean, error, weights."""
    one = instance(name)
    found, A = posterior(one.prior, one.operator, one.y, one.sigma), dense(one.operator, one.truth)
    y = torch.view_as_real(one.y) if one.y.is_complex() else one.y
    for p in range(4):
        a, own = A[p, 0].numpy(), y[p, 0].flatten().numpy()
        log_w, means, covariances = [], [], []
        for k in range(4):
            Sigma, mu = covariance(one.prior, p, k), one.prior.mean[p, k].numpy()
            total = a @ Sigma @ a.T + one.sigma**2 * np.eye(len(own))
            gain = np.linalg.solve(total, a @ Sigma).T
            log_w.append(multivariate_normal(a @ mu, total).logpdf(own))
            means.append(mu + gain @ (own - a @ mu))
            covariances.append(Sigma - gain @ a @ Sigma)
        w, means = softmax(log_w), np.array(means)
        centre = w @ means
        variance = w @ ([np.trace(own) for own in covariances] + ((means - centre) ** 2).sum(-1))
        np.testing.assert_allclose(found.weight[p, 0], w, rtol=0, atol=1e-8)
        np.testing.assert_allclose(found.mean[p, 0], centre, rtol=0, atol=1e-8)
        assert float(found.mmse[p, 0]) == pytest.approx(variance / SIDE**2, rel=1e-8)


@pytest.mark.parametrize(("name", "noise"), [("mri", 0.05), ("ct", 0.02)])
def test_errors_are_the_least_error_and_the_distance_to_the_best_estimate(name, noise):
    """E|xhat - x|^2 = d MMSE + E|xhat - m*|^2, of m* itself and of conjugate gradients."""
    one = instance(name, n=240, side=10, noise=noise)
    best = posterior(one.prior, one.operator, one.y, one.sigma)
    gradients = conjugate_gradient(one.operator.gram, one.back, torch.zeros_like(one.back), 3)
    for estimate in (best.mean, 0.3 * best.mean + 0.7 * gradients):
        excess = (estimate - one.truth).square() - (estimate - best.mean).square()
        ratio = (excess.mean(dim=-1) / best.mmse).flatten()
        error = float(ratio.std() / sqrt(len(ratio)))
        assert error < 0.1
        assert float(ratio.mean()) == pytest.approx(1, abs=4 * error)


def test_single_precision_is_near():
    """In float32 the denoiser is within 1e-4 of itself at all levels of a sampler."""
    made = mixture_priors((0, 1), SIDE)
    single = made.to(torch.float32)
    assert isinstance(single, MixturePrior)
    for level in vp_levels(10):
        x = ambiguous(made, level)
        found = single.denoise(x.float(), level)
        assert found.dtype is torch.float32
        torch.testing.assert_close(found.double(), made.denoise(x, level), rtol=0, atol=1e-4)
