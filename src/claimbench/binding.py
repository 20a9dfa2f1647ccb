"""Resolve every name of ``claim.toml`` in the paper's bench file, or refuse it at collection."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from claimbench.checkout import PaperFiles, import_bench
from claimbench.claim import Claim, Design
from claimbench.claim_file import ClaimFile, read_claim_file
from claimbench.errors import BenchFileError, ClaimFileError
from claimbench.experiment import Contender, Experiment
from claimbench.grid import check_where, design, with_replicates
from claimbench.words import Profile


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper whose claims fit its bench file, at one profile.

    Attributes
    ----------
    experiments, designs
        By name; an experiment that does not run at the profile is in neither.
    estimands
        Claim's id -> function of (subject) or (subject, opponent).
    """

    files: PaperFiles
    file: ClaimFile
    module: ModuleType
    profile: Profile
    experiments: Mapping[str, Experiment]
    designs: Mapping[str, Design]
    estimands: Mapping[str, Callable[..., Any]]

    @property
    def id(self) -> str:
        """``<domain>/<slug>``."""
        return self.files.id

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims whose experiment runs at the profile."""
        return tuple(claim for claim in self.file.claims if claim.experiment in self.designs)

    def claims_needing(self, experiment: str, contender: str) -> tuple[Claim, ...]:
        """Return the claims that can't be judged without this contender."""
        return tuple(
            claim
            for claim in self.claims
            if claim.experiment == experiment and contender in claim.contenders
        )


def bind(files: PaperFiles, profile: Profile, replicates: int | None = None) -> Paper:
    """Read a paper's claims, import its bench file and check that they fit.

    Parameters
    ----------
    files
        Where the paper lives.
    profile
        Whose designs are wanted.
    replicates
        Instead of the design's own number, where instances are random.

    Raises
    ------
    ClaimFileError, BenchFileError
        Naming what does not fit and what exists instead.
    """
    file = read_claim_file(files.claim_toml)
    module = import_bench(files)
    found = {name: value for name, value in vars(module).items() if isinstance(value, Experiment)}
    _check_experiments(file, found, files)
    designs = {}
    for name, table in file.experiments.items():
        made = design(file.path, name, table, profile)
        if made is not None:
            designs[name] = made if replicates is None else with_replicates(made, replicates)
    estimands = {claim.id: _estimand(file, claim, module) for claim in file.claims}
    for claim in file.claims:
        _check_claim(file, claim, found[claim.experiment])
        _check_where(file, claim)
    return Paper(
        files=files,
        file=file,
        module=module,
        profile=profile,
        experiments={name: found[name] for name in designs},
        designs=designs,
        estimands=estimands,
    )


def _check_where(file: ClaimFile, claim: Claim) -> None:
    """Check a claim's cells at every profile that judges: an error should not wait for a GPU."""
    judging: tuple[Profile, ...] = ("standard", "full")
    for profile in judging:
        made = design(file.path, claim.experiment, file.experiments[claim.experiment], profile)
        if made is not None:
            key = f"claim {claim.id}"
            check_where(file.path, f"{key}.where", claim.where, made)
            check_where(file.path, f"{key}.control.where", control_where(claim), made)


def control_where(claim: Claim) -> dict[str, Any]:
    """Return the cells that the control is judged on: the claim's, but for its own settings."""
    return {**claim.where, **claim.control.where}


def _check_experiments(file: ClaimFile, found: Mapping[str, Experiment], files: PaperFiles) -> None:
    for name in file.experiments:
        if name not in found:
            raise BenchFileError(
                f"{file.path}: [experiment.{name}] has no Experiment in {files.bench.name}",
                value=name,
                allowed=found,
            )
    for name, experiment in found.items():
        if name not in file.experiments:
            raise ClaimFileError(
                f"{file.path}: no [experiment.{name}] table for {files.bench.name}::{name}",
                value=name,
                allowed=file.experiments,
            )
        _check_functions(name, experiment)
        for profile in ("standard", "smoke", "full"):
            made = design(file.path, name, file.experiments[name], profile)
            if made is not None:
                _check_settings(file, made, experiment)


