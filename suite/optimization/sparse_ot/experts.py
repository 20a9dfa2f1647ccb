"""A small mixture of experts on handwritten digits, to compare routers at equal capacity.

A stand-in for the paper's V-MoE: 8 two-layer experts and a linear router, trained from scratch on
the 8 x 8 digits of scikit-learn, 64 tokens a batch, each expert taking at most k of them. The
networks of all replicates are trained at once, on the leading axis.

Deviation: digits in place of JFT-300M, and each image is one token. Differences between routers on
it say little about those on large models.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from .method import largest, semi_dual
from .solvers import solve

EXPERTS, HIDDEN, CLASSES, TOKENS, TEST = 8, 16, 10, 64, 448
#: (logits (n, tokens, experts), capacity) -> which expert takes which token, 0 or 1.
Route = Callable[[Tensor, int], Tensor]


@dataclass(frozen=True)
class Digits:
    """The data and the start of training, one for each replicate, the same for all routers.

    Attributes
    ----------
    x, y
        (n, images, 64) in 0..1 and (n, images), in an order of each replicate's own; the last
        `TEST` images are for testing.
    weights
        The initial router and experts.
    capacity, steps
        Tokens that an expert takes of a batch, and steps of Adam.
    """

    x: Tensor
    y: Tensor
    weights: tuple[Tensor, ...]
    capacity: int
    steps: int


class Trained(NamedTuple):
    """Weights after training, and the router that they were trained with."""

    weights: tuple[Tensor, ...]
    route: Route


def digits(capacity: int, steps: int, *, streams: Any, n: int) -> Digits:
    """Return digits in random order and random weights, float64."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    x, y, weights = [], [], []
    for generator in streams.each("digits")[:n]:
        order = generator.permutation(len(images))
        x.append(images[order] / 16)
        y.append(labels[order])
        shapes = ((64, EXPERTS), (EXPERTS, 64, HIDDEN), (EXPERTS, HIDDEN, CLASSES))
        weights.append([generator.normal(size=s) / np.sqrt(s[-2]) for s in shapes])
    stacked = (torch.tensor(np.array(w), device=streams.device) for w in zip(*weights, strict=True))
    x, y = (torch.tensor(np.array(part), device=streams.device) for part in (x, y))
    return Digits(x, y, tuple(stacked), capacity, steps)


def forward(weights: tuple[Tensor, ...], x: Tensor, route: Route, capacity: int) -> Tensor:
    """Return the logits (n, tokens, classes): each token's experts, weighted by their gates."""
    router, first, second = weights
    logits = x @ router
    taken = route(logits.detach(), capacity)
    hidden = torch.relu(x.unsqueeze(1) @ first)
    outputs = (hidden @ second).transpose(1, 2)
    return ((logits.softmax(dim=-1) * taken).unsqueeze(-1) * outputs).sum(dim=2)


def train(problem: Digits, route: Route) -> Trained:
    """Train every replicate by Adam, learning rate 1e-2, on batches of 64 in a fixed order."""
    weights = tuple(w.clone().requires_grad_() for w in problem.weights)
    descent = torch.optim.Adam(weights, lr=1e-2)
    batches = (problem.x.shape[1] - TEST) // TOKENS
    for step in range(problem.steps):
        rows = slice(TOKENS * (step % batches), TOKENS * (step % batches + 1))
        found = forward(weights, problem.x[:, rows], route, problem.capacity)
        descent.zero_grad()
        # The sum over replicates keeps each one's gradient what it would be alone.
        loss = cross_entropy(found.flatten(0, 1), problem.y[:, rows].flatten(), reduction="sum")
        (loss / TOKENS).backward()
        descent.step()
    return Trained(tuple(w.detach() for w in weights), route)


def measure(problem: Digits, answer: Trained) -> dict[str, Tensor]:
    """Return accuracy on the test images, routed in batches too, and the share of lost tokens."""
    right, lost = 0, 0
    for first in range(problem.x.shape[1] - TEST, problem.x.shape[1], TOKENS):
        x, y = (part[:, first : first + TOKENS] for part in (problem.x, problem.y))
        found = forward(answer.weights, x, answer.route, problem.capacity)
        taken = answer.route(x @ answer.weights[0], problem.capacity)
        right = right + (found.argmax(dim=-1) == y).sum(dim=1)
        lost = lost + (taken.sum(dim=-1) == 0).sum(dim=1)
    return {"accuracy": right / TEST, "lost_tokens": lost / TEST}


# Routers: logits (n, tokens, experts) to the tokens that each expert takes.


def top_one(logits: Tensor, capacity: int) -> Tensor:
    """Send every token to its best expert, which keeps those with the largest gates."""
    gates = logits.softmax(dim=-1)
    wanted = one_hot(gates.argmax(dim=-1), EXPERTS)
    return wanted * largest(gates * wanted, capacity)[1]


def expert_choice(logits: Tensor, capacity: int) -> Tensor:
    """Let every expert take the tokens with its largest gates."""
    return largest(logits.softmax(dim=-1), capacity)[1].to(logits.dtype)


def sinkhorn(logits: Tensor, capacity: int, iterations: int = 50) -> Tensor:
    """Balance exp(logits) by Sinkhorn's iterations, then let every expert take its largest."""
    plan = logits
    for _ in range(iterations):
        plan = plan - plan.logsumexp(dim=-1, keepdim=True)
        plan = plan - plan.logsumexp(dim=-2, keepdim=True)
    return largest(plan, capacity)[1].to(logits.dtype)


def sparse_transport(logits: Tensor, capacity: int, gamma: float = 0.1) -> Tensor:
    """Send tokens where the plan with at most `capacity` nonzeros per expert has a nonzero."""
    C = -logits.softmax(dim=-1)
    a = C.new_ones(C.shape[:2])
    b = C.new_full((len(C), EXPERTS), C.shape[1] / EXPERTS)
    alpha = solve(a, b, C, capacity, gamma, tolerance=1e-6).alpha
    return (semi_dual(alpha, a, b, C, capacity, gamma).plan > 0).to(logits.dtype)
