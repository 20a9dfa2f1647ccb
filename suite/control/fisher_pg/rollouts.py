"""A race in steps of CartPole per second: the batched twin against gymnasium's loop and vector.

All play one policy, drawn anew for each round, and are judged by live steps, those of episodes that
have not ended. A loop has one rate at any number of episodes, so that it plays a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from baselines.control import fisher_pg as pins

from .environments import LIMIT, CartPole

#: Live steps after which a loop ends, with its episode; a torch policy's is twenty times as slow.
LOOPED = 2000
LOOPED_TORCH = 200
#: Steps that gymnasium's vector environment makes.
VECTOR_STEPS = 100
#: Steps between two looks at which episodes of the twin have ended.
LOOK = 8
WIDTH = 32
#: What keeps the pole up for nearly 200 steps, as a push to the right: x, x', angle, angle'.
BALANCE = (0.5, 1.5, 20.0, 5.0)


class Played(NamedTuple):
    """What a racer did: live steps, and how many episodes they belong to."""

    live: float
    episodes: float


@dataclass
class Rollouts:
    """One round: a policy, and how many episodes are played at once.

    Attributes
    ----------
    weights
        Matrices of the policy's layers, (out, in), float32: one for a linear policy, three for a
        perceptron with two hidden layers of 32, tanh. Two logits come out.
    """

    weights: list[Tensor]
    episodes: int
    n: int = 1


def rollouts(policy: str, skill: str, episodes: int, *, streams: Any, n: int) -> Rollouts:
    """Return the policy of a round.

    Parameters
    ----------
    policy
        "linear" or "mlp".
    skill
        "untrained": logits near 0 and episodes of some 22 steps; "balancing": some 200 steps.
    episodes
        Played at once.
    """
    generator = streams.torch("policy")
    sizes = [4, 2] if policy == "linear" else [4, WIDTH, WIDTH, 2]
    weights = [
        torch.randn(out, inside, generator=generator) / (10 * inside**0.5)
        for inside, out in pairwise(sizes)
    ]
    if skill == "balancing":
        weights = balancing(weights)
    return Rollouts([w.to(streams.device) for w in weights], episodes, n)


def balancing(weights: Sequence[Tensor]) -> list[Tensor]:
    """Return weights that keep the pole up: a push towards where it falls, through every layer."""
    push = torch.tensor(BALANCE)
    if len(weights) == 1:
        return [weights[0] / 10 + torch.stack((-push, push)) / 2]
    first, middle, last = (w / 10 for w in weights)
    first[0] = push / 50
    middle[0, 0] = 1.0
    last[:, 0] += torch.tensor([-25.0, 25.0])
    return [first, middle, last]


def logits(weights: Sequence[Tensor], observation: Tensor) -> Tensor:
    """Return the logits (2, episodes) of observations (4, episodes)."""
    *hidden, last = weights
    for w in hidden:
        observation = torch.tanh(w @ observation)
    return last @ observation


def play(problem: Rollouts, generator: torch.Generator, *, look: int) -> Played:
    """Play the episodes to their ends; those that have ended are dropped every `look` steps."""
    pole = CartPole()
    state = pole.start(problem.episodes, generator=generator)
    device = state.device
    live = torch.ones(problem.episodes, dtype=torch.bool, device=device)
    steps = torch.zeros((), dtype=torch.long, device=device)
    for t in range(LIMIT):
        steps += live.sum()
        left, right = logits(problem.weights, pole.observe(state)).unbind()
        drawn = torch.rand(left.shape, generator=generator, device=device)
        made = pole.step(state, drawn < torch.sigmoid(right - left), t)
        state, live = made.state, live > made.terminated
        if (t + 1) % look == 0:
            kept = live.nonzero().squeeze(1)
            if len(kept) == 0:
                break
            if len(kept) < len(live):
                state, live = state[:, kept], live[kept]
    return Played(float(steps), float(problem.episodes))


def twin(problem, *, streams):
    """Play on the batched twin, ended episodes dropped every 8 steps."""
    with torch.inference_mode():
        return play(problem, streams.torch("episodes", streams.device), look=LOOK)


def twin_undropped(problem, *, streams):
    """Play on the batched twin, ended episodes carried along to the limit."""
    with torch.inference_mode():
        return play(problem, streams.torch("episodes", streams.device), look=LIMIT)


def gymnasium_loop(problem, *, streams):
    """Call gymnasium's step in a loop, one episode after another, the policy in numpy."""
    weights = [w.cpu().numpy() for w in problem.weights]
    rng = streams.numpy("actions")

    def act(observation: NDArray[np.float32]) -> int:
        left, right = _logits(weights, observation)
        return int(rng.random() < 1 / (1 + np.exp(left - right)))

    return Played(*pins.gymnasium_loop(CartPole.name, act, limit=LIMIT, steps=LOOPED))


def torch_loop(problem, *, streams):
    """Call gymnasium's step in a loop, the policy a torch Categorical as in much code."""
    weights = [w.cpu() for w in problem.weights]
    generator = streams.torch("actions")

    def act(observation: NDArray[np.float32]) -> int:
        found = logits(weights, torch.from_numpy(observation).unsqueeze(1))
        p = torch.distributions.Categorical(logits=found.squeeze(1)).probs
        return int(torch.multinomial(p, 1, generator=generator))

    return Played(*pins.gymnasium_loop(CartPole.name, act, limit=LIMIT, steps=LOOPED_TORCH))


def gymnasium_vector(problem, *, streams):
    """Step gymnasium's own vectorised CartPole, the policy in numpy, ended episodes restarted."""
    weights = [w.cpu().numpy() for w in problem.weights]
    rng = streams.numpy("actions")

    def act(observation: NDArray[np.float32]) -> NDArray[np.int64]:
        left, right = _logits(weights, observation.T)
        drawn = rng.random(len(left), dtype=np.float32)
        return (drawn < 1 / (1 + np.exp(left - right))).astype(np.int64)

    played = pins.gymnasium_vector(
        CartPole.name, act, episodes=problem.episodes, limit=LIMIT, steps=VECTOR_STEPS
    )
    return Played(*played)


def _logits(
    weights: Sequence[NDArray[np.float32]], observation: NDArray[np.float32]
) -> NDArray[np.float32]:
    *hidden, last = weights
    for w in hidden:
        observation = np.tanh(w @ observation)
    return last @ observation


def measure_rollouts(_, played):
    """Return live steps, and their number per episode."""
    return {
        "live_steps": np.array([played.live]),
        "length": np.array([played.live / played.episodes]),
    }
