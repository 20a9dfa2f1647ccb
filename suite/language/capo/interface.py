"""What a contender may use of a problem of this paper, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

import torch
from torch import Tensor

from suite.language.tinylm.arithmetic import Task
from suite.language.tinylm.model import Transformer
from suite.language.tinylm.training import Batch, Progress

from .contenders import Run
from .method import AdamModel
from .realised import Seen


class NetTraining(Protocol):
    """Nets to be trained by policy gradients, all from one pretrained net.

    Attributes
    ----------
    lr, conservative
        The rates of the stack, and one that is known to be stable.
    steps, prompts, group
        A step has prompts * group completions.
    rows, n
        Nets, which are (lr, replicate), and replicates of each rate.
    task
        Problems, their vocabulary and their reward.
    checkpoints
        Steps after which a run meets the test problems; the last is its end.
    device
        Of the tensors.
    streams
        ``streams.each(purpose)``: a generator for each replicate, the same for all contenders.
    calls
        Completions sampled so far.
    """

    lr: tuple[float, ...]
    conservative: float
    steps: int
    prompts: int
    group: int
    rows: int
    n: int
    task: Task
    checkpoints: Annotated[tuple[int, ...], "(checkpoints,) int"]
    device: str
    streams: Any
    calls: Annotated[Tensor, "(rows,) number, counts completions"]

    def rates(self) -> Tensor:
        """Return the learning rate of each row, (rows,)."""

    def threshold(self, name: str, quantile: float = 0.98) -> Tensor:
        """Return a calibrated threshold of each row, (rows, 1): "adam_F", "adam_H", ..."""

    def nets(self) -> Transformer:
        """Return the pretrained net, once for each row."""

    def train(
        self,
        loss: Callable[[Batch], Tensor],
        *,
        lr: Tensor | float | None = None,
        clip: float = 1.0,
        nets: Transformer | None = None,
        after: Callable[[Batch], object] | None = None,
        checkpoints: Sequence[int] | None = None,
    ) -> Progress:
        """Train all rows by a loss, (rows,), of each step's completions, which are counted."""


class Trainer(Protocol):
    """Trains the nets."""

    def __call__(
        self, problem: NetTraining, /
    ) -> Annotated[
        Run,
        "progress.accuracy (rows, checkpoints) float, greedy, on the test problems",
        "progress.reward (rows, steps) float, mean over a step's completions",
    ]:
        """Return ``Run(progress)``; a ledger only where tokens are rejected."""


def naive_trainer(problem: NetTraining) -> Run:
    """Train by the plain policy gradient, rewards less their mean over the group."""

    def loss(batch: Batch) -> Tensor:
        # (rows, prompts, group), the same for all tokens of a completion.
        advantage = batch.reward - batch.reward.mean(dim=-1, keepdim=True)
        gain = batch.logp * batch.mask * advantage.unsqueeze(-1)
        return -gain.sum(dim=-1).mean(dim=(1, 2))

    return Run(problem.train(loss))


class ObservedSteps(Protocol):
    """Steps of plain GRPO, each as it was known before its update.

    Attributes
    ----------
    steps
        Each with its tokens (pi, h, v and A, rows first), the Adam model with its moments, lr, and
        which tokens are counted.
    """

    steps: list[Seen]


class TokenScore(Protocol):
    """Scores tokens by how far a step will move the policy at them."""

    def __call__(
        self, problem: ObservedSteps, /
    ) -> Annotated[Sequence[Tensor], "each (rows, tokens) float, a score, one for each step"]:
        """Return a score of every token, step by step."""


def naive_token_score(problem: ObservedSteps) -> list[Tensor]:
    """Score a token by the size of its gradient at the logits, A (e_a - pi)."""
    return [seen.tokens.A.abs() * seen.tokens.v.norm(dim=-1) for seen in problem.steps]


class DecisionProcesses(Protocol):
    """n random decision processes, a softmax policy on each, and the step lr G that it takes.

    Attributes
    ----------
    gamma, lr
        Discount, and length of the step: G has norm 1.
    P, r
        Probabilities of the next state, and rewards in [0, 1].
    h, W, G
        Features, weights and the step's direction: logits are W h(s).
    """

    gamma: float
    lr: float
    P: Annotated[Tensor, "(n, S, V, S) float64"]
    r: Annotated[Tensor, "(n, S, V) float64"]
    h: Annotated[Tensor, "(n, S, d) float64"]
    W: Annotated[Tensor, "(n, V, d) float64"]
    G: Annotated[Tensor, "(n, V, d) float64"]

    def policy(self, W: Tensor) -> Tensor:
        """Return pi, (n, S, V)."""

    def advantage(self, pi: Tensor) -> Tensor:
        """Return A(s, a), (n, S, V)."""

    def visits(self, pi: Tensor) -> Tensor:
        """Return the discounted distribution of states, (n, S)."""


class Guarantee(Protocol):
    """Bounds from below what a step changes of the return."""

    def __call__(self, problem: DecisionProcesses, /) -> Annotated[Tensor, "(n,) float64, return"]:
        """Return a lower bound of J(W + lr G) - J(W)."""


def naive_guarantee(problem: DecisionProcesses) -> Tensor:
    """Promise nothing: rewards lie in [0, 1], so that no step loses more than 1 / (1 - gamma)."""
    return torch.full_like(problem.r[:, 0, 0], -1 / (1 - problem.gamma))


class FewSteps(Protocol):
    """Some steps from the pretrained net, for a race.

    Attributes
    ----------
    training
        Of one net for each row.
    moments
        An Adam model after one step: its first look is cheaper than all later ones.
    """

    training: NetTraining
    moments: AdamModel


class StepTrainer(Protocol):
    """Makes the steps."""

    def __call__(
        self, problem: FewSteps, /
    ) -> Annotated[Progress, "reward (rows, steps) float, mean over a step's completions"]:
        """Return the progress, without checkpoints."""


def naive_step_trainer(problem: FewSteps) -> Progress:
    """Make the steps by the plain policy gradient, rewards less their mean over the group."""

    def loss(batch: Batch) -> Tensor:
        advantage = batch.reward - batch.reward.mean(dim=-1, keepdim=True)
        gain = batch.logp * batch.mask * advantage.unsqueeze(-1)
        return -gain.sum(dim=-1).mean(dim=(1, 2))

    return problem.training.train(loss, checkpoints=())


class ManyCompletions(Protocol):
    """As many completions for everyone, in a race against a trainer of one net.

    Attributes
    ----------
    training
        Of `nets` independent runs.
    nets, completions
        Runs, and completions of all of them together.
    calls
        Completions sampled so far; add them.
    """

    training: NetTraining
    nets: int
    completions: int
    calls: Annotated[Tensor, "(1,) number, counts completions"]


class Speeder(Protocol):
    """Trains on the completions as fast as it can."""

    def __call__(self, problem: ManyCompletions, /) -> Annotated[Tensor, "(*steps) float, rewards"]:
        """Return the mean rewards, of any shape, and count the completions."""


def naive_speeder(problem: ManyCompletions) -> Tensor:
    """Train all runs as one stack by the plain policy gradient."""
    problem.calls += problem.completions

    def loss(batch: Batch) -> Tensor:
        advantage = batch.reward - batch.reward.mean(dim=-1, keepdim=True)
        gain = batch.logp * batch.mask * advantage.unsqueeze(-1)
        return -gain.sum(dim=-1).mean(dim=(1, 2))

    return problem.training.train(loss, checkpoints=()).reward
