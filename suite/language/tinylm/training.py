"""Policy-gradient training of a stack of nets: on-policy batches, one AdamW step each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from math import cos, pi
from typing import Any

import torch
from torch import Tensor

from .arithmetic import Task
from .model import Transformer
from .problem_sets import problems
from .sampling import Completions, greedy_accuracy, sample


@dataclass(frozen=True)
class Recipe:
    """How a stack is trained.

    Attributes
    ----------
    lr
        The highest learning rate, of all nets, or (K,) of each.
    prompts, group
        P and G: P * G completions for every step.
    warm_up
        Share of the steps in which the rate rises linearly; then it falls to 0 by a cosine.
    clip
        The largest norm of a net's gradient.
    """

    lr: float | Tensor = 2e-3
    steps: int = 80
    prompts: int = 12
    group: int = 8
    warm_up: float = 0.1
    clip: float = 1.0

    def factor(self, step: int) -> float:
        """Return the share of `lr` that step k = 0, 1, ... uses."""
        warm_up = round(self.warm_up * self.steps)
        if step < warm_up:
            return (step + 1) / warm_up
        return (1 + cos(pi * (step - warm_up) / (self.steps - warm_up))) / 2


class Draws:
    """The random numbers of n runs, the same for every cell of a stack.

    Each run has generators of its own, so that it does not depend on the stack it runs in. Rows
    are (cell, replicate).
    """

    def __init__(self, streams: Any, *, cells: int = 1) -> None:
        self._prompts = streams.each("prompts")
        self._samples = streams.each("samples")
        self._cells, self._device = cells, streams.device

    def operands(self, pool: Tensor, count: int) -> Tensor:
        """Return problems of `pool`, (problems, m), with replacement, (K, count, m)."""
        chosen = [torch.from_numpy(each.integers(len(pool), size=count)) for each in self._prompts]
        return pool[self._rows(chosen)]

    def uniforms(self, *shape: int) -> Tensor:
        """Return numbers in [0, 1), float32, (K, *shape)."""
        return self._rows(
            [torch.from_numpy(each.random(shape, dtype="float32")) for each in self._samples]
        )

    def _rows(self, drawn: Sequence[Tensor]) -> Tensor:
        return torch.stack([*drawn] * self._cells).to(self._device)


@dataclass(frozen=True)
class Batch(Completions):
    """The completions of one step, before the update.

    Attributes
    ----------
    reward
        (K, P, G).
    step
        From 0.
    lr
        (K,), the scheduled learning rate of this step.
    """

    reward: Tensor
    step: int
    lr: Tensor


@dataclass(frozen=True)
class Progress:
    """What a training run came to.

    Attributes
    ----------
    accuracy
        (K, checkpoints), greedy, on the test problems.
    reward
        (K, steps), mean over each step's completions.
    """

    accuracy: Tensor
    reward: Tensor


def train(
    model: Transformer,
    task: Task,
    recipe: Recipe,
    draws: Draws,
    loss: Callable[[Batch], Tensor],
    *,
    checkpoints: Sequence[int] = (),
    after: Callable[[Batch], object] | None = None,
) -> Progress:
    """Train all nets in place.

    Parameters
    ----------
    loss
        Maps a batch to a loss for each net, (K,), to be minimised.
    checkpoints
        After how many steps the nets meet the test problems.
    after
        Called with the batch after the update that it led to.
    """
    pool, test = (problems(task, part, model.device) for part in ("train", "test"))
    peak = torch.as_tensor(recipe.lr, device=model.device).expand(model.K)
    adam = AdamW(model)
    accuracy, reward = [], []
    for step in range(recipe.steps):
        operands = draws.operands(pool, recipe.prompts)
        uniforms = draws.uniforms(recipe.prompts, recipe.group, task.answer)
        sampled = sample(model, task, operands, uniforms)
        batch = Batch(
            **{part.name: getattr(sampled, part.name) for part in fields(sampled)},
            reward=task.reward(operands[:, :, None], sampled.tokens),
            step=step,
            lr=peak * recipe.factor(step),
        )
        gradient = model.gradient(loss(batch))
        clip_each(gradient, recipe.clip)
        adam.step(gradient, batch.lr)
        reward.append(batch.reward.mean(dim=(1, 2)))
        if after is not None:
            after(batch)
        if step + 1 in checkpoints:
            accuracy.append(greedy_accuracy(model, task, test))
    found = torch.stack(accuracy, dim=1) if accuracy else test.new_empty(model.K, 0).float()
    return Progress(found, torch.stack(reward, dim=1))


class AdamW:
    """AdamW without decay, with a learning rate for each net (Loshchilov and Hutter 2019)."""

    def __init__(
        self, model: Transformer, *, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        self._flat, self._betas, self._eps = model.flat, betas, eps
        self._m, self._v = torch.zeros_like(model.flat), torch.zeros_like(model.flat)
        self._t = 0

    @torch.no_grad()
    def step(self, gradient: Tensor, lr: Tensor) -> None:
        """Update all nets by their gradients, (K, weights), which are lost, and rates, (K,)."""
        b1, b2 = self._betas
        self._t += 1
        self._m.lerp_(gradient, 1 - b1)
        self._v.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        root = torch.sqrt(self._v, out=gradient).div_((1 - b2**self._t) ** 0.5).add_(self._eps)
        update = torch.div(self._m, root, out=gradient)
        self._flat.addcmul_(update, (lr / (1 - b1**self._t))[:, None], value=-1)


@torch.no_grad()
def clip_each(gradient: Tensor, most: float) -> Tensor:
    """Scale each net's gradient, a row of (K, weights), down to the norm `most` if it is longer.

    Returns the norms before, (K,). As `torch.nn.utils.clip_grad_norm_` does for one net.
    """
    norms = torch.linalg.vector_norm(gradient, dim=1)
    gradient.mul_((most / (norms + 1e-6)).clamp(max=1)[:, None])
    return norms
