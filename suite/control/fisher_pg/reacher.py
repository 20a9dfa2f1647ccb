"""Reacher-v5 of gymnasium, as its vector of MuJoCo simulators plays it: a peer, not a twin.

    state        (10, ...), float64: what was observed last; the simulators keep their own
    action       (2, ...), the torques of both joints

Torques are clipped to [-1, 1] first: gymnasium would charge for more than moves the arm.

Deviation: the authors ran Reacher-v2. Its reward told of the distance before the step, v5's of that
after it: returns differ by little, but can't be compared.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from baselines.control import fisher_pg as pins

from .environments import Transition


class Reacher:
    """An arm of two joints, whose tip is to be brought to a target; minus a cost for every step.

    Simulators are made once for each number of episodes, and seeded anew at each start.
    """

    name = "Reacher-v5"
    observations = 10
    #: Means of a policy; an action is a pair of torques.
    outputs = 2
    discrete = False
    #: Gymnasium's own.
    limit = 50
    #: Not reached: the first steps lead from the start to the target.
    best = 0.0

    def __init__(self) -> None:
        self._simulators: dict[int, Any] = {}

    def start(self, *shape: int, generator: torch.Generator) -> Tensor:
        """Return what is observed of new episodes, each from a seed of its own."""
        device = generator.device
        seeds = torch.randint(2**31, shape, generator=generator, device=device).flatten()
        if len(seeds) not in self._simulators:
            self._simulators[len(seeds)] = pins.gymnasium_simulators(self.name, len(seeds))
        seen, _ = self._simulators[len(seeds)].reset(seed=seeds.tolist())
        return torch.tensor(seen, device=device).mT.reshape(-1, *shape)

    def observe(self, state: Tensor) -> Tensor:
        """Return cosines, sines and velocities of the joints, the target, and what is missing."""
        return state.float()

    def step(self, state: Tensor, action: Tensor, _elapsed: int) -> Transition:
        """Return what follows; `state` is what the same simulators returned last.

        A policy that overflowed earns NaN and pushes nothing: MuJoCo would start the arm anew, and
        write a file of complaints.
        """
        _, *shape = state.shape
        lost = action.isnan().any(dim=0)
        torques = action.clamp(-1.0, 1.0).nan_to_num().flatten(1).mT.cpu().numpy()
        seen, *rest, _ = self._simulators[len(torques)].step(torques)
        reward, terminated, truncated = (
            torch.tensor(part, device=state.device).reshape(shape) for part in rest
        )
        following = torch.tensor(seen, device=state.device).mT.reshape(-1, *shape)
        return Transition(following, reward.masked_fill(lost, torch.nan), terminated, truncated)
