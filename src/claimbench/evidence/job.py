"""A contender of an experiment, and the evidence that it owes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from claimbench.binding import Paper
from claimbench.claim import Cell
from claimbench.evidence.unit import Outcome, Unit
from claimbench.experiment import Contender
from claimbench.words import Status

#: From best to worst: a contender is as well as its worst unit.
_WORST: tuple[Status, ...] = ("ok", "unavailable", "failed", "over budget")


@dataclass(frozen=True, slots=True)
class Job:
    """One contender of one experiment: what a pytest item stands for."""

    paper: Paper
    experiment: str
    contender: str

    @property
    def of(self) -> Contender:
        """The contender itself."""
        return self.paper.experiments[self.experiment].contenders[self.contender]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that the contender plays at."""
        return self.paper.cells_of(self.experiment, self.contender)

    @property
    def is_race(self) -> bool:
        """Whether its experiment is about seconds."""
        return self.paper.experiments[self.experiment].seconds

    @property
    def key(self) -> tuple[str, str, str]:
        """Paper, experiment and contender by name."""
        return self.paper.id, self.experiment, self.contender


@dataclass(slots=True)
class ContenderEvidence:
    """The units of a contender and what became of each."""

    job: Job
    units: list[Unit] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    tuned: dict[str, Any] = field(default_factory=dict)
    spent_tuning: float = 0.0

    @property
    def status(self) -> Status:
        """``ok``, or the worst of what went wrong."""
        return max((outcome.status for outcome in self.outcomes), key=_WORST.index, default="ok")

    @property
    def reason(self) -> str | None:
        """Why it is not ok, from the first unit that says so."""
        worst = self.status
        for outcome in self.outcomes:
            if outcome.status == worst != "ok":
                return outcome.reason
        return None

    @property
    def seconds(self) -> float:
        """Spent inside the contender in this run."""
        return sum(outcome.seconds for outcome in self.outcomes) + self.spent_tuning

    def at(self, job: Job) -> ContenderEvidence:
        """Return the evidence of a job with fewer replicates, in the order of its own units."""
        n = job.paper.designs[job.experiment].replicates
        place: dict[str, int] = {}
        for unit in self.units:
            place.setdefault(repr(unit.cells), len(place))
        own = [index for index, unit in enumerate(self.units) if unit.replicates[1] <= n]
        own.sort(key=lambda i: (place[repr(self.units[i].cells)], self.units[i].block))
        units, outcomes = [self.units[i] for i in own], [self.outcomes[i] for i in own]
        return ContenderEvidence(job, units, outcomes, self.tuned, self.spent_tuning)

    @property
    def peak_memory_bytes(self) -> int | None:
        """The largest peak of its units."""
        peaks = [outcome.peak_memory_bytes for outcome in self.outcomes]
        return max((peak for peak in peaks if peak is not None), default=None)
