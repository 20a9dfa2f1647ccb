"""Policies with one parameter vector per replicate, and what their trajectories estimate.

A policy is a perceptron with tanh hidden layers, or none: categorical over two actions, or Gaussian
with log standard deviations that do not depend on the state. Parameters are flat, (n, dim): the
matrix and bias of each layer, and last the log standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log, pi, sqrt
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from .environments import CartPole, Pendulum
from .reacher import Reacher

GAMMA = 0.99
Environment = CartPole | Pendulum | Reacher


class Batch(NamedTuple):
    """m trajectories for each of n replicates, of at most T steps.

    Attributes
    ----------
    observations
        (n, parts, T, m), float32.
    actions
        (n, T, m), or (n, outputs, T, m) where they are continuous.
    Psi
        (n, T, m), discounted rewards to go, 0 after an episode's end.
    live
        (n, T, m), 1 for steps that were made and 0 after the end.
    returns
        (n, m), undiscounted.
    """

    observations: Tensor
    actions: Tensor
    Psi: Tensor
    live: Tensor
    returns: Tensor


class Policy:
    """A policy for one environment.

    Parameters
    ----------
    hidden
        Widths of the hidden layers.
    """

    def __init__(self, environment: Environment, hidden: Sequence[int] = ()) -> None:
        self.environment = environment
        sizes = [environment.observations, *hidden, environment.outputs]
        self.layers = list(pairwise(sizes))
        weights = sum((inside + 1) * out for inside, out in self.layers)
        self.dim = weights + (0 if environment.discrete else environment.outputs)

    def start(self, n: int, generator: torch.Generator) -> Tensor:
        """Return (n, dim): normal matrices over the root of their inputs, biases and log sds 0.

        The last layer is a hundredth of that, so that no action is preferred.
        """
        parts = []
        for at, (inside, out) in enumerate(self.layers):
            scale = (0.01 if at == len(self.layers) - 1 else 1.0) / sqrt(inside)
            w = torch.randn(n, out * inside, generator=generator, device=generator.device)
            parts += [scale * w, torch.zeros(n, out, device=generator.device)]
        theta = torch.cat(parts, dim=1)
        return torch.nn.functional.pad(theta, (0, self.dim - theta.shape[1]))

    def outputs(self, theta: Tensor, observations: Tensor) -> Tensor:
        """Return logits or means, (n, outputs, k), of observations (n, parts, k)."""
        x, at = observations, 0
        for number, (inside, out) in enumerate(self.layers):
            w = theta[:, at : at + out * inside].unflatten(1, (out, inside))
            at += out * inside
            x = torch.baddbmm(theta[:, at : at + out].unsqueeze(2), w, x)
            at += out
            if number < len(self.layers) - 1:
                x = torch.tanh(x)
        return x

    def act(self, theta: Tensor, observations: Tensor, generator: torch.Generator) -> Tensor:
        """Return actions drawn for observations (n, parts, k): (n, k), or (n, outputs, k)."""
        found = self.outputs(theta, observations)
        device = generator.device
        if self.environment.discrete:
            drawn = torch.rand(found[:, 0].shape, generator=generator, device=device)
            return (drawn < torch.sigmoid(found[:, 1] - found[:, 0])).to(found.dtype)
        drawn = torch.randn(found.shape, generator=generator, device=device)
        return found + self._log_sd(theta).unsqueeze(2).exp() * drawn

    def log_probability(self, theta: Tensor, batch: Batch) -> Tensor:
        """Return log pi(a | s), (n, T, m), of the batch's steps, 0 after an episode's end."""
        n, _, T, m = batch.observations.shape
        found = self.outputs(theta, batch.observations.flatten(2)).unflatten(2, (T, m))
        if self.environment.discrete:
            right = found[:, 1] - found[:, 0]
            return logsigmoid(torch.where(batch.actions > 0, right, -right)) * batch.live
        log_sd = self._log_sd(theta).reshape(n, -1, 1, 1)
        z = (batch.actions - found) * torch.exp(-log_sd)
        return (-(z**2) / 2 - log_sd - log(2 * pi) / 2).sum(dim=1) * batch.live

    def play(self, theta: Tensor, m: int, generator: torch.Generator) -> Batch:
        """Return m trajectories of each replicate's policy."""
        environment, n = self.environment, len(theta)
        with torch.no_grad():
            state = environment.start(n, m, generator=generator)
            live = torch.ones(n, m, dtype=torch.bool, device=theta.device)
            steps = []
            for t in range(environment.limit):
                seen = environment.observe(state).transpose(0, 1)
                action = self.act(theta, seen, generator)
                pushed = action if environment.discrete else action.transpose(0, 1)
                made = environment.step(state, pushed, t)
                steps.append((seen, action, made.reward.float() * live, live.float()))
                state, live = made.state, live & ~made.terminated
                if t % 16 == 15 and not bool(live.any()):
                    break
            seen, action, reward, lived = (
                torch.stack(part, dim=-2) for part in zip(*steps, strict=True)
            )
            discount = GAMMA ** torch.arange(len(steps), device=theta.device).unsqueeze(1)
            Psi = (reward * discount).flip(1).cumsum(dim=1).flip(1)
            return Batch(seen, action, Psi, lived, reward.sum(dim=1))

    def gradient(self, theta: Tensor, batch: Batch) -> Tensor:
        """Return the mean of g(tau, theta) over the batch, (n, dim)."""
        return self.weighted_gradient(theta, batch, torch.ones_like(batch.returns))

    def weighted_gradient(self, theta: Tensor, batch: Batch, w: Tensor) -> Tensor:
        """Return the mean of w g(tau, theta) over the batch, for weights (n, m)."""
        point = theta.detach().requires_grad_()
        Phi = (batch.Psi * self.log_probability(point, batch)).sum(dim=1)
        return torch.autograd.grad((w * Phi).mean(dim=1).sum(), point)[0]

    def ratio(self, theta: Tensor, other: Tensor, batch: Batch) -> Tensor:
        """Return p(tau|other) / p(tau|theta), (n, m)."""
        with torch.no_grad():
            change = self.log_probability(other, batch) - self.log_probability(theta, batch)
            return change.sum(dim=1).exp()

    def hessian_vector(self, theta: Tensor, batch: Batch, v: Tensor) -> Tensor:
        """Return the mean of B(tau, theta) v over the batch, (n, dim).

        B v = grad Phi <grad log p(tau|theta), v> + (Hessian of Phi) v for each trajectory: the mean
        of products, where the released code takes a product of means, which is biased. Each
        <grad log p, v> is a derivative by a weight of its trajectory; no matrix is formed.
        """
        point = theta.detach().requires_grad_()
        scores = self.log_probability(point, batch)
        weight = torch.ones_like(batch.returns, requires_grad=True)
        whole = (weight * scores.sum(dim=1)).sum()
        (score,) = torch.autograd.grad(whole, point, create_graph=True)
        (along,) = torch.autograd.grad((score * v).sum(), weight, retain_graph=True)
        Phi = (batch.Psi * scores).sum(dim=1)
        (g,) = torch.autograd.grad(Phi.mean(dim=1).sum(), point, create_graph=True)
        products = (along.detach() * Phi).mean(dim=1).sum()
        return torch.autograd.grad(products + (g * v).sum(), point)[0]

    def _log_sd(self, theta: Tensor) -> Tensor:
        """Return the log standard deviations of the actions, (n, outputs)."""
        return theta[:, -self.environment.outputs :]
