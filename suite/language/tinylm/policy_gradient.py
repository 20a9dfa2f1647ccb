"""The pieces of policy gradients on language models: advantages, surrogate, KL penalties, losses.

All act on the trailing axes and keep the leading ones, so that a stack of nets, (K, P, G, T),
gives a loss for each: P prompts, G completions of each (a group), T tokens.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def grpo_advantage(reward: Tensor) -> Tensor:
    """Return (R - mean) / (sd + 1e-4) within groups, the sd with G - 1; (..., P, G).

    Shao et al. 2024, "DeepSeekMath", Sec. 4.1.2; the 1e-4 is TRL's.
    """
    sd = reward.std(dim=-1, keepdim=True)
    return dr_grpo_advantage(reward) / (sd + 1e-4)


def dr_grpo_advantage(reward: Tensor) -> Tensor:
    """Return R - mean within groups, (..., P, G): Liu et al. 2025, "Dr. GRPO", Sec. 3.2."""
    return reward - reward.mean(dim=-1, keepdim=True)


def rloo_advantage(reward: Tensor) -> Tensor:
    """Return R minus the mean of the group's others, (..., P, G): Kool et al. 2019."""
    G = reward.shape[-1]
    return reward - (reward.sum(dim=-1, keepdim=True) - reward) / (G - 1)


def reinforce_advantage(reward: Tensor) -> Tensor:
    """Return R itself, without a baseline: Williams 1992."""
    return reward


def clipped_surrogate(
    logp: Tensor, old_logp: Tensor, advantage: Tensor, clip: float | tuple[float, float] = 0.2
) -> Tensor:
    """Return min(ratio A, clipped ratio A) of each token: Schulman et al. 2017, "PPO", Eq. 7.

    Parameters
    ----------
    logp, old_logp
        (..., T), under the present policy and the one that sampled.
    advantage
        (..., T), or broadcast to it.
    clip
        The ratio is clipped to [1 - clip, 1 + clip]; a pair gives the two sides.
    """
    low, high = (clip, clip) if isinstance(clip, float) else clip
    ratio = (logp - old_logp).exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)


def kl_k3(logp: Tensor, reference_logp: Tensor) -> Tensor:
    """Return the estimate exp(x) - x - 1 of KL(policy || reference), x = log-ratio to reference.

    Schulman 2020, "Approximating KL divergence", estimator k3: unbiased and never negative.
    """
    x = reference_logp - logp
    return x.exp() - x - 1


def kl_exact(logits: Tensor, reference_logits: Tensor) -> Tensor:
    """Return KL(policy || reference) of each token, (...), of logits (..., V)."""
    logp, reference = logits.log_softmax(dim=-1), reference_logits.log_softmax(dim=-1)
    return (logp.exp() * (logp - reference)).sum(dim=-1)


def mean_of_sentences(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over sentences of each one's mean over its tokens in `mask` (GRPO).

    A sentence without such tokens counts as 0.

    Parameters
    ----------
    x, mask
        (..., P, G, T).
    """
    length = mask.sum(dim=-1).clamp(min=1)
    return ((x * mask).sum(dim=-1) / length).mean(dim=(-2, -1))


def mean_over_length(x: Tensor, mask: Tensor) -> Tensor:
    """Return the sum over tokens in `mask`, divided by P, G and the full length T (Dr. GRPO)."""
    return (x * mask).mean(dim=(-3, -2, -1))


def mean_of_tokens(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over all tokens in `mask`: Yu et al. 2025, "DAPO", Eq. 12."""
    return (x * mask).sum(dim=(-3, -2, -1)) / mask.sum(dim=(-3, -2, -1)).clamp(min=1)


def policy_loss(
    logp: Tensor,
    advantage: Tensor,
    mask: Tensor,
    *,
    old_logp: Tensor | None = None,
    clip: float | tuple[float, float] = 0.2,
    kl: Tensor | None = None,
    beta: float = 0.0,
    aggregate: Callable[[Tensor, Tensor], Tensor] = mean_of_sentences,
) -> Tensor:
    """Return minus the clipped surrogate plus beta times the KL penalty, aggregated; (...).

    Parameters
    ----------
    logp
        (..., P, G, T).
    advantage
        (..., P, G): every token of a sentence has that of the sentence.
    mask
        (..., P, G, T): 1.0 for tokens that count.
    old_logp
        Of the policy that sampled; by default the present one, so that the ratio is 1 and its
        gradient that of `logp`.
    kl
        (..., P, G, T), by `kl_k3` or `kl_exact`.
    """
    old_logp = logp.detach() if old_logp is None else old_logp
    each = -clipped_surrogate(logp, old_logp, advantage[..., None], clip)
    if kl is not None:
        each = each + beta * kl
    return aggregate(each, mask)
