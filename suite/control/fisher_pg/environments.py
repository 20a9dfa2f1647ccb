"""CartPole-v1 and Pendulum-v1 of gymnasium, for any number of episodes at once.

    state        (parts, ...), float64, an episode on each of the trailing places
    observation  (parts, ...), what gymnasium's agent sees, which is in float32
    action       (...), 0 or 1 for CartPole; (1, ...), a torque for Pendulum

The transitions are gymnasium's to 1e-6 and better, flags included: explicit Euler with the old
velocities for CartPole, semi-implicit for Pendulum. The time limit is 200 for both.
"""

from __future__ import annotations

from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

LIMIT = 200


class Transition(NamedTuple):
    """What a step leads to.

    Attributes
    ----------
    state, reward
        (parts, ...) and (...).
    terminated, truncated
        (...), boolean: the episode's end by its own rules, and by the time limit.
    """

    state: Tensor
    reward: Tensor
    terminated: Tensor
    truncated: Tensor


class CartPole:
    """A pole on a cart, pushed left (0) or right (1) with a force of 10; 1 for every step."""

    name = "CartPole-v1"
    observations = 4
    #: Logits of a policy; its actions are 0 and 1.
    outputs = 2
    discrete = True
    limit = LIMIT
    #: The best return there is, of an episode that reaches the limit.
    best = float(LIMIT)

    def start(self, *shape: int, generator: torch.Generator) -> Tensor:
        """Return new states, each part uniform on [-0.05, 0.05]."""
        return _uniform((4, *shape), generator) * 0.1 - 0.05

    def observe(self, state: Tensor) -> Tensor:
        """Return cart position and velocity, pole angle and angular velocity."""
        return state.float()

    def step(self, state: Tensor, action: Tensor, elapsed: int | Tensor) -> Transition:
        """Return what follows; `elapsed` steps were made before this one."""
        _, dx, angle, spin = state.unbind()
        sine, cosine = angle.sin(), angle.cos()
        # (force + 0.05 spin^2 sine) / 1.1, then (9.8 sine - cosine push) / (0.5 (4/3 - 0.1
        # cosine^2 / 1.1)), then push - 0.05 turn cosine / 1.1: few operations, as each takes long.
        push = (spin * spin).mul_(sine).mul_(0.05).add_(action, alpha=20.0).sub_(10.0).div_(1.1)
        inertia = (cosine * cosine).mul_(-0.05 / 1.1).add_(2 / 3)
        turn = (9.8 * sine).addcmul_(cosine, push, value=-1.0).div_(inertia)
        pull = torch.addcmul(push, turn, cosine, value=-0.05 / 1.1)
        following = torch.add(state, torch.stack((dx, pull, spin, turn)), alpha=0.02)
        out = (following[0].abs() > 2.4).logical_or_(following[2].abs() > 12 * 2 * pi / 360)
        return Transition(following, torch.ones_like(dx), out, _late(out, elapsed))


class Pendulum:
    """A pendulum turned by a torque in [-2, 2]; minus a cost for every step."""

    name = "Pendulum-v1"
    observations = 3
    #: Means of a policy; an action is a torque.
    outputs = 1
    discrete = False
    limit = LIMIT
    best = 0.0

    def start(self, *shape: int, generator: torch.Generator) -> Tensor:
        """Return new states, angle uniform on [-pi, pi] and velocity on [-1, 1]."""
        high = torch.tensor([pi, 1.0], dtype=torch.float64, device=generator.device)
        unit = 2 * _uniform((2, *shape), generator) - 1
        return unit * high.reshape(2, *[1] * len(shape))

    def observe(self, state: Tensor) -> Tensor:
        """Return cosine and sine of the angle, and the angular velocity."""
        angle, spin = state.unbind()
        return torch.stack((angle.cos(), angle.sin(), spin)).float()

    def step(self, state: Tensor, action: Tensor, elapsed: int | Tensor) -> Transition:
        """Return what follows; `elapsed` steps were made before this one."""
        angle, spin = state.unbind()
        (torque,) = action.clamp(-2.0, 2.0)
        bent = torch.remainder(angle + pi, 2 * pi) - pi
        cost = bent**2 + 0.1 * spin**2 + 0.001 * torque**2
        faster = (spin + (15.0 * angle.sin() + 3.0 * torque) * 0.05).clamp(-8.0, 8.0)
        following = torch.stack((angle + 0.05 * faster, faster))
        never = torch.zeros_like(angle, dtype=torch.bool)
        return Transition(following, -cost, never, _late(never, elapsed))


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    device = generator.device
    return torch.rand(shape, generator=generator, dtype=torch.float64, device=device)


def _late(like: Tensor, elapsed: int | Tensor) -> Tensor:
    """Return whether the step after `elapsed` ones is the last that the limit allows."""
    if isinstance(elapsed, int):
        return torch.full_like(like, elapsed + 1 >= LIMIT)
    return elapsed + 1 >= LIMIT
