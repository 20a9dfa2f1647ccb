"""The opponents against closed forms on a Gaussian prior, dense algebra and other solvers."""

from itertools import count, islice

import numpy as np
import pytest
import torch

from baselines.imaging import dds as pins

RNG = np.random.default_rng(0)
D, M = 6, 4


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


class Gaussian:
    """x_0 ~ N(mu, S), measured as y = A x_0; everything dense."""

    def __init__(self, seed=1):
        root = normal(D, D, seed=seed)
        self.mu, self.S = normal(D, seed=seed + 1), root @ root.mT / D
        self.A = normal(M, D, seed=seed + 2) / 4
        self.y = normal(3, M, seed=seed + 3)
        self.back, self.I = self.y @ self.A, torch.eye(D).double()

    def gain(self, level):
        a, v = level
        return a * torch.linalg.solve(a**2 * self.S + v * self.I, self.S)

    def denoise(self, x, level):
        return self.mu + (x - level[0] * self.mu) @ self.gain(level)

    def linearise(self, x, level):
        return self.denoise(x, level), lambda u: u @ self.gain(level).mT

    def gram(self, x):
        return x @ self.A.mT @ self.A

    def residual(self, x):
        r = self.y - x @ self.A.mT
        return r @ self.A, r.norm(dim=-1, keepdim=True)

    def prox(self, x0, rho):
        return torch.linalg.solve(self.A.mT @ self.A + rho * self.I, (self.back + rho * x0).mT).mT

    def slope(self, x, level):
        """Return the gradient of ||y - A x0(x)|| by automatic differentiation."""
        x = x.clone().requires_grad_()
        (self.y - self.denoise(x, level) @ self.A.mT).norm(dim=-1).sum().backward()
        return x.grad


LEVELS = [(a, 1 - a**2) for a in (0.1, 0.4, 0.7, 0.9, 0.99)]


def draws(seed=7):
    """Return a function that draws the same noise whenever it is made anew."""
    seeds = count(seed)
    return lambda: normal(3, D, seed=next(seeds))


def never():
    raise AssertionError("nothing is to be drawn")


def test_ddim_step_is_the_posterior_of_ddpm_at_eta_one():
    """Mean and variance at eta = 1 are those of q(x_j | x_i, x_0) (Ho et al. 2020, Equation 7)."""
    x, x0, (now, then) = normal(3, D), normal(3, D, seed=1), (LEVELS[1], LEVELS[2])
    abar_i, abar_j = now[0] ** 2, then[0] ** 2
    alpha = abar_i / abar_j
    mean = (abar_j**0.5 * (1 - alpha) * x0 + alpha**0.5 * (1 - abar_j) * x) / (1 - abar_i)
    spread = (1 - abar_j) / (1 - abar_i) * (1 - alpha)
    z = normal(3, D, seed=2)
    step = pins.ddim_step(x, x0, now, then, 1.0, lambda: z)
    torch.testing.assert_close(step, mean + spread**0.5 * z)


def test_ddim_without_noise_follows_the_closed_form_of_a_gaussian():
    """Along each eigenvector x - a mu shrinks by (a_j a l + sqrt(v_j v)) / (a^2 l + v)."""
    prior, x = Gaussian(), normal(3, D)
    values, vectors = torch.linalg.eigh(prior.S)
    along = (x - LEVELS[0][0] * prior.mu) @ vectors
    for (a, v), (a_j, v_j) in pins.passes(LEVELS):
        along = along * (a_j * a * values + (v_j * v) ** 0.5) / (a**2 * values + v)
    found = pins.dps(prior.linearise, prior.residual, x, LEVELS, zeta=0.0, eta=0.0, draw=never)
    torch.testing.assert_close(found, prior.mu + along @ vectors.mT)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_dps_descends_the_norm_of_the_residual_through_the_denoiser(eta):
    """Its passes are those of automatic differentiation, step by step."""
    prior, x, draw = Gaussian(), normal(3, D), draws()
    found = pins.dps(prior.linearise, prior.residual, x, LEVELS, zeta=0.7, eta=eta, draw=draws())
    for now, then in pins.passes(LEVELS):
        step = pins.ddim_step(x, prior.denoise(x, now), now, then, eta, draw)
        x = step - 0.7 * prior.slope(x, now)
    torch.testing.assert_close(found, x)


def test_mcg_is_dps_with_a_step_towards_the_diffused_data():
    """Each pass ends with x + A'(a y + sqrt(v) A z - A x), the last one with y itself."""
    prior, x, draw = Gaussian(), normal(3, D), draws()
    found = pins.mcg(
        prior.linearise,
        prior.residual,
        prior.gram,
        prior.back,
        x,
        LEVELS,
        zeta=0.7,
        eta=0.0,
        draw=draws(),
    )
    for now, then in pins.passes(LEVELS):
        step = pins.ddim_step(x, prior.denoise(x, now), now, then, 0.0, never)
        x = step - 0.7 * prior.slope(x, now)
        a, v = then
        y_j = a * prior.y + (v**0.5 * draw() @ prior.A.mT if v else 0)
        x = x + (y_j - x @ prior.A.mT) @ prior.A
    torch.testing.assert_close(found, x)


