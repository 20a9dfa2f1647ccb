"""Advantages, surrogate, penalties and losses are those of plain loops, sentence by sentence."""

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.language.tinylm import policy_gradient as pg

ADVANTAGES = {
    "grpo": (
        pg.grpo_advantage,
        lambda r, group: (r - statistics.mean(group)) / (statistics.stdev(group) + 1e-4),
    ),
    "dr_grpo": (pg.dr_grpo_advantage, lambda r, group: r - statistics.mean(group)),
    "rloo": (
        pg.rloo_advantage,
        lambda r, group: r - (sum(group) - r) / (len(group) - 1),
    ),
    "reinforce": (pg.reinforce_advantage, lambda r, group: r),
}


def drawn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def masks(*shape):
    """Return masks of sentences of every length, one of them empty."""
    lengths = torch.arange(math.prod(shape[:-1])).reshape(shape[:-1]) % (shape[-1] + 1)
    return (torch.arange(shape[-1]) < lengths[..., None]).double()


@pytest.mark.parametrize("name", ADVANTAGES)
def test_advantages_are_those_of_a_loop_over_groups(name):
    """Every completion is compared with its own group only, as the formula says."""
    batched, one = ADVANTAGES[name]
    reward = (drawn(2, 3, 5) > 0).double()
    found = batched(reward)
    for k in range(2):
        for p in range(3):
            group = reward[k, p].tolist()
            expected = [one(r, group) for r in group]
            assert found[k, p].tolist() == pytest.approx(expected, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", ["grpo", "dr_grpo", "rloo"])
@pytest.mark.parametrize("reward", [0.0, 1.0])
def test_a_group_of_equal_rewards_has_no_advantage(name, reward):
    """Where all completions of a prompt earn the same, nothing is learnt from it."""
    assert not ADVANTAGES[name][0](torch.full((3, 8), reward)).any()


@given(st.lists(st.integers(0, 1), min_size=2, max_size=9))
def test_rloo_is_dr_grpo_times_a_constant(group):
    """Leaving oneself out of the mean scales the advantage by G / (G - 1)."""
    reward = torch.tensor([group], dtype=torch.float64)
    G = len(group)
    scaled = pg.dr_grpo_advantage(reward) * G / (G - 1)
    torch.testing.assert_close(pg.rloo_advantage(reward), scaled)


@pytest.mark.parametrize("clip", [0.2, (0.1, 0.4)])
def test_the_surrogate_is_ppos_token_by_token(clip):
    """min(ratio A, clip(ratio) A), with each side of the clip its own."""
    logp, old, A = drawn(40, seed=1), drawn(40, seed=2), drawn(40, seed=3)
    low, high = (clip, clip) if isinstance(clip, float) else clip
    for found, new, before, a in zip(
        pg.clipped_surrogate(logp, old, A, clip).tolist(),
        logp.tolist(),
        old.tolist(),
        A.tolist(),
        strict=True,
    ):
        ratio = math.exp(new - before)
        assert found == pytest.approx(min(ratio * a, min(max(ratio, 1 - low), 1 + high) * a))


def test_clipped_tokens_have_no_gradient():
    """A token that has gone further than the clip in its advantage's direction does not push on."""
    logp = torch.tensor([0.5, 0.5, -0.5, -0.5], requires_grad=True)
    A = torch.tensor([1.0, -1.0, 1.0, -1.0])
    pg.clipped_surrogate(logp, torch.zeros(4), A).sum().backward()
    ratio = logp.detach().exp()
    assert logp.grad.tolist() == pytest.approx([0.0, -float(ratio[1]), float(ratio[2]), 0.0])


def test_k3_has_the_exact_kl_as_its_mean():
    """The mean of k3 over the policy's tokens is the KL divergence; it is never negative."""
    logits, reference = drawn(5, 14, seed=1), drawn(5, 14, seed=2)
    logp, reference_logp = logits.log_softmax(-1), reference.log_softmax(-1)
    k3 = pg.kl_k3(logp, reference_logp)
    exact = pg.kl_exact(logits, reference)
    torch.testing.assert_close((logp.exp() * k3).sum(dim=-1), exact)
    assert bool((k3 >= 0).all())
    by_torch = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=logits),
        torch.distributions.Categorical(logits=reference),
    )
    torch.testing.assert_close(exact, by_torch)


