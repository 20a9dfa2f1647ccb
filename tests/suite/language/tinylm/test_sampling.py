"""Sampling with a cache: the training forward to 1e-5, the right distribution, nobody's past."""

import pytest
import torch
from scipy.stats import chisquare

from suite.language.tinylm.arithmetic import ADDITION, EOS, TASKS
from suite.language.tinylm.problem_sets import problems
from suite.language.tinylm.sampling import (
    greedy_accuracy,
    sample,
    sampled_accuracy,
    score,
)
from suite.language.tinylm.supervised import answer_loss, fresh
from suite.language.tinylm.training import AdamW
from tests.suite.language.tinylm.nets import stack


def asked(K, P, task=ADDITION, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(10**task.digits, (K, P, task.operands), generator=generator)


def uniforms(*shape, seed=4):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", TASKS)
def test_the_sampling_pass_is_the_training_pass(name):
    """Logits, states, log-probabilities and gradients are those of the plain forward pass."""
    task = TASKS[name]
    model = stack(0, 1, 2, task=task, scale=3.0)
    drawn = sample(model, task, asked(3, 4, task), uniforms(3, 4, 5, task.answer))
    logits, hidden = score(model, drawn)
    live = drawn.mask[..., None]
    torch.testing.assert_close(drawn.logits * live, logits * live, rtol=0, atol=1e-5)
    torch.testing.assert_close(drawn.hidden * live, hidden * live, rtol=0, atol=1e-5)
    logp = logits.log_softmax(dim=-1).gather(-1, drawn.tokens[..., None])[..., 0]
    torch.testing.assert_close(drawn.logp * drawn.mask, logp * drawn.mask, rtol=0, atol=1e-5)
    weight = uniforms(*logp.shape, seed=5) * drawn.mask
    torch.testing.assert_close(
        model.gradient((drawn.logp * weight).sum(dim=(1, 2, 3))),
        model.gradient((logp * weight).sum(dim=(1, 2, 3))),
        rtol=1e-4,
        atol=1e-4,
    )


def test_tokens_are_drawn_from_the_models_distribution():
    """The first two tokens have the joint law of softmax; a chi-square test of 8,000 draws."""
    model, operands = stack(0, scale=5.0), asked(1, 1)
    with torch.no_grad():
        asked_often = operands.expand(1, 1000, 2)
        drawn = sample(model, ADDITION, asked_often, uniforms(1, 1000, 8, 4))
        first = drawn.logits[0, 0, 0, 0].softmax(dim=-1)
        prompt = ADDITION.prompts(operands).expand(1, 14, -1)
        tokens = torch.cat((prompt, torch.arange(14)[None, :, None]), dim=-1)
        second = model(tokens, last=1)[0][0, :, 0].softmax(dim=-1)
    # After EOS there is nothing but EOS.
    second[EOS] = torch.eye(14)[EOS]
    law = (first[:, None] * second).flatten().double()
    law = law / law.sum()
    pairs = (drawn.tokens[0, ..., 0] * 14 + drawn.tokens[0, ..., 1]).flatten()
    counts = torch.bincount(pairs, minlength=14 * 14)
    assert not counts[law == 0].any()
    likely = law * len(pairs) > 5
    # What is rare is counted together.
    found = torch.cat((counts[likely], counts[~likely].sum()[None])).numpy()
    expected = torch.cat((law[likely], law[~likely].sum()[None])).numpy() * len(pairs)
    assert likely.sum() > 10
    assert chisquare(found, expected).pvalue > 1e-3


def test_uniforms_pick_by_the_distribution_function():
    """u = 0 picks the first token that has probability; u near 1 the last."""
    model, operands = stack(0, scale=0.1), asked(1, 1)
    with torch.no_grad():
        low = sample(model, ADDITION, operands, torch.zeros(1, 1, 1, 4))
        high = sample(model, ADDITION, operands, torch.full((1, 1, 1, 4), 1 - 2**-24))
    assert low.tokens.flatten().tolist() == [0, 0, 0, 0]
    assert high.tokens.flatten().tolist() == [EOS] * 4


def test_after_the_first_eos_there_is_nothing():
    """EOS itself counts, what follows is EOS and masked; a full answer is unmasked."""
    model = stack(0, scale=0.1)
    drawn = sample(model, ADDITION, asked(1, 8), uniforms(1, 8, 8, 4))
    for tokens, mask in zip(drawn.tokens.reshape(-1, 4), drawn.mask.reshape(-1, 4), strict=True):
        ends = [t for t, token in enumerate(tokens.tolist()) if token == EOS]
        length = ends[0] + 1 if ends else 4
        assert mask.tolist() == [1.0] * length + [0.0] * (4 - length)
        assert tokens[length:].tolist() == [EOS] * (4 - length)
    assert 0.5 < float(drawn.mask.mean()) < 1


def test_completions_of_a_group_do_not_see_each_other():
    """A completion is the same alone and beside others, token for token."""
    model, operands = stack(0, 1), asked(2, 3)
    numbers = uniforms(2, 3, 6, 4)
    together = sample(model, ADDITION, operands, numbers)
    for g in range(6):
        alone = sample(model, ADDITION, operands, numbers[:, :, g : g + 1])
        assert torch.equal(alone.tokens[:, :, 0], together.tokens[:, :, g])
        torch.testing.assert_close(alone.logp[:, :, 0], together.logp[:, :, g])


def test_a_completion_does_not_depend_on_the_stack():
    """Tokens and logits of a net are bitwise the same in a stack of two and of eight."""
    few, many = stack(0, 1, width=64), stack(*range(8), width=64)
    operands, numbers = asked(8, 12), uniforms(8, 12, 8, 4)
    some = sample(few, ADDITION, operands[:2], numbers[:2])
    every = sample(many, ADDITION, operands, numbers)
    assert torch.equal(some.tokens, every.tokens[:2])
    assert torch.equal(some.logits, every.logits[:2])


@pytest.mark.parametrize("name", TASKS)
def test_greedy_takes_the_likeliest_token_each_time(name):
    """Greedy accuracy is that of a plain loop of argmax over the whole text, net by net."""
    task = TASKS[name]
    # Trained until some answers are right; of `carries` it learns one problem by heart.
    operands = problems(task, "test")[: 64 if task is ADDITION else 1]
    model = fresh(task, (torch.Generator().manual_seed(0),), 32, 2, 2, "cpu")
    adam, rate = AdamW(model), torch.tensor([1e-2])
    for _ in range(60):
        adam.step(model.gradient(answer_loss(model, task, operands[None])), rate)
    with torch.no_grad():
        tokens = task.prompts(operands)[None]
        for _ in range(task.answer):
            likeliest = model(tokens)[0][:, :, -1].argmax(dim=-1)
            tokens = torch.cat((tokens, likeliest[..., None]), dim=-1)
    answers = tokens[..., task.prompt :]
    ended = (answers == EOS).cumsum(dim=-1).cumsum(dim=-1) > 1
    expected = task.reward(operands, answers.masked_fill(ended, EOS)).mean(dim=1)
    assert float(expected) > 0
    assert torch.equal(greedy_accuracy(model, task, operands), expected)


def test_accuracies_of_a_net_that_knows_one_answer():
    """A net that always says 0, 0, 0, EOS is right on 0 + 0 alone, greedy and sampled."""
    model = stack(0)
    with torch.no_grad():
        model.flat.zero_()
        # h is the final norm's bias plus nothing but the position's first coordinates.
        model.parameters["positions"][:, 6:10, :] = 0
        model.parameters["positions"][:, 9, 0] = 1e3
        model.parameters["norm"][:, 0] = 1.0
        model.parameters["norm"][:, 1, 1] = 1.0
        model.head[:, 0, 1] = 100.0
        model.head[:, EOS, 0] = 100.0
    operands = torch.tensor([[0, 0], [0, 1], [50, 50], [1, 99]])
    assert greedy_accuracy(model, ADDITION, operands).tolist() == [0.25]
    assert sampled_accuracy(model, ADDITION, operands, uniforms(4, 4)).tolist() == [0.25]


def test_accuracies_keep_no_graph():
    """Measuring accuracy records nothing for the gradient."""
    model = stack(0)
    operands = torch.tensor([[1, 2]])
    assert not greedy_accuracy(model, ADDITION, operands).requires_grad
    assert not sampled_accuracy(model, ADDITION, operands, uniforms(1, 4)).requires_grad
