"""N-PG-IGT and (N)-HARPG: exact where theory is, and plain methods where they must be."""

import inspect
from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from baselines.control import fisher_pg as pins
from suite.control.fisher_pg import contenders as who
from suite.control.fisher_pg import method
from suite.control.fisher_pg.method import decay, harpg, n_pg_igt, unit
from suite.control.fisher_pg.problem import two_channel

CURVATURE = torch.tensor([[3.0, 1.0], [1.0, 0.5]], dtype=torch.float64)


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams: one per purpose."""

    device = "cpu"

    def numpy(self, purpose):
        return np.random.default_rng(sum(map(ord, purpose)))


def task(instance="A", n=1):
    return two_channel(instance, (8,), streams=Streams(), n=n)


class Quadratic:
    """J = -theta'A theta / 2, whose gradient and Hessian are asked without noise."""

    def __init__(self, b=0.3):
        self.theta_0 = torch.tensor([[2.0, -1.0], [0.5, 4.0]], dtype=torch.float64)
        self.b = b

    def gradient(self, theta):
        return -theta @ CURVATURE

    def hessian_vector(self, _, v):
        return -v @ CURVATURE

    def uniform(self):
        return torch.full((2, 1), self.b, dtype=torch.float64)


class Smooth(Quadratic):
    """J = sum of exp(-theta), whose Hessian depends on where it is asked."""

    def gradient(self, theta):
        return -torch.exp(-theta)

    def hessian_vector(self, theta, v):
        return torch.exp(-theta) * v


def quirk(function, *changes):
    """Return the algorithm with pieces of its source exchanged."""
    source = inspect.getsource(function)
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    scope = dict(vars(method))
    exec(source, scope)
    return scope[function.__name__]


def worst(steps, problem, iterations=50):
    """Return the largest relative distance of d_t from the gradient at theta_t."""
    distances = [
        (step.d - problem.gradient(step.theta)).norm() / problem.gradient(step.theta).norm()
        for step in islice(steps, iterations)
    ]
    return max(distances).item()


ETAS = {
    "4/5": decay(4 / 5),
    "1": decay(1),
    "constant": lambda t: 0.3,
    "wavy": lambda t: 0.5 + 0.4 * np.sin(t),
}


@pytest.mark.parametrize("eta", ETAS)
def test_transport_is_exact_on_a_quadratic(eta):
    """Without noise and curvature of the gradient, d_t is the gradient at theta_t (check 5)."""
    problem = Quadratic()
    steps = n_pg_igt(problem, eta=ETAS[eta], gamma=decay(1, 0.7))
    assert worst(steps, problem) < 1e-12


@pytest.mark.parametrize("eta", ETAS)
@pytest.mark.parametrize("direction", [unit, torch.clone])
def test_hessian_correction_is_exact_on_a_quadratic(eta, direction):
    """With the exact Hessian, d_t of both HARPGs is the gradient at theta_t (check 5)."""
    problem = Quadratic()
    steps = harpg(problem, eta=ETAS[eta], gamma=decay(1, 0.1), direction=direction)
    assert worst(steps, problem) < 1e-12


def test_the_released_codes_look_ahead_is_not_exact():
    """With eta_{t-1} in the look-ahead, d_t is off by more than 1% (check 5, no slope sees it)."""
    problem = Quadratic()
    shifted = quirk(
        n_pg_igt, ("(1 - eta(t)) / eta(t)\n", "(1 - eta(t - 1)) / eta(t - 1) if t else 0.0\n")
    )
    assert worst(shifted(problem, eta=decay(4 / 5), gamma=decay(1, 0.7)), problem) > 0.01


def test_corrections_left_out_or_turned_are_not_exact():
    """Transport and Hessian correction of 0 or -1 leave d_t off by more than 1%."""
    problem = Quadratic()
    for factor in (0.0, -1.0):
        igt = n_pg_igt(problem, eta=decay(4 / 5), gamma=decay(1, 0.7), transport=factor)
        hessian = harpg(problem, eta=decay(1), gamma=decay(1, 0.1), correction=factor)
        assert worst(igt, problem) > 0.01
        assert worst(hessian, problem) > 0.01


