"""Whether an experiment of a bench file fits its table of ``claim.toml``."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path

from claimbench.claim import Cell, Design
from claimbench.errors import BenchFileError, ClaimFileError
from claimbench.experiment import Contender, Experiment
from claimbench.grid import select


def cells_of(made: Design, experiment: Experiment, contender: str) -> tuple[Cell, ...]:
    """Return the cells of a design that a contender plays at."""
    wanted = {name: list(v) for name, v in experiment.contenders[contender].where.items()}
    return tuple(made.cells[index] for index in select(made.cells, wanted))


def check_functions(name: str, experiment: Experiment) -> None:
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


def check_settings(path: Path, made: Design, experiment: Experiment) -> None:
    """Refuse settings, stacks, cells and grids that the problem and contenders can't meet."""
    key = f"{path}: experiment.{made.name}"
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
    _check_cells(key, made, experiment)
    _check_tuning(key, made, experiment)


def _check_cells(key: str, made: Design, experiment: Experiment) -> None:
    for contender in experiment.contenders.values():
        for setting in contender.where:
            if setting not in made.settings:
                raise BenchFileError(
                    f"{key}: contender {contender.name} plays where a setting has certain values,"
                    " and there is no such setting",
                    value=setting,
                    allowed=made.settings,
                )
            if experiment.seconds and setting in experiment.stack:
                raise BenchFileError(
                    f"{key}: contender {contender.name} of a race plays at some of the values that"
                    " are stacked, so its rounds would hold less than the others'",
                    value=setting,
                    allowed="settings that are not stacked",
                )


def check_places(path: Path, designs: Sequence[Design], experiment: Experiment) -> None:
    """Refuse values at which a contender says it plays, and which no profile has."""
    for contender in experiment.contenders.values():
        for setting, values in contender.where.items():
            known = {value: None for made in designs for value in made.settings[setting]}
            for value in values:
                if value not in known:
                    raise BenchFileError(
                        f"{path}: experiment.{designs[0].name}: contender {contender.name} plays at"
                        f" a {setting} that no profile has",
                        value=value,
                        allowed=known,
                    )


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
        if _trials(contender) != made.tuning.trials:
            raise BenchFileError(
                f"{key}: the grid of contender {contender.name} has another number of trials than"
                " [tuning] gives every contender",
                value=_trials(contender),
                allowed=str(made.tuning.trials),
            )


def _trials(contender: Contender) -> int:
    """Return the number of combinations in a contender's grid."""
    count = 1
    for values in contender.grid.values():
        count *= len(values)
    return count
