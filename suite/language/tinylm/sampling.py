"""Sample answers with a cache of keys and values, keeping the autograd graph where it is wanted.

With one gradient step per batch the pass that samples is the pass that is differentiated: its
log-probabilities are those of the weights to be updated. A prompt is computed once, whatever the
number of its completions; they look at its keys and values together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .arithmetic import Task
from .model import Transformer, causal

#: Logits (K, P, G, V) and the position of the answer -> tokens (K, P, G).
Choice = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Completions:
    """G completions of P prompts by each of K nets; T tokens each.

    Attributes
    ----------
    operands
        (K, P, m).
    prompts
        (K, P, L).
    tokens
        (K, P, G, T); after the first EOS there is nothing but EOS.
    mask
        (K, P, G, T), 1.0 up to and with the first EOS, then 0.0.
    logits
        (K, P, G, T, V).
    hidden
        (K, P, G, T, d), the states h that the head turns into these logits.
    logp
        (K, P, G, T), log-probability of the tokens.
    """

    operands: Tensor
    prompts: Tensor
    tokens: Tensor
    mask: Tensor
    logits: Tensor
    hidden: Tensor
    logp: Tensor


def sample(model: Transformer, task: Task, operands: Tensor, uniforms: Tensor) -> Completions:
    """Return completions sampled at temperature 1, with the graph unless gradients are off.

    Parameters
    ----------
    operands
        (K, P, m).
    uniforms
        (K, P, G, T) in [0, 1): token t is where the distribution function passes uniform t.
    """

    def by_inversion(logits: Tensor, t: int) -> Tensor:
        total = logits.softmax(dim=-1).cumsum(dim=-1)
        below = total[..., :-1] <= uniforms[..., t, None] * total[..., -1:]
        return below.sum(dim=-1)

    return complete(model, task, operands, uniforms.shape[2], by_inversion)


def complete(
    model: Transformer, task: Task, operands: Tensor, group: int, choose: Choice
) -> Completions:
    """Return completions, each token chosen from the logits after those before it."""
    prompts = task.prompts(operands)
    cache = Cache(task.prompt, group, prompts.device)
    hidden = model.hidden(model.embedded(prompts), cache.read, last=1)
    hidden = hidden.expand(-1, -1, group, -1)
    states, logits, tokens, alive = [], [], [], []
    running = torch.ones(hidden.shape[:3], dtype=torch.bool, device=hidden.device)
    for t in range(task.answer):
        z = model.logits(hidden)
        token = choose(z.detach(), t).masked_fill(~running, task.eos)
        states.append(hidden)
        logits.append(z)
        tokens.append(token)
        alive.append(running)
        running = running & (token != task.eos)
        if t < task.answer - 1:
            # The axis of the group takes the place of time: all are at the same position.
            x = model.embedded(token[..., None].flatten(1, 2), first=task.prompt + t)
            hidden = model.hidden(x.view(*token.shape, -1), cache.look_up)
    z, chosen = torch.stack(logits, dim=3), torch.stack(tokens, dim=3)
    logp = z.log_softmax(dim=-1).gather(-1, chosen[..., None])[..., 0]
    mask = torch.stack(alive, dim=3).to(z.dtype)
    return Completions(operands, prompts, chosen, mask, z, torch.stack(states, dim=3), logp)


class Cache:
    """Keys and values of every layer: of the prompt, then those of its G completions in turn."""

    def __init__(self, prompt: int, group: int, device: torch.device) -> None:
        self._prompt, self._group, self._device = prompt, group, device
        self._seen: dict[int, tuple[Tensor, Tensor]] = {}

    def read(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend within the prompts, (K, P, L, heads, d / heads), and keep what they hold."""
        self._seen[layer] = k.transpose(2, 3), v.transpose(2, 3)
        return causal(layer, q, k, v)

    def look_up(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attend to the prompt and to one's own past: one token, (K, P, G, heads, d / heads)."""
        G = q.shape[2]
        q, k, v = (each.transpose(2, 3) for each in (q, k, v))  # (K, P, heads, G, d / heads)
        past_k, past_v = self._seen[layer]
        k, v = torch.cat((past_k, k), dim=3), torch.cat((past_v, v), dim=3)
        self._seen[layer] = k, v
        found = scaled_dot_product_attention(
            q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), attn_mask=self._own(k.shape[3])
        )
        return found.transpose(1, 2).reshape(*q.shape[:2], G, -1)

    def _own(self, keys: int) -> Tensor | None:
        """Return which of the keys each completion may see, (G, keys): no other completion's."""
        if self._group == 1:
            return None
        one = torch.eye(self._group, dtype=torch.bool, device=self._device)
        prompt = one.new_ones(self._group, self._prompt)
        return torch.cat((prompt, one.repeat(1, (keys - self._prompt) // self._group)), dim=1)


def score(model: Transformer, completions: Completions) -> tuple[Tensor, Tensor]:
    """Return logits (K, P, G, T, V) and hidden states (K, P, G, T, d) of given completions.

    The plain forward pass under the present weights, prompt and answer together.
    """
    K, P, G, T = completions.tokens.shape
    prompts = completions.prompts[:, :, None].expand(-1, -1, G, -1)
    tokens = torch.cat((prompts, completions.tokens[..., :-1]), dim=-1)
    logits, hidden = model(tokens.flatten(1, 2), last=T)
    return logits.view(K, P, G, T, -1), hidden.view(K, P, G, T, -1)


@torch.no_grad()
def greedy_accuracy(model: Transformer, task: Task, operands: Tensor) -> Tensor:
    """Return each net's share of right answers, (K,), when it takes the likeliest tokens.

    Parameters
    ----------
    operands
        (problems, m).
    """
    asked = operands.expand(model.K, -1, -1)
    if task.graded < task.answer:
        answers = complete(model, task, asked, 1, lambda logits, _t: logits.argmax(dim=-1))
        return task.reward(operands[:, None], answers.tokens).mean(dim=(1, 2))
    # Where every token is graded, an answer is right if and only if each token is the likeliest
    # after the right ones before it: one pass over the right answers tells.
    right = task.answers(asked)
    logits, _ = model(torch.cat((task.prompts(asked), right[..., :-1]), dim=-1), last=task.answer)
    return (logits.argmax(dim=-1) == right).all(dim=-1).float().mean(dim=1)


@torch.no_grad()
def sampled_accuracy(model: Transformer, task: Task, operands: Tensor, uniforms: Tensor) -> Tensor:
    """Return each net's share of right answers, (K,), sampled at temperature 1.

    Parameters
    ----------
    operands
        (problems, m).
    uniforms
        (problems, T), the same for all nets.
    """
    asked = operands.expand(model.K, -1, -1)
    answers = sample(model, task, asked, uniforms[:, None].expand(model.K, -1, -1, -1))
    return task.reward(operands[:, None], answers.tokens).mean(dim=(1, 2))
