"""Scores are from before the update, the KL from after it; both are of the same tokens."""

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.language.capo import realised
from suite.language.capo.method import AdamModel, SGDModel, Shifts, TokenFilter, capo_loss, shifts
from suite.language.tinylm.policy_gradient import grpo_advantage


def test_steps_are_those_of_plain_grpo(tiny):
    """Looking on changes no weight, bit for bit."""
    plain, watched = tiny(), tiny()
    nets, seen = plain.nets(), watched.nets()
    plain.train(capo_loss(grpo_advantage), nets=nets, checkpoints=())
    watched.nets = lambda: seen
    realised.Realised(watched)
    assert torch.equal(nets.flat, seen.flat)
    assert watched.calls.tolist() == [48, 48]


def test_scores_are_the_shifts_a_filter_would_see(tiny):
    """m_F of every step is what CAPO's filter computes in the same run."""
    shown: list[Shifts] = []
    keep = lambda tokens, m, mask, accepted: shown.append(m)
    rule = lambda tokens, m, mask: torch.ones_like(mask, dtype=torch.bool)
    tiny().train(capo_loss(grpo_advantage, TokenFilter(rule, AdamModel(), keep)), checkpoints=())
    problem = realised.Realised(tiny())
    for mine, m in zip(realised.adam_model(problem), shown, strict=True):
        torch.testing.assert_close(mine, m.F)
    for mine, seen in zip(realised.sgd_model(problem), problem.steps, strict=True):
        expected = shifts(seen.tokens, SGDModel().products(seen.tokens), seen.lr).F
        torch.testing.assert_close(mine, expected)


def test_kl_is_of_the_step_and_vanishes_with_the_rate(tiny):
    """It is nonnegative, and falls with the square of a small rate."""
    kls = []
    for lr in (2e-3, 1e-3):
        problem = realised.Realised(tiny(lr=(lr,), steps=1))
        kls.append(problem.kl[0][problem.steps[0].counted].double())
        assert len(problem.kl) == 1
    assert (kls[0] > -1e-7).all()
    assert float(kls[0].mean() / kls[1].mean()) == pytest.approx(4, rel=0.1)


def test_surprise_is_minus_the_log_probability(tiny):
    """It is -ln pi(a) of the sampled word."""
    problem = realised.Realised(tiny(steps=1))
    tokens = problem.steps[0].tokens
    a = tokens.v.argmax(dim=-1, keepdim=True)
    expected = -tokens.pi.gather(-1, a).log()[..., 0]
    torch.testing.assert_close(realised.surprise(problem)[0], expected, rtol=1e-4, atol=1e-6)


def test_controls_shuffle_the_tokens_and_forget_the_rate(tiny):
    """The one has the same numbers elsewhere, the other the same order at another size."""
    problem = realised.Realised(tiny())
    scores = realised.adam_model(problem)
    streams = Streams("language/capo", "realised", 0, range(2)).private("shuffled")
    dealt = realised.shuffled(problem, streams=streams)
    forgot = realised.without_rate(problem)
    for step, seen in enumerate(problem.steps):
        torch.testing.assert_close(dealt[step].sort()[0], scores[step].sort()[0])
        assert not torch.equal(dealt[step], scores[step])
        torch.testing.assert_close(forgot[step] * seen.lr**2, scores[step])


def test_measure_correlates_counted_tokens_only(tiny):
    """The KL itself has correlation and size 1; without tokens that count all columns are 0."""
    problem = realised.Realised(tiny())
    found = realised.measure_realised(problem, problem.kl)
    assert found["correlation"].shape == (2, 4)
    np.testing.assert_allclose(found["correlation"], 1)
    np.testing.assert_allclose(found["size"], 1)
    halved = realised.measure_realised(problem, [-kl / 2 for kl in problem.kl])
    np.testing.assert_allclose(halved["correlation"], -1)
    np.testing.assert_allclose(halved["size"], -0.5)
    for seen in problem.steps:
        seen.counted[:] = False
    nothing = realised.measure_realised(problem, problem.kl)
    assert not any(column.any() for column in nothing.values())


def test_exhibit_holds_the_second_step(tiny):
    """Scores and KL of replicate 0, tokens with an advantage."""
    problem = realised.Realised(tiny())
    shown = realised.exhibit_realised(problem, realised.adam_model(problem))
    assert len(shown["score"]) == len(shown["kl"]) == int(problem.steps[1].counted[0].sum())