def test_the_uniform_point_makes_the_correction_exact_in_the_mean():
    """Over b ~ U[0, 1] the mean of v_t is the change of the gradient (check 3, by quadrature)."""
    nodes, weights = np.polynomial.legendre.leggauss(12)
    mean, change = 0.0, None
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        problem = Smooth(b=float(node))
        eta = decay(1)
        before, after = islice(harpg(problem, eta=eta, gamma=decay(1), direction=unit), 2)
        g = problem.gradient(after.theta)
        v = (after.d - eta(1) * g) / (1 - eta(1)) - before.d
        mean = mean + weight * v
        change = g - problem.gradient(before.theta)
    torch.testing.assert_close(mean, change, rtol=1e-12, atol=1e-12)


def last(steps, iterations=40):
    return next(islice(steps, iterations - 1, None))


def equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_with_eta_one_the_methods_are_plain_ones_bitwise():
    """At eta = 1, N-PG-IGT and N-HARPG are normalised PG, and HARPG is vanilla PG (check 4)."""
    one, gamma = decay(0), decay(1, 0.5)
    made = task("B", n=5)
    plain = last(pins.normalised_momentum(made.gradient, made.theta_0, gamma=gamma, eta=one))
    equal(last(n_pg_igt(task("B", n=5), eta=one, gamma=gamma)), plain)
    equal(last(harpg(task("B", n=5), eta=one, gamma=gamma, direction=unit)), plain)
    made = task("B", n=5)
    vanilla = last(pins.policy_gradient(made.gradient, made.theta_0, gamma=gamma))
    equal(last(harpg(task("B", n=5), eta=one, gamma=gamma)), vanilla)


def test_without_transport_it_is_momentum_bitwise():
    """The ablation is normalised policy gradient with momentum at the same eta."""
    ours = last(n_pg_igt(task("B", n=5), eta=decay(4 / 5), gamma=decay(1), transport=0.0))
    made = task("B", n=5)
    steps = pins.normalised_momentum(made.gradient, made.theta_0, gamma=decay(1), eta=decay(4 / 5))
    equal(ours, last(steps))


def test_normalised_steps_have_their_length_and_schedules_their_values():
    """||theta_{t+1} - theta_t|| is 2 gamma_0 / (t + 2), and eta_0, eta_1 are known (check 6)."""
    for steps in (
        n_pg_igt(task("B", n=3), eta=decay(4 / 5), gamma=decay(1, 0.7)),
        harpg(task("B", n=3), eta=decay(1), gamma=decay(1, 0.7), direction=unit),
    ):
        for t, step in zip(range(20), steps, strict=False):
            length = (step.following - step.theta).norm(dim=1)
            assert length.tolist() == pytest.approx([1.4 / (t + 2)] * 3, rel=1e-13)
    assert [decay(4 / 5)(0), decay(1)(0)] == [1, 1]
    assert decay(4 / 5)(1) == pytest.approx(0.7230, abs=5e-5)
    assert decay(1)(1) == pytest.approx(2 / 3)
    assert decay(1 / 2, 0.05)(6) == pytest.approx(0.025)


def test_an_estimate_of_zero_moves_nothing():
    """unit(0) is 0, so that a vanishing estimate is no division by zero."""
    d = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    assert unit(d).tolist() == [[0, 0], pytest.approx([0.6, 0.8])]


def test_trajectories_are_counted_as_they_are_drawn():
    """After T iterations: T for N-PG-IGT and vanilla PG, 2T - 1 for both HARPGs (check 7)."""
    for T in (1, 2, 30):
        made = task(n=2)
        last(n_pg_igt(made, eta=decay(4 / 5), gamma=decay(1)), T)
        assert made.trajectories == T
        for direction in (unit, torch.clone):
            made = task(n=2)
            last(harpg(made, eta=decay(1), gamma=decay(1), direction=direction), T)
            assert made.trajectories == 2 * T - 1
        made = task(n=2)
        last(pins.storm_pg(made.gradient_pair, made.theta_0, gamma=decay(1), eta=decay(1)), T)
        assert made.trajectories == T


