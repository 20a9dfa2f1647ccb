"""CartPole, Pendulum and Reacher as problems of policy search: evidence, judged by no claim.

Theory ranks no method at the accuracy that such tasks are learned to.

Deviation: estimates have no baseline, where the authors' code subtracts a linear one; all methods
then learn more slowly. The Hessian's batch is as large as the gradient's and paid for, where theirs
has a size of its own; HARPGs then make half as many iterations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .environments import CartPole, Pendulum
from .oracle import Oracle
from .policies import Batch, Policy
from .reacher import Reacher

#: Trajectories of one estimate, and those that a policy is evaluated on.
BATCH = 10
EVALUATED = 20
HIDDEN = {"linear": (), "mlp": (32, 32), "mlp64": (64, 64)}
ENVIRONMENTS = {kind.name: kind for kind in (CartPole, Pendulum, Reacher)}


@dataclass(kw_only=True)
class TaskOracle(Oracle):
    """n seeds of one task; an estimate is a mean over `BATCH` trajectories, all of them counted.

    Attributes
    ----------
    first, second, points, evaluation
        Streams of first and second trajectories, of b_t, and of the measure.
    """

    policy: Policy
    first: torch.Generator
    second: torch.Generator
    points: torch.Generator
    evaluation: torch.Generator

    def gradient(self, theta: Tensor) -> Tensor:
        """Return the mean of g(tau, theta) over new trajectories."""
        return self.policy.gradient(theta, self._played(theta, self.first))

    def gradient_pair(self, theta: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """Return the means of g(tau, theta) and w g(tau, other) over the same new trajectories."""
        batch = self._played(theta, self.first)
        w = self.policy.ratio(theta, other, batch)
        there = self.policy.weighted_gradient(other, batch, w)
        return self.policy.gradient(theta, batch), there

    def hessian_vector(self, theta: Tensor, v: Tensor) -> Tensor:
        """Return the mean of B(tau, theta) v over new, second trajectories."""
        return self.policy.hessian_vector(theta, self._played(theta, self.second), v)

    def uniform(self) -> Tensor:
        """Return b ~ U[0, 1], (n, 1)."""
        shape, device = (len(self.theta_0), 1), self.theta_0.device
        return torch.rand(shape, generator=self.points, device=device)

    def evaluate(self, theta: Tensor) -> Tensor:
        """Return the mean return of each replicate's policy, (n,), uncounted: for the measure."""
        return self.policy.play(theta, EVALUATED, self.evaluation).returns.mean(dim=1)

    def _played(self, theta: Tensor, generator: torch.Generator) -> Batch:
        self.trajectories += BATCH
        return self.policy.play(theta, BATCH, generator)


def task(environment: str, policy: str, N: Sequence[int], *, streams: Any, n: int) -> TaskOracle:
    """Return n seeds of a task, looked at after N trajectories, for a stack of N.

    Parameters
    ----------
    environment
        A name in `ENVIRONMENTS`.
    policy
        A name in `HIDDEN`.
    N
        Ascending; all are points of one run.
    """
    device = streams.device
    made = Policy(ENVIRONMENTS[environment](), HIDDEN[policy])
    return TaskOracle(
        N=tuple(N),
        theta_0=made.start(n, streams.torch("start", device)),
        policy=made,
        first=streams.torch("first trajectory", device),
        second=streams.torch("second trajectory", device),
        points=streams.torch("b", device),
        evaluation=streams.torch("evaluation", device),
    )


def measure_task(problem: TaskOracle, step: Any) -> dict[str, Tensor]:
    """Return what each checkpoint's policies are short of the best return.

    Its mean over the checkpoints, the area above the learning curve, is what tuning minimises.
    """
    found = torch.stack([problem.evaluate(theta) for theta in step.following])
    return {"shortfall": problem.policy.environment.best - found.flatten()}
