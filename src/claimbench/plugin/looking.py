"""``--until-decided``: experiments end at the look at which their claims are decided.

All experiments take their first look, then those that are not yet decided their second, and so on:
while one is judged, the others keep the workers busy. Which replicates a claim is judged on
depends on the evidence alone, never on how fast it came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from claimbench.binding import Paper
from claimbench.claim import Look
from claimbench.errors import ClaimbenchError
from claimbench.evidence.job import ContenderEvidence, Job
from claimbench.evidence.load import Key
from claimbench.evidence.run import Run
from claimbench.evidence.source import Sources
from claimbench.judging import Court
from claimbench.statistics.looks import look_sizes

#: A paper and one of its experiments, by name.
_Place = tuple[str, str]


class Looking:
    """Decides look by look how many replicates experiments get.

    Races, fixed sets of instances and experiments of a single look keep the number of claim.toml,
    and so do those none of whose claims can be judged on the contenders at hand.

    Attributes
    ----------
    looks
        Paper and experiment -> the look with which it came to its end.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.looks: dict[_Place, Look] = {}
        self._sources: dict[str, Sources] = {}
        self._failure: ClaimbenchError | None = None
        places: dict[_Place, list[Job]] = {}
        for job in jobs:
            places.setdefault((job.paper.id, job.experiment), []).append(job)
        self._jobs = {place: own for place, own in places.items() if _is_looked_at(own)}

    def covers(self, job: Job) -> bool:
        """Whether the job's experiment is run look by look."""
        return (job.paper.id, job.experiment) in self._jobs

    def first(self, job: Job) -> Job:
        """Return what a job owes at the first look; the job itself where there is but one."""
        return _at(job, _look(job, 1)) if self.covers(job) else job

    def run(self, engine: Run, found: dict[Key, ContenderEvidence]) -> None:
        """Run all of them to their ends.

        Parameters
        ----------
        engine
            To which the first looks were handed over.
        found
            Takes the evidence of each experiment as it ends: whoever interrupts keeps those.

        Raises
        ------
        ClaimbenchError
            When the engine itself is in trouble, such as a store that can't be written; at each
            further call too.
        """
        if self._failure is not None:
            raise self._failure
        try:
            self._run(engine, found)
        except ClaimbenchError as error:
            self._failure = error
            raise

    def _run(self, engine: Run, found: dict[Key, ContenderEvidence]) -> None:
        waiting, number = list(self._jobs), 1
        partial: dict[Key, ContenderEvidence] = {}
        while waiting:
            going_on = []
            for place in waiting:
                jobs = self._jobs[place]
                for job in jobs:
                    if number == 1 or partial[job.key].status == "ok":
                        partial[job.key] = engine.finish(_at(job, _look(job, number)))
                look = self._ended(engine, place, number, partial)
                if look is None:
                    going_on.append(place)
                    for job in jobs:
                        if partial[job.key].status == "ok":  # more of a lost one would be lost too
                            engine.extend(_at(job, _look(job, number + 1)), partial[job.key])
                else:
                    self.looks[place] = look
                    for job in jobs:
                        found[job.key] = partial[job.key].at(_at(job, look))
            waiting, number = going_on, number + 1

    def judged(self, papers: Iterable[Paper]) -> list[Paper]:
        """Return the papers, their experiments with the replicates of the last look taken."""
        return [_looked_at(paper, self.looks) for paper in papers]

    def _ended(
        self, engine: Run, place: _Place, number: int, found: dict[Key, ContenderEvidence]
    ) -> Look | None:
        """Return the look with which an experiment ends, None if it goes on."""
        jobs = self._jobs[place]
        sizes = _sizes(jobs[0])
        deadline = engine.context.deadline
        if deadline is not None and any(
            deadline.cut(outcome) for job in jobs for outcome in found[job.key].outcomes
        ):
            # The look before is judged: what came of this one depends on the machine's speed.
            return Look(max(1, number - 1), sizes, "over budget", deadline.reason)
        look = _look(jobs[0], number)
        paper = _looked_at(jobs[0].paper, {place: look})
        sources = self._sources.setdefault(paper.id, Sources(paper.files.root))
        evidence = {
            (job.experiment, job.contender): found[job.key].at(_at(job, look)) for job in jobs
        }
        court = Court(paper, evidence, sources)
        own = [claim for claim in paper.claims if claim.experiment == place[1]]
        if not any(court.asks_for_more(claim) for claim in own):
            return look
        return Look(number, sizes, "all looks") if number == len(sizes) else None


def _is_looked_at(jobs: Sequence[Job]) -> bool:
    """Whether an experiment has more than one look, and a claim that can be judged."""
    job = jobs[0]
    names = {one.contender for one in jobs}
    return (
        not job.is_race
        and not job.paper.designs[job.experiment].deterministic
        and len(_sizes(job)) > 1
        and any(
            claim.experiment == job.experiment and names.issuperset(claim.contenders)
            for claim in job.paper.claims
        )
    )


def _sizes(job: Job) -> tuple[int, ...]:
    design = job.paper.designs[job.experiment]
    return look_sizes(design.replicates, design.block)


def _look(job: Job, number: int) -> Look:
    return Look(number, _sizes(job), "decided")


def _at(job: Job, look: Look) -> Job:
    return replace(job, paper=_looked_at(job.paper, {(job.paper.id, job.experiment): look}))


def _looked_at(paper: Paper, looks: dict[_Place, Look]) -> Paper:
    """Return the paper with the replicates of these looks."""
    designs = {
        name: replace(design, replicates=look.replicates, look=look)
        if (look := looks.get((paper.id, name))) is not None
        else design
        for name, design in paper.designs.items()
    }
    return replace(paper, designs=designs)
