"""A tiny instance of an experiment, made as a worker makes its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from claimbench.authoring.target import Target
from claimbench.claim import Cell
from claimbench.evidence.kept import Arrays, Shelf, made
from claimbench.evidence.streams import Streams

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Memory(Shelf):
    """A shelf that keeps in this process what a problem makes once."""

    known: dict[str, Arrays] = field(default_factory=dict, hash=False, compare=False)

    def get(self, build: Callable[..., Mapping[str, Any]], settings: Mapping[str, Any]) -> Arrays:
        """Return the arrays, made at the first call."""
        key = f"{build.__module__}.{build.__qualname__}({sorted(settings.items())})"
        if key not in self.known:
            self.known[key] = made(build, settings)
        return {name: values.copy() for name, values in self.known[key].items()}


@dataclass(frozen=True, slots=True)
class WatchedStreams(Streams):
    """Streams that tell whether replicates were drawn together.

    Attributes
    ----------
    together
        Purposes for which one generator served the whole block: replicate 0 is then another one in
        a block of another size.
    """

    together: list[str] = field(default_factory=list, hash=False, compare=False)

    def numpy(self, purpose: str = "problem") -> np.random.Generator:
        """Return what `Streams.numpy` does, and note it."""
        self.together.append(purpose)
        return Streams.numpy(self, purpose)

    def torch(self, purpose: str = "problem", device: str = "cpu") -> torch.Generator:
        """Return what `Streams.torch` does, and note it."""
        self.together.append(purpose)
        return Streams.torch(self, purpose, device)


@dataclass(frozen=True, slots=True)
class Instance:
    """One stack of cells of an experiment.

    Attributes
    ----------
    n
        Replicates of each cell.
    """

    target: Target
    cells: tuple[Cell, ...]
    n: int
    device: str
    shelf: Memory

    def streams(self, n: int) -> WatchedStreams:
        """Return the streams of a block of n replicates."""
        return WatchedStreams(
            paper=self.target.paper.id,
            experiment=self.target.experiment,
            block=0,
            replicates=range(n),
            device=self.device,
            shelf=self.shelf,
        )

    def problem(self, streams: Streams) -> Any:
        """Return a fresh problem."""
        experiment = self.target.of
        settings = {
            name: tuple(cell[name] for cell in self.cells) if name in experiment.stack else value
            for name, value in self.cells[0].items()
        }
        return experiment.problem(**settings, streams=streams, n=len(streams.replicates))


def instances(target: Target, device: str = "cpu") -> tuple[Instance, ...]:
    """Return the instances of the smallest design, one for each stack of cells."""
    design, stack = target.paper.designs[target.experiment], target.of.stack
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in design.cells:
        rest = tuple(value for name, value in cell.items() if name not in stack)
        groups.setdefault(rest, []).append(cell)
    shelf = Memory(Path(), target.paper.files.root, "")
    n = min(design.block, 5) if design.profile != "smoke" else design.block
    return tuple(Instance(target, tuple(cells), n, device, shelf) for cells in groups.values())
