"""A unit of work: one contender, one cell (or a stack of cells), one block.

A unit is names and numbers: the worker that runs it imports the bench file itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from claimbench.claim import Cell
from claimbench.words import Role, Status

if TYPE_CHECKING:
    from claimbench.evidence.store import Rows

#: Of a worker: the number of threads changes last bits.
THREADS = 1

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
    candidate, source
        Of a candidate: what it is loaded by, and the digest of its source; else empty.
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
    candidate: str = ""
    source: str = ""

    @property
    def n(self) -> int:
        """Replicates in each cell."""
        return self.replicates[1] - self.replicates[0]

    def identity(self) -> dict[str, Any]:
        """Return all that tells this unit from others of the same source."""
        parts = asdict(self)
        # The source of a candidate is in the key; where it lies is nobody's business.
        apart = ("root", "role", "key", "file", "kept", "environment", "candidate", "source")
        for name in apart:
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
    lasting
        Whether a unit without rows would end alike again: by what its contender raised, or by its
        budget; not by a crash or a lack of memory.
    rows
        Where they are at hand: a race keeps them nowhere else.
    notices
        What the reader of the record should know, such as a damaged file that was made again.
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
    lasting: bool = False
    rows: Rows | None = field(default=None, repr=False, compare=False)
    notices: tuple[str, ...] = ()
    machine: str = ""
