"""The units that a job consists of, each with the key and the file of its evidence."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from claimbench.evidence.context import Context
from claimbench.evidence.job import Job
from claimbench.evidence.key import unit_key
from claimbench.evidence.source import Sources
from claimbench.evidence.store import unit_file
from claimbench.evidence.unit import Outcome, Unit


class Plan:
    """Lays out jobs as units."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._sources = Sources(context.root)
        self._laid: dict[tuple[object, ...], list[Unit]] = {}
        # The same for all units of a paper or a pin: to find them out takes longer than a key.
        self._data = cache(context.data)
        self._pin = cache(context.pin_state)
        self._environment = cache(context.environment)

    def units(self, job: Job, parameters: Mapping[str, Any] | None = None) -> list[Unit]:
        """Return the blocks of all cells; of a race, a block for each round.

        Parameters
        ----------
        parameters
            Of a tuned contender: representation of a unit's cells -> what was chosen there.
        """
        design = job.paper.designs[job.experiment]
        size = 1 if job.is_race else design.block
        blocks = range(design.replicates // size)
        known = (job.key, design.replicates, size, repr(parameters or {}))
        if known in self._laid:  # keys cost time: what is estimated first is then run
            return self._laid[known]
        self._laid[known] = [
            self._unit(
                job,
                cells=cells,
                block=block,
                replicates=(block * size, (block + 1) * size),
                parameters=dict((parameters or {}).get(repr(cells), {})),
            )
            for cells in self.groups(job)
            for block in blocks
        ]
        return self._laid[known]

    def trials(self, job: Job) -> list[Unit]:
        """Return a unit for each point of the contender's grid, in each group of cells."""
        design = job.paper.designs[job.experiment]
        assert design.tuning is not None
        grid = job.of.grid
        known = (job.key, "trials")
        if known in self._laid:
            return self._laid[known]
        self._laid[known] = [
            self._unit(
                job,
                cells=cells,
                block=0,
                replicates=(0, design.tuning.replicates),
                stage="tuning",
                parameters=dict(zip(grid, values, strict=True)),
            )
            for cells in self.groups(job)
            for values in itertools.product(*grid.values())
        ]
        return self._laid[known]

    def groups(self, job: Job) -> list[tuple[Any, ...]]:
        """Return the cells, those that differ in stacked settings only taken together."""
        stack = job.paper.experiments[job.experiment].stack
        groups: dict[str, list[Any]] = {}
        for cell in job.cells:
            rest = {name: value for name, value in cell.items() if name not in stack}
            groups.setdefault(repr(rest), []).append(cell)
        return [tuple(group) for group in groups.values()]

    def stored(self, job: Job, unit: Unit) -> Iterator[tuple[Path, str]]:
        """Yield the files that hold the unit's evidence, each with the machine that made it.

        The machine is empty for this one, which comes first.
        """
        if (own := Path(unit.file)).is_file():
            yield own, ""
        for machine, fingerprint in self.context.machines.items():
            if (file := Path(self._keyed(job, unit, fingerprint).file)).is_file():
                yield file, machine

    def made(self, job: Job, unit: Unit, outcome: Outcome) -> Unit:
        """Return the unit under the key of the machine that made it, and count it there."""
        machines = self.context.machines
        if not outcome.machine or outcome.status != "ok":
            return unit
        machines.blocks[outcome.machine] += 1
        return self._keyed(job, unit, machines[outcome.machine])

    def _keyed(self, job: Job, unit: Unit, fingerprint: Mapping[str, Any]) -> Unit:
        context = self.context
        key = unit_key(
            unit,
            job.paper.experiments[job.experiment],
            self._sources,
            fingerprint=fingerprint,
            data=self._data(job.paper.id),
            pin=self._pin(job.of.pin)[0] if job.of.pin else {},
        )
        return replace(unit, key=key, file=str(unit_file(context.store, unit, key)))

    def _unit(self, job: Job, **parts: Any) -> Unit:
        files, context = job.paper.files, self.context
        unit = Unit(
            root=str(files.root),
            domain=files.domain,
            slug=files.slug,
            experiment=job.experiment,
            contender=job.contender,
            role=job.of.role,
            device=context.device,
            seed=context.seed,
            kept=str(context.kept(job.paper.id)),
            environment=self._environment(job.paper.id),
            candidate=job.of.origin.target if job.of.origin else "",
            source=job.of.origin.digest if job.of.origin else "",
            **parts,
        )
        return self._keyed(job, unit, context.fingerprint)
