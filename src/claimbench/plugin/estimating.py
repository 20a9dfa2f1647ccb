"""What a session tells of its cost before it runs, or instead of running."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from claimbench.evidence.deadline import Deadline, in_words
from claimbench.evidence.job import Job
from claimbench.evidence.load import Key, Load, load
from claimbench.evidence.plan import Plan
from claimbench.fingerprint import fingerprint_id
from claimbench.grid import design
from claimbench.plugin.costs import Costs, Estimate, Origin, estimate
from claimbench.plugin.options import Options


class Estimator:
    """Tells what jobs cost.

    Parameters
    ----------
    costs
        Of the run's own profile.
    standard
        Of the standard profile, from which others are extrapolated; None where there is no need.
    """

    def __init__(self, costs: Costs, standard: Costs | None, options: Options) -> None:
        self.costs = costs
        self._standard = standard
        self._options = options

    @classmethod
    def of(cls, options: Options, root: Path) -> Estimator:
        """Return the one of a session on that checkout."""
        own, standard = (
            Costs(
                options.results_of(root),
                root / "results" / "accepted",
                profile=profile,
                device=options.device,
                machine=fingerprint_id(options.device),
            )
            for profile in (options.profile, "standard")
        )
        return cls(own, standard if options.profile == "full" else None, options)

    def loads(self, jobs: Sequence[Job], plan: Plan) -> dict[Key, Load]:
        """Return what each job has to compute."""
        return {job.key: load(plan, job) for job in jobs}

    def total(self, jobs: Sequence[Job], loads: Mapping[Key, Load], plan: Plan) -> Estimate:
        """Return what all jobs cost together."""
        own = {job.key: job for job in jobs}

        def cost(key: Key) -> tuple[float, Origin] | None:
            found = self.costs.of(key)
            return self._extrapolated(own[key], plan) if found is None else found

        return estimate({key: loads[key] for key in own}, cost, workers=self._options.workers)

    def lines(
        self,
        jobs: Sequence[Job],
        loads: Mapping[Key, Load],
        plan: Plan,
        deadline: Deadline | None,
    ) -> Iterator[str]:
        """Yield the estimate, and what must be said where it passes the budget."""
        expected = self.total(jobs, loads, plan)
        early = "; at most, for experiments may end early" if self._options.until_decided else ""
        yield f"{expected.line}{early}"
        if deadline is not None and expected.seconds > deadline.seconds:
            yield (
                f"that passes the run's budget of {in_words(deadline.seconds)}: what it leaves out"
                " will say so, and the same command goes on there"
            )

    def _extrapolated(self, job: Job, plan: Plan) -> tuple[float, Origin] | None:
        """Return a unit's cost at the standard profile, times how much more a unit holds."""
        known = None if self._standard is None else self._standard.of(job.key)
        if known is None:
            return None
        paper, name = job.paper, job.experiment
        made = design(paper.file.path, name, paper.file.experiments[name], "standard")
        if made is None:
            return None
        there = replace(job, paper=replace(paper, designs={**paper.designs, name: made}))
        size = _size(there, plan)
        return None if size == 0 else (known[0] * _size(job, plan) / size, "standard")


def told(
    jobs: Sequence[Job], plan: Plan, options: Options, root: Path, deadline: Deadline | None
) -> list[str]:
    """Return what ``--estimate`` prints: a line for each paper, and the sum."""
    estimator = Estimator.of(options, root)
    loads = estimator.loads(jobs, plan)
    papers = dict.fromkeys(job.paper.id for job in jobs)
    width = max(len(paper) for paper in papers)
    lines = []
    for paper in papers:
        part = estimator.total([job for job in jobs if job.paper.id == paper], loads, plan)
        unknown = f", and {part.unknown:,} unknown" if 0 < part.unknown < part.compute else ""
        lines.append(
            f"{paper:{width}}  {part.compute:6,} blocks to compute, {part.stored:6,} in the store,"
            f" {part.cost}{unknown}"
        )
    workers = f"{options.workers} worker{'' if options.workers == 1 else 's'}"
    lines.append(f"profile {options.profile} on {options.device}, {workers}")
    return [*lines, *estimator.lines(jobs, loads, plan, deadline)]


def _size(job: Job, plan: Plan) -> float:
    """Return cells times replicates of one unit."""
    groups = plan.groups(job)
    replicates = 1 if job.is_race else job.paper.designs[job.experiment].block
    return len(job.cells) / len(groups) * replicates if groups else 0.0