def _check_functions(name: str, experiment: Experiment) -> None:
    """Refuse what has no source that evidence could be keyed by: partials, lambdas, closures."""
    functions = {
        "problem": experiment.problem,
        "measure": experiment.measure,
        "exhibit": experiment.exhibit,
        **{key: contender.function for key, contender in experiment.contenders.items()},
    }
    for role, function in functions.items():
        qualified = getattr(function, "__qualname__", "")
        ours = getattr(function, "__module__", "").partition(".")[0] in {"suite", "baselines"}
        if function is not None and not (ours and qualified.isidentifier()):
            raise BenchFileError(
                f"experiment {name}: {role} has no source that can be followed",
                value=qualified or repr(function),
                allowed="a function or class defined at the top of a module of suite or baselines",
            )


def _check_settings(file: ClaimFile, made: Design, experiment: Experiment) -> None:
    key = f"{file.path}: experiment.{made.name}"
    parameters = inspect.signature(experiment.problem).parameters
    taken = [name for name in parameters if name not in {"streams", "n"}]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for setting in made.settings:
        if setting not in taken and not open_ended:
            raise ClaimFileError(
                f"{key} has a setting that the problem {experiment.problem.__name__} does not take",
                value=setting,
                allowed=taken,
            )
    for name in taken:
        kind = parameters[name].kind
        needed = parameters[name].default is inspect.Parameter.empty
        if needed and kind is not inspect.Parameter.VAR_KEYWORD and name not in made.settings:
            raise ClaimFileError(
                f"{key} lacks a setting that the problem {experiment.problem.__name__} needs",
                value=name,
                cure=f"add {name} = [...] to the table",
            )
    for name in ("streams", "n"):
        if name not in parameters and not open_ended:
            raise BenchFileError(
                f"{key}: the problem {experiment.problem.__name__} does not take {name}",
                value=f"{experiment.problem.__name__}{inspect.signature(experiment.problem)}",
                allowed="(its settings, *, streams, n)",
            )
    for setting in experiment.stack:
        if setting not in made.settings:
            raise BenchFileError(
                f"{key}: stack names no setting", value=setting, allowed=made.settings
            )
    _check_tuning(key, made, experiment)


def _check_tuning(key: str, made: Design, experiment: Experiment) -> None:
    for contender in experiment.contenders.values():
        if not contender.grid:
            continue
        if experiment.seconds:
            raise BenchFileError(
                f"{key}: contender {contender.name} of a race has a grid, and races tune nothing",
                value=dict(contender.grid),
                allowed="fixed hyper-parameters, for example those tuned in another experiment",
            )
        if made.tuning is None:
            raise ClaimFileError(
                f"{key}.tuning is missing, but contender {contender.name} has a grid",
                cure=f"add [experiment.{made.name}.tuning] with trials, replicates, criterion",
            )
        if trials(contender) != made.tuning.trials:
            raise BenchFileError(
                f"{key}: the grid of contender {contender.name} has another number of trials than"
                " [tuning] gives every contender",
                value=trials(contender),
                allowed=str(made.tuning.trials),
            )


def trials(contender: Contender) -> int:
    """Return the number of combinations in a contender's grid."""
    count = 1
    for values in contender.grid.values():
        count *= len(values)
    return count


def _estimand(file: ClaimFile, claim: Claim, module: ModuleType) -> Callable[..., Any]:
    functions = {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }
    estimand = functions.get(claim.estimand)
    if estimand is None:
        raise ClaimFileError(
            f"{file.path}: claim {claim.id}.estimand is no function of {module.__name__}",
            value=claim.estimand,
            allowed=[name for name in functions if not name.startswith("_")],
        )
    arguments = len(inspect.signature(estimand).parameters)
    expected = 2 if claim.against else 1
    if arguments != expected:
        raise BenchFileError(
            f"{file.path}: claim {claim.id}: the estimand {claim.estimand} takes {arguments}"
            f" argument{'' if arguments == 1 else 's'}",
            value=f"{claim.estimand}{inspect.signature(estimand)}",
            allowed="(subject, opponent), as the claim names opponents in against"
            if claim.against
            else "(subject), as the claim names nobody in against",
        )
    return estimand


def _check_claim(file: ClaimFile, claim: Claim, experiment: Experiment) -> None:
    roles = {
        "method": (claim.method,),
        "against": claim.against,
        "control": (claim.subject_of_control,),
    }
    for role, names in roles.items():
        for name in names:
            if name not in experiment.contenders:
                raise ClaimFileError(
                    f"{file.path}: claim {claim.id}.{role} is no contender of experiment"
                    f" {claim.experiment}",
                    value=name,
                    allowed=experiment.contenders,
                )
