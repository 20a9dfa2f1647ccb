"""DDS, against the released code's loop written out for one image, and against its mutants."""

from math import sqrt
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.imaging.dds import method, operators, problem, schedule
from suite.imaging.dds.mixture import MixturePrior, mixture_priors

SIDE, T = 8, 10


def reconstruction(noise=0.05, n=4, side=SIDE, evaluations=T):
    streams = Streams("imaging/dds", "mri", 0, range(n))
    return problem.mri(evaluations, noise, side, streams=streams, n=n)


def dense_gram(one, p):
    eye = torch.eye(one.truth.shape[-1], dtype=torch.float64)
    return one.gram(eye.expand(*one.truth.shape[:2], -1, -1))[p, 0].numpy()


def gradients(matrix, b, x, M):
    r = b - matrix @ x
    p = r
    for _ in range(M):
        a = r @ r / (p @ matrix @ p)
        x, new = x + a * p, r - a * (matrix @ p)
        p, r = new + new @ new / (r @ r) * p, new
    return x


def released(one, p, gamma, eta, M=5, mutant=""):
    """Return xh of prior p's first image by the released code's loop, in times and abar."""
    times = list(range(0, 1000, 1000 // one.T))
    abar = np.append(np.cumprod([1 - beta for beta in np.linspace(1e-4, 0.02, 1000)]), 1.0)
    gram, back = dense_gram(one, p), one.back[p, 0].numpy()
    x, noise = one.start[p, 0].numpy(), one.noise()
    for i, j in zip(times[::-1], [*times[-2::-1], -1], strict=True):
        level = schedule.Level(sqrt(abar[i]), 1 - abar[i])
        points = torch.tensor(x).expand(one.truth.shape)
        x0 = one.instance.prior.denoise(points, level)[p, 0].numpy()
        e = (x - sqrt(abar[i]) * x0) / sqrt(1 - abar[i])
        sign = -1 if mutant == "sign" else 1
        steps = 1 if mutant == "one step" else M
        if gamma is None:
            xh = gradients(gram, sign * back, x0, steps)
        else:
            matrix = np.eye(len(gram)) + gamma * gram
            xh = gradients(matrix, x0 + sign * gamma * back, x0, steps)
        if mutant == "e of xh":
            e = (x - sqrt(abar[i]) * xh) / sqrt(1 - abar[i])
        if j == -1 or (j == 0 and mutant != "last step noised"):
            x = xh
            continue
        z = noise()[p, 0].numpy()
        k = i if mutant == "level of before" else j
        if mutant == "variance of DDIM":
            b = sqrt((1 - abar[j]) / (1 - abar[i])) * sqrt(1 - abar[i] / abar[j])
            x = sqrt(abar[j]) * xh + sqrt(1 - abar[j] - (eta * b) ** 2) * e + eta * b * z
        else:
            x = sqrt(abar[k]) * xh + sqrt(1 - abar[k]) * (eta * z + sqrt(1 - eta**2) * e)
    return x


@pytest.mark.parametrize("gamma", [None, 5.0])
def test_the_sampler_is_the_released_loop(gamma):
    """Every prior's image is what the loop gives it, in both forms, by T evaluations."""
    one = reconstruction()
    consistency = method.noiseless(one, 5) if gamma is None else method.proximal(one, gamma, 5)
    found = method.sample(one, schedule.vp_levels(T), consistency, 0.85)
    assert one.calls.tolist() == [T] * 4
    for p in range(4):
        np.testing.assert_allclose(found[p, 0], released(one, p, gamma, 0.85), atol=1e-8)


def test_dds_is_the_proximal_form():
    """The defaults are the released code's: gamma = 1, eta = 0.85, M = 5."""
    one = reconstruction()
    found = method.dds(one)
    np.testing.assert_allclose(found[2, 0], released(one, 2, 1.0, 0.85), atol=1e-8)


MUTANTS = ("sign", "level of before", "e of xh", "last step noised", "variance of DDIM", "one step")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_visible(mutant):
    """Each single mistake in the loop moves the answer on fixed inputs by more than 0.001."""
    one = reconstruction()
    found = method.dds(one, gamma=5.0, eta=0.85)[1, 0].numpy()
    moved = np.abs(found - released(one, 1, 5.0, 0.85, mutant=mutant)).max()
    assert moved > 1e-3


def test_the_variance_of_ddim_is_the_paper_s():
    """As an option: the loop with DDIM's variances is `ddim`, and at eta = 0 both are one."""
    one, levels = reconstruction(), schedule.vp_levels(T)
    rule = method.proximal(one, 5.0, 5)
    found = method.sample(one, levels, rule, 0.85, transition=method.ddim)
    mutant = released(one, 3, 5.0, 0.85, mutant="variance of DDIM")
    np.testing.assert_allclose(found[3, 0], mutant, atol=1e-8)
    split = method.sample(one, levels, rule, 0.0)
    ddim = method.sample(one, levels, rule, 0.0, transition=method.ddim)
    torch.testing.assert_close(split, ddim, rtol=0, atol=1e-12)


@pytest.mark.parametrize("levels", [schedule.vp_levels(T), schedule.ve_levels(T)])
def test_transitions_keep_the_variance_of_the_level(levels):
    """Of independent e and z the squared weights add to v_j, and xh is scaled by a_j."""
    zero, unit = torch.zeros(3), torch.eye(3)
    for transition in (method.variance_split, method.ddim):
        for i, j in list(schedule.passes(levels))[:-1]:
            xh, e, z = (
                transition(*(unit[part] if part == k else zero for part in range(3)), i, j, 0.6)[k]
                for k in range(3)
            )
            assert float(xh) == pytest.approx(j.a)
            assert float(e**2 + z**2) == pytest.approx(j.v)


def recorded(one, levels, eta=0.85):
    """Return the points at which the denoiser is asked, the estimates, and the answer."""
    asked, estimates = [], []
    denoise, rule = one.denoise, method.proximal(one, 5.0, 5)

    def asking(x, level):
        asked.append((level, x))
        return denoise(x, level)

    def estimating(x0):
        estimates.append(rule(x0))
        return estimates[-1]

    one.denoise = asking
    return asked, estimates, method.sample(one, levels, estimating, eta)


@pytest.mark.parametrize("levels", [schedule.vp_levels(T), schedule.ve_levels(T)])
def test_the_last_two_passes_add_no_noise(levels):
    """The estimate before the last level is denoised again as it is, and the last is returned."""
    asked, estimates, found = recorded(reconstruction(), levels)
    assert [level for level, _ in asked] == levels
    assert torch.equal(asked[-1][1], estimates[-2])
    assert torch.equal(found, estimates[-1])
    assert not torch.equal(asked[-2][1], estimates[-3])


def test_the_sampler_starts_from_the_noise_of_its_diffusion():
    """VP starts at z itself, VE at its largest sigma times z."""
    one = reconstruction()
    for levels, scale in ((schedule.vp_levels(T), 1.0), (schedule.ve_levels(T), 50.0)):
        asked, _, _ = recorded(reconstruction(), levels)
        torch.testing.assert_close(asked[0][1], scale * one.start)


def test_without_data_it_is_plain_ddim():
    """gamma = 0, M = 0 and no consistency at all give the same unconditional sample."""
    one, levels = reconstruction(), schedule.vp_levels(T)
    plain = method.sample(one, levels, method.none, 0.5)
    assert torch.equal(method.dds(one, gamma=0.0, eta=0.5), plain)
    assert torch.equal(method.dds(one, gamma=5.0, eta=0.5, M=0), plain)
    near = method.dds(one, gamma=1e-12, eta=0.5)
    torch.testing.assert_close(near, plain, rtol=0, atol=1e-8)


def test_one_gaussian_and_an_exact_step_make_it_affine():
    """With K = 1, eta = 0 and the exact proximal step, xh is a matrix recursion's, to 1e-8."""
    prior, gamma = mixture_priors((0,), SIDE), 5.0
    prior = MixturePrior(prior.mean[:, :1], prior.Q[:, :1], prior.lam[:, :1])
    operator = operators.ct(SIDE, 4, "cpu", torch.float64)
    start, truth = torch.randn(
        2, 1, 3, SIDE**2, generator=torch.Generator().manual_seed(0), dtype=torch.float64
    )
    back = operator.gram(truth)
    one = SimpleNamespace(start=start, noise=lambda: lambda: start, denoise=prior.denoise)
    found = method.sample(
        one,
        schedule.vp_levels(T),
        lambda x0: operator.solve(back + x0 / gamma, 1 / gamma),
        0.0,
    )
    Q, lam, mu = prior.Q[0, 0].numpy(), prior.lam[0, 0].numpy(), prior.mean[0, 0].numpy()
    eye = np.eye(SIDE**2)
    Sigma = Q * lam @ Q.T + prior.tau**2 * eye
    A = operator.matrix.numpy()
    prox = np.linalg.inv(eye + gamma * A.T @ A)
    # x = X x_T + B A'y + c.
    X, B, c = eye, 0 * eye, np.zeros(SIDE**2)
    levels = schedule.vp_levels(T)
    for i, j in schedule.passes(levels):
        gain = i.a * np.linalg.solve(i.a**2 * Sigma + i.v * eye, Sigma).T
        offset = mu - i.a * gain @ mu
        hat = prox @ gain
        if j in {levels[-1], schedule.CLEAN}:
            step, shift, data = hat, prox @ offset, gamma * prox
        else:
            rest = sqrt(j.v / i.v)
            step = j.a * hat + rest * (eye - i.a * gain)
            shift = j.a * prox @ offset - rest * i.a * offset
            data = j.a * gamma * prox
        X, B, c = step @ X, step @ B + data, step @ c + shift
    expected = start.numpy() @ X.T + back.numpy() @ B.T + c
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)


def test_it_reconstructs_and_needs_the_data_for_it():
    """At 20 evaluations DDS is within 8 MMSE on average, and 15 dB better than without data."""
    one = reconstruction(noise=0.01, n=8, side=32, evaluations=20)

    def error(x):
        return (x - one.truth).square().mean(-1)

    found = error(method.dds(one, gamma=25.0, eta=0.0))
    plain = error(method.sample(one, schedule.vp_levels(20), method.none, 0.0))
    assert float((found / one.posterior.mmse).mean()) < 8
    assert float((plain / found).log10().mean()) > 1.5


def test_levels_are_the_released_times():
    """50 evaluations are at times 980, 960, ..., 0 of the products of 1 - beta."""
    levels, product, products = schedule.vp_levels(50), 1.0, []
    for i in range(1000):
        product *= 1 - (1e-4 + (0.02 - 1e-4) * i / 999)
        products.append(product)
    assert len(levels) == 50
    assert [level.a**2 for level in levels] == pytest.approx(products[980::-20])
    assert [level.v for level in levels] == pytest.approx([1 - own for own in products[980::-20]])
    assert len(schedule.vp_levels(1000)) == 1000


def test_ve_levels_are_geometric():
    """From 50 to 0.01 by one ratio, with a = 1."""
    sigma = np.sqrt([level.v for level in schedule.ve_levels(5)])
    assert [sigma[0], sigma[-1]] == pytest.approx([50, 0.01])
    np.testing.assert_allclose(np.diff(np.log(sigma)), np.log(0.01 / 50) / 4)
    assert {level.a for level in schedule.ve_levels(5)} == {1.0}


def test_passes_end_clean():
    """Every level is visited once, and the last step goes to no noise."""
    levels = schedule.vp_levels(5)
    assert list(schedule.passes(levels)) == list(
        zip(levels, [*levels[1:], schedule.CLEAN], strict=True)
    )


def test_the_predicted_noise_is_what_was_added():
    """From x = a x0 + sqrt(v) e the same e comes back."""
    level = schedule.Level(0.6, 0.64)
    x0, e = torch.randn(2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = schedule.predicted_noise(0.6 * x0 + 0.8 * e, x0, level)
    torch.testing.assert_close(found, e, rtol=0, atol=1e-14)