class Preset:
    """Whatever is asked, the t-th gradient and the t-th Hessian-vector product are given."""

    theta_0 = torch.zeros(1, 2, dtype=torch.float64)

    def __init__(self):
        self.g, self.v = (
            list(torch.randn(9, 1, 2, generator=torch.Generator().manual_seed(seed)).double())
            for seed in (0, 1)
        )
        self.asked, self.corrected = iter(self.g), iter(self.v)

    def gradient(self, _):
        return next(self.asked)

    def hessian_vector(self, *_):
        return next(self.corrected)

    def uniform(self):
        return torch.full((1, 1), 0.5, dtype=torch.float64)


def test_estimates_are_averaged_with_the_iterations_own_weight():
    """d_t has weight eta_t on g_t, and HARPG's v_t weight 1 - eta_t, from the first t on."""
    eta = decay(4 / 5)
    for algorithm in (n_pg_igt, harpg):
        made = Preset()
        expected = made.g[0]
        for t, step in enumerate(islice(algorithm(made, eta=eta, gamma=decay(1)), 9)):
            if t > 0:
                v = made.v[t - 1] if algorithm is harpg else 0.0
                expected = (1 - eta(t)) * (expected + v) + eta(t) * made.g[t]
            torch.testing.assert_close(step.d, expected, rtol=1e-12, atol=1e-12)


def test_look_ahead_is_where_the_trajectory_is_drawn():
    """At t = 1 the oracle is asked at theta_1 + ((1 - eta_1) / eta_1) (theta_1 - theta_0)."""
    asked = []

    class Watched(Quadratic):
        def gradient(self, theta):
            asked.append(theta)
            return super().gradient(theta)

    problem = Watched()
    first, _ = islice(n_pg_igt(problem, eta=decay(4 / 5), gamma=decay(1)), 2)
    eta = (2 / 3) ** 0.8
    ahead = first.following + (1 - eta) / eta * (first.following - first.theta)
    torch.testing.assert_close(asked[1], ahead)


def test_storm_with_the_same_policy_keeps_plain_momentums_mean():
    """Where theta stands still the weight is 1: d_t = g_t + (1 - eta) (d_{t-1} - g_t)."""
    made = task("B", n=4)
    still = pins.storm_pg(made.gradient_pair, made.theta_0, gamma=lambda t: 0.0, eta=decay(1))
    steps = list(islice(still, 6))
    other = task("B", n=4)
    g = [other.gradient(other.theta_0) for _ in range(6)]
    d = g[0]
    for t in range(1, 6):
        d = (1 - decay(1)(t)) * d + decay(1)(t) * g[t]
        torch.testing.assert_close(steps[t][1], d)


def test_is_mbpg_adapts_each_replicates_step_to_its_gradients():
    """Its first step is k (m + ||g||^2)^(-1/3) g, and its weight min(1, c gamma^2) follows."""
    problem = Quadratic()
    steps = pins.is_mbpg(
        lambda theta, other: (problem.gradient(theta), problem.gradient(other)),
        problem.theta_0, k=0.1, m=2.0, c=5.0,
    )  # fmt: skip
    (theta, g, following), (_, d, _) = islice(steps, 2)
    gamma = 0.1 * (2 + g.square().sum(dim=1, keepdim=True)) ** (-1 / 3)
    torch.testing.assert_close(following, theta + gamma * g)
    torch.testing.assert_close(d, problem.gradient(following))  # exact pairs correct exactly


@pytest.mark.parametrize("instance", ["A", "B"])
def test_families_have_a_first_step_on_both_instances(instance):
    """Every family's gamma_0 is a positive number."""
    assert all(value > 0 for value in who.GAMMA_0[instance].values())
