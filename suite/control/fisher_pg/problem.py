"""The two-channel MDP: J, its gradient and J* in closed form, trajectories from a counted oracle.

    states     S of them, drawn anew and uniformly at every step; H = 2 steps, gamma = 0.9
    actions    a in R^2, pi_theta(.|s) = N(theta_s, I): sigma = 1 is not written below
    reward     r(s, a) = -phi(a_1) + kappa (sqrt(2/pi) - |a_2 - c_s|),
               phi(a) = e^-a for a > 0 and 1 - a for a <= 0; c = 1/2, -1/2, 1/2, ...
    theta      (n, 2S), the pair of state s at 2s and 2s + 1

The Fisher matrix is I / S at every theta, J* = 0 is approached as theta_{s,1} grows and
theta_{s,2} = c_s, and the gradient's noise does not vanish there. Rewards are unbounded below with
negligible probability: weak gradient domination holds and was checked numerically, not each listed
assumption of the paper literally.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import elu

from .oracle import Oracle

HORIZON = 2
GAMMA = 0.9
#: Iterations whose noise is drawn at once: as many draws, and so the same noise, for everybody.
BLOCK = 256


class Instance(NamedTuple):
    """What tells one instance from another.

    Attributes
    ----------
    kappa
        Weight of the second channel.
    first, second
        theta_0: its first column, and how far its second column lies above c.
    """

    kappa: float
    first: float
    second: float


INSTANCES = {"A": Instance(0.3, 0.0, 1.0), "B": Instance(2.0, 3.0, 1.5)}


class Draw(NamedTuple):
    """The noise of one trajectory per replicate, (2H, n): both channels, of H steps each.

    Attributes
    ----------
    place
        Where in theta each entry's mean stands.
    z
        Standard normal: a = theta_s + z, and z_h is the score of step h.
    """

    place: Tensor
    z: Tensor


class TwoChannel:
    """The MDP as mathematics: nothing here is counted or drawn.

    `J` and `gradient` take theta as (..., 2S). What concerns trajectories takes columns (2S, n),
    a replicate on each: operations then run along contiguous numbers, which is up to four times
    as fast as along the four entries of a row.

    Parameters
    ----------
    kappa
        Weight of the second channel.
    states
        S.
    """

    def __init__(self, kappa: float, states: int = 2, device: str = "cpu") -> None:
        self.kappa, self.states = kappa, states
        self.c = torch.full((states,), 0.5, dtype=torch.float64, device=device)
        self.c[1::2] = -0.5
        self._centre = torch.stack((torch.zeros_like(self.c), self.c), dim=1).reshape(-1, 1)
        # Psi = M r with M[h, h'] = gamma^h' for h' >= h, and r = sqrt(2/pi) kappa - 1 - cost, where
        # cost leaves out the 1 of phi(a) = 1 + elu(-a).
        steps = torch.arange(HORIZON, dtype=torch.float64, device=device)
        self._to_go = (GAMMA**steps).expand(HORIZON, -1).triu()
        self._level = (kappa * sqrt(2 / pi) - 1) * self._to_go.sum(dim=1, keepdim=True)
        self._visits = sum(GAMMA**h for h in range(HORIZON)) / states

    def J(self, theta: Tensor) -> Tensor:
        """Return the expected return, of shape (...) for theta (..., 2S); its supremum is 0."""
        m, x = self._channels(theta)
        phi = torch.exp((0.5 - m).clamp(max=50.0)) * _cdf(m - 1) + (1 - m) * _cdf(-m) + _density(m)
        bend = 2 * _density(x) + x * (1 - 2 * _cdf(-x))
        return self._visits * (self.kappa * (sqrt(2 / pi) - bend) - phi).sum(dim=-1)

    def gradient(self, theta: Tensor) -> Tensor:
        """Return the gradient of J, shaped as theta."""
        m, x = self._channels(theta)
        first = torch.exp((0.5 - m).clamp(max=50.0)) * _cdf(m - 1) + _cdf(-m)
        second = -self.kappa * (1 - 2 * _cdf(-x))
        return self._visits * torch.stack((first, second), dim=-1).flatten(-2)

    def rewards_to_go(self, theta: Tensor, draw: Draw) -> Tensor:
        """Return Psi_h = sum over h' >= h of gamma^h' r_h', (H, n), of trajectories at theta."""
        a = (theta - self._centre).gather(0, draw.place).add_(draw.z)
        first, second = a.view(2, HORIZON, -1).unbind()
        cost = elu(first.neg_()).add_(second.abs_(), alpha=self.kappa)
        return self._level - self._to_go @ cost

    def gpomdp(self, Psi: Tensor, draw: Draw) -> Tensor:
        """Return g = sum_h Psi_h score_h, (2S, n): the gradient of Phi(theta; tau)."""
        return self._spread(draw, draw.z, Psi)

    def hessian_vector(self, Psi: Tensor, draw: Draw, v: Tensor) -> Tensor:
        """Return B(tau, theta) v, (2S, n), the unbiased estimate of the Hessian of J times v.

        B v = grad Phi <grad log p(tau | theta), v> + (Hessian of Phi) v; the Hessian of log pi is
        -1 on the visited pair.
        """
        met = v.gather(0, draw.place)
        along = (draw.z * met).sum(dim=0)
        return self._spread(draw, draw.z * along - met, Psi)

    def reweighted(self, Psi: Tensor, draw: Draw, theta: Tensor, other: Tensor) -> Tensor:
        """Return w g(tau, other), (2S, n), for tau drawn at theta.

        w = prod_h pi_other(a_h | s_h) / pi_theta(a_h | s_h).
        """
        z = draw.z + (theta - other).gather(0, draw.place)
        w = ((draw.z**2 - z**2).sum(dim=0) / 2).exp()
        return self._spread(draw, z, Psi * w)

    def draws(self, n: int, generator: np.random.Generator) -> Iterator[Draw]:
        """Yield the noise of one iteration after another, drawn BLOCK iterations at a time.

        By numpy: torch takes six times as long for normal numbers of double precision, which was
        half of the time of a run.
        """
        device = self.c.device
        channel = np.array([0, 1]).reshape(2, 1, 1)
        while True:
            s = generator.integers(self.states, size=(BLOCK, 1, HORIZON, n))
            place = (2 * s + channel).reshape(BLOCK, 2 * HORIZON, n)
            z = generator.standard_normal(place.shape)
            parts = (torch.from_numpy(part).to(device).unbind() for part in (place, z))
            yield from map(Draw, *parts)

    def _channels(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Return theta_{s,1} and theta_{s,2} - c_s, (..., S)."""
        pairs = theta.unflatten(-1, (self.states, 2))
        return pairs[..., 0], pairs[..., 1] - self.c

    def _spread(self, draw: Draw, scores: Tensor, Psi: Tensor) -> Tensor:
        """Return the scores (2H, n), times their step's Psi, summed into their places, (2S, n)."""
        weighted = (scores.view(2, HORIZON, -1) * Psi).view(2 * HORIZON, -1)
        whole = scores.new_zeros(2 * self.states, scores.shape[1])
        return whole.scatter_add_(0, draw.place, weighted)


def _cdf(x: Tensor) -> Tensor:
    return torch.special.ndtr(x)


def _density(x: Tensor) -> Tensor:
    return torch.exp(-(x**2) / 2) / sqrt(2 * pi)


@dataclass(kw_only=True)
class TwoChannelOracle(Oracle):
    """n replicates of one instance, which advance together.

    First trajectories, second ones and b_t have streams of their own, so that contenders that use
    one, two or none of the others meet the same first noise.

    Attributes
    ----------
    first, second, b
        Noise of first and of second trajectories, and b_t, by iteration.
    """

    mdp: TwoChannel
    instance: str
    first: Iterator[Draw]
    second: Iterator[Draw]
    b: Iterator[Tensor]

    def gradient(self, theta: Tensor) -> Tensor:
        """Return g(tau, theta) of a new tau ~ p(.|theta)."""
        self.trajectories += 1
        draw = next(self.first)
        return self.mdp.gpomdp(self.mdp.rewards_to_go(theta.mT, draw), draw).mT

    def gradient_pair(self, theta: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Return g(tau, theta) and w g(tau, other) of one new tau ~ p(.|theta)."""
        self.trajectories += 1
        draw = next(self.first)
        Psi = self.mdp.rewards_to_go(theta.mT, draw)
        there = self.mdp.reweighted(Psi, draw, theta.mT, other.mT)
        return self.mdp.gpomdp(Psi, draw).mT, there.mT

    def hessian_vector(self, theta: Tensor, v: Tensor) -> Tensor:
        """Return B(tau, theta) v of a new, second tau ~ p(.|theta)."""
        self.trajectories += 1
        draw = next(self.second)
        Psi = self.mdp.rewards_to_go(theta.mT, draw)
        return self.mdp.hessian_vector(Psi, draw, v.mT).mT

    def uniform(self) -> Tensor:
        """Return b_t ~ U[0, 1], (n, 1)."""
        return next(self.b)


def two_channel(
    instance: str, N: Sequence[int], states: int = 2, *, streams: Any, n: int
) -> TwoChannelOracle:
    """Return n replicates of an instance, looked at after N trajectories, for a stack of N.

    Parameters
    ----------
    instance
        A name in `INSTANCES`.
    N
        Ascending; all are points of one run.
    """
    kappa, first, second = INSTANCES[instance]
    device = streams.device
    mdp = TwoChannel(kappa, states, device)
    theta_0 = torch.stack((torch.full_like(mdp.c, first), mdp.c + second), dim=1).flatten()
    return TwoChannelOracle(
        mdp=mdp,
        instance=instance,
        N=tuple(N),
        theta_0=theta_0.repeat(n, 1).mT.contiguous().mT,  # columns, see `TwoChannel`
        first=mdp.draws(n, streams.numpy("first trajectory")),
        second=mdp.draws(n, streams.numpy("second trajectory")),
        b=uniforms(n, streams.numpy("b"), device),
    )


def uniforms(n: int, generator: np.random.Generator, device: str) -> Iterator[Tensor]:
    """Yield numbers in [0, 1], (n, 1), drawn BLOCK iterations at a time."""
    while True:
        yield from torch.from_numpy(generator.random((BLOCK, n, 1))).to(device).unbind()
