"""The learned prior: its images, its network, and the denoiser that is made of it."""

from math import sqrt

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.imaging.dds import network, opponents, prior_b
from suite.imaging.dds.method import dds
from suite.imaging.dds.phantoms import phantom
from suite.imaging.dds.schedule import Level, abar, ve_levels, vp_levels

TINY = {"side": 8, "coils": 2, "acceleration": 2, "channels": 8, "steps": 2}


def streams(n=3):
    return Streams("imaging/dds", "learned", 0, range(n))


def learned(evaluations=5, noise=0.01, n=3, **settings):
    return prior_b.learned_mri(evaluations, noise, **{**TINY, **settings}, streams=streams(n), n=n)


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


class GaussianNoise(torch.nn.Module):
    """The best predictor of noise in N(0, I) images: sqrt(1 - abar_t) x_t."""

    def forward(self, x, t):
        level = np.interp(t.numpy(), np.arange(1000), 1 - abar())
        return torch.as_tensor(level, dtype=x.dtype).sqrt()[:, None, None] * x


def test_many_phantoms_have_the_law_of_one():
    """Mean and variance of 1000 textured phantoms are those of `phantom`, pixel by pixel."""
    found = prior_b.textured_phantoms(1000, 16, torch.Generator().manual_seed(0))
    expected = torch.tensor(
        np.array([2 * phantom(np.random.default_rng(seed), 16) - 1 for seed in range(1000)])
    )
    spread = expected.var(dim=0) + 0.05**2
    error = (2 * spread / 1000).sqrt()
    assert float(((found.mean(0) - expected.mean(0)) / error).abs().max()) < 5
    assert float((found.var(dim=0) / spread - 1).abs().mean()) < 0.15
    assert -1.3 < float(found.min()) < float(found.max()) < 1.3


def test_texture_is_smooth_and_of_variance_one():
    """Neighbouring pixels have the correlation exp(-h^2 / (4 WIDTH^2)), h their distance."""
    noise = prior_b.smooth_noise(500, 32, torch.Generator().manual_seed(0))
    assert float(noise.square().mean()) == pytest.approx(1, abs=0.03)
    for shift in (1, 3):
        expected = np.exp(-((shift / 32) ** 2) / (4 * prior_b.WIDTH**2))
        for axis in (1, 2):
            found = float((noise * noise.roll(shift, axis)).mean())
            assert found == pytest.approx(expected, abs=0.04)


def test_the_network_of_the_protocol():
    """Three resolutions of 32, 64, 64 channels have a million weights; rows do not mix."""
    made = network.untrained(prior_b.widths(32), torch.Generator().manual_seed(0))
    assert sum(own.numel() for own in made.parameters()) == pytest.approx(1.05e6, rel=0.01)
    x, t = normal(2, 16, 16), torch.tensor([3.0, 700.0])
    with torch.no_grad():
        found = made(x, t)
        assert found.shape == x.shape
        assert not torch.allclose(found, made(x, t + 50))
        torch.testing.assert_close(found[1:], made(x[1:], t[1:]), rtol=1e-4, atol=1e-5)


def test_weights_begin_as_torch_draws_them():
    """Every layer's weights and biases are uniform up to the root of its inputs, norms are 1, 0."""
    made = network.untrained((16, 32), torch.Generator().manual_seed(0)).requires_grad_(False)
    for module in made.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            bound = module.weight[0].numel() ** -0.5
            assert 0.8 * bound < float(module.weight.max()) <= bound
            assert 0 < float(module.bias.abs().max()) <= bound
        elif isinstance(module, torch.nn.GroupNorm):
            assert bool((module.weight == 1).all())
            assert bool((module.bias == 0).all())


def test_training_predicts_noise(monkeypatch):
    """On one image, noise is predicted better after training than before it, by most of it."""
    monkeypatch.setattr(network, "LR", 3e-3)
    monkeypatch.setattr(network, "EMA", 0.9)
    monkeypatch.setattr(network, "BATCH", 16)
    image = torch.linspace(-1, 1, 8) * torch.ones(8, 1)

    def source(images, _generator):
        return image.expand(images, 8, 8)

    x0, e = image.expand(64, 8, 8), normal(64, 8, 8)
    t = torch.full((64,), 500)
    a = float(abar()[500])
    losses = []
    for steps in (0, 60):
        made = network.restored((8, 8), network.trained(source, (8, 8), steps, 0, "cpu"))
        with torch.no_grad():
            losses.append(float((made(sqrt(a) * x0 + sqrt(1 - a) * e, t) - e).square().mean()))
    assert losses[1] < 0.3 * losses[0]