def test_diffpir_on_a_gaussian_is_an_affine_recursion():
    """With zeta = 0 the answer is one matrix times (x_T, A'y), plus a constant."""
    prior, sigma, lam = Gaussian(), 0.3, 2.0

    def run(x, y):
        prior.y, prior.back = y, y @ prior.A
        return pins.diffpir(
            prior.denoise, prior.prox, x, LEVELS, sigma=sigma, lam=lam, zeta=0.0, draw=draws()
        )

    # The recursion, written with dense matrices: x = X x_T + Y A'y + c.
    X, Y, c = prior.I, torch.zeros(D, D).double(), torch.zeros(D).double()
    for (a, v), (a_j, v_j) in pins.passes(LEVELS):
        G, rho = prior.gain((a, v)).mT, lam * sigma**2 * a**2 / v
        P = torch.linalg.inv(prior.A.mT @ prior.A + rho * prior.I)
        best = (rho * P @ G @ X, rho * P @ G @ Y + P, rho * P @ (G @ (c - a * prior.mu) + prior.mu))
        e = v_j**0.5 / v**0.5
        X, Y, c = (a_j * b + e * (old - a * b) for b, old in zip(best, (X, Y, c), strict=True))
    x, y = normal(3, D), normal(3, M, seed=5)
    torch.testing.assert_close(run(x, y), x @ X.mT + y @ prior.A @ Y.mT + c)


def test_diffpir_at_zeta_one_forgets_the_noise_it_saw():
    """All noise is fresh then: where the last levels draw nothing, x_T does not matter."""
    prior = Gaussian()
    ends = [
        pins.diffpir(
            prior.denoise, prior.prox, x, LEVELS[-1:], sigma=0.3, lam=1.0, zeta=1.0, draw=never
        )
        for x in (normal(3, D), normal(3, D))
    ]
    torch.testing.assert_close(*ends)
    x0 = prior.denoise(normal(3, D), LEVELS[-1])
    a, v = LEVELS[-1]
    torch.testing.assert_close(ends[0], prior.prox(x0, 0.09 * a**2 / v))


def test_predictor_alone_has_the_variance_of_its_recursion():
    """On N(0.7, S) it is V <- (1 - f / (S + s^2))^2 V + f, f the fall of s^2; at the end no f."""
    generator, n, S = torch.Generator().manual_seed(3), 4000, torch.tensor([0.1, 1.0, 4.0]).double()

    def denoise(x, level):
        return 0.7 + S / (S + level[1]) * (x - 0.7)

    def draw():
        return torch.randn(n, 3, dtype=torch.float64, generator=generator)

    levels = [(1.0, s**2) for s in np.geomspace(50, 0.01, 60)]
    x = pins.predictor_corrector(
        denoise, 50 * draw(), levels, r=0.0, draw=draw, between=lambda x: x, after=lambda x: x
    )
    V = torch.full((3,), 2500.0).double()
    for (_, now), (_, then) in pins.passes(levels):
        V = (1 - (now - then) / (S + now)) ** 2 * V + (now - then if then > 0 else 0)
    torch.testing.assert_close(x.var(dim=0), V, rtol=0.1, atol=0)
    torch.testing.assert_close(x.mean(dim=0), torch.full((3,), 0.7).double(), atol=0.15, rtol=0)
    assert not torch.allclose(V, S, rtol=0.1)  # so that the recursion, not the limit, is tested


def test_corrector_steps_by_the_ratio_of_norms():
    """x + s g + sqrt(2 s) z with s = 2 (r |z| / |g|)^2, each image its own."""
    x, z, seen = normal(3, D), normal(3, D, seed=1), []
    pins.predictor_corrector(
        lambda x, level: 0.5 * x,
        x,
        [(1.0, 4.0)],
        r=0.3,
        draw=lambda: z,
        between=lambda x: (seen.append(x), x)[1],
        after=lambda x: x,
    )
    for row in range(3):
        g = -0.5 * x[row].numpy() / 4
        s = 2 * (0.3 * np.linalg.norm(z[row]) / np.linalg.norm(g)) ** 2
        expected = x[row].numpy() + s * g + np.sqrt(2 * s) * z[row].numpy()
        np.testing.assert_allclose(seen[0][row], expected)


