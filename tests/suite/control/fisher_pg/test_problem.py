"""The two-channel MDP against quadrature, differences, autograd and Monte Carlo."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Normal

from suite.control.fisher_pg.oracle import Step
from suite.control.fisher_pg.problem import BLOCK, GAMMA, INSTANCES, Draw, two_channel

N = 4096


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams: one per purpose."""

    device = "cpu"

    def numpy(self, purpose):
        return np.random.default_rng(sum(map(ord, purpose)))


def task(instance="A", n=1, N=(8,), **settings):
    return two_channel(instance, N, streams=Streams(), n=n, **settings)


def trajectories(made, draws):
    """Return states, actions and rewards, (n, H) and (n, H, 2), written down from the model."""
    place, z = (part.reshape(2, 2, -1).permute(2, 1, 0) for part in draws)
    s = place[..., 0] // 2
    theta = made.theta_0.unflatten(1, (-1, 2))
    a = torch.take_along_dim(theta, s.unsqueeze(-1), dim=1) + z
    phi = torch.where(a[..., 0] > 0, torch.exp(-a[..., 0]), 1 - a[..., 0])
    c = torch.where(s % 2 == 0, 0.5, -0.5)
    bend = np.sqrt(2 / np.pi) - (a[..., 1] - c).abs()
    return s, a, -phi + INSTANCES[made.instance].kappa * bend


def log_p(theta, s, a):
    """Return log pi(a_h | s_h), (n, H)."""
    mean = torch.take_along_dim(theta.unflatten(-1, (-1, 2)), s.unsqueeze(-1), dim=1)
    return Normal(mean, 1.0).log_prob(a).sum(dim=-1)


def to_go(r):
    """Return Psi, (n, H), by its sum."""
    return torch.stack((r[:, 0] + GAMMA * r[:, 1], GAMMA * r[:, 1]), dim=1)


@pytest.fixture(scope="module")
def sample():
    """Return a task of 4,096 replicates with one draw of every iteration of a block: 2^20."""
    made = task("A", n=N)
    return made, [next(made.first) for _ in range(BLOCK)]


def spread(values):
    """Return mean and standard error over replicates and draws, (..., dim)."""
    flat = torch.cat(values)
    return flat.mean(dim=0), flat.std(dim=0) / len(flat) ** 0.5


def test_values_at_the_start_are_the_protocols():
    """J and its gradient at theta_0 of both instances, to the digits of the protocol (check 1)."""
    for instance, J, gradient in (
        ("A", -2.41517454, (0.72349938, -0.19456651)),
        ("B", -3.04647455, (0.0775, -1.6461)),
    ):
        made = task(instance)
        assert made.mdp.J(made.theta_0).item() == pytest.approx(J, abs=3e-8)
        found = made.mdp.gradient(made.theta_0)[0].tolist()
        assert found == pytest.approx(gradient * 2, abs=5e-9 if instance == "A" else 5e-5)


@pytest.mark.parametrize("m", [-30.0, -2.0, 0.0, 3.0, 8.0])
def test_J_is_the_integral_over_actions(m):
    """The closed form is the expectation of the reward by adaptive quadrature."""
    made = task("B")
    theta = torch.tensor([[m, 1.7, m, 1.7]], dtype=torch.float64)

    def phi(z):
        a = m + z
        return (np.exp(-a) if a > 0 else 1 - a) * norm.pdf(z)

    def bend(z, x):
        return abs(x + z) * norm.pdf(z)

    expected = 0.0
    for c in (0.5, -0.5):
        x = 1.7 - c
        first = quad(phi, -12, 12, points=[-m] if abs(m) < 12 else None, limit=200)[0]
        second = quad(bend, -12, 12, args=(x,), points=[-x], limit=200)[0]
        expected += 0.95 * (-first + 2 * (np.sqrt(2 / np.pi) - second))
    assert made.mdp.J(theta).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("states", [2, 5])
def test_gradient_is_the_derivative_of_J(states):
    """The closed form agrees with autograd through J, for any number of states."""
    made = task("B", n=3, states=states)
    theta = torch.randn(made.theta_0.shape, generator=torch.Generator().manual_seed(1)).double()
    theta.requires_grad_()
    (expected,) = torch.autograd.grad(made.mdp.J(theta).sum(), theta)
    torch.testing.assert_close(made.mdp.gradient(theta), expected, rtol=1e-10, atol=1e-12)


