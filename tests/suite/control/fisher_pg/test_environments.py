"""The batched twins against gymnasium, transition by transition and episode by episode."""

import gymnasium
import numpy as np
import pytest
import torch

from suite.control.fisher_pg.environments import LIMIT, CartPole, Pendulum

TWINS = {kind.name: kind() for kind in (CartPole, Pendulum)}
STATES = 10_000
EPISODES = 12


def drawn(name, rng):
    """Return states, actions and elapsed steps that meet every branch of the transition."""
    elapsed = rng.choice([0, 7, LIMIT - 2, LIMIT - 1], STATES)
    if name == "CartPole-v1":
        high = np.array([2.5, 3.0, 0.22, 3.0])  # beyond both limits, on either side
        return rng.uniform(-high, high, (STATES, 4)), rng.integers(2, size=STATES), elapsed
    high = np.array([3 * np.pi, 8.0])
    return rng.uniform(-high, high, (STATES, 2)), rng.uniform(-3, 3, STATES), elapsed


def gymnasiums(name, states, actions, elapsed):
    """Return next states, observations, rewards and both flags of gymnasium's own steps."""
    env = gymnasium.make(name, max_episode_steps=LIMIT, disable_env_checker=True)
    env.reset(seed=0)
    limit = env
    while not hasattr(limit, "_elapsed_steps"):
        limit = limit.env
    rows = []
    for state, action, steps in zip(states, actions, elapsed, strict=True):
        env.unwrapped.state = state
        env.unwrapped.steps_beyond_terminated = None
        limit._elapsed_steps = int(steps)
        given = int(action) if name == "CartPole-v1" else np.array([action])
        seen, reward, terminated, truncated, _ = env.step(given)
        rows.append((env.unwrapped.state, seen, float(reward), terminated, truncated))
    env.close()
    return tuple(np.array(column) for column in zip(*rows, strict=True))


@pytest.mark.parametrize("name", TWINS)
def test_transitions_are_gymnasiums(name):
    """10,000 random states and actions lead to the same state, reward and flags, to 1e-6."""
    twin = TWINS[name]
    states, actions, elapsed = drawn(name, np.random.default_rng(0))
    state, seen, reward, terminated, truncated = gymnasiums(name, states, actions, elapsed)
    pushed = torch.tensor(actions, dtype=torch.float64)
    made = twin.step(
        torch.tensor(states.T), pushed if twin.discrete else pushed[None], torch.tensor(elapsed)
    )
    np.testing.assert_allclose(made.state.numpy().T, state, rtol=0, atol=1e-12)
    np.testing.assert_allclose(twin.observe(made.state).numpy().T, seen, rtol=0, atol=1e-6)
    np.testing.assert_allclose(made.reward.numpy(), reward, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(made.terminated.numpy(), terminated)
    np.testing.assert_array_equal(made.truncated.numpy(), truncated)
    assert truncated.any()
    assert not truncated.all()
    if name == "CartPole-v1":
        assert terminated.any()
        assert (terminated & truncated).any()
        assert not terminated.all()


@pytest.mark.parametrize("name", TWINS)
def test_episodes_follow_gymnasium_to_their_ends(name):
    """Whole episodes of random actions stay within 1e-10, and end in the same step."""
    twin = TWINS[name]
    rng = np.random.default_rng(1)
    shape = (LIMIT, EPISODES)
    actions = rng.integers(2, size=shape) if twin.discrete else rng.uniform(-2, 2, shape)
    starts, expected = zip(*(episode(name, actions[:, i], i) for i in range(EPISODES)), strict=True)
    state, found = torch.tensor(np.array(starts)).T, []
    for t, action in enumerate(torch.tensor(actions, dtype=torch.float64)):
        made = twin.step(state, action if twin.discrete else action[None], t)
        state = made.state
        found.append(torch.vstack((state, made.reward, made.terminated, made.truncated)))
    found = torch.stack(found).permute(2, 0, 1).numpy()
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours[: len(theirs)], theirs, rtol=0, atol=1e-10)
        assert theirs[-1, -2:].any()


def episode(name, actions, seed):
    """Return gymnasium's start, and its states, rewards and flags, a row for each step."""
    env = gymnasium.make(name, max_episode_steps=LIMIT, disable_env_checker=True)
    env.reset(seed=seed)
    start, rows, ended = np.array(env.unwrapped.state), [], False
    while not ended:
        action = actions[len(rows)]
        given = int(action) if name == "CartPole-v1" else np.array([action])
        _, reward, terminated, truncated, _ = env.step(given)
        rows.append([*env.unwrapped.state, float(reward), terminated, truncated])
        ended = terminated or truncated
    env.close()
    return start, np.array(rows, dtype=float)


@pytest.mark.parametrize("name", TWINS)
def test_starts_are_spread_as_gymnasiums(name):
    """Starting states fill gymnasium's range and no more."""
    twin = TWINS[name]
    high = torch.tensor([0.05] * 4 if name == "CartPole-v1" else [np.pi, 1.0])
    state = twin.start(50, 400, generator=torch.Generator().manual_seed(0)).flatten(1)
    torch.testing.assert_close(state.abs().amax(dim=1).float(), high.float(), rtol=1e-3, atol=0)
    assert bool((state.abs().amax(dim=1) <= high).all())
    assert bool((state.mean(dim=1).abs() < 0.02 * high).all())
