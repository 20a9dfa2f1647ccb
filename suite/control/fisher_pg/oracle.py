"""What the algorithms ask of a problem, and how their runs are looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor


class Step(NamedTuple):
    """One iteration of a method.

    Attributes
    ----------
    theta, d
        (n, dim): the point before the step, and the estimate of the gradient there.
    following
        (n, dim), the point after the step.
    """

    theta: Tensor
    d: Tensor
    following: Tensor


@dataclass(kw_only=True)
class Oracle:
    """A problem of n replicates, asked by trajectories, which it counts.

    Attributes
    ----------
    N
        Numbers of trajectories at which a run is looked at, ascending.
    theta_0
        (n, dim).
    trajectories
        Drawn so far, by each replicate.
    spent
        What had been drawn at each checkpoint.
    """

    N: tuple[int, ...]
    theta_0: Tensor
    trajectories: int = 0
    spent: list[int] = field(default_factory=list)

    @property
    def calls(self) -> Tensor:
        """(len(N) n,), trajectories drawn at each checkpoint."""
        return torch.tensor(self.spent, dtype=torch.float64).repeat_interleave(len(self.theta_0))

    def gradient(self, theta: Tensor) -> Tensor:
        """Return g(tau, theta) of a new tau ~ p(.|theta), (n, dim)."""
        raise NotImplementedError

    def gradient_pair(self, theta: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Return g(tau, theta) and w g(tau, other) of one new tau ~ p(.|theta).

        w = p(tau|other) / p(tau|theta).
        """
        raise NotImplementedError

    def hessian_vector(self, theta: Tensor, v: Tensor) -> Tensor:
        """Return B(tau, theta) v of a new, second tau ~ p(.|theta), (n, dim)."""
        raise NotImplementedError

    def uniform(self) -> Tensor:
        """Return b ~ U[0, 1], (n, 1)."""
        raise NotImplementedError

    def walk(self, steps: Iterable[Step], *, cost: int = 1) -> Step:
        """Return the steps that stand when each checkpoint's trajectories are spent.

        Parameters
        ----------
        cost
            Trajectories of the next iteration: a checkpoint is the last iteration that it allows.

        Returns
        -------
        Step
            Each part (len(N), n, dim).
        """
        kept: list[Step] = []
        steps = iter(steps)
        for N in self.N:
            step = next(steps) if not kept else kept[-1]
            while self.trajectories + cost <= N:
                step = next(steps)
            kept.append(step)
            self.spent.append(self.trajectories)
        return Step(*(torch.stack(parts) for parts in zip(*kept, strict=True)))
