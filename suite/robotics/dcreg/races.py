"""A race of whole registrations: several of them in every round, one thread for everybody."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from baselines.robotics import dcreg as pins

from . import contenders, peers
from .problem import Registration, registrations


@dataclass
class Frames:
    """The registrations of one round, with all that is prepared before the clock starts.

    Attributes
    ----------
    registration
        With trees and normals.
    gicp
        The same targets as small_gicp holds them; empty where it is not installed.
    """

    registration: Registration
    gicp: list[pins.GicpTarget]
    calls: Tensor = field(init=False)

    def __post_init__(self):
        self.calls = torch.zeros(1, dtype=torch.float64)


def frames(
    scene: str, batch: int, M: int = 12_000, N: int = 1_500, *, streams: Any, n: int
) -> Frames:
    """Return `batch` registrations of one scene, fresh ones in every round."""
    first = streams.replicates.start * batch
    drawn = replace(streams, replicates=range(first, first + n * batch))
    # What one contender's search remembered must not shorten another's.
    made = registrations(
        [scene], M, N, normals="at once", matching="afresh", streams=drawn, n=n * batch
    )
    try:
        gicp = [pins.small_gicp_target(points) for points in made.targets.points.cpu().numpy()]
    except ImportError:
        gicp = []
    return Frames(made, gicp)


def dcreg(problem):
    """Register by the method."""
    return _counted(problem, contenders.dcreg(problem.registration))


def none(problem):
    """Register by Gauss-Newton."""
    return _counted(problem, contenders.none(problem.registration))


def me_sr(problem):
    """Register by solution remapping."""
    return _counted(problem, contenders.me_sr(problem.registration))


def me_treg(problem):
    """Register by damping, at most 30 iterations."""
    return _counted(problem, contenders.me_treg(problem.registration))


def small_gicp(problem):
    """Register by small_gicp, one after another."""
    pairs = zip(problem.gicp, peers.each(problem.registration), strict=True)
    found = [pins.small_gicp(target, source, T) for target, (_, source, T) in pairs]
    return _counted(problem, peers.aligned(problem.registration, found))


def _counted(problem, answer):
    problem.calls += problem.registration.calls.sum().cpu()
    return answer
