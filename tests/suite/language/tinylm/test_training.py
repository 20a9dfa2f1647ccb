"""Training a stack: torch's AdamW and norm clip net by net, the schedule, private randomness."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from suite.language.tinylm import policy_gradient as pg
from suite.language.tinylm.arithmetic import ADDITION, CARRIES
from suite.language.tinylm.problem_sets import problems
from suite.language.tinylm.training import AdamW, Draws, Recipe, clip_each, train
from tests.suite.language.tinylm.nets import stack, streams

SHORT = {"steps": 3, "prompts": 2, "group": 3}


def grpo(batch):
    return pg.policy_loss(batch.logp, pg.grpo_advantage(batch.reward), batch.mask)


def tokens_rewarded(batch):
    """A loss with a gradient also where no answer is right."""
    return pg.policy_loss(batch.logp, (batch.tokens[..., 0] == 3).float(), batch.mask)


def test_each_net_has_torchs_adamw():
    """Five steps with different rates and gradients: every net as `torch.optim.AdamW` alone."""
    model = stack(0, 1, 2)
    alone = [row.clone().requires_grad_() for row in model.flat]
    theirs = [torch.optim.AdamW([row], lr=1.0, weight_decay=0.0) for row in alone]
    ours = AdamW(model)
    generator = torch.Generator().manual_seed(0)
    for step in range(5):
        gradient = torch.randn(model.flat.shape, generator=generator) * 10.0**-step
        lr = torch.tensor([1e-3, 1e-2, 1e-1]) * (step + 1)
        for k, optimiser in enumerate(theirs):
            alone[k].grad = gradient[k].clone()
            optimiser.param_groups[0]["lr"] = float(lr[k])
            optimiser.step()
        ours.step(gradient, lr)
    for k in range(3):
        torch.testing.assert_close(model.flat[k], alone[k].detach(), rtol=1e-5, atol=1e-6)


def test_each_net_is_clipped_by_itself():
    """Norms above the limit come down to it as in torch, others stay, and all are returned."""
    gradient = torch.randn(3, 50, generator=torch.Generator().manual_seed(0))
    gradient[1] *= 0.01
    expected = []
    for row in gradient:
        leaf = torch.zeros(50, requires_grad=True)
        leaf.grad = row.clone()
        torch.nn.utils.clip_grad_norm_([leaf], 1.0)
        expected.append(leaf.grad)
    before = gradient.norm(dim=1)
    norms = clip_each(gradient, 1.0)
    torch.testing.assert_close(norms, before)
    torch.testing.assert_close(gradient, torch.stack(expected))
    assert float(norms[0]) > 1 > float(norms[1])


def test_the_rate_warms_up_and_falls_by_a_cosine():
    """80 steps: 1/8, ..., 1 in the first eight, then a cosine that would reach 0 at step 80."""
    recipe = Recipe(steps=80)
    factors = [recipe.factor(step) for step in range(80)]
    assert factors[:8] == pytest.approx([k / 8 for k in range(1, 9)])
    assert factors[8] == 1
    assert factors[44] == pytest.approx(0.5)
    assert factors[79] == pytest.approx((1 + math.cos(math.pi * 71 / 72)) / 2)
    assert all(a >= b for a, b in pairwise(factors[8:]))


@pytest.mark.parametrize("n", [2, 5])
def test_a_run_draws_the_same_in_every_stack(n):
    """Replicate r draws from generators of its own, whatever the stack; cells share them."""
    pool = problems(ADDITION, "train")
    one, more = Draws(streams(1)), Draws(streams(n), cells=3)
    for _ in range(2):
        few, many = one.operands(pool, 4), more.operands(pool, 4)
        assert many.shape == (3 * n, 4, 2)
        assert torch.equal(few[0], many[0])
        assert torch.equal(many[:n], many[n : 2 * n])
        assert not torch.equal(many[0], many[1])
        few, many = one.uniforms(4, 2, 3), more.uniforms(4, 2, 3)
        assert torch.equal(few[0], many[0])
        assert torch.equal(many[:n], many[2 * n :])
        assert not torch.equal(many[0], many[1])


def test_draws_are_uniform():
    """Problems come from the whole pool, numbers from [0, 1) with the right mean and deviation."""
    draws = Draws(streams(1))
    pool = torch.arange(10)[:, None]
    found = np.bincount(draws.operands(pool, 5000).flatten().numpy(), minlength=10)
    assert found.min() > 400
    numbers = draws.uniforms(5000)
    assert 0 <= float(numbers.min()) < float(numbers.max()) < 1
    assert float(numbers.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(numbers.std()) == pytest.approx(12**-0.5, abs=0.01)


def test_a_run_does_not_depend_on_its_stack():
    """After three updates a net's weights are bitwise those of a run in a larger stack."""
    few, many = stack(0, 1, width=64), stack(0, 1, 0, 1, width=64)
    recipe = Recipe(lr=torch.tensor([1e-3, 1e-3, 1e-2, 1e-2]), **SHORT)
    train(many, ADDITION, recipe, Draws(streams(2), cells=2), tokens_rewarded)
    train(few, ADDITION, Recipe(lr=1e-3, **SHORT), Draws(streams(2)), tokens_rewarded)
    assert torch.equal(few.flat, many.flat[:2])
    assert not torch.equal(many.flat[:2], many.flat[2:])


