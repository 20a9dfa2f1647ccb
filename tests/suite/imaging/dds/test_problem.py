"""Instances are paired, counted and laid out by prior; volumes and their ADMM pass."""

import numpy as np
import pytest
import torch

from claimbench.errors import BenchFileError
from claimbench.evidence.streams import Streams
from suite.imaging.dds import opponents, problem, volume
from suite.imaging.dds.method import noiseless
from suite.imaging.dds.schedule import Level

SIDE = 8


def streams(first=0, n=8, block=0):
    return Streams("imaging/dds", "any", block, range(first, first + n))


def mri(evaluations=5, noise=0.05, first=0, n=8, block=0):
    return problem.mri(evaluations, noise, SIDE, streams=streams(first, n, block), n=n)


def ct(evaluations=5, noise=0.05, n=8):
    return problem.ct(evaluations, noise, SIDE, streams=streams(n=n), n=n)


def volumes(noise=0.01, slices=5, n=4, **settings):
    return volume.volume(5, noise, slices, side=SIDE, streams=streams(n=n), n=n, **settings)


def test_replicates_take_the_priors_in_turn():
    """Replicate 4 i + p is row (p, i), and `rows` puts them back into that order."""
    small, large = mri(n=4), mri(n=8)
    assert large.truth.shape == (4, 2, SIDE**2)
    assert torch.equal(small.truth[:, 0], large.truth[:, 0])
    assert torch.equal(small.y[:, 0], large.y[:, 0])
    values = torch.tensor([[0, 4], [1, 5], [2, 6], [3, 7]])
    assert large.rows(values).tolist() == list(range(8))


def test_a_block_has_its_own_replicates():
    """Replicates 4 to 7 are the same images, masks and noise in a block of their own."""
    later, all_ = mri(first=4, n=4, block=1), mri(n=8)
    assert torch.equal(later.truth[:, 0], all_.truth[:, 1])
    assert torch.equal(later.operator.mask[:, 0], all_.operator.mask[:, 1])
    assert torch.equal(later.y[:, 0], all_.y[:, 1])


@pytest.mark.parametrize(("first", "n"), [(0, 6), (2, 4)])
def test_a_block_holds_every_prior_equally_often(first, n):
    """Other numbers of replicates are refused, and the message says what to change."""
    with pytest.raises(BenchFileError, match=r"multiples of 4.*replicates and block"):
        mri(first=first, n=n)


def test_all_evaluations_meet_the_same_instance():
    """Settings that do not change the images share them, and each problem counts for itself."""
    one, other = mri(evaluations=5), mri(evaluations=1000)
    assert one.instance is other.instance
    assert torch.equal(one.start, other.start.double())
    one.denoise(one.start, Level(1.0, 1.0))
    assert (one.T, other.T) == (5, 1000)
    assert one.calls.tolist() == [1.0] * 8
    assert other.calls.tolist() == [0.0] * 8


def test_noise_levels_share_images_masks_and_draws():
    """At another noise level the measurements differ by the same draw, scaled."""
    one, other = mri(noise=0.1), mri(noise=0.2)
    assert torch.equal(one.truth, other.truth)
    clean = one.operator.forward(one.truth)
    torch.testing.assert_close(2 * (one.y - clean), other.y - clean, rtol=0, atol=1e-12)


def test_mri_noise_is_on_the_sampled_entries_in_both_parts():
    """Elsewhere y is zero; real and imaginary parts each have the standard deviation sigma."""
    one = problem.mri(0, 0.1, 32, streams=streams(), n=8)
    noise = one.y - one.operator.forward(one.truth)
    read = one.operator.mask.reshape(4, 2, 1, 1, 32).expand(noise.shape) > 0
    assert float(noise[~read].abs().max()) == 0
    for part in (noise.real[read], noise.imag[read]):
        assert float(part.std()) == pytest.approx(0.1, rel=0.02)
        assert abs(float(part.mean())) < 0.005


def test_ct_noise_has_the_standard_deviation_of_the_setting():
    """y - A x has mean 0 and standard deviation sigma."""
    one = problem.ct(0, 0.05, 32, streams=streams(), n=8)
    noise = one.y - one.operator.forward(one.truth)
    assert float(noise.std()) == pytest.approx(0.05, rel=0.05)
    assert abs(float(noise.mean())) < 0.005
    torch.testing.assert_close(one.back, one.operator.adjoint(one.y))


def test_evaluations_and_products_are_counted_apart():
    """A linearisation is one evaluation, each product with its Jacobian one pass backward."""
    one = ct()
    level = Level(0.8, 0.36)
    x0, pullback = one.linearise(one.start, level)
    assert torch.equal(x0, one.denoise(one.start, level))
    for _ in range(3):
        pullback(x0)
    assert one.calls.tolist() == [2.0] * 8
    assert one.backward.tolist() == [3.0] * 8


def test_noise_is_the_same_for_everybody():
    """Draws begin anew with every sampler, are N(0, I), and are not the start."""
    one = mri(n=400)
    first, again = one.noise(), mri(n=400, evaluations=50).noise()
    z = first()
    assert torch.equal(z, again())
    assert not torch.equal(z, first())
    assert float((z * one.start).mean()) == pytest.approx(0, abs=0.03)
    for drawn in (z, one.start):
        assert drawn.dtype is torch.float64
        assert float(drawn.mean()) == pytest.approx(0, abs=0.03)
        assert float(drawn.std()) == pytest.approx(1, abs=0.02)


