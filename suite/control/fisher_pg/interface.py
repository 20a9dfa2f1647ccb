"""What a contender may use of a problem of this paper, and what it returns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Annotated, Any, Protocol

import torch
from torch import Tensor

from .environments import LIMIT, CartPole
from .oracle import Step
from .rollouts import Played, logits
from .tasks import BATCH


class PolicySearch(Protocol):
    """max of J(theta) from trajectories tau ~ p(.|theta), all of them counted; n replicates.

    Attributes
    ----------
    N
        Numbers of trajectories at which a run is looked at, ascending.
    theta_0
        Where all contenders start.
    trajectories
        Drawn so far, by each replicate.
    """

    N: Annotated[tuple[int, ...], "(looks,) int"]
    theta_0: Annotated[Tensor, "(n, dim) float"]
    trajectories: int

    def gradient(self, theta: Tensor) -> Tensor:
        """Return g(tau, theta) of a new tau ~ p(.|theta), (n, dim)."""

    def gradient_pair(self, theta: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Return g(tau, theta) and w g(tau, other) of one tau; w = p(tau|other) / p(tau|theta)."""

    def hessian_vector(self, theta: Tensor, v: Tensor) -> Tensor:
        """Return an unbiased estimate of the Hessian of J times v from a second tau, (n, dim)."""

    def uniform(self) -> Tensor:
        """Return b ~ U[0, 1], (n, 1); no trajectory."""

    def walk(self, steps: Iterable[Step], *, cost: int = 1) -> Step:
        """Return the steps that stand at the looks; the next step costs so many trajectories."""


class Ascent(Protocol):
    """Climbs J on the two-channel MDP, one trajectory at a time."""

    def __call__(
        self, problem: PolicySearch, /
    ) -> Annotated[
        Step,
        "theta (looks, n, dim) float, before the step",
        "d (looks, n, dim) float, what it takes for the gradient there",
        "following (looks, n, dim) float, after the step",
    ]:
        """Return the step that stands at every look: usually what `walk` returns."""


def naive_ascent(problem: PolicySearch) -> Step:
    """Climb by the plain estimate, theta + 0.05 (2 / (t + 2))^(2/3) g."""

    def steps() -> Iterator[Step]:
        theta = problem.theta_0
        for t in count():
            g = problem.gradient(theta)
            following = theta + 0.05 * (2 / (t + 2)) ** (2 / 3) * g
            yield Step(theta, g, following)
            theta = following

    return problem.walk(steps())


class Learner(Protocol):
    """Learns a task of gymnasium's: an estimate is a mean over ten trajectories."""

    def __call__(
        self, problem: PolicySearch, /
    ) -> Annotated[
        Step,
        "theta (looks, n, dim) float, before the step",
        "d (looks, n, dim) float, what it takes for the gradient there",
        "following (looks, n, dim) float, after the step: the policy that is evaluated",
    ]:
        """Return the step that stands at every look: usually ``walk(steps, cost=BATCH)``."""


def naive_learner(problem: PolicySearch) -> Step:
    """Climb by the plain estimate, theta + 0.1 (2 / (t + 2))^(2/3) g."""

    def steps() -> Iterator[Step]:
        theta = problem.theta_0
        for t in count():
            g = problem.gradient(theta)
            following = theta + 0.1 * (2 / (t + 2)) ** (2 / 3) * g
            yield Step(theta, g, following)
            theta = following

    return problem.walk(steps(), cost=BATCH)


class Rollouts(Protocol):
    """A policy for CartPole, and how many episodes of it a round may play.

    Attributes
    ----------
    weights
        Matrices of the policy's layers, (out, in), float32: tanh between them, two logits at the
        end, for a push to the left and to the right.
    episodes
        Asked for. Who plays fewer is judged by the rate of those.
    """

    weights: list[Tensor]
    episodes: int


class Player(Protocol):
    """Plays episodes of CartPole as fast as it can."""

    def __call__(
        self, problem: Rollouts, /, *, streams: Any
    ) -> Annotated[
        Played,
        "live () number, steps of episodes that had not ended",
        "episodes () number, that these belong to",
    ]:
        """Return how many steps were made, and in how many episodes."""


def naive_player(problem: Rollouts, *, streams: Any) -> Played:
    """Play all episodes together to the limit, and count the steps of those still alive."""
    generator = streams.torch("episodes", streams.device)
    pole = CartPole()
    state = pole.start(problem.episodes, generator=generator)
    live = torch.ones(problem.episodes, dtype=torch.bool, device=state.device)
    steps = 0.0
    for t in range(LIMIT):
        steps += float(live.sum())
        left, right = logits(problem.weights, pole.observe(state)).unbind()
        drawn = torch.rand(left.shape, generator=generator, device=state.device)
        made = pole.step(state, drawn < torch.sigmoid(right - left), t)
        state, live = made.state, live & ~made.terminated
    return Played(steps, float(problem.episodes))
