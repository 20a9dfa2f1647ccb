"""What all units of a run share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claimbench.digest import digest
from claimbench.evidence.deadline import Deadline
from claimbench.evidence.elsewhere import Machines
from claimbench.evidence.unit import Outcome, Unit


@dataclass(frozen=True, slots=True)
class Context:
    """What all units of a run share.

    Attributes
    ----------
    data
        Paper's id -> content hash of its data sets.
    pin_state
        Pin's name -> installed versions of its packages, and why it can't run (or None).
    deadline
        When the budget of the whole run is spent; None without one.
    machines
        Those of other fingerprints whose evidence counts as well; as a rule none.
    on_change
        Called often while waiting, and after every unit: (unit or None, outcome or None).
    """

    root: Path
    store: Path
    device: str
    seed: int
    fingerprint: Mapping[str, Any]
    data: Callable[[str], str]
    pin_state: Callable[[str], tuple[Mapping[str, str], str | None]]
    fresh: bool = False
    deadline: Deadline | None = None
    machines: Machines = field(default_factory=Machines)
    on_change: Callable[[Unit | None, Outcome | None], None] = lambda unit, outcome: None

    def environment(self, paper: str) -> str:
        """Return the digest of what may change a paper's numbers without any change of source."""
        parts = {"fingerprint": dict(self.fingerprint), "data": self.data(paper)}
        return digest({**parts, "device": self.device})

    def kept(self, paper: str) -> Path:
        """Return the folder of what is made once for a paper."""
        return self.store / "kept" / paper
