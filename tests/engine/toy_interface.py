"""The toy paper with an interface: what `claimbench check` is tried on."""

from __future__ import annotations

from pathlib import Path

from toy import BENCH, CLAIM_TOML, edited, make

PROBLEM = '''
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Protocol

import numpy as np
import torch
from torch import Tensor


class Descent(Protocol):
    """A line that falls.

    Attributes
    ----------
    T
        Steps.
    start
        Where it starts.
    calls
        Steps so far.
    """

    T: int
    start: Annotated[Tensor, "(n, d) float64"]
    calls: Annotated[Tensor, "(n,) float64, counts steps"]

    def step(self, x: Tensor) -> Tensor:
        """Return half of x; a step."""


class Walker(Protocol):
    """Walks down the line."""

    def __call__(self, problem: Descent, /) -> Annotated[Tensor, "(n, d) float64"]:
        """Return a point for every replicate."""


def naive_walker(problem: Descent) -> Tensor:
    """Walk T steps."""
    x = problem.start
    for _ in range(problem.T):
        x = problem.step(x)
    return x


@dataclass
class Line:
    T: int
    start: Tensor
    calls: Tensor
    truth: float = 0.0

    def step(self, x):
        self.calls += 1
        return x / 2


def line(T, *, streams, n):
    start = [generator.standard_normal(3) for generator in streams.each("start")]
    return Line(T, torch.tensor(np.array(start)), torch.zeros(n, dtype=torch.float64))
'''

METHOD = """
def descend(problem, rate):
    x = problem.start
    for _ in range(problem.T):
        x = problem.step(x) * (1 - rate / 2) if rate else x
    return x
"""


def make_walkers(root: Path, *, bench: str = BENCH, problem: str = PROBLEM) -> Path:
    """Write a checkout whose paper ``toy/line`` has the interface `Walker`."""
    return make(
        root,
        claim__toml=CLAIM_TOML,
        bench_line__py=edited(
            bench,
            ("from .problem import line", "from .problem import Walker, line"),
            ('return {"gap": x}', 'return {"gap": x.abs().sum(dim=1)}'),
            ("Experiment(line, measure)", "Experiment(line, measure, interface=Walker)"),
        ),
        problem__py=problem,
        method__py=METHOD,
    )
