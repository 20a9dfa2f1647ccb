"""Put candidates into a paper's experiments, beside the contenders of its bench file."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from claimbench.binding import Paper
from claimbench.candidates.loading import grid_of, load, needs, trials, wants_streams
from claimbench.candidates.source import origin
from claimbench.candidates.spec import Spec
from claimbench.errors import CandidateError
from claimbench.experiment import Contender, Experiment, Origin


def joined(paper: Paper, specs: Sequence[Spec]) -> Paper:
    """Return the paper with its candidates; the bench file's own experiments stay as they are.

    Parameters
    ----------
    paper
        Bound at the profile of the run.
    specs
        Of all papers; others than this one's are left alone.

    Raises
    ------
    CandidateError
        When one can't be loaded, fits no experiment, is called as another contender is, or has a
        grid that the experiment's tuning does not allow.
    """
    own = [spec for spec in specs if spec.paper == paper.id]
    if not own:
        return paper
    # It pulls in torch, which nobody should wait for without need.
    from claimbench.candidates.isolation import apart

    experiments = dict(paper.experiments)
    for spec in own:
        where = experiments_of(paper, spec)
        with apart(0, strict=False):
            function = load(spec)
        _check_name(paper, experiments, where, spec)
        made = origin(spec, paper.files.root)
        for name in where:
            candidate = _contender(paper, name, spec, function, made)
            experiments[name] = experiments[name].with_candidate(candidate)
    return replace(paper, experiments=experiments)


def interface(experiment: Experiment) -> Hashable:
    """Return what tells whether a contender of one experiment can play in another."""
    return experiment.interface or (experiment.problem, experiment.measure)


def experiments_of(paper: Paper, spec: Spec) -> list[str]:
    """Return the experiments that a candidate joins: the one named, or all that are judged.

    Raises
    ------
    CandidateError
        When there is no such experiment at the profile, or those that are judged differ in their
        interface and none is named.
    """
    if spec.experiment is not None:
        if spec.experiment not in paper.experiments:
            elsewhere = spec.experiment in paper.file.experiments
            raise CandidateError(
                f"--candidate names an experiment that {paper.id} has"
                f" {f'not at profile {paper.profile}' if elsewhere else 'not'}",
                value=spec.experiment,
                allowed=paper.experiments,
            )
        return [spec.experiment]
    judged = list(dict.fromkeys(claim.experiment for claim in paper.claims))
    if not judged:
        raise CandidateError(
            f"{paper.id} has no claim at profile {paper.profile} for a candidate to be judged by",
            value=spec.paper,
            cure=f"name an experiment: --candidate {paper.id}:EXPERIMENT={spec.shown}",
        )
    groups: dict[Hashable, list[str]] = {}
    for name in judged:
        groups.setdefault(interface(paper.experiments[name]), []).append(name)
    if len(groups) > 1:
        raise CandidateError(
            f"the experiments of {paper.id} have {len(groups)} interfaces, and --candidate names"
            " no experiment",
            value=spec.paper,
            allowed="; or ".join(_group(paper, names) for names in groups.values()),
            cure=f"--candidate {paper.id}:{judged[0]}={spec.shown}   (once for each experiment)",
        )
    return judged


def _group(paper: Paper, names: Sequence[str]) -> str:
    """Return experiments of one interface, with its name where it has one."""
    declared = paper.experiments[names[0]].interface
    return ", ".join(names) + (f" ({declared.__name__})" if declared is not None else "")


def _check_name(
    paper: Paper, experiments: Mapping[str, Experiment], where: Sequence[str], spec: Spec
) -> None:
    cure = f"give it a name of its own, after a colon: {spec.shown}:mine"
    for name in where:
        met = experiments[name].contenders.get(spec.name)
        if met is not None and met.role == "candidate":
            raise CandidateError(
                f"two candidates of {paper.id} {name} have one name", value=spec.name, cure=cure
            )
    # In the report a name stands for one contender of the paper.
    own = [
        contender.name
        for experiment in paper.experiments.values()
        for contender in experiment.contenders.values()
    ]
    if spec.name in own:
        raise CandidateError(
            f"a candidate is called as a contender of {paper.id} is",
            value=spec.name,
            allowed=f"a name other than {', '.join(dict.fromkeys(own))}",
            cure=cure,
        )


def _contender(
    paper: Paper, experiment: str, spec: Spec, function: Callable[..., Any], made: Origin
) -> Contender:
    return Contender(
        name=spec.name,
        role="candidate",
        function=function,
        pin=None,
        grid=_grid(paper, experiment, spec, function),
        wants_streams=wants_streams(function, grid_of(function, spec), spec),
        where={},
        origin=made,
    )


def _grid(
    paper: Paper, experiment: str, spec: Spec, function: Callable[..., Any]
) -> dict[str, tuple[Any, ...]]:
    """Return the grid that the engine tunes over: none where the experiment tunes nobody."""
    grid = grid_of(function, spec)
    tuning = paper.designs[experiment].tuning
    if grid and (tuning is None or paper.experiments[experiment].seconds):
        if bare := needs(function):
            raise CandidateError(
                f"experiment {experiment} of {paper.id} tunes nothing, and candidate {spec.name}"
                " has a hyper-parameter without a value",
                value=", ".join(sorted(bare)),
                cure="give it a default, which is used wherever nothing is tuned",
            )
        return {}
    if grid and tuning is not None and trials(grid) > tuning.trials:
        raise CandidateError(
            f"the grid of candidate {spec.name} has more trials than experiment {experiment} of"
            f" {paper.id} gives every contender",
            value=trials(grid),
            allowed=f"{tuning.trials} at most",
        )
    return grid