def test_predictor_and_corrector_call_both_consistencies_at_every_level():
    """Two evaluations and one call of each a level, and the last predictor draws no noise."""
    calls = []

    def note(name):
        return lambda x: (calls.append(name), x)[1]

    drawn = []

    def draw():
        drawn.append(1)
        return normal(3, D)

    levels = [(1.0, 4.0), (1.0, 1.0)]
    pins.predictor_corrector(
        lambda x, level: note("evaluation")(0.5 * x),
        normal(3, D, seed=2),
        levels,
        r=0.1,
        draw=draw,
        between=note("between"),
        after=note("after"),
    )
    assert calls == ["evaluation", "between", "evaluation", "after"] * 2
    assert len(drawn) == 3


def test_conjugate_gradients_reach_least_squares_and_keep_images_apart():
    """After d steps the answer is numpy's; a batch gives what its images give by themselves."""
    prior = Gaussian()
    A = normal(9, D, seed=8)
    y = normal(3, 9, seed=9)

    def gram(x):
        return x @ A.mT @ A

    path = list(islice(pins.conjugate_gradient_iterates(gram, y @ A), D))
    expected = np.linalg.lstsq(A.numpy(), y.numpy().T, rcond=None)[0].T
    np.testing.assert_allclose(path[-1], expected, atol=1e-9)
    alone = list(islice(pins.conjugate_gradient_iterates(gram, y[:1] @ A), D))
    torch.testing.assert_close(torch.stack(alone)[:, 0], torch.stack(path)[:, 0])
    still = list(
        islice(pins.conjugate_gradient_iterates(prior.gram, torch.zeros(2, D).double()), 3)
    )
    assert all(torch.equal(x, torch.zeros(2, D).double()) for x in still)


def test_cg_sense_takes_each_images_best_iterate():
    """No iterate within the limit has a smaller error than the one returned."""
    A, truth = normal(5, D, seed=8), normal(3, D, seed=4)
    y = truth @ A.mT + 0.5 * normal(3, 5, seed=6)

    def error(x):
        return (x - truth).square().mean(-1)

    def gram(x):
        return x @ A.mT @ A

    found = pins.cg_sense(gram, y @ A, error, iterations=6)
    path = torch.stack([error(x) for x in islice(pins.conjugate_gradient_iterates(gram, y @ A), 6)])
    torch.testing.assert_close(error(found), path.min(dim=0).values)
    assert len(set(path.argmin(dim=0).tolist())) > 1


def test_total_variation_reaches_the_minimum_of_a_cone_program():
    """On 5 x 4 pixels its objective is cvxpy's within 1e-4 of it."""
    cp = pytest.importorskip("cvxpy")
    shape, weight = (5, 4), 0.1
    A, y = RNG.standard_normal((12, 20)) / 4, RNG.standard_normal(12)
    T = torch.as_tensor(A)
    x = pins.total_variation(
        lambda u: u @ T.mT @ T, torch.as_tensor(y) @ T, shape, weight=weight, iterations=1000
    ).numpy()

    def objective(image, norm, total):
        down, across = np.zeros((5, 5)), np.zeros((4, 4))
        down[range(4), range(1, 5)] = down[range(4), range(4)] = 1
        down[range(4), range(4)] = -1
        across[range(1, 4), range(3)] = 1
        across[range(3), range(3)] = -1
        return total(norm(down @ image, image @ across))

    X = cp.Variable(shape)
    tv = objective(
        X,
        lambda u, v: cp.norm(cp.vstack([cp.vec(u, order="C"), cp.vec(v, order="C")]), axis=0),
        cp.sum,
    )
    fit = cp.sum_squares(A @ cp.vec(X, order="C") - y) / 2
    best = cp.Problem(cp.Minimize(fit + weight * tv)).solve(solver=cp.CLARABEL)
    own = objective(x.reshape(shape), lambda u, v: np.sqrt(u**2 + v**2), np.sum)
    found = ((A @ x - y) ** 2).sum() / 2 + weight * own
    assert found == pytest.approx(best, rel=1e-4)


def test_differences_and_their_transpose_are_adjoint():
    """<grad x, z> = <x, -div z>, whatever stands before the image."""
    x, z = normal(2, 3, 20), normal(2, 2, 3, 4, 5, seed=3)
    left = (pins._gradient(x, (4, 5)) * z).sum()
    right = (x * pins._minus_divergence(z)).sum()
    torch.testing.assert_close(left, right)


def test_a_sure_prior_leaves_nothing_to_dps():
    """Where the prior allows one image only, that is the answer, whatever was measured."""
    prior = Gaussian()
    prior.S = 1e-10 * prior.I
    x = normal(3, D)
    found = pins.dps(prior.linearise, prior.residual, x, LEVELS, zeta=0.1, eta=0.0, draw=never)
    torch.testing.assert_close(found, prior.mu.expand(3, D), atol=1e-6, rtol=0)
