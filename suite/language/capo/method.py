"""CAPO: policy gradients that leave out the tokens whose step would go too far.

Melo, Abate and Gal, "Stabilizing policy gradients for sample-efficient reinforcement learning in
LLM reasoning", 2025, as in the official code. The policy is taken to be its last layer: logits
z = W h, pi = softmax(z), with the head W (V, d) and the final hidden state h (d,). For a sampled
token a with advantage A, v = e_a - pi, the gradient of A log pi(a) and its curvature are

    g = A v h^T,    H = A (v v^T - F) (x) h h^T,    Fisher = v v^T (x) h h^T,

F = diag(pi) - pi pi^T. A step lr G moves the logits by lr u, u = G h, and so the objective and the
policy of this token by

    m_H = lr <g, G> + lr^2/2 A ((v.u)^2 - u^T F u),    m_F = lr^2/2 (v.u)^2.

A token is left out of the loss where m_F or abs(m_H) is too large. As <g, G> = A v.u, everything
but G itself costs O(V).

Shapes: K networks, n tokens of each, V words, width d.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from suite.language.tinylm.policy_gradient import mean_of_sentences, policy_loss

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
#: Numbers that a processor's cache holds: tokens x V x d are gone through in such parts.
CACHED = 2**17


class Tokens(NamedTuple):
    """Sampled tokens as the last layer sees them.

    Attributes
    ----------
    pi
        (K, n, V), probabilities of all words.
    h
        (K, n, d), final hidden states.
    v
        (K, n, V), e_a - pi, for the sampled word a.
    A
        (K, n), advantages.
    """

    pi: Tensor
    h: Tensor
    v: Tensor
    A: Tensor


class Shifts(NamedTuple):
    """What a step does to each token, (K, n): m_H to the objective, m_F to the policy."""

    H: Tensor
    F: Tensor


def tokens_of(logits: Tensor, h: Tensor, a: Tensor, A: Tensor) -> Tokens:
    """Return tokens from logits (K, n, V), states (K, n, d), words and advantages (K, n)."""
    pi = logits.softmax(dim=-1)
    return Tokens(pi, h, torch.nn.functional.one_hot(a, pi.shape[-1]) - pi, A)


def shifts(tokens: Tokens, u: Tensor, lr: Tensor | float) -> Shifts:
    """Return m_H and m_F of a step lr G, where u = G h, (K, n, V); lr is a number or (K, 1)."""
    pi, _, v, A = tokens
    vu = (v * u).sum(dim=-1)
    uFu = (pi * u**2).sum(dim=-1) - (pi * u).sum(dim=-1) ** 2
    m_H = lr * A * vu + lr**2 / 2 * A * (vu**2 - uFu)
    return Shifts(m_H, lr**2 / 2 * vu**2)


class SGDModel:
    """The step that a token proposes is its own gradient, G = g."""

    def products(self, tokens: Tokens) -> Tensor:
        """Return u = G h, (K, n, V)."""
        return _gradient_products(tokens)

    def learn(self, tokens: Tokens, accepted: Tensor) -> None:
        """Nothing: there are no moments."""


class AdamModel:
    """The step that a token proposes is Adam's, if its own gradient came next.

    The moments are the model's own: of the mean gradient of the accepted tokens, on the last layer
    only. Before the first update there are none, and G = g.

    Attributes
    ----------
    M, S
        (K, V, d), first and second moments.
    t
        Number of updates.
    """

    def __init__(self) -> None:
        self.t = 0
        self.M = self.S = torch.zeros(())

    def products(self, tokens: Tokens) -> Tensor:
        """Return u = G h, (K, n, V), of the step G that each token proposes; moments stay."""
        if self.t == 0:
            return _gradient_products(tokens)
        n, V, d = (*tokens.v.shape[1:], tokens.h.shape[-1])
        some = n if tokens.h.is_cuda else max(1, CACHED // (V * d))
        return torch.stack(
            [
                torch.cat([self._products_of(k, tokens, part) for part in _parts(n, some)])
                for k in range(len(tokens.h))
            ]
        )

    def _products_of(self, k: int, tokens: Tokens, part: slice) -> Tensor:
        h = tokens.h[k, part]
        Av = tokens.A[k, part].unsqueeze(-1) * tokens.v[k, part]
        G = adam_step(Av.unsqueeze(-1) * h.unsqueeze(-2), self.M[k], self.S[k], self.t)
        return (G @ h.unsqueeze(-1)).squeeze(-1)

    def learn(self, tokens: Tokens, accepted: Tensor) -> None:
        """Update the moments with the mean gradient of the accepted tokens, (K, n) of 0 and 1.

        Where none is accepted that mean is zero: M decays, and so does S.
        """
        weight = accepted / accepted.sum(dim=-1, keepdim=True).clamp(min=1)
        mean = ((tokens.A * weight).unsqueeze(-1) * tokens.v).mT @ tokens.h
        if self.t == 0:
            self.M, self.S = torch.zeros_like(mean), torch.zeros_like(mean)
        self.M = BETA_1 * self.M + (1 - BETA_1) * mean
        self.S = BETA_2 * self.S + (1 - BETA_2) * mean**2
        self.t += 1


def adam_step(g: Tensor, M: Tensor, S: Tensor, t: int) -> Tensor:
    """Return Adam's direction at update t + 1, had the gradient been g, (..., V, d)."""
    root = (1 - BETA_2 ** (t + 1)) ** 0.5
    scale = root / (1 - BETA_1 ** (t + 1))
    # In place and with both corrections outside of the large arrays: this is all of CAPO's cost.
    below = torch.addcmul(BETA_2 * S, g, g, value=1 - BETA_2).sqrt_().add_(EPSILON * root)
    return torch.add(scale * BETA_1 * M, g, alpha=scale * (1 - BETA_1)).div_(below)


