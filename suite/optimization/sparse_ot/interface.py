"""What a contender may use of a problem of this paper, and what it returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Protocol

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from .evaluate import Answer
from .experts import Trained, train
from .oracle import SemiDual
from .problem import OneProblem


class Transport(Protocol):
    """B problems: min <T, C> + (gamma/2) ||T||^2 over plans of at most k nonzeros per column.

    Attributes
    ----------
    a, b
        Marginals, T 1 = a and T' 1 = b; mass, of one sum.
    C
        Cost of a unit of mass.
    k, gamma
        Nonzeros that a column may have, and the weight of the regulariser.
    n
        Replicates; B is a multiple of it.
    evaluations
        How often each problem's dual or semi-dual was evaluated so far. `oracle.SemiDual` and
        `oracle.Dual` count here; who evaluates them by other means adds 1 where it does.
    calls
        The same by replicate.
    """

    a: Annotated[Tensor, "(B, m) float64"]
    b: Annotated[Tensor, "(B, columns) float64"]
    C: Annotated[Tensor, "(B, m, columns) float64"]
    k: Annotated[Tensor, "(B,) int"]
    gamma: Annotated[Tensor, "(B,) float64"]
    n: int
    evaluations: Annotated[Tensor, "(B,) int, counts evaluations"]
    calls: Annotated[Tensor, "(n,) int, counts evaluations"]

    def instances(self) -> tuple[Tensor, Tensor]:
        """Return a row of each distinct (a, b, C, gamma), and every row's instance, (B,)."""

    def each(self, first: int | None = None) -> Iterator[OneProblem]:
        """Yield the problems (the first so many) one at a time, as arrays of the host."""


class Solver(Protocol):
    """Solves the transport problems: plan, dual variables and value, tensors or arrays."""

    def __call__(
        self, problem: Transport, /
    ) -> Annotated[
        Answer,
        "alpha (B, m) float64, dual variables of T 1 = a; zero where there are none",
        "plan (B, m, columns) float64, T",
        "value (B,) float64, what it takes for its objective",
    ]:
        """Return the plans; routing looks at nothing else, the races at alpha alone."""


def naive_solver(problem: Transport) -> Answer:
    """Ascend the semi-dual from zero by its gradient, 200 steps of gamma over the columns."""
    # A counted objective: every evaluation adds one to problem.evaluations.
    semi_dual = SemiDual(
        problem.a, problem.b, problem.C, problem.k, problem.gamma, problem.evaluations
    )
    alpha = torch.zeros_like(problem.a)
    step = (problem.gamma / problem.b.shape[1]).unsqueeze(-1)
    for _ in range(200):
        value, gradient, plan = semi_dual.evaluate(alpha)
        alpha = alpha + step * gradient
    value, _, plan = semi_dual.evaluate(alpha)
    return Answer(alpha, plan, value)


class ExpertTraining(Protocol):
    """Digits for a mixture of experts, each of which takes at most so many tokens of a batch.

    Attributes
    ----------
    x, y
        Images with values in 0..1, in an order of each replicate's own, and their labels.
    weights
        Router, first and second layer of the experts, before training.
    capacity, steps
        Tokens that an expert may take of a batch, and steps of Adam.
    """

    x: Annotated[Tensor, "(n, images, 64) float64"]
    y: Annotated[Tensor, "(n, images) int"]
    weights: tuple[Tensor, ...]
    capacity: int
    steps: int


class ExpertTrainer(Protocol):
    """Trains the mixture with a router of its own."""

    def __call__(
        self, problem: ExpertTraining, /
    ) -> Annotated[Trained, "route callable, (logits (n, tokens, experts), capacity) to 0 or 1"]:
        """Return weights and router; usually ``train(problem, route)``."""


def naive_expert_trainer(problem: ExpertTraining) -> Trained:
    """Send every token to its best expert: first come, first served."""

    def route(logits: Tensor, capacity: int) -> Tensor:
        wanted = one_hot(logits.argmax(dim=-1), logits.shape[-1])
        taken = wanted * (wanted.cumsum(dim=1) <= capacity)
        return taken.to(logits.dtype)

    return train(problem, route)
