"""Reacher on gymnasium's simulators: the same episodes, and no MuJoCo without a word."""

import numpy as np
import pytest
import torch
from toy import context, jobs_of

from claimbench import pins as engine_pins
from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from claimbench.evidence.run import Run
from suite.control.fisher_pg.policies import Policy
from suite.control.fisher_pg.reacher import Reacher


@pytest.fixture
def arm():
    pytest.importorskip("mujoco", reason="to mend it: pip install -e '.[mujoco]'")
    return Reacher()


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_episodes_are_gymnasiums(arm):
    """Six arms in a batch of 2 x 3 see and earn what gymnasium's single ones do, to the end."""
    import gymnasium

    seeds = torch.randint(2**31, (2, 3), generator=generator())
    state = arm.start(2, 3, generator=generator())
    torques = 1.5 * torch.randn(arm.limit, 2, 2, 3, generator=generator(1))
    found = []
    for t, action in enumerate(torques):
        made = arm.step(state, action, t)
        state = made.state
        found.append(made)
    for i, j in np.ndindex(2, 3):
        env = gymnasium.make(arm.name)
        env.reset(seed=int(seeds[i, j]))
        for t in range(arm.limit):
            given = torques[t, :, i, j].clamp(-1, 1).numpy()
            seen, reward, terminated, truncated, _ = env.step(given)
            ours, earned, over, late = (part[..., i, j] for part in found[t])
            np.testing.assert_allclose(ours.numpy(), seen, rtol=0, atol=1e-12)
            assert earned.item() == pytest.approx(reward, abs=1e-12)
            assert (over.item(), late.item()) == (terminated, truncated)
        assert truncated
        env.close()


def test_a_start_forgets_the_episode_before_it(arm):
    """The same stream starts the same episodes, whatever the simulators did meanwhile."""
    first = arm.start(4, generator=generator())
    for t in range(7):
        arm.step(first, torch.ones(2, 4), t)
    torch.testing.assert_close(arm.start(4, generator=generator()), first, rtol=0, atol=0)
    assert not torch.equal(arm.start(4, generator=generator(1)), first)
    assert len(first.unique(dim=1).T) == 4


def test_a_lost_policy_earns_nothing_that_counts(arm, tmp_path, monkeypatch):
    """A torque that is no number makes its own arm's reward NaN; MuJoCo hears nothing of it."""
    monkeypatch.chdir(tmp_path)
    state = arm.start(3, generator=generator())
    torques = torch.full((2, 3), 0.5)
    torques[1, 1] = torch.nan
    made = arm.step(state, torques, 0)
    assert made.reward.isnan().tolist() == [False, True, False]
    assert bool(made.state.isfinite().all())
    assert list(tmp_path.iterdir()) == []


def test_both_torques_have_a_distribution_of_their_own(arm):
    """log pi is the sum of two normal log densities, each with its deviation, over 50 steps."""
    policy = Policy(arm)
    theta = torch.randn(2, policy.dim, generator=generator()) / 3
    assert policy.dim == 2 * (10 + 1) + 2
    batch = policy.play(theta, 3, generator(1))
    assert batch.actions.shape == (2, 2, arm.limit, 3)
    assert bool((batch.live == 1).all())
    w, b, log_sd = theta[:, :20].unflatten(1, (2, 10)), theta[:, 20:22], theta[:, 22:]
    mean = torch.einsum("nop,nptm->notm", w, batch.observations) + b[:, :, None, None]
    sd = log_sd.exp()[:, :, None, None].expand_as(mean)
    expected = torch.distributions.Normal(mean, sd).log_prob(batch.actions).sum(dim=1)
    torch.testing.assert_close(policy.log_probability(theta, batch), expected, rtol=1e-4, atol=1e-4)
    z = (batch.actions - mean) / sd
    assert z.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0], abs=0.2)
    assert z.std(dim=(0, 2, 3)).tolist() == pytest.approx([1, 1], abs=0.15)


def test_without_mujoco_nobody_plays_reacher_and_the_command_is_told(monkeypatch, tmp_path):
    """All its contenders are unavailable, with what installs it; other tasks go without it."""
    found = engine_pins.installed_version
    monkeypatch.setattr(
        engine_pins, "installed_version", lambda name: None if name == "mujoco" else found(name)
    )
    pins = engine_pins.read_pins(find_root() / "baselines" / "pins.toml")
    paper = bind(PaperFiles(find_root(), "control", "fisher_pg"), "full")
    shared = context(
        find_root(), store=tmp_path, pin_state=lambda name: engine_pins.state(pins[name])
    )
    jobs = [job for job in jobs_of(paper) if job.experiment == "reacher"]
    engine = Run(shared, workers=1)
    engine.schedule(jobs)
    for job in jobs:
        evidence = engine.finish(job)
        assert (evidence.status, evidence.reason) == (
            "unavailable", "mujoco not installed; to mend it: pip install -e '.[mujoco]'",
        )  # fmt: skip
        assert len(evidence.units) == 2
    engine.close()
    assert len(jobs) == 7
    for contender in paper.experiments["tasks"].contenders.values():
        assert contender.pin is None or "mujoco" not in pins[contender.pin].packages
