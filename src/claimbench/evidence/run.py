"""Make the evidence of a run: from the store where it is there, else by the workers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import replace

from claimbench.evidence.context import Context
from claimbench.evidence.job import ContenderEvidence, Job
from claimbench.evidence.plan import Plan
from claimbench.evidence.pool import Hire, Pool, Workers, outcome_of
from claimbench.evidence.tuning import best
from claimbench.evidence.unit import Outcome, Unit

_TICK = 0.25


class Run:
    """Schedules the units of the jobs over worker processes.

    Parameters
    ----------
    context
        Shared by all units.
    workers
        Processes at once; races have one of their own, after all else.
    hire
        Finds other workers than this machine's for all that is no race.
    """

    def __init__(self, context: Context, *, workers: int, hire: Hire | None = None) -> None:
        self.context = context
        self.workers = workers
        self._hire = hire
        self._pool: Workers | None = None
        self._pool_races = False
        self._modules: list[str] = []
        self._plan = Plan(context)
        self._pending: dict[tuple[str, str, str], list[tuple[Unit, Future[Outcome] | Outcome]]] = {}
        self._trials: dict[tuple[str, str, str], list[tuple[Unit, Future[Outcome] | Outcome]]] = {}

    def schedule(self, jobs: Iterable[Job]) -> None:
        """Hand over everything that is no race.

        Tuning goes first: the evidence of tuned contenders waits for it.
        """
        jobs = list(jobs)
        self._modules = list(dict.fromkeys(job.paper.files.module for job in jobs))
        if self.context.fresh:
            for paper in {job.paper.id for job in jobs}:
                shutil.rmtree(self.context.kept(paper), ignore_errors=True)
        plain = [job for job in jobs if not job.is_race]
        for job in plain:
            if job.of.grid:
                self._trials[job.key] = self._submitted(job, self._plan.trials(job))
        for job in plain:
            if not job.of.grid:
                self._pending[job.key] = self._submitted(job, self._plan.units(job))

    def planned(self, jobs: Iterable[Job]) -> dict[tuple[str, str, str], int]:
        """Return how many units each job still has to compute, after `schedule`.

        A tuned contender is counted as if nothing of its evidence were in the store yet.
        """
        planned = {}
        for job in jobs:
            groups = len(self._plan.groups(job))
            waiting = [*self._pending.get(job.key, ()), *self._trials.get(job.key, ())]
            count = sum(isinstance(future, Future) for _, future in waiting)
            design = job.paper.designs[job.experiment]
            if job.is_race:
                count += groups * (design.replicates + 1)  # the warm-up is waited for as well
            elif job.of.grid:
                count += groups * len(design.blocks)
            planned[job.key] = count
        return planned

    def finish(self, job: Job) -> ContenderEvidence:
        """Wait for a job's units."""
        evidence = ContenderEvidence(job)
        if job.key in self._trials:
            self._tune(job, evidence)
        pending = self._pending.pop(job.key)
        for unit, outcome in self._outcomes(job, pending):
            evidence.units.append(unit)
            evidence.outcomes.append(outcome)
        return evidence

    def race(self, jobs: list[Job]) -> dict[str, ContenderEvidence]:
        """Run a race, alone: cell by cell, round by round, in reversed order every other round.

        A round is a block of one replicate. Each cell starts with a warm-up that counts for
        nothing. Seconds are never served from the store, so all rounds are run.
        """
        found = {job.contender: ContenderEvidence(job) for job in jobs}
        units = {job.contender: self._plan.units(job) for job in jobs}
        cells = dict.fromkeys(repr(unit.cells) for job in jobs for unit in units[job.contender])
        lost: dict[tuple[str, str], Outcome] = {}
        for cell in cells:
            order = [
                (job, own)
                for job in jobs
                if (own := [unit for unit in units[job.contender] if repr(unit.cells) == cell])
            ]
            for number in range(-1, len(order[0][1])):
                for job, own in order if number % 2 else reversed(order):
                    unit = own[max(number, 0)]
                    outcome = self._raced(job, unit, warm=number < 0, lost=lost)
                    if number >= 0:
                        found[job.contender].units.append(unit)
                        found[job.contender].outcomes.append(outcome)
        return found

    def close(self) -> None:
        """End the workers, whatever they do."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _raced(
        self, job: Job, unit: Unit, *, warm: bool, lost: dict[tuple[str, str], Outcome]
    ) -> Outcome:
        place = (job.contender, repr(unit.cells))
        if place in lost:  # once is enough: the other rounds of this cell would end alike
            return replace(lost[place], seconds=0.0)
        if warm:
            unit = replace(unit, stage="warm-up", file="")
        [(_, outcome)] = self._outcomes(job, self._submitted(job, [unit]))
        if outcome.status != "ok":
            lost[place] = outcome
        return outcome

    def _submitted(
        self, job: Job, units: list[Unit]
    ) -> list[tuple[Unit, Future[Outcome] | Outcome]]:
        missing = self.context.pin_state(job.of.pin)[1] if job.of.pin else None
        if missing is not None:
            return [(unit, Outcome("unavailable", missing)) for unit in units]
        budget = job.paper.designs[job.experiment].budget
        submitted: list[tuple[Unit, Future[Outcome] | Outcome]] = []
        for unit in units:
            plain = not job.is_race and not self.context.fresh
            if plain and (stored := self._plan.stored(job, unit)) is not None:
                submitted.append(stored)
                continue
            self._start_pool(race=job.is_race)
            assert self._pool is not None
            future = self._pool.submit(unit, budget=budget)
            submitted.append((unit, future))
        return submitted

    def _start_pool(self, *, race: bool) -> None:
        if self._pool is not None and self._pool_races != race:
            self.close()  # nothing runs beside a race
        if self._pool is None and self._hire is not None and not race:
            self._pool = self._hire(self._modules)
            self.workers, self._pool_races = self._pool.workers, race
        elif self._pool is None:
            self._pool = Pool(
                1 if race else self.workers,
                root=self.context.root,
                modules=self._modules,
                pinned=race,
                device=self.context.device,
            )
            self._pool_races = race

    def _outcomes(
        self, job: Job, pending: list[tuple[Unit, Future[Outcome] | Outcome]]
    ) -> Iterable[tuple[Unit, Outcome]]:
        budget = job.paper.designs[job.experiment].budget
        late: Outcome | None = None
        for unit, future in pending:
            if isinstance(future, Outcome):
                outcome = future
            elif late is not None and not future.done():
                # One block that passed the budget tells enough: the others would cost as much.
                future.cancel()
                outcome = replace(late, reason=f"not run: {late.reason}", seconds=0.0)
            else:
                while not future.done():
                    self.context.on_change(None, None)
                    wait([future], timeout=_TICK)
                outcome = outcome_of(future, budget=budget)
            if outcome.status == "over budget":
                late = late or outcome
            self.context.on_change(unit, outcome)
            yield self._plan.made(job, unit, outcome), outcome

    def _tune(self, job: Job, evidence: ContenderEvidence) -> None:
        """Run the trials and hand over the evidence of the best."""
        design = job.paper.designs[job.experiment]
        assert design.tuning is not None
        trials = []
        for unit, outcome in self._outcomes(job, self._trials.pop(job.key)):
            evidence.spent_tuning += outcome.seconds
            if outcome.status == "unavailable":
                self._pending[job.key] = [(one, outcome) for one in self._plan.units(job)]
                return
            trials.append((unit, outcome))
        evidence.tuned = best(trials, design.tuning.criterion)
        self._pending[job.key] = self._submitted(job, self._plan.units(job, evidence.tuned))
