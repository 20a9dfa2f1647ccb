"""Random streams: named, paired over contenders and cells, and owned by nobody else.

A stream is known by (root seed, paper, experiment, purpose, block); a contender's private
randomness adds its name. Neither the claim, nor the worker, nor the order of the run takes part,
so all contenders of a block meet the same problem, initialisation and noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from claimbench.evidence.kept import Arrays, Shelf, made

if TYPE_CHECKING:  # torch takes a second to import, and not every stream needs it
    import torch

#: Tuning has replicates of its own, far from those that are judged.
TUNING_OFFSET = 1_000_000


@dataclass(frozen=True, slots=True)
class Streams:
    """The randomness of one block.

    Attributes
    ----------
    replicates
        The numbers of the block's replicates in the whole run: a problem whose source prescribes
        one seed for each instance uses these.
    device
        The torch device of the run, ``cpu`` or ``cuda``.
    contender
        Name of the contender that these streams are private to; empty for the problem's.
    shelf
        Where `kept` keeps; without one it makes anew at every call.
    """

    paper: str
    experiment: str
    block: int
    replicates: range
    device: str = "cpu"
    seed: int = 0
    contender: str = ""
    shelf: Shelf | None = None

    def kept(self, build: Callable[..., Mapping[str, Any]], **settings: Any) -> Arrays:
        """Return the arrays of ``build(**settings)``, made once for all units of the paper.

        Parameters
        ----------
        build
            A function at the top of a module of ``suite`` or ``baselines`` that returns name ->
            array and draws from no stream but one that it seeds from its settings.
        settings
            Plain values: they are part of the key.
        """
        if self.shelf is None:
            return made(build, settings)
        return self.shelf.get(build, settings)

    def numpy(self, purpose: str = "problem") -> np.random.Generator:
        """Return a new generator at the start of the stream of that purpose."""
        return np.random.Generator(np.random.PCG64(self._sequence(purpose)))

    def each(self, purpose: str = "problem") -> list[np.random.Generator]:
        """Return one generator for each replicate, independent of the size of the block."""
        root = self._sequence(purpose, block=False)
        return [
            np.random.Generator(
                np.random.PCG64(
                    np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, 1, replicate))
                )
            )
            for replicate in self.replicates
        ]

    def torch(self, purpose: str = "problem", device: str = "cpu") -> torch.Generator:
        """Return a new torch generator at the start of the stream of that purpose.

        Generators of a CPU and of a GPU give different numbers: leave `device` alone where
        problems must be the same on both.
        """
        import torch

        state = self._sequence(purpose).generate_state(1, np.uint64)[0]
        return torch.Generator(device=device).manual_seed(int(state) >> 1)

    def private(self, contender: str) -> Streams:
        """Return the contender's own streams."""
        return replace(self, contender=contender)

    def _sequence(self, purpose: str, *, block: bool = True) -> np.random.SeedSequence:
        names = f"{self.paper}\0{self.experiment}\0{self.contender}\0{purpose}"
        words = np.frombuffer(hashlib.sha256(names.encode()).digest(), dtype="<u4")
        entropy: list[Any] = [self.seed, *(int(word) for word in words)]
        return np.random.SeedSequence(entropy, spawn_key=(0, self.block) if block else ())
