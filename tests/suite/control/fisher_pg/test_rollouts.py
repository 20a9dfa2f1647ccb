"""Racers play the same episodes, and count the steps of those that have not ended."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from suite.control.fisher_pg import bench_fisher_pg as bench
from suite.control.fisher_pg import rollouts
from suite.control.fisher_pg.environments import LIMIT


class Streams(SimpleNamespace):
    """Stand-in for the engine's streams: one per purpose."""

    device = "cpu"

    def torch(self, purpose, device="cpu"):
        return torch.Generator(device).manual_seed(sum(map(ord, purpose)))

    def numpy(self, purpose):
        return np.random.default_rng(sum(map(ord, purpose)))


def made(policy="linear", skill="untrained", episodes=600):
    return rollouts.rollouts(policy, skill, episodes, streams=Streams(), n=1)


@pytest.mark.parametrize("policy", ["linear", "mlp"])
def test_untrained_episodes_have_one_length_for_everybody(policy):
    """Twin and gymnasium's loop and vector play episodes of some 22 steps."""
    length = {
        name: rollouts.measure_rollouts(None, contender.function(made(policy), streams=Streams()))
        for name, contender in bench.race.contenders.items()
    }
    for name in ("twin", "twin_undropped", "gymnasium_loop"):
        assert length[name]["length"].item() == pytest.approx(22, abs=3), name
    # Where episodes restart, those that the last step cuts off count as begun.
    assert length["gymnasium_vector"]["length"].item() == pytest.approx(20, abs=3)
    assert length["torch_loop"]["live_steps"].item() >= rollouts.LOOPED_TORCH
    assert length["gymnasium_loop"]["live_steps"].item() >= rollouts.LOOPED


@pytest.mark.parametrize("policy", ["linear", "mlp"])
def test_balancing_policies_reach_the_limit(policy):
    """The balancing weights keep the pole up for more than 180 of 200 steps, in all worlds."""
    problem = made(policy, "balancing", 50)
    for name in ("twin", "gymnasium_loop"):
        contender = bench.race.contenders[name].function
        played = contender(problem, streams=Streams())
        assert 180 < played.live / played.episodes <= LIMIT, name


def test_dropping_ended_episodes_changes_no_count():
    """Until the first drop both play the same; over all, their mean lengths agree."""
    problem = made(episodes=4000)
    kept = rollouts.twin_undropped(problem, streams=Streams())
    dropped = rollouts.twin(problem, streams=Streams())
    assert kept.live / 4000 == pytest.approx(dropped.live / 4000, rel=0.04)


def test_live_steps_are_those_before_the_end():
    """An episode that ends in its t-th step has t live steps, as gymnasium's loop counts."""
    problem = made(episodes=300)
    problem.weights[0] = torch.tensor([[0.0] * 4, [0.0, 0.0, -200.0, 0.0]])  # away from balance
    twin = rollouts.twin(problem, streams=Streams())
    loop = rollouts.gymnasium_loop(problem, streams=Streams())
    assert twin.live / twin.episodes == pytest.approx(loop.live / loop.episodes, rel=0.05)
    assert twin.live / twin.episodes < 15


def test_numpy_and_torch_policies_are_one():
    """Both compute the same logits from the same weights."""
    problem = made("mlp")
    seen = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    ours = rollouts.logits(problem.weights, seen)
    theirs = rollouts._logits([w.numpy() for w in problem.weights], seen.numpy())
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-5, atol=1e-7)


def test_fiftyfold_is_in_live_steps_per_second():
    """500 steps in 1 s against 10 in 2 s is 100 times, ln 2 above fifty, cell by cell."""
    cells = {"skill": np.array(["untrained", "balancing"])}
    ours = {"live_steps": np.array([[500.0, 250.0]]), "seconds": np.array([[1.0, 1.0]]), **cells}
    theirs = {"live_steps": np.array([[10.0, 10.0]]), "seconds": np.array([[2.0, 2.0]]), **cells}
    found = bench.over_fiftyfold(ours, theirs)
    assert list(found) == ["untrained", "balancing"]
    np.testing.assert_allclose(found["untrained"], np.log(2))
    np.testing.assert_allclose(found["balancing"], 0, atol=1e-15)
