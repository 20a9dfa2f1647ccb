"""What is timed: a contender of an experiment at one cell, one block of replicates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from claimbench.binding import Paper, bind
from claimbench.checkout import papers
from claimbench.errors import UsageError
from claimbench.evidence.job import Job
from claimbench.evidence.unit import Unit
from claimbench.grid import label
from claimbench.words import Profile


@dataclass(frozen=True, slots=True)
class Kernel:
    """One contender's work, to be run in either checkout.

    Attributes
    ----------
    unit
        Its root is replaced by that of the checkout that runs it.
    """

    name: str
    unit: Unit

    def at(self, root: Path) -> Unit:
        """Return the unit for one of the checkouts."""
        return replace(self.unit, root=str(root))


def kernels(root: Path, claims: Sequence[str], *, profile: Profile) -> Iterator[Kernel]:
    """Yield the methods of the claims' experiments, at the last cell of each.

    Parameters
    ----------
    claims
        ``<paper>/<claim>``; all claims where there are none.

    Raises
    ------
    UsageError
        When a claim is unknown.
    """
    bound = [bind(files, profile) for files in papers(root)]
    known = {
        f"{paper.files.slug}/{claim.id}": (paper, claim)
        for paper in bound
        for claim in paper.claims
    }
    for name in claims:
        if name not in known:
            raise UsageError("unknown claim", value=name, allowed=known)
    seen: set[tuple[str, str, str]] = set()
    for name in claims or known:
        paper, claim = known[name]
        for contender in _methods(paper, claim.experiment):
            job = Job(paper, claim.experiment, contender)
            if job.key not in seen and job.cells:
                seen.add(job.key)
                yield _kernel(job)


def primary_kernels(root: Path, *, profile: Profile) -> Iterator[Kernel]:
    """Yield the method of each primary claim that runs at the profile, once for each paper.

    A method that several claims rest on is taken at the first one's experiment.
    """
    for paper in (bind(files, profile) for files in papers(root)):
        seen: set[str] = set()
        for claim in paper.claims:
            job = Job(paper, claim.experiment, claim.method)
            if claim.primary and claim.method not in seen and job.cells:
                seen.add(claim.method)
                yield _kernel(job)


def _methods(paper: Paper, experiment: str) -> list[str]:
    found = paper.experiments[experiment].contenders.values()
    return [contender.name for contender in found if contender.role == "method"]


def _kernel(job: Job) -> Kernel:
    """Return the last cell's unit, with all that the experiment stacks on it."""
    files = job.paper.files
    stack = job.paper.experiments[job.experiment].stack
    last = {name: value for name, value in job.cells[-1].items() if name not in stack}
    cells = tuple(cell for cell in job.cells if last.items() <= cell.items())
    design = job.paper.designs[job.experiment]
    where = f" [{label(last)}]" if last else ""
    unit = Unit(
        root=str(files.root),
        domain=files.domain,
        slug=files.slug,
        experiment=job.experiment,
        contender=job.contender,
        role=job.of.role,
        cells=cells,
        block=0,
        replicates=(0, 1 if job.is_race else design.block),
        device="cpu",
        seed=0,
        # A tuned contender runs at the middle of its grid, the same on both sides.
        parameters={name: values[len(values) // 2] for name, values in job.of.grid.items()},
    )
    return Kernel(f"{job.paper.id}/{job.experiment}{where}: {job.contender}", unit)
