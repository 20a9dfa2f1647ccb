"""A unit of work: one contender, one cell (or a stack of cells), one block.

A unit is names and numbers: the worker that runs it imports the bench file itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from claimbench.claim import Cell
from claimbench.words import Role, Status

Stage = Literal["evidence", "tuning", "warm-up"]


@dataclass(frozen=True, slots=True)
class Unit:
    """What a worker is asked to run.

    Attributes
    ----------
    cells
        One cell, or those that the experiment stacks.
    replicates
        First replicate of the block and the one after the last.
    parameters
        Tuned hyper-parameters of the contender.
    key
        Digest of all that makes the evidence, see `claimbench.evidence.key`.
    file
        Where the evidence goes; empty when it is not kept.
    kept, environment
        Folder of what is made once for the paper, and the digest of fingerprint, data and device.
    """

    root: str
    domain: str
    slug: str
    experiment: str
    contender: str
    role: Role
    cells: tuple[Cell, ...]
    block: int
    replicates: tuple[int, int]
    device: str
    seed: int
    stage: Stage = "evidence"
    parameters: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    file: str = ""
    kept: str = ""
    environment: str = ""

    @property
    def n(self) -> int:
        """Replicates in each cell."""
        return self.replicates[1] - self.replicates[0]

    def identity(self) -> dict[str, Any]:
        """Return all that tells this unit from others of the same source."""
        parts = asdict(self)
        for name in ("root", "role", "key", "file", "kept", "environment"):
            del parts[name]
        return parts


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a unit.

    Attributes
    ----------
    status
        ``ok`` when rows were made, whatever they say; else why there are none.
    seconds
        Inside the contender.
    suite_seconds
        Inside the problem and the measure.
    engine_seconds
        The worker's remaining time on the unit.
    criterion
        Mean of each measure over the unit, for tuning.
    machine
        The id of the machine that made it, where its fingerprint is not the run's.
    """

    status: Status
    reason: str | None = None
    seconds: float = 0.0
    suite_seconds: float = 0.0
    engine_seconds: float = 0.0
    peak_memory_bytes: int | None = None
    from_store: bool = False
    criterion: dict[str, float] = field(default_factory=dict)
    machine: str = ""
