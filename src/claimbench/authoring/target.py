"""Where a method is meant to play: a claim, a paper, or an experiment of a paper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from claimbench.authoring.interface import Interface, interface_of, shared_by
from claimbench.binding import Paper, bind
from claimbench.checkout import PaperFiles, papers
from claimbench.claim import Claim
from claimbench.claim_file import read_claim_file
from claimbench.errors import UsageError
from claimbench.experiment import Experiment
from claimbench.words import Profile

#: Where an experiment is looked for, the cheapest first.
_PROFILES: tuple[Profile, ...] = ("smoke", "standard", "full")


@dataclass(frozen=True, slots=True)
class Target:
    """An experiment, bound at the cheapest profile that has it.

    Attributes
    ----------
    claims
        Those that will judge the method: the one that was named, or all of the experiment.
    others
        The experiments with the same interface.
    """

    paper: Paper
    experiment: str
    interface: Interface
    claims: tuple[Claim, ...]
    others: tuple[str, ...]

    @property
    def of(self) -> Experiment:
        """The experiment itself."""
        return self.paper.experiments[self.experiment]

    @property
    def place(self) -> str:
        """As ``--candidate`` wants it: ``optimization/sparse_ot:sweep``."""
        return f"{self.paper.id}:{self.experiment}"


def find(text: str, root: Path) -> Target:
    """Return what ``CLAIM`` or ``PAPER[:EXPERIMENT]`` names.

    Parameters
    ----------
    text
        ``<slug>/<claim>``, as ``claimbench list`` has it; or ``<domain>/<slug>``, or ``<slug>``,
        with or without an experiment.
    root
        The checkout.

    Raises
    ------
    UsageError
        Listing what there is, with the nearest.
    """
    place, colon, experiment = text.partition(":")
    files = {one.id: one for one in papers(root)}
    slugs = {one.slug: one for one in files.values()}
    claims = {
        f"{one.slug}/{claim.id}": (one, claim)
        for one in files.values()
        for claim in read_claim_file(one.claim_toml).claims
    }
    if place in claims and not colon:
        own, claim = claims[place]
        return _target(own, claim.experiment, (claim,))
    chosen = files.get(place) or slugs.get(place)
    if chosen is None:
        raise UsageError(
            "unknown claim or paper",
            value=place,
            # A claim's name has a slug where a paper's has its domain.
            allowed=[*files, *claims] if "/" in place else [*files, *slugs],
            cure="claimbench list   (shows all claims)",
        )
    names = read_claim_file(chosen.claim_toml).experiments
    if not colon:
        return _target(chosen, _only(chosen), ())
    if experiment not in names:
        raise UsageError(
            f"{chosen.id} has no such experiment", value=experiment, allowed=list(names)
        )
    return _target(chosen, experiment, ())


def _only(files: PaperFiles) -> str:
    """Return the first experiment of a paper whose claims need one interface, as in a run."""
    paper = bind(files, "standard")
    judged = dict.fromkeys(claim.experiment for claim in paper.claims) or paper.experiments
    groups: dict[str, list[str]] = {}
    for name in judged:
        kind = paper.experiments[name].interface
        groups.setdefault("none" if kind is None else kind.__name__, []).append(name)
    if len(groups) > 1:
        raise UsageError(
            f"the claims of {files.id} have several interfaces, so that a method fits some of them",
            value=files.id,
            allowed=[
                f"{files.id}:{name} ({kind})" for kind, names in groups.items() for name in names
            ],
            cure=f"name an experiment, such as {files.id}:{next(iter(judged))}",
        )
    return next(iter(judged))


def _target(files: PaperFiles, experiment: str, claims: tuple[Claim, ...]) -> Target:
    for profile in _PROFILES:
        paper = bind(files, profile)
        if experiment in paper.designs:
            break
    own = paper.experiments[experiment]
    others = shared_by(paper).get(own.interface.__name__, ()) if own.interface else ()
    return Target(
        paper=paper,
        experiment=experiment,
        interface=interface_of(experiment, own),
        claims=claims or tuple(c for c in paper.file.claims if c.experiment == experiment),
        others=tuple(name for name in others if name != experiment),
    )
