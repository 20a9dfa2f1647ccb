"""Estimands are right on numbers made by hand, claims fit, the race runs what it says."""

import numpy as np
import pytest
import torch

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from suite.language.capo import bench_capo as bench
from suite.language.capo import overhead
from suite.language.capo.method import AdamModel


def subject(**columns):
    return {name: np.array(values, dtype=float) for name, values in columns.items()}


def test_accuracy_lost_and_gained_are_opposite():
    """Who ends at 0.2 against 0.5 has lost 0.3, and gained -0.3."""
    ours, theirs = subject(final=[[0.2], [0.6]]), subject(final=[[0.5], [0.5]])
    np.testing.assert_allclose(bench.accuracy_lost(ours, theirs), [0.3, -0.1])
    np.testing.assert_allclose(bench.accuracy_gained(ours, theirs), [-0.3, 0.1])


def test_the_damaged_rate_is_the_least_from_which_on_the_opponent_suffers():
    """A dip that mends at a higher rate does not count; where nothing is damaged it is NaN."""
    theirs = subject(final=[[0.3, 0.9, 0.8, 1.0, 0.85]] * 5, lr=[3e-3, 1e-3, 3e-4, 1e-4, 2e-3])
    ours = subject(final=[[0.1, 0.2, 0.3, 0.4, 0.6]] * 5, lr=theirs["lr"])
    np.testing.assert_allclose(bench.accuracy_lost_where_damaged(ours, theirs), [0.25] * 5)
    sound = subject(final=[[0.9, 0.95, 1.0, 0.99, 0.9]] * 5, lr=theirs["lr"])
    assert np.isnan(bench.accuracy_lost_where_damaged(ours, sound)).all()


def test_a_collapse_is_an_end_below_half_of_the_start():
    """It is 1 where only the opponent collapsed, -1 where only the subject did."""
    ours = subject(final=[[0.5], [0.3], [0.3], [0.4]], start=[[0.8]] * 4)
    theirs = subject(final=[[0.3], [0.5], [0.3], [0.4]], start=[[0.8]] * 4)
    assert bench.collapses_prevented(ours, theirs).tolist() == [1, -1, 0, 0]


def test_reaching_sooner_needs_the_level_and_an_earlier_checkpoint():
    """Equal is not sooner, never is not sooner; the level is the opponent's own end."""
    theirs = subject(
        final=[[0.8]] * 4,
        accuracy=[[[0.5, 0.6, 0.8]], [[0.5, 0.9, 0.8]], [[0.5, 0.6, 0.8]], [[0.8] * 3]],
    )
    ours = subject(accuracy=[[[0.1, 0.8, 0.1]], [[0.1, 0.8, 0.1]], [[0.1, 0.2, 0.7]], [[0.9] * 3]])
    assert bench.reaches_sooner(ours, theirs).tolist() == [True, False, False, False]


def test_remaining_estimands():
    """Means over steps that have tokens; logarithms; one condition for each cell."""
    assert bench.tokens_rejected(subject(rejected=[[0.02], [0.04]])).tolist() == [0.02, 0.04]
    steps = subject(
        correlation=[[[0.5, 0.7, 0.0]]], size=[[[0.5, 2.0, 0.0]]], counted=[[[9, 2, 0]]]
    )
    np.testing.assert_allclose(bench.rank_correlation(steps), [0.6])
    np.testing.assert_allclose(bench.log_size(steps), [0.0], atol=1e-12)
    cells = subject(excess=[[-1.0, 2.0]], gamma=[0.5, 0.9], lr=[0.1, 10])
    found = bench.excess(cells)
    assert list(found) == ["gamma = 0.5, lr = 0.1", "gamma = 0.9, lr = 10"]
    assert found["gamma = 0.9, lr = 10"].tolist() == [2.0]
    slower = bench.log_seconds(subject(seconds=[[1.1]]), subject(seconds=[[1.0]]))
    np.testing.assert_allclose(slower, [np.log(1.1)])


def test_racers_take_the_same_steps(tiny):
    """All train on the same completions; with open thresholds the filtered steps are plain ones."""
    made = tiny(steps=2)
    for name in ("adam_F", "adam_H"):
        made.arrays[name] = torch.full((1, 4), float("inf"))
    moments = AdamModel()
    moments.t, moments.M, moments.S = 1, torch.zeros(2, 14, 8), torch.ones(2, 14, 8)
    problem = overhead.Steps(made, moments)
    found = [contender.function(problem).reward for contender in bench.overhead.contenders.values()]
    assert len(found) == 4
    for reward in found:
        assert torch.equal(reward, found[0])
    assert moments.t == 1
    assert overhead.measure_steps(problem, overhead.plain_step(problem))["reward"].shape == (2,)


def test_the_twice_filtered_step_has_the_same_products(tiny):
    """The control of the race differs in time only."""
    from suite.language.capo.realised import Realised

    seen = Realised(tiny(steps=2)).steps[1]
    twice = overhead.TwiceAdamModel()
    twice.M, twice.S, twice.t = seen.model.M, seen.model.S, seen.model.t
    assert seen.model.t == 1
    assert torch.equal(twice.products(seen.tokens), seen.model.products(seen.tokens))


@pytest.mark.parametrize("profile", ["smoke", "standard", "full"])
def test_claims_fit_the_bench_file(profile):
    """Every name in claim.toml resolves at every profile, and the full one has every claim."""
    paper = bind(PaperFiles(find_root(), "language", "capo"), profile)
    if profile == "full":
        assert paper.claims == paper.file.claims
