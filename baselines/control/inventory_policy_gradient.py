"""Policy gradients for inventory control that do not know the dynamics, stacked.

    x (rows, B, n, L), q (rows, B, n)   as in `inventory_hdpo`

Trainers take callables: episodes that give (x, demand), the period's step (x, q, d) -> (x', cost),
and networks. All rows are trained at once and share nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import cos, log, pi
from typing import Any, NamedTuple

import torch
from torch import Tensor

Policy = Callable[[Tensor], Tensor]

#: Discount, and the decay of generalised advantage estimation.
GAMMA, LAMBDA = 0.99, 0.95
#: Of the critic, and of PPO's ratio of probabilities.
CRITIC_LR, CLIP = 3e-3, 0.2
MINIBATCHES = 4


class Networks(NamedTuple):
    """Actor and critic of all rows.

    Attributes
    ----------
    actor, critic
        x (rows, B, n, L) to the mean order (rows, B, n), and to the value (rows, B).
    actor_parameters, critic_parameters
        Their tensors, rows first.
    """

    actor: Policy
    critic: Callable[[Tensor], Tensor]
    actor_parameters: Sequence[Tensor]
    critic_parameters: Sequence[Tensor]


class _Experience(NamedTuple):
    """What a batch of episodes taught, (rows, T * B, ...); only `value` has a gradient."""

    x: Tensor
    action: Tensor
    log_probability: Tensor
    advantage: Tensor
    target: Tensor
    value: Tensor


def reinforce(
    episode: Callable[[], tuple[Tensor, Tensor]],
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    networks: Networks,
    *,
    lr: float,
    steps: int,
    generator: torch.Generator,
) -> Policy:
    """Train by REINFORCE with a critic; return the policy of mean orders (Williams 1992).

    Actions are Gaussian around the actor's mean, with one learned log standard deviation per row;
    orders are their positive part. One step of Adam per batch of episodes.
    """

    def losses(seen: _Experience, log_std: Tensor) -> Iterator[Tensor]:
        now = _log_probability(seen.action, networks.actor(seen.x), log_std)
        yield -now * seen.advantage + (seen.value - seen.target).square()

    return _trained(episode, step, networks, lr, steps, generator, losses)


def ppo(
    episode: Callable[[], tuple[Tensor, Tensor]],
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    networks: Networks,
    *,
    lr: float,
    steps: int,
    generator: torch.Generator,
) -> Policy:
    """Train by PPO, one pass in 4 minibatches per batch of episodes (Schulman et al. 2017)."""

    def losses(seen: _Experience, log_std: Tensor) -> Iterator[Tensor]:
        for part in _parts(seen, MINIBATCHES, generator):
            now = _log_probability(part.action, networks.actor(part.x), log_std)
            gained = _clipped(now - part.log_probability, part.advantage)
            yield -gained + (networks.critic(part.x) - part.target).square()

    return _trained(episode, step, networks, lr, steps, generator, losses)


def _clipped(log_ratio: Tensor, advantage: Tensor) -> Tensor:
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)


def _trained(
    episode: Callable[[], tuple[Tensor, Tensor]],
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    networks: Networks,
    lr: float,
    steps: int,
    generator: torch.Generator,
    losses: Callable[[_Experience, Tensor], Iterator[Tensor]],
) -> Policy:
    """Return the policy of mean orders after `steps` batches.

    Parameters
    ----------
    losses
        Each (rows, samples), one for each step of Adam on a batch.
    """
    first = networks.actor_parameters[0]
    log_std = first.new_zeros(len(first), 1, 1).requires_grad_()
    actor = {"params": [*networks.actor_parameters, log_std], "lr": lr}
    critic = {"params": list(networks.critic_parameters), "lr": CRITIC_LR}
    adam = torch.optim.Adam([actor, critic], fused=True)
    scale = RewardScale()
    for k in range(steps):
        falling = (1 + cos(pi * k / steps)) / 2
        for group, highest in zip(adam.param_groups, (lr, CRITIC_LR), strict=True):
            group["lr"] = falling * highest
        seen = _experience(*episode(), step, networks, log_std.detach(), scale, generator)
        for loss in losses(seen, log_std):
            adam.zero_grad()
            # Rows share no parameter, so that the sum's gradient is that of each.
            loss.mean(dim=1).sum().backward()
            adam.step()
    return lambda x: networks.actor(x).clamp(min=0)


def _experience(
    x: Tensor,
    demand: Tensor,
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    networks: Networks,
    log_std: Tensor,
    scale: RewardScale,
    generator: torch.Generator,
) -> _Experience:
    """Simulate a batch of episodes with noisy orders."""
    with torch.no_grad():
        states, actions, means, costs = [], [], [], []
        for d in demand:
            mean = networks.actor(x)
            noise = torch.randn(mean.shape, generator=generator, device=mean.device)
            action = mean + log_std.exp() * noise
            states.append(x)
            means.append(mean)
            actions.append(action)
            x, cost = step(x, action.clamp(min=0), d)
            costs.append(cost)
    # Time is made part of the batch: one large product each for all values.
    visited = torch.stack([*states, x], dim=1)
    values = networks.critic(visited.flatten(1, 2)).unflatten(1, (len(demand) + 1, -1))
    advantage = _advantages(scale(torch.stack(costs, dim=1)), values.detach())
    action, mean = (torch.stack(part, dim=1).flatten(1, 2) for part in (actions, means))
    value, flat = values[:, :-1].flatten(1), advantage.flatten(1)
    centred = flat - flat.mean(dim=1, keepdim=True)
    return _Experience(
        visited[:, :-1].flatten(1, 2),
        action,
        _log_probability(action, mean, log_std),
        centred / (flat.std(dim=1, keepdim=True) + 1e-8),
        flat + value.detach(),
        value,
    )


class RewardScale:
    """Rewards from costs: centred over the batch, period by period, over a running deviation.

    The centring is the baseline that matters. What all paths share in a period, such as the empty
    beginning, is no merit of an action; with the mean over all periods in its place, or none,
    training froze or ran away.
    """

    def __init__(self) -> None:
        self._squares: Tensor | float = 0.0
        self._batches = 0

    def __call__(self, cost: Tensor) -> Tensor:
        """Return the rewards, (rows, T, B), of costs of that shape."""
        reward = cost.mean(dim=2, keepdim=True) - cost
        self._squares = self._squares + reward.square().mean(dim=(1, 2), keepdim=True)
        self._batches += 1
        return reward / ((self._squares / self._batches).sqrt() + 1e-8)


def _advantages(reward: Tensor, value: Tensor) -> Tensor:
    """Return the generalised advantage estimates, (rows, T, B); `value` has T + 1 periods.

    The end of an episode is no end of the system: the last state has its value.
    """
    delta = reward + GAMMA * value[:, 1:] - value[:, :-1]
    advantage, later = torch.empty_like(delta), torch.zeros_like(delta[:, 0])
    for t in reversed(range(delta.shape[1])):
        later = delta[:, t] + GAMMA * LAMBDA * later
        advantage[:, t] = later
    return advantage


def _log_probability(action: Tensor, mean: Tensor, log_std: Tensor) -> Tensor:
    """Return the log density of actions, (rows, B)."""
    score = ((action - mean) * (-log_std).exp()).square()
    return -(score / 2 + log_std + log(2 * pi) / 2).sum(dim=-1)


def _parts(seen: _Experience, count: int, generator: torch.Generator) -> list[_Experience]:
    size = seen.advantage.shape[1]
    order = torch.randperm(size, generator=generator, device=seen.advantage.device)
    free = [field.detach() for field in seen]
    return [
        _Experience(*(field.index_select(1, chosen) for field in free))
        for chosen in order.tensor_split(count)
    ]


def networks_of(actor: Any, critic: Any) -> Networks:
    """Return networks that keep their tensors in `parameters`."""
    return Networks(actor, critic, actor.parameters, critic.parameters)