def errors(made, contender, evaluations):
    one = made(evaluations=evaluations)
    return one.start.dtype, (contender(one) - one.truth).square().mean(-1)


@pytest.mark.parametrize(
    "evaluations", [100, pytest.param(1000, marks=pytest.mark.exam, id="1000: exam")]
)
@pytest.mark.parametrize(
    ("made", "contender"),
    [(mri, opponents.dps), (ct, opponents.dps), (mri, opponents.score_mri)],
    ids=["mri-dps", "ct-dps", "mri-score_mri"],
)
def test_single_precision_moves_no_error_by_a_hundredth_of_a_decibel(
    monkeypatch, made, contender, evaluations
):
    """The samplers of long runs are in float32 within 0.01 dB of float64, on average."""
    monkeypatch.setattr(problem, "SINGLE_FROM", evaluations)
    single, narrow = errors(made, contender, evaluations)
    monkeypatch.setattr(problem, "SINGLE_FROM", evaluations + 1)
    double, wide = errors(made, contender, evaluations)
    assert (single, double) == (torch.float32, torch.float64)
    assert not torch.equal(narrow, wide)
    assert abs(10 * float((narrow / wide).log10().mean())) < 0.01


# Volumes.


def test_slices_change_slowly():
    """Neighbours differ less than slices far from each other, by the chord of their angle."""
    one = volumes(slices=16, turn=0.1, n=400)
    x = one.truth - one.truth.mean(dim=(1, 2), keepdim=True)
    near = (x[:, :, 1:] - x[:, :, :-1]).square().mean()
    far = (x[:, :, 10:] - x[:, :, :-10]).square().mean()
    assert float(far / near) == pytest.approx((np.sin(0.5) / np.sin(0.05)) ** 2, rel=0.05)


def test_the_first_slice_is_an_image_of_the_prior():
    """At angle 0 a slice is made of the first draw alone, as in `MixturePrior.draw`."""
    one = volumes()
    component, latent, white = problem.prior_draws(SIDE, streams(n=4), 4, each=2)
    expected = problem.priors(SIDE, "cpu").draw(component, latent[:, :, 0], white[:, :, 0])
    torch.testing.assert_close(one.truth[:, :, 0], expected, rtol=0, atol=1e-12)


def test_a_volume_is_denoised_and_judged_slice_by_slice():
    """The denoiser sees each slice as an image, and the posterior is each slice's own."""
    one = volumes()
    level = Level(0.8, 0.36)
    x0 = one.denoise(one.start, level)
    for s in range(5):
        alone = one.instance.prior.denoise(one.start[:, :, s].contiguous(), level)
        torch.testing.assert_close(x0[:, :, s], alone, rtol=0, atol=1e-12)
    assert one.calls.tolist() == [1.0] * 4
    assert one.posterior.mean.shape == one.truth.shape
    assert one.posterior.mmse.shape == (4, 1)
    excess = (one.posterior.mean - one.truth).square().flatten(2).mean(-1)
    assert bool((excess < 100 * one.posterior.mmse).all())


def test_differences_are_circular_and_have_an_exact_adjoint():
    """D and D' are the matrices of x_{i+1} - x_i with the first slice after the last."""
    D = np.roll(np.eye(6), 1, axis=1) - np.eye(6)
    x = torch.as_tensor(np.random.default_rng(0).standard_normal((2, 3, 6, 4)))
    torch.testing.assert_close(volume.difference(x), torch.as_tensor(D) @ x)
    torch.testing.assert_close(volume.difference_adjoint(x), torch.as_tensor(D.T) @ x)


def test_soft_thresholds_shrink_towards_zero():
    """soft(v, k) = sign(v) max(|v| - k, 0)."""
    found = volume.soft(torch.tensor([-2.0, -0.5, 0.0, 0.5, 2.0]), 0.75)
    assert found.tolist() == [-1.25, 0, 0, 0, 1.25]


def test_without_penalty_the_pass_is_plain_conjugate_gradients():
    """At lamb = rho = 0 every pass is the noiseless form's."""
    one = volumes()
    tv, plain = volume.AdmmTV(one, rho=0.0, lamb=0.0), noiseless(one, 5)
    for x0 in (one.start, one.back):
        assert torch.equal(tv(x0), plain(x0))


def test_many_passes_minimise_the_total_variation_problem():
    """From their own last estimate they end where the optimality conditions of the problem hold."""
    one, rho, lamb = volumes(noise=0.05, turn=0.6), 0.05, 0.004
    tv = volume.AdmmTV(one, rho=rho, lamb=lamb, M=10)
    x = one.back
    for _ in range(220):
        x = tv(x)
    dual, Dx = rho * tv._u, volume.difference(x)
    assert float(dual.abs().max()) <= lamb * (1 + 1e-6)
    gradient = one.gram(x) - one.back + volume.difference_adjoint(dual)
    assert float(gradient.abs().max()) < 2e-4
    moving = Dx.abs() > 1e-3
    assert 0.1 < float(moving.double().mean()) < 0.9
    torch.testing.assert_close(dual[moving], lamb * Dx[moving].sign(), rtol=0, atol=1e-9)


def test_the_pass_remembers():
    """d and u are carried from one pass to the next: the second differs from a fresh one's."""
    one = volumes()
    tv = volume.AdmmTV(one, rho=0.2, lamb=0.0008)
    tv(one.start)
    assert not torch.allclose(tv(one.back), volume.AdmmTV(one, rho=0.2, lamb=0.0008)(one.back))