def looped(x, mask, how):
    """Return the aggregate of one net's sentences, (P, G, T), by loops."""
    sentences = [
        [value for value, keep in zip(row, kept, strict=True) if keep]
        for row, kept in zip(x.flatten(0, 1).tolist(), mask.flatten(0, 1).tolist(), strict=True)
    ]
    total = [math.fsum(sentence) for sentence in sentences]
    if how == "sentences":
        means = [t / max(1, len(s)) for t, s in zip(total, sentences, strict=True)]
        return statistics.mean(means)
    if how == "length":
        return sum(total) / (len(sentences) * x.shape[-1])
    return sum(total) / sum(map(len, sentences))


AGGREGATES = {
    "sentences": pg.mean_of_sentences,
    "length": pg.mean_over_length,
    "tokens": pg.mean_of_tokens,
}


@pytest.mark.parametrize("how", AGGREGATES)
def test_aggregates_are_those_of_a_loop_over_sentences(how):
    """GRPO, Dr. GRPO and DAPO weigh sentences of different lengths as their papers say."""
    x, mask = drawn(2, 3, 4, 5), masks(2, 3, 4, 5)
    found = AGGREGATES[how](x, mask)
    assert found.tolist() == pytest.approx([looped(x[k], mask[k], how) for k in range(2)])


@pytest.mark.parametrize("how", AGGREGATES)
def test_what_is_masked_does_not_count(how):
    """Values outside the mask change nothing; where all is masked, the loss is zero."""
    x, mask = drawn(2, 3, 4, 5), masks(2, 3, 4, 5)
    other = torch.where(mask == 1, x, torch.full_like(x, 1e6))
    torch.testing.assert_close(AGGREGATES[how](other, mask), AGGREGATES[how](x, mask))
    assert not AGGREGATES[how](x, torch.zeros_like(mask)).any()


@pytest.mark.parametrize("how", AGGREGATES)
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_the_loss_is_surrogate_plus_penalty(how, beta):
    """Off policy, with both clips and a KL penalty, the loss is the loop's to rounding."""
    shape = (2, 3, 4, 5)
    logp, old, reference = (-drawn(*shape, seed=s).abs() for s in (1, 2, 3))
    A, mask = drawn(2, 3, 4, seed=4), masks(*shape)
    kl = pg.kl_k3(logp, reference)
    found = pg.policy_loss(
        logp, A, mask, old_logp=old, clip=(0.2, 0.3), kl=kl, beta=beta, aggregate=AGGREGATES[how]
    )
    each = torch.zeros(shape, dtype=torch.float64)
    for index in torch.cartesian_prod(*map(torch.arange, shape)).tolist():
        i, a = tuple(index), float(A[tuple(index[:3])])
        ratio = math.exp(float(logp[i] - old[i]))
        x = float(reference[i] - logp[i])
        penalty = beta * (math.exp(x) - x - 1)
        each[i] = penalty - min(ratio * a, min(max(ratio, 0.8), 1.3) * a)
    assert found.tolist() == pytest.approx([looped(each[k], mask[k], how) for k in range(2)])


def test_on_policy_the_gradient_is_that_of_the_log_probabilities():
    """Without an older policy the ratio is 1, and the gradient is A times that of log p."""
    logp = (-drawn(1, 2, 3, 4).abs()).requires_grad_()
    A, mask = drawn(1, 2, 3, seed=4), masks(1, 2, 3, 4)
    pg.policy_loss(logp, A, mask).sum().backward()
    lengths = mask.sum(dim=-1, keepdim=True).clamp(min=1)
    torch.testing.assert_close(logp.grad, -A[..., None] * mask / lengths / 6)
