"""Policy gradients for inventory control that do not know the dynamics, stacked.

    x (rows, B, n, L), q (rows, B, n)   as in `inventory_hdpo`

`train` takes what it needs of a system as callables. All rows are trained at once and share
nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, log, pi
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .adam import Adam

Policy = Callable[[Tensor], Tensor]

#: Discount, and the decay of generalised advantage estimation.
GAMMA, LAMBDA = 0.99, 0.95
#: The critic's first learning rate.
CRITIC_LR = 3e-3
#: Of PPO: how far a ratio of probabilities counts, and steps per batch of episodes.
CLIP, MINIBATCHES = 0.2, 4


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


class Experience(NamedTuple):
    """What a batch of episodes taught.

    Attributes
    ----------
    x, action
        States (rows, T * B, n, L), and orders before their positive part is taken (rows, T * B, n).
    log_probability, advantage, target
        (rows, T * B): of the action when it was taken; standardised; and for the critic.
    value
        (rows, T * B), the critic's, the only one with a gradient.
    """

    x: Tensor
    action: Tensor
    log_probability: Tensor
    advantage: Tensor
    target: Tensor
    value: Tensor


def reinforce(seen: Experience, networks: Networks, log_std: Tensor) -> Tensor:
    """Return the losses of REINFORCE with a critic, (rows, samples) (Williams 1992)."""
    now = _log_probability(seen.action, networks.actor(seen.x), log_std)
    return -now * seen.advantage + (seen.value - seen.target).square()


def ppo(seen: Experience, networks: Networks, log_std: Tensor) -> Tensor:
    """Return the losses of proximal policy optimisation (Schulman et al. 2017, equation 7)."""
    now = _log_probability(seen.action, networks.actor(seen.x), log_std)
    gained = _clipped(now - seen.log_probability, seen.advantage)
    return -gained + (networks.critic(seen.x) - seen.target).square()


def _clipped(log_ratio: Tensor, advantage: Tensor) -> Tensor:
    ratio = log_ratio.exp()
    return torch.minimum(ratio * advantage, ratio.clamp(1 - CLIP, 1 + CLIP) * advantage)


def train(
    losses: Callable[[Experience, Networks, Tensor], Tensor],
    episode: Callable[[], tuple[Tensor, Tensor]],
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    networks: Networks,
    *,
    lr: float,
    steps: int,
    generator: torch.Generator,
    minibatches: int = 1,
) -> Policy:
    """Train on `steps` batches of episodes; return the policy of mean orders.

    Actions are Gaussian around the actor's mean, with one learned log standard deviation per row;
    orders are their positive part. Learning rates fall to zero by a cosine.

    Parameters
    ----------
    losses
        `reinforce` or `ppo`: experience, networks and log standard deviation (rows, 1, 1) to
        (rows, samples).
    episode
        Gives where paths start, (rows, B, n, L), and their demand, (T, rows, B, n).
    step
        x, q and a period's demand to the next x and the cost (rows, B).
    lr
        The actor's first rate; the critic's is `CRITIC_LR`.
    generator
        Of the noise in actions and of the minibatches.
    minibatches
        Steps of Adam per batch of episodes, each on its share of the samples.
    """
    first = networks.actor_parameters[0]
    log_std = first.new_zeros(len(first), 1, 1).requires_grad_()
    actor, critic = Adam([*networks.actor_parameters, log_std]), Adam(networks.critic_parameters)
    scale = RewardScale()
    for k in range(steps):
        falling = (1 + cos(pi * k / steps)) / 2
        seen = _experience(*episode(), step, networks, log_std.detach(), scale, generator)
        for part in _parts(seen, minibatches, generator):
            # Rows share no parameter, so that the sum's gradient is that of each.
            losses(part, networks, log_std).mean(dim=1).sum().backward()
            actor.step(falling * lr)
            critic.step(falling * CRITIC_LR)
    return lambda x: networks.actor(x).clamp(min=0)


def _experience(
    x: Tensor,
    demand: Tensor,
    step: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    networks: Networks,
    log_std: Tensor,
    scale: RewardScale,
    generator: torch.Generator,
) -> Experience:
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
    return Experience(
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


def _parts(seen: Experience, count: int, generator: torch.Generator) -> list[Experience]:
    """Return a random partition of the samples; all of them as they are, where one is wanted."""
    if count == 1:
        return [seen]
    size = seen.advantage.shape[1]
    order = torch.randperm(size, generator=generator, device=seen.advantage.device)
    free = [field.detach() for field in seen]
    return [
        Experience(*(field.index_select(1, chosen) for field in free))
        for chosen in order.tensor_split(count)
    ]


def networks_of(actor: Any, critic: Any) -> Networks:
    """Return networks that keep their tensors in `parameters`."""
    return Networks(actor, critic, actor.parameters, critic.parameters)
