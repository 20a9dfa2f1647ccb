"""What a contender still has to compute, and what the store holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claimbench.errors import ClaimbenchError, StoreError
from claimbench.evidence.job import Job
from claimbench.evidence.lost import lost
from claimbench.evidence.plan import Plan
from claimbench.evidence.tuning import best
from claimbench.evidence.unit import Outcome, Unit

#: Paper, experiment and contender by name.
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Load:
    """The units of one contender.

    Attributes
    ----------
    compute, stored
        How many of them have to be computed, and how many are in the store.
    race
        Whether they are rounds of a race, warm-ups among them.
    """

    compute: int
    stored: int
    race: bool = False


def load(plan: Plan, job: Job) -> Load:
    """Return the load of a job.

    Of a tuned contender nothing is known to be in the store until all its trials are.
    """
    context = plan.context
    if job.of.pin and context.pin_state(job.of.pin)[1] is not None:
        return Load(0, 0)  # it is not installed
    design = job.paper.designs[job.experiment]
    groups = len(plan.groups(job))
    if job.is_race:
        return Load(groups * (design.replicates + 1), 0, race=True)  # one more to warm up
    trials = plan.trials(job) if job.of.grid else []
    budget = design.budget
    ended = [(unit, _ended(unit, budget)) for unit in trials if not context.fresh]
    there = [(unit, outcome) for unit, outcome in ended if outcome is not None]
    if len(there) < len(trials):
        blocks = groups * len(design.blocks)
        return Load(len(trials) - len(there) + blocks, len(there))
    units = plan.units(job, _chosen(job, there))
    stored = 0 if context.fresh else sum(any(plan.stored(job, unit)) for unit in units)
    return Load(len(units) - stored, len(there) + stored)


def _ended(unit: Unit, budget: float) -> Outcome | None:
    """Return what the store says of a trial; None where it says nothing that can be read."""
    if Path(unit.file).is_file():
        return Outcome("ok", from_store=True)
    with suppress(StoreError):
        return lost(unit, budget=budget)
    return None


def _chosen(job: Job, trials: Sequence[tuple[Unit, Outcome]]) -> dict[str, dict[str, Any]]:
    """Return what trials that are in the store chose; nothing where they can't be read."""
    tuning = job.paper.designs[job.experiment].tuning
    if not trials or tuning is None:
        return {}
    try:
        return best(trials, tuning.criterion)
    except ClaimbenchError:
        return {}  # the run itself will tell
