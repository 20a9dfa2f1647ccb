"""Policies, their gradients and Hessian-vector products on trajectories of the twins."""

from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Normal

from baselines.control import fisher_pg as pins
from suite.control.fisher_pg import bench_fisher_pg as bench
from suite.control.fisher_pg import learners
from suite.control.fisher_pg.environments import LIMIT
from suite.control.fisher_pg.policies import GAMMA, Policy
from suite.control.fisher_pg.tasks import BATCH, ENVIRONMENTS, HIDDEN, measure_task, task


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams: one per purpose."""

    device = "cpu"

    def torch(self, purpose, device="cpu"):
        return torch.Generator(device).manual_seed(sum(map(ord, purpose)))


STREAMS = Streams(replicates=range(2))
CASES = [("CartPole-v1", ()), ("CartPole-v1", (3,)), ("Pendulum-v1", (3, 2))]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def played(name, hidden, n=2, m=3):
    """Return a policy in double precision, its parameters, and a batch of trajectories."""
    policy = Policy(ENVIRONMENTS[name](), hidden)
    theta = torch.randn(n, policy.dim, generator=generator()) / 2
    batch = policy.play(theta, m, generator(1))
    return policy, theta.double(), type(batch)(*(part.double() for part in batch))


def log_probability(policy, theta, seen, action):
    """Return log pi(action | seen) of one parameter vector and one observation, layer by layer."""
    x, at = seen, 0
    for number, (inside, out) in enumerate(policy.layers):
        w, b = theta[at : at + inside * out].reshape(out, inside), at + inside * out
        x = w @ x + theta[b : b + out]
        at = b + out
        if number < len(policy.layers) - 1:
            x = torch.tanh(x)
    if policy.environment.discrete:
        return Categorical(logits=x).log_prob(action)
    return Normal(x, theta[-len(x) :].exp()).log_prob(action).sum()


def by_hand(policy, batch, i, j):
    """Return log p and Phi of trajectory j of replicate i, as functions of theta_i."""
    steps = int(batch.live[i, :, j].sum())

    def terms(theta):
        return torch.stack(
            [
                log_probability(
                    policy, theta, batch.observations[i, :, t, j], batch.actions[i, ..., t, j]
                )
                for t in range(steps)
            ]
        )

    return (
        lambda theta: terms(theta).sum(),
        lambda theta: (batch.Psi[i, :steps, j] * terms(theta)).sum(),
    )


@pytest.mark.parametrize(("name", "hidden"), CASES)
def test_estimates_are_means_over_trajectories_of_their_definitions(name, hidden):
    """g, w g and B v agree with whole Hessians and gradients of each trajectory by itself."""
    policy, theta, batch = played(name, hidden)
    batch = type(batch)(*(p[..., :4, :] if p.ndim > 2 else p for p in batch))
    v = torch.randn(theta.shape, generator=generator(3)).double()
    other = theta + 0.05 * v
    expected = {"g": [], "wg": [], "Bv": []}
    for i in range(2):
        rows = {name: [] for name in expected}
        for j in range(3):
            log_p, Phi = by_hand(policy, batch, i, j)
            g, score = (torch.autograd.functional.jacobian(f, theta[i]) for f in (Phi, log_p))
            H = torch.autograd.functional.hessian(Phi, theta[i])
            w = (log_p(other[i]) - log_p(theta[i])).exp()
            rows["g"].append(g)
            rows["Bv"].append(g * (score @ v[i]) + H @ v[i])
            rows["wg"].append(w * torch.autograd.functional.jacobian(Phi, other[i]))
        for name_, found in rows.items():
            expected[name_].append(torch.stack(found).mean(dim=0))
    expected = {name_: torch.stack(found) for name_, found in expected.items()}
    torch.testing.assert_close(policy.gradient(theta, batch), expected["g"])
    torch.testing.assert_close(policy.hessian_vector(theta, batch, v), expected["Bv"])
    w = policy.ratio(theta, other, batch)
    torch.testing.assert_close(policy.weighted_gradient(other, batch, w), expected["wg"])


@pytest.mark.parametrize(("name", "hidden"), CASES)
def test_rewards_to_go_are_discounted_sums_of_live_steps(name, hidden):
    """Psi_h = sum over later steps of gamma^h' r_h', and returns are undiscounted sums."""
    _, _, batch = played(name, hidden)
    if name == "CartPole-v1":
        reward = batch.live
        assert bool((batch.live.sum(dim=1) == batch.returns).all())
    else:
        assert bool((batch.live == 1).all())
        assert batch.live.shape[1] == LIMIT
        angle = torch.atan2(batch.observations[:, 1], batch.observations[:, 0])
        torque = batch.actions[:, 0].clamp(-2, 2)
        reward = -(angle**2 + 0.1 * batch.observations[:, 2] ** 2 + 0.001 * torque**2)
    h = torch.arange(reward.shape[1]).reshape(1, -1, 1)
    later = reward * GAMMA**h
    expected = torch.stack([later[:, t:].sum(dim=1) for t in range(later.shape[1])], dim=1)
    torch.testing.assert_close(batch.Psi, expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(reward.sum(dim=1), batch.returns, rtol=1e-3, atol=1e-3)


def test_actions_have_the_policys_distribution():
    """Draws agree in mean and spread with the probability that is written down."""
    policy = Policy(ENVIRONMENTS["CartPole-v1"]())
    theta = torch.zeros(1, policy.dim)
    theta[0, -1] = 1.0  # the right action's bias
    actions = policy.act(theta, torch.zeros(1, 4, 50_000), generator())
    assert actions.mean().item() == pytest.approx(1 / (1 + np.exp(-1)), abs=0.01)
    policy = Policy(ENVIRONMENTS["Pendulum-v1"]())
    theta = torch.tensor([[0.0, 0.0, 0.0, 0.7, -0.5]])
    actions = policy.act(theta, torch.zeros(1, 3, 50_000), generator())
    assert actions.mean().item() == pytest.approx(0.7, abs=0.02)
    assert actions.std().item() == pytest.approx(np.exp(-0.5), abs=0.02)


def test_the_gradient_climbs():
    """Twenty normalised steps of the oracle's gradient make CartPole's episodes longer."""
    problem = task("CartPole-v1", "linear", (BATCH,), streams=STREAMS, n=2)
    theta = problem.theta_0
    before = problem.evaluate(theta)
    for _ in range(20):
        g = problem.gradient(theta)
        theta = theta + 0.2 * g / g.norm(dim=1, keepdim=True)
    assert bool((problem.evaluate(theta) > before + 10).all())
    assert problem.trajectories == 20 * BATCH


def test_first_trajectories_are_everybodys_whatever_else_is_drawn():
    """Second trajectories, b_t and evaluations have streams of their own."""
    quiet, busy = (task("CartPole-v1", "linear", (BATCH,), streams=STREAMS, n=2) for _ in range(2))
    for _ in range(2):
        busy.hessian_vector(busy.theta_0, busy.theta_0)
        busy.uniform()
        busy.evaluate(busy.theta_0)
        assert torch.equal(quiet.gradient(quiet.theta_0), busy.gradient(busy.theta_0))
    assert (quiet.trajectories, busy.trajectories) == (2 * BATCH, 4 * BATCH)


@pytest.mark.parametrize("name", [n for n in bench.tasks.contenders if n != "a2c"])
def test_every_learner_answers_within_its_trajectories(name):
    """All learners return policies at each checkpoint, and HARPGs pay for both trajectories."""
    problem = task("CartPole-v1", "linear", (20, 50), streams=STREAMS, n=2)
    step = bench.tasks.contenders[name].function(problem, gamma_0=0.1)
    found = measure_task(problem, step)
    assert problem.calls.tolist() == ([10, 10, 50, 50] if "harpg" in name else [20, 20, 50, 50])
    assert all(column.shape == (4,) for column in found.values())
    assert bool((found["shortfall"] > 0).all())
    assert bool((found["shortfall"] < LIMIT).all())
    assert not torch.equal(step.following[0], step.following[1])


@pytest.mark.parametrize(("name", "policy"), [("CartPole-v1", "mlp"), ("Pendulum-v1", "linear")])
def test_a2cs_parameters_are_read_as_ours(name, policy):
    """The flat parameters of stable-baselines3 give the logits or means that its policy has."""
    stable = pytest.importorskip("stable_baselines3")
    kinds = {"net_arch": {"pi": list(HIDDEN[policy]), "vf": [4]}, "activation_fn": torch.nn.Tanh}
    model = stable.A2C("MlpPolicy", gymnasium.make(name), policy_kwargs=kinds, device="cpu")
    with torch.no_grad():
        for p in model.policy.parameters():
            p.copy_(torch.randn(p.shape, generator=generator()))
    ours = Policy(ENVIRONMENTS[name](), HIDDEN[policy])
    seen = torch.randn(5, ours.environment.observations, generator=generator(1))
    theta = torch.tensor(pins._flat(model.policy)).unsqueeze(0)
    found = model.policy.get_distribution(seen).distribution
    outputs = ours.outputs(theta, seen.T.unsqueeze(0))[0].T
    if ours.environment.discrete:
        torch.testing.assert_close(outputs.log_softmax(dim=1), found.logits)
    else:
        torch.testing.assert_close(outputs, found.mean)
        torch.testing.assert_close(theta[0, -1].exp().expand(5, 1), found.stddev)


def test_a2c_is_looked_at_after_its_episodes():
    """It returns a policy for each checkpoint, and different ones as it learns."""
    pytest.importorskip("stable_baselines3")
    streams = Streams(replicates=range(1))
    problem = task("CartPole-v1", "linear", (1, 2), streams=streams, n=1)
    step = learners.a2c(problem, streams=streams)
    assert step.following.shape == (2, 1, problem.policy.dim)
    assert not torch.equal(step.following[0], step.following[1])
    assert problem.calls.tolist() == [1, 2]
    assert bool(measure_task(problem, step)["shortfall"].isfinite().all())