def _parts(n: int, size: int) -> list[slice]:
    return [slice(first, first + size) for first in range(0, n, size)]


def _gradient_products(tokens: Tokens) -> Tensor:
    return (tokens.A * tokens.h.square().sum(dim=-1)).unsqueeze(-1) * tokens.v


class Box:
    """The paper's rule: a token stays where m_F < delta_F and abs(m_H) < delta_H.

    Parameters
    ----------
    delta_F, delta_H
        Numbers, or (K, 1); infinity for no bound.
    """

    def __init__(self, delta_F: Tensor | float, delta_H: Tensor | float) -> None:
        self.delta_F, self.delta_H = delta_F, delta_H

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Return which tokens stay, (K, n) of booleans."""
        return (self.delta_F > m.F) & (-self.delta_H < m.H) & (self.delta_H > m.H)


class TokenFilter:
    """A mask over the tokens of a batch, step after step.

    Parameters
    ----------
    rule
        From tokens, shifts and the completion mask (K, n) to who stays, (K, n).
    model
        Of the step.
    witness
        Is shown every step's tokens, shifts, completion mask and what is left of it.
    """

    def __init__(
        self,
        rule: Callable[[Tokens, Shifts, Tensor], Tensor],
        model: AdamModel | SGDModel,
        witness: Callable[[Tokens, Shifts, Tensor, Tensor], None] | None = None,
    ) -> None:
        self.rule, self.model, self.witness = rule, model, witness

    def __call__(self, batch: Any, A: Tensor) -> Tensor:
        """Return the completion mask (K, P, G, T) without the tokens that are rejected."""
        with torch.no_grad():
            tokens, mask = tokens_of_batch(batch, A), batch.mask.flatten(1)
            m = shifts(tokens, self.model.products(tokens), batch.lr.unsqueeze(-1))
            accepted = mask * self.rule(tokens, m, mask)
            self.model.learn(tokens, accepted)
            if self.witness is not None:
                self.witness(tokens, m, mask, accepted)
        return accepted.view_as(batch.mask)


def tokens_of_batch(batch: Any, A: Tensor) -> Tokens:
    """Return the tokens of a batch (K, P, G, T), flattened to (K, n); advantages (K, P, G)."""
    each = A.unsqueeze(-1).expand_as(batch.mask)
    return tokens_of(
        batch.logits.detach().flatten(1, 3),
        batch.hidden.detach().flatten(1, 3),
        batch.tokens.flatten(1),
        each.flatten(1),
    )


def capo_loss(
    advantage: Callable[[Tensor], Tensor],
    token_filter: Callable[[Any, Tensor], Tensor] | None = None,
    *,
    aggregate: Callable[..., Tensor] = mean_of_sentences,
) -> Callable[[Any], Tensor]:
    """Return the loss of a batch, (K,), over the tokens that the filter accepts.

    Without a filter, or with one that accepts all tokens, this is GRPO, Dr.GRPO or REINFORCE.
    """

    def loss(batch: Any) -> Tensor:
        A = advantage(batch.reward)
        mask = batch.mask if token_filter is None else token_filter(batch, A)
        return policy_loss(batch.logp, A, mask, aggregate=aggregate)

    return loss