def test_training_is_seeded_and_leaves_the_global_generator_alone():
    """The same seed gives the same weights, another seed others; the average is of all steps."""
    before = torch.random.get_rng_state()
    one, again, other, none = (
        prior_b.train(8, 8, steps, seed, "cpu") for steps, seed in ((2, 0), (2, 0), (2, 1), (0, 0))
    )
    assert torch.equal(torch.random.get_rng_state(), before)
    name = "head.weight"
    assert all(torch.equal(one[own], again[own]) for own in one)
    assert not torch.equal(one[name], other[name])
    moved = (one[name] - none[name]).abs().max()
    assert 0 < float(moved) < 2e-6  # two steps of 2e-4, of which the average takes thousandths


def test_levels_have_the_time_of_their_signal_to_noise_ratio():
    """VP levels get their own time, VE levels that of the VP level which they are when scaled."""
    times = [prior_b.time_of(level) for level in vp_levels(50)]
    assert times == pytest.approx(list(range(980, -1, -20)), abs=1e-6)
    for level in ve_levels(7):
        total = sqrt(1 + level.v)
        scaled = Level(1 / total, level.v / total**2)
        assert prior_b.time_of(level) == pytest.approx(prior_b.time_of(scaled))
    assert prior_b.time_of(Level(1.0, 1e-8)) == 0


@pytest.mark.parametrize("level", [*vp_levels(5), *ve_levels(4)])
def test_a_perfect_predictor_gives_the_conditional_mean(level):
    """For N(0, I) images x0 = a x / (a^2 + v), and its Jacobian a / (a^2 + v), at any level."""
    prior = prior_b.LearnedPrior(GaussianNoise())
    x, u = normal(1, 3, 64), normal(1, 3, 64, seed=1)
    gain = level.a / (level.a**2 + level.v)
    scale = 2 * max(1.0, sqrt(level.v)) / level.a
    torch.testing.assert_close(prior.denoise(x, level), gain * x, rtol=0, atol=1e-4 * scale)
    x0, pullback = prior.linearise(x, level)
    torch.testing.assert_close(x0, prior.denoise(x, level))
    for _ in range(2):
        torch.testing.assert_close(pullback(u), gain * u, rtol=0, atol=1e-4 * scale)


def test_pullbacks_go_through_the_network():
    """<u, J w> of an untrained network is its central difference along w."""
    one, level = learned(), vp_levels(10)[5]
    x, u, w = (normal(1, 3, 64, seed=seed) for seed in range(3))
    x0, pullback = one.linearise(x, level)
    torch.testing.assert_close(x0, one.denoise(x, level))
    h = 1e-2
    ahead, behind = (one.denoise(x + sign * h * w, level) for sign in (1, -1))
    expected = (u * (ahead - behind)).sum() / (2 * h)
    assert float((pullback(u) * w).sum()) == pytest.approx(float(expected), rel=1e-2)
    assert one.calls.tolist() == [4.0] * 3
    assert one.backward.tolist() == [1.0] * 3


def test_instances_are_measured_in_single_precision():
    """Images, data and adjoint are float32; noise is on what is read; rows are (1, n)."""
    one = learned(noise=0.1, n=64)
    assert one.truth.shape == (1, 64, 64)
    assert one.truth.dtype is one.back.dtype is one.start.dtype is torch.float32
    noise = one.y - one.operator.forward(one.truth)
    read = one.operator.mask.reshape(1, 64, 1, 1, 8).expand(noise.shape) > 0
    assert float(noise[~read].abs().max()) == 0
    assert float(noise.real[read].std()) == pytest.approx(0.1, rel=0.05)
    assert one.rows(torch.arange(64).reshape(1, 64)).tolist() == list(range(64))


def test_weights_are_made_once(monkeypatch):
    """The streams are asked for the weights with all that makes them, device included."""
    asked = []

    def kept(_streams, build, **settings):
        asked.append((build, settings))
        return {name: own.numpy() for name, own in build(**settings).items()}

    monkeypatch.setattr(Streams, "kept", kept)
    prior_b._instance.cache_clear()
    one, other = learned(5), learned(1000)
    prior_b._instance.cache_clear()
    assert one.instance is other.instance
    settings = {"side": 8, "channels": 8, "steps": 2, "seed": 0, "device": "cpu"}
    assert asked == [(prior_b.train, settings)]
    assert other.start.dtype is torch.float32


@pytest.mark.parametrize("contender", [dds, opponents.dps, opponents.score_mri])
def test_samplers_run_on_the_network(contender):
    """Each takes its evaluations and answers with finite images, which the measure judges."""
    one = learned(4)
    found = contender(one)
    columns = prior_b.measure(one, found)
    assert one.calls.tolist() == [4.0] * 3
    assert bool(found.isfinite().all())
    assert columns["mse"].shape == columns["log_mse"].shape == (3,)
    expected = (found - one.truth)[0].square().mean(-1)
    torch.testing.assert_close(columns["mse"], expected)
    assert columns["backward"].tolist() == [4.0 * (contender is opponents.dps)] * 3
