"""Resolve every name of ``claim.toml`` in the paper's bench file, or refuse it at collection."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from claimbench.checkout import PaperFiles, import_bench
from claimbench.claim import Cell, Claim, Design
from claimbench.claim_file import ClaimFile, read_claim_file
from claimbench.errors import BenchFileError, ClaimFileError
from claimbench.experiment import Experiment
from claimbench.fitting import cells_of, check_functions, check_places, check_settings
from claimbench.grid import check_where, design, label, select, with_replicates
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

    def cells_of(self, experiment: str, contender: str) -> tuple[Cell, ...]:
        """Return the cells that a contender plays at; at a small profile there may be none.

        A candidate plays where the methods of the experiment's claims do.
        """
        made, where = self.designs[experiment], self.experiments[experiment]
        if where.contenders[contender].role != "candidate":
            return cells_of(made, where, contender)
        methods = {claim.method for claim in self.claims if claim.experiment == experiment}
        played = [cell for method in methods for cell in cells_of(made, where, method)]
        return tuple(cell for cell in made.cells if not methods or cell in played)

    def claims_needing(self, experiment: str, contender: str) -> tuple[Claim, ...]:
        """Return the claims that can't be judged without this contender, or that judge it."""
        candidate = self.experiments[experiment].contenders[contender].role == "candidate"
        need = {
            claim.id
            for claim in self.claims
            if claim.experiment == experiment and (candidate or contender in claim.contenders)
        }
        return tuple(claim for claim in self.claims if need & {claim.id, *claim.requires})


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
        _check_where(file, claim, found[claim.experiment])
    return Paper(
        files=files,
        file=file,
        module=module,
        profile=profile,
        experiments={name: found[name] for name in designs},
        designs=designs,
        estimands=estimands,
    )


def _check_where(file: ClaimFile, claim: Claim, experiment: Experiment) -> None:
    """Check a claim's cells at every profile that judges: an error should not wait for a GPU."""
    judging: tuple[Profile, ...] = ("standard", "full")
    for profile in judging:
        made = design(file.path, claim.experiment, file.experiments[claim.experiment], profile)
        if made is not None:
            key = f"claim {claim.id}"
            check_where(file.path, f"{key}.where", claim.where, made)
            check_where(file.path, f"{key}.control.where", control_where(claim), made)
            for name in claim.contenders:
                _check_plays(f"{file.path}: {key}", claim, name, made, experiment)


def _check_plays(key: str, claim: Claim, name: str, made: Design, experiment: Experiment) -> None:
    """Refuse a claim on cells at which one of its contenders does not play."""
    own = cells_of(made, experiment, name)
    wheres = [claim.where] if name in {claim.method, *claim.against} else []
    wheres += [control_where(claim)] if name == claim.subject_of_control else []
    for where in wheres:
        if not select(own, where):
            raise ClaimFileError(
                f"{key}: contender {name} plays at none of the claim's cells at profile"
                f" {made.profile}",
                value=dict(where),
                allowed=[label(cell) for cell in own] or "nothing: its own where selects no cell",
            )


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
        check_functions(name, experiment)
        designs = [
            made
            for profile in ("standard", "smoke", "full")
            if (made := design(file.path, name, file.experiments[name], profile)) is not None
        ]
        for made in designs:
            check_settings(file.path, made, experiment)
        check_places(file.path, designs, experiment)


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