def test_estimates_of_a_trajectory_are_those_of_autograd():
    """g, B v and w g are the derivatives they are defined by, trajectory by trajectory."""
    made = task("B", n=6)
    draw = next(made.first)
    s, a, r = trajectories(made, draw)
    Psi = to_go(r)
    theta = made.theta_0.contiguous().requires_grad_()
    v = torch.randn(6, 4, generator=torch.Generator().manual_seed(2)).double()

    def gradient(point, *, retain=True):
        Phi = (Psi * log_p(point, s, a)).sum()
        return torch.autograd.grad(Phi, point, create_graph=retain)[0]

    (score,) = torch.autograd.grad(log_p(theta, s, a).sum(), theta)
    curvature = torch.autograd.grad((gradient(theta) * v).sum(), theta)[0]
    Bv = gradient(theta) * (score * v).sum(dim=1, keepdim=True) + curvature
    columns = made.theta_0.mT
    ours = made.mdp.rewards_to_go(columns, draw)
    torch.testing.assert_close(ours, Psi.mT, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(made.mdp.gpomdp(ours, draw).mT, gradient(theta))
    torch.testing.assert_close(made.mdp.hessian_vector(ours, draw, v.mT).mT, Bv)
    other = (theta + 0.3 * v).detach().requires_grad_()
    w = (log_p(other, s, a) - log_p(theta, s, a)).sum(dim=1, keepdim=True).exp()
    theirs = made.mdp.reweighted(ours, draw, columns, other.mT).mT
    torch.testing.assert_close(theirs, w * gradient(other))


def test_g_is_unbiased_with_the_protocols_spread(sample):
    """The mean of 2^20 g is the gradient of J within 4 standard errors; sd 4.71 (check 1)."""
    made, draws = sample
    g = [made.mdp.gpomdp(made.mdp.rewards_to_go(made.theta_0.mT, d), d).mT for d in draws]
    mean, error = spread(g)
    assert bool(((mean - made.mdp.gradient(made.theta_0)[0]).abs() < 4 * error).all())
    assert torch.cat(g).var(dim=0).sum().sqrt().item() == pytest.approx(4.71, abs=0.02)


DIRECTIONS = {
    (1.0, 0.0, 0.0, 0.0): (-0.248499, 6.46),
    (0.0, 1.0, 0.0, 0.0): (-0.137923, 5.78),
    (0.5, 0.5, 0.5, 0.5): (None, 5.98),
}


@pytest.mark.parametrize("v", DIRECTIONS)
def test_B_is_unbiased_with_the_protocols_size(v, sample):
    """The mean of B v is the Hessian of J times v by differences of the gradient (check 2)."""
    made, draws = sample
    entry, size = DIRECTIONS[v]
    v = torch.tensor(v, dtype=torch.float64)
    step = 1e-5 * v
    theta = made.theta_0[0]
    exact = (made.mdp.gradient(theta + step) - made.mdp.gradient(theta - step)) / 2e-5
    if entry is not None:
        assert exact[v.argmax()].item() == pytest.approx(entry, abs=1e-6)
    v = v.repeat(N, 1)
    Bv = [
        made.mdp.hessian_vector(made.mdp.rewards_to_go(made.theta_0.mT, d), d, v.mT).mT
        for d in draws
    ]
    mean, error = spread(Bv)
    assert bool(((mean - exact).abs() < 4 * error).all())
    norms = torch.cat(Bv).square().sum(dim=1).mean().sqrt()
    assert norms.item() == pytest.approx(size, rel=0.01)


def test_other_estimates_of_the_hessian_are_biased(sample):
    """Without the score product, or with a product of batch averages, the mean is far off.

    The released code multiplies the batch's mean gradient by its mean score; in the mean that is
    the product over the batch's size, here 1 / 32.
    """
    made, draws = sample
    v = torch.zeros(N, 4, dtype=torch.float64)
    v[:, 0] = 1
    right, dropped, averages = [], [], []
    for d in draws:
        Psi = made.mdp.rewards_to_go(made.theta_0.mT, d)
        g, Bv = made.mdp.gpomdp(Psi, d).mT, made.mdp.hessian_vector(Psi, d, v.mT).mT
        score = made.mdp.gpomdp(torch.ones_like(Psi), d).mT
        flat = Bv - g * (score * v).sum(dim=1, keepdim=True)
        batch = g.reshape(-1, 32, 4).mean(dim=1)
        along = (score * v).sum(dim=1).reshape(-1, 32).mean(dim=1, keepdim=True)
        right.append(Bv[:, 0])
        dropped.append(flat[:, 0])
        averages.append((batch * along)[:, 0] + flat.reshape(-1, 32, 4).mean(dim=1)[:, 0])
    exact = -0.248499
    mean, error = spread(right)
    assert abs(mean - exact) < 4 * error
    mean, error = spread(dropped)
    assert mean.item() == pytest.approx(1.78, abs=0.02)
    for wrong in (dropped, averages):
        mean, error = spread(wrong)
        assert abs(mean - exact) > 100 * error


def test_reweighted_gradients_are_those_of_the_other_policy(sample):
    """Importance weights carry trajectories at theta over to a policy nearby, without bias."""
    made, draws = sample
    other = made.theta_0 + 0.1
    theirs = [
        made.mdp.reweighted(
            made.mdp.rewards_to_go(made.theta_0.mT, d), d, made.theta_0.mT, other.mT
        ).mT
        for d in draws
    ]
    mean, error = spread(theirs)
    assert bool(((mean - made.mdp.gradient(other)[0]).abs() < 4 * error).all())


def test_the_optimum_is_approached_with_gap_over_gradient_root_two():
    """Far out both rows are equal and gap over gradient norm tends to sqrt(2) (check 8)."""
    made = task("B")
    for m, tolerance in ((8.0, 1e-6), (14.0, 1e-9)):
        theta = torch.tensor([[m, 0.5, m, -0.5]], dtype=torch.float64)
        ratio = -made.mdp.J(theta) / made.mdp.gradient(theta).norm()
        assert ratio.item() == pytest.approx(2**0.5, rel=tolerance)
        assert -made.mdp.J(theta).item() == pytest.approx(1.9 * np.exp(0.5 - m), rel=tolerance)


def test_weak_gradient_domination_holds_on_the_grid():
    """On theta_1 in [-2, 8], |theta_2 - c| <= 2, gap over gradient norm is at most 4.6 (A)."""
    made = task("A")
    drawn = np.random.default_rng(0).uniform([-2, -2], [8, 2], (100_000, 2, 2))
    corners = np.stack(np.meshgrid(*[np.linspace(-2, 8, 21), [-2, 2]] * 2), -1).reshape(-1, 2, 2)
    centre = torch.tensor([0, 0.5, 0, -0.5])
    theta = torch.tensor(np.concatenate((drawn, corners))).flatten(1) + centre
    ratio = -made.mdp.J(theta) / made.mdp.gradient(theta).norm(dim=1)
    assert 4.4 < ratio.max() < 4.7
    assert ratio.median().item() == pytest.approx(1.66, abs=0.1)


def test_first_noise_is_everybodys_whatever_else_is_drawn():
    """Second trajectories and b_t have streams of their own; the first ones stay the same."""
    quiet, busy = task(n=4), task(n=4)
    for _ in range(BLOCK + 3):
        busy.hessian_vector(busy.theta_0, busy.theta_0)
        busy.uniform()
        torch.testing.assert_close(
            quiet.gradient(quiet.theta_0), busy.gradient(busy.theta_0), rtol=0, atol=0
        )
    first, second = next(task(n=4).first), next(task(n=4).second)
    assert not torch.equal(first.z, second.z)


def test_states_are_fair_and_noise_is_standard(sample):
    """Places hit both states alike at every step, in both channels at once; z is normal."""
    _, draws = sample
    place, z = (torch.stack(parts).reshape(BLOCK, 2, 2, N) for parts in zip(*draws, strict=True))
    assert torch.equal(place[:, 1], place[:, 0] + 1)
    assert (place[:, 0] / 2).mean(dim=(0, 2)).tolist() == pytest.approx([0.5, 0.5], abs=2e-3)
    assert z.mean(dim=(0, 3)).flatten().tolist() == pytest.approx([0] * 4, abs=4e-3)
    assert z.std(dim=(0, 3)).flatten().tolist() == pytest.approx([1] * 4, abs=4e-3)


def test_checkpoints_are_the_last_iterations_that_their_budget_allows():
    """With two trajectories an iteration after the first, budgets 4 and 8 stop at 3 and 7."""
    made, exact = task(n=2, N=(4, 8)), task(n=2, N=(4, 7))

    def steps(made):
        number = torch.zeros(2, 4)
        made.trajectories += 1
        yield Step(number, number, number)
        while True:
            number = number + 1
            made.trajectories += 2
            yield Step(number, number, number)

    kept = made.walk(steps(made), cost=2)
    assert made.calls.tolist() == [3, 3, 7, 7]
    exact.walk(steps(exact), cost=2)
    assert exact.calls.tolist() == [3, 3, 7, 7]
    assert kept.theta[:, 0, 0].tolist() == [1, 3]


def test_draws_are_columns():
    """A draw has both channels of both steps as rows, and a replicate on each column."""
    assert [part.shape for part in next(task(n=7).first)] == [(4, 7), (4, 7)]
    assert Draw._fields == ("place", "z")
