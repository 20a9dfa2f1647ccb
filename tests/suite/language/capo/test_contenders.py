"""Contenders differ in what the paper says they differ in, and in nothing else."""

from math import inf

import numpy as np
import pytest
import torch

from claimbench.evidence.streams import Streams
from suite.language.capo import contenders as who
from suite.language.capo import evaluate, filters
from suite.language.capo.bench_capo import addition, carries, variants
from suite.language.capo.method import AdamModel, Box, SGDModel, TokenFilter, capo_loss
from suite.language.tinylm.policy_gradient import grpo_advantage

PLAIN = (who.grpo, who.grpo_conservative, who.grpo_clipped, who.dr_grpo, who.reinforce)


def private(name):
    return Streams("language/capo", "addition", 0, range(2)).private(name)


def trained(problem, loss, **options):
    nets = problem.nets()
    return problem.train(loss, nets=nets, checkpoints=(), **options), nets.flat.detach().clone()


@pytest.mark.parametrize("model", [AdamModel, SGDModel])
def test_infinite_thresholds_are_grpo_bitwise(tiny, model):
    """With delta_F = delta_H = infinity all weights equal GRPO's, bit for bit (check 5)."""
    box = Box(inf, inf)
    _, plain = trained(tiny(), capo_loss(grpo_advantage))
    _, filtered = trained(tiny(), capo_loss(grpo_advantage, TokenFilter(box, model())))
    assert torch.equal(plain, filtered)
    _, start = trained(tiny(steps=1), capo_loss(grpo_advantage), lr=0.0)
    assert not torch.equal(plain, start)


def test_a_net_does_not_depend_on_its_stack(tiny):
    """Alone, each replicate ends where it ends among others, and so does each rate."""
    loss = lambda problem: capo_loss(
        grpo_advantage, TokenFilter(Box(*who._calibrated(problem)), AdamModel())
    )
    together = tiny(lr=(0.01, 0.003), n=3)
    _, stacked = trained(together, loss(together))
    one = tiny(lr=(0.01,), n=1)
    _, alone = trained(one, loss(one))
    torch.testing.assert_close(stacked[0], alone[0], rtol=1e-4, atol=1e-6)
    assert not torch.allclose(stacked[0], stacked[3], rtol=1e-4, atol=1e-6)


def test_rejecting_everything_has_no_gradient_but_adam_keeps_moving(tiny):
    """A step without tokens has gradient zero; momentum of earlier steps moves on (check 6)."""

    def first_two(batch, _A):
        return batch.mask * (batch.step < 2)

    weights = []
    for steps in (2, 3):
        problem = tiny(steps=steps)
        nets = problem.nets()
        rates = torch.full((problem.rows,), 0.01)
        problem.train(capo_loss(grpo_advantage, first_two), lr=rates, nets=nets, checkpoints=())
        weights.append(nets.flat.detach().clone())
    never = tiny(steps=3)
    nets = never.nets()
    begin = nets.flat.detach().clone()
    never.train(capo_loss(grpo_advantage, lambda batch, A: 0 * batch.mask), nets=nets)
    assert torch.equal(nets.flat, begin)
    assert (weights[1] != weights[0]).any(dim=1).all()


def test_equal_rewards_have_no_advantage():
    """A group whose rewards are equal has A = 0 for all its tokens (check 8)."""
    reward = torch.tensor([[[1.0, 1, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]]])
    A = grpo_advantage(reward)
    assert not A[0, :2].any()
    assert A[0, 2].ne(0).all()


@pytest.mark.parametrize("experiment", [addition, variants, carries])
def test_every_contender_trains_and_is_measured(tiny, experiment):
    """Every column is finite, of its shape, at equal completions; only filters reject."""
    for contender in experiment.contenders.values():
        problem = tiny(steps=5)
        given = {"streams": private(contender.name)} if contender.wants_streams else {}
        found = evaluate.measure(problem, contender.function(problem, **given))
        assert problem.calls.tolist() == [5 * 12] * 2
        for name, column in found.items():
            assert column.shape in {(2,), (2, 5)}, (contender.name, name)
            assert np.isfinite(column).all(), (contender.name, name)
        assert found["completions"][0].tolist() == [12, 24, 36, 48, 60]
        plain = contender.name in {
            "grpo",
            "grpo_conservative",
            "grpo_clipped",
            "dr_grpo",
            "reinforce",
        }
        assert (found["rejected"] == 0).all() if plain else (found["rejected"] >= 0).all()
        assert (found["rejected"] <= found["peak_rejected"]).all()


def test_plain_contenders_differ_in_rate_clip_and_advantage(tiny):
    """Five plain runs from one net and one seed end at five different places."""
    recorded = []

    def note(problem, contender):
        nets = problem.nets()
        problem.nets = lambda: nets
        contender(problem)
        recorded.append(nets.flat.detach().clone())

    for contender in (
        who.grpo,
        who.grpo_conservative,
        who.grpo_clipped,
        who.dr_grpo,
        who.reinforce,
    ):
        note(tiny(n=1), contender)
    for i, one in enumerate(recorded):
        for other in recorded[:i]:
            assert not torch.allclose(one, other, atol=1e-5)


def test_filters_use_their_thresholds(tiny):
    """Printed ones are the recipe's; calibrated ones follow rate, model and quantile."""
    problem = tiny(lr=(0.01, 0.003), n=2)
    assert who.capo_printed(problem).thresholds == (1e-4, 1e-2)
    assert who.dr_capo_printed(problem).thresholds == (1e-3, 5e-4)
    F, H = who.capo(problem).thresholds
    np.testing.assert_allclose(F.flatten(), 1e-4 * 0.98 * np.array([1, 1, 2, 2]), rtol=1e-6)
    np.testing.assert_allclose(H.flatten(), 1e-2 * 0.98 * np.array([1, 1, 2, 2]), rtol=1e-6)
    F, _ = who.capo_995(problem).thresholds
    assert float(F[0]) == pytest.approx(0.995e-4)
    assert who.capo_policy_only(problem).thresholds[1] == inf
    assert who.capo_objective_only(problem).thresholds[0] == inf


def test_a_filter_and_its_complement_reject_all_between_them(tiny):
    """In the first step, what the one keeps is what the other rejects."""
    shown = []
    note = lambda tokens, m, mask, accepted: shown.append((m, mask, accepted))

    def first_step(rule):
        loss = capo_loss(grpo_advantage, TokenFilter(rule, AdamModel(), note))
        tiny(steps=1).train(loss, checkpoints=())
        return shown.pop()

    m, mask, everything = first_step(filters.Everything())
    assert torch.equal(everything, mask)
    box = Box(float(m.F.median()), inf)
    kept, other = (first_step(rule)[2] for rule in (box, filters.Complement(box)))
    assert torch.equal(kept + other, mask)
    assert 0.2 < float(kept.sum() / mask.sum()) < 0.8