def test_a_net_without_a_signal_stays_where_it_is():
    """Where no answer is right, GRPO's gradient is zero, and so is every step."""
    model = stack(0)
    before = model.flat.clone()
    progress = train(model, ADDITION, Recipe(**SHORT), Draws(streams(1)), grpo)
    assert progress.reward.shape == (1, 3)
    assert not progress.reward.any()
    assert torch.equal(model.flat, before)


def test_training_is_seen_step_by_step():
    """The loss meets each step's batch at its own rate; `after` meets it after the update."""
    model, seen = stack(0, 1, scale=1.0), []
    recipe = Recipe(lr=torch.tensor([1e-3, 2e-3]), steps=10, prompts=2, group=3)

    def loss(batch):
        seen.append(("loss", batch.step, batch.lr.tolist(), model.flat.clone(), batch))
        return tokens_rewarded(batch)

    def after(batch):
        seen.append(("after", batch.step, batch.lr.tolist(), model.flat.clone(), batch))

    progress = train(
        model, ADDITION, recipe, Draws(streams(2)), loss, checkpoints=(4, 10), after=after
    )
    assert [entry[:2] for entry in seen] == [
        (name, step) for step in range(10) for name in ("loss", "after")
    ]
    for before, afterwards in zip(seen[::2], seen[1::2], strict=True):
        assert before[4] is afterwards[4]
        assert before[2] == pytest.approx([1e-3 * recipe.factor(before[1]) * k for k in (1, 2)])
        assert not torch.equal(before[3], afterwards[3])
    batch = seen[0][4]
    assert batch.tokens.shape == (2, 2, 3, 4)
    expected = ADDITION.reward(batch.operands[:, :, None], batch.tokens)
    assert torch.equal(batch.reward, expected)
    assert progress.accuracy.shape == (2, 2)
    assert progress.reward.shape == (2, 10)


def test_a_rewarded_token_becomes_likely():
    """Thirty steps of REINFORCE on one token make nearly every answer begin with it."""
    model, shares = stack(0, 1, scale=1.0), []

    def loss(batch):
        shares.append((batch.tokens[..., 0] == 3).float().mean(dim=(1, 2)))
        return tokens_rewarded(batch)

    recipe = Recipe(lr=1e-2, steps=30, prompts=4, group=8)
    train(model, ADDITION, recipe, Draws(streams(2)), loss)
    assert float(torch.stack(shares[:3]).mean()) < 0.4
    assert float(torch.stack(shares[-3:]).mean()) > 0.9


def test_the_harder_task_is_trained_by_the_same_code():
    """Answers of 27 tokens are sampled, rewarded and learnt from."""
    model = stack(0, task=CARRIES, scale=1.0)
    before = model.flat.clone()
    progress = train(
        model,
        CARRIES,
        Recipe(**SHORT),
        Draws(streams(1)),
        tokens_rewarded,
        checkpoints=(3,),
    )
    assert progress.accuracy.shape == (1, 1)
    assert not torch.equal(model.flat, before)
