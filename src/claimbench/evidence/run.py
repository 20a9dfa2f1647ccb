"""Make the evidence of a run: from the store where it is there, else by the workers."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

from claimbench.aside import sweep
from claimbench.errors import StoreError
from claimbench.evidence.context import Context
from claimbench.evidence.job import ContenderEvidence, Job
from claimbench.evidence.kept import forget
from claimbench.evidence.load import Key
from claimbench.evidence.lost import keep_lost, lost
from claimbench.evidence.plan import Plan
from claimbench.evidence.pool import Hire, Pool, Workers, outcome_of
from claimbench.evidence.presence import Presence
from claimbench.evidence.store import read_rows
from claimbench.evidence.tuning import best
from claimbench.evidence.unit import Outcome, Unit

_TICK = 0.25
_BESIDE = (
    "another run was at work in this checkout while this one raced: its seconds are disturbed;"
    " run races alone"
)
#: Bytes of evidence that are held in memory once read; the rest is read again when it is judged.
_ROOM = 2**28


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
        self._room = _ROOM
        self._broken: StoreError | None = None
        self._presence: Presence | None = None
        self.notices: list[str] = []
        self._pending: dict[tuple[str, str, str], list[tuple[Unit, Future[Outcome] | Outcome]]] = {}
        self._trials: dict[tuple[str, str, str], list[tuple[Unit, Future[Outcome] | Outcome]]] = {}
        self._begun: dict[Key, ContenderEvidence] = {}

    def schedule(self, jobs: Iterable[Job]) -> None:
        """Hand over everything that is no race.

        Tuning goes first: the evidence of tuned contenders waits for it.
        """
        jobs = list(jobs)
        self._modules = list(dict.fromkeys(job.paper.files.module for job in jobs))
        if self.context.fresh:
            for paper in {job.paper.id for job in jobs}:
                forget(self.context.kept(paper))
        plain = [job for job in jobs if not job.is_race]
        for job in plain:
            if job.of.grid:
                self._trials[job.key] = self._submitted(job, self._plan.trials(job))
        for job in plain:
            if not job.of.grid:
                self._pending[job.key] = self._submitted(job, self._plan.units(job))

    @property
    def plan(self) -> Plan:
        """How jobs are laid out as units."""
        return self._plan

    def extend(self, job: Job, evidence: ContenderEvidence) -> None:
        """Hand over what a job has beyond its evidence so far: blocks of more replicates."""
        begun = {(repr(unit.cells), unit.block) for unit in evidence.units}
        units = self._plan.units(job, evidence.tuned)
        further = [unit for unit in units if (repr(unit.cells), unit.block) not in begun]
        self._pending[job.key] = self._submitted(job, further)
        self._begun[job.key] = evidence

    def finish(self, job: Job) -> ContenderEvidence:
        """Wait for a job's units."""
        evidence = self._begun.pop(job.key, None) or ContenderEvidence(job)
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
            self._look_around()
        return found

    def _look_around(self) -> None:
        """Tell of a run that shares the machine with a race."""
        if self._presence is not None and not self._presence.alone():
            self.notices = list(dict.fromkeys((*self.notices, _BESIDE)))

    def close(self) -> None:
        """End the workers, whatever they do."""
        if self._presence is not None:
            self._presence.close()
            self._presence = None
        if self._pool is not None:
            self._pool.close()
            self._pool = None
            # Whoever was ended as it wrote could not clear up after itself.
            sweep(self.context.store)

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
            if plain and (kept := self._kept(job, unit, budget=budget)) is not None:
                submitted.append((unit, kept))
                continue
            if (spent := self._out_of_time()) is not None:
                submitted.append((unit, spent))
                continue
            if self._broken is not None:
                raise self._broken
            self._start_pool(race=job.is_race)
            assert self._pool is not None
            future = self._pool.submit(unit, budget=budget)
            submitted.append((unit, future))
        return submitted

    def _kept(self, job: Job, unit: Unit, *, budget: float) -> Outcome | None:
        """Return what the store holds of a unit; what is damaged is told, and computed again."""
        try:
            for path, machine in self._plan.stored(job, unit):
                rows = read_rows(path)
                self._room -= rows.size
                held = rows if self._room > 0 else None
                return Outcome("ok", from_store=True, rows=held, machine=machine)
            return lost(unit, budget=budget) if unit.stage == "tuning" else None
        except StoreError as error:
            self.notices.append(
                f"{unit.domain}/{unit.slug} {unit.experiment}[{unit.contender}]: computed again, as"
                f" {error.what}: {Path(str(error.value)).name}"
            )
            return None

    def _start_pool(self, *, race: bool) -> None:
        if self._pool is not None and self._pool_races != race:
            self.close()  # nothing runs beside a race
        if self._pool is None:
            self._presence = Presence(self.context.store)
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
            elif self._broken is not None and not future.done():
                raise self._broken
            elif late is not None and not future.done():
                # One block that passed the budget tells enough: the others would cost as much.
                future.cancel()
                outcome = replace(late, reason=f"not run: {late.reason}", seconds=0.0)
            else:
                spent = None
                while not future.done() and (spent := self._out_of_time()) is None:
                    self.context.on_change(None, None)
                    wait([future], timeout=_TICK)
                outcome = spent or self._outcome_of(unit, future, budget=budget)
            # Trials differ, and which of them count must not hang on who ended first.
            if outcome.status == "over budget" and unit.stage != "tuning":
                late = late or outcome
            self.notices += outcome.notices
            self.context.on_change(unit, outcome)
            yield self._plan.made(job, unit, outcome), outcome

    def _outcome_of(self, unit: Unit, future: Future[Outcome], *, budget: float) -> Outcome:
        """Return what became of a unit; a store that can't be written ends the run's computing."""
        try:
            outcome = outcome_of(future, budget=budget)
            if future.cancelled():
                outcome = self._out_of_time() or outcome
            if unit.stage == "tuning":
                keep_lost(unit, outcome)
        except BrokenProcessPool:  # a pool that is ended may say so of what it had still to do
            if (spent := self._out_of_time()) is None:
                raise
            return spent
        except StoreError as error:
            self._broken = error  # what can't be kept is not worth a night
            self.close()
            raise
        return outcome

    def _out_of_time(self) -> Outcome | None:
        """End whatever runs once the run's budget is spent, and say so."""
        deadline = self.context.deadline
        if deadline is None or not deadline.passed:
            return None
        self.close()
        return deadline.outcome

    def _tune(self, job: Job, evidence: ContenderEvidence) -> None:
        """Run the trials and hand over the evidence of the best."""
        design = job.paper.designs[job.experiment]
        assert design.tuning is not None
        trials = []
        for unit, outcome in self._outcomes(job, self._trials.pop(job.key)):
            evidence.spent_tuning += outcome.seconds
            spent = self.context.deadline is not None and self.context.deadline.cut(outcome)
            if outcome.status == "unavailable" or spent:  # with some trials lost, none is the best
                self._pending[job.key] = [(one, outcome) for one in self._plan.units(job)]
                return
            trials.append((unit, outcome))
        evidence.tuned = best(trials, design.tuning.criterion)
        self._pending[job.key] = self._submitted(job, self._plan.units(job, evidence.tuned))
