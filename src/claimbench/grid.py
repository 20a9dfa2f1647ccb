"""From an ``[experiment.X]`` table to a profile's design: cells, replicates, blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from claimbench.claim import Cell, Design, DesignKey, Scalar, Tuning
from claimbench.errors import ClaimFileError, UsageError
from claimbench.words import PROFILES, Profile

_KEYS: tuple[str, ...] = get_args(DesignKey)
_OVERRIDES = ("smoke", "full")
_BUDGET = 600.0
#: Columns of the evidence that a setting can't be called.
_TAKEN = (
    "paper", "experiment", "contender", "role", "replicate", "point", "calls", "seconds",
    "peak_memory_bytes", "censored", "status", "reason", "streams", "n",
)  # fmt: skip


def check_experiment(path: Path, name: str, table: Any) -> None:
    """Refuse an experiment table that no profile could run.

    Raises
    ------
    ClaimFileError
        Naming the file, the key, the value and what is allowed.
    """
    key = f"experiment.{name}"
    if not isinstance(table, dict):
        raise ClaimFileError(f"{path}: {key} is no table", value=table)
    for override in _OVERRIDES:
        if not isinstance(table.get(override, {}), dict):
            raise ClaimFileError(
                f"{path}: {key}.{override}",
                value=table[override],
                allowed="a table of the keys that this profile changes",
            )
    for profile in table.get("profiles", PROFILES):
        if profile not in PROFILES:
            raise ClaimFileError(f"{path}: {key}.profiles", value=profile, allowed=PROFILES)
    for profile in PROFILES:
        design(path, name, table, profile)


def design(path: Path, name: str, table: Mapping[str, Any], profile: Profile) -> Design | None:
    """Return what the experiment runs at a profile; None when it does not run there.

    Parameters
    ----------
    path
        Of claim.toml, for messages.
    name
        Of the experiment.
    table
        As written. Keys that are no key of the design are the problem's parameters.
    profile
        `smoke` and `full` are written as changes to `standard`.

    Raises
    ------
    ClaimFileError
        When a value is of the wrong type, or replicates are no multiple of the block.
    """
    key = f"experiment.{name}"
    merged = {k: v for k, v in table.items() if k not in _OVERRIDES}
    merged |= table.get(profile, {}) if profile in _OVERRIDES else {}
    if profile not in merged.get("profiles", PROFILES):
        return None
    replicates = _whole(path, key, merged, "replicates", least=0)
    if replicates == 0:
        return None
    block = min(_whole(path, key, {"block": replicates, **merged}, "block", least=1), replicates)
    settings = {
        setting: _values(path, f"{key}.{setting}", value)
        for setting, value in merged.items()
        if setting not in _KEYS
    }
    cells = _cells(path, key, settings, merged.get("cells", [{}]))
    _check_names(path, key, cells[0])
    deterministic = merged.get("deterministic", False)
    if not isinstance(deterministic, bool):
        raise ClaimFileError(
            f"{path}: {key}.deterministic", value=deterministic, allowed="true or false"
        )
    if replicates % block:
        raise ClaimFileError(
            f"{path}: {key}.replicates at profile {profile} is no multiple of its block",
            value=replicates,
            allowed=f"{block}, {2 * block}, {3 * block}, ...: a block is the unit of bits",
        )
    return Design(
        name=name,
        profile=profile,
        settings={
            setting: tuple(dict.fromkeys(cell[setting] for cell in cells)) for setting in cells[0]
        },
        cells=cells,
        replicates=replicates,
        block=block,
        deterministic=deterministic,
        budget=_positive(path, key, merged, "budget", _BUDGET),
        tuning=_tuning(path, key, merged.get("tuning")),
    )


def with_replicates(design: Design, replicates: int) -> Design:
    """Return the design with another number of replicates; a fixed set of instances keeps its own.

    Raises
    ------
    UsageError
        When the number is no multiple of the experiment's block.
    """
    if design.deterministic:
        return design
    if replicates < 1 or (replicates > design.block and replicates % design.block):
        raise UsageError(
            f"--replicates does not fit experiment {design.name}, whose block is {design.block}",
            value=replicates,
            allowed=f"up to {design.block}, or a multiple of it",
        )
    return replace(design, replicates=replicates, block=min(design.block, replicates))


def select(cells: Sequence[Cell], where: Mapping[str, Any]) -> list[int]:
    """Return the indices of the cells that `where` selects (setting -> value or values)."""
    return [
        index
        for index, cell in enumerate(cells)
        if all(cell.get(setting) in _listed(value) for setting, value in where.items())
    ]


def check_where(path: Path, key: str, where: Mapping[str, Any], design: Design) -> None:
    """Refuse a `where` of unknown settings, or one that selects nothing.

    Raises
    ------
    ClaimFileError
        Listing the settings, or the values of the setting that has no such value.
    """
    for setting, wanted in where.items():
        if setting not in design.settings:
            raise ClaimFileError(
                f"{path}: {key} names no setting of experiment {design.name}",
                value=setting,
                allowed=design.settings,
            )
        for value in _listed(wanted):
            if value not in design.settings[setting]:
                raise ClaimFileError(
                    f"{path}: {key}.{setting} is no value of experiment {design.name} at profile"
                    f" {design.profile}",
                    value=value,
                    allowed=design.settings[setting],
                )
    if not select(design.cells, where):
        raise ClaimFileError(
            f"{path}: {key} selects no cell of experiment {design.name} at profile"
            f" {design.profile}",
            value=dict(where),
            allowed=[label(cell) for cell in design.cells],
        )


def label(cell: Mapping[str, Any]) -> str:
    """Return a cell as people write it: ``T=64, noise=t``."""
    return ", ".join(f"{setting}={value}" for setting, value in cell.items())


def _listed(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else [value]


def _cells(
    path: Path, key: str, settings: Mapping[str, tuple[Scalar, ...]], given: Any
) -> tuple[Cell, ...]:
    if not isinstance(given, list) or not all(isinstance(cell, dict) for cell in given):
        raise ClaimFileError(f"{path}: {key}.cells", value=given, allowed="a list of tables")
    if not given:
        raise ClaimFileError(f"{path}: {key}.cells", value=given, allowed="one or more tables")
    names = set(given[0])
    for cell in given:
        if set(cell) != names or names & set(settings):
            raise ClaimFileError(
                f"{path}: {key}.cells",
                value=cell,
                allowed="tables with the same keys, none of which is a setting of its own",
            )
    for name in given[0]:
        column = [cell[name] for cell in given]
        _check_values(path, f"{key}.cells.{name}", column)
    cells = tuple(
        {**cell, **dict(zip(settings, values, strict=True))}
        for cell in given
        for values in itertools.product(*settings.values())
    )
    for cell in cells:
        if cells.count(cell) > 1:
            raise ClaimFileError(
                f"{path}: {key} has a cell twice", value=label(cell), allowed="each cell once"
            )
    return cells


def _check_names(path: Path, key: str, settings: Iterable[str]) -> None:
    for name in settings:
        if name in _TAKEN:
            raise ClaimFileError(
                f"{path}: {key}.{name} is a name that the evidence needs for itself",
                value=name,
                allowed=f"settings called otherwise than {', '.join(_TAKEN)}",
            )


def _values(path: Path, key: str, value: Any) -> tuple[Scalar, ...]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ClaimFileError(f"{path}: {key}", value=value, allowed="one or more values")
    _check_values(path, key, values)
    return tuple(values)


def _check_values(path: Path, key: str, values: Sequence[Any]) -> None:
    for item in values:
        if not isinstance(item, (bool, int, float, str)) or (
            isinstance(item, float) and not math.isfinite(item)
        ):
            raise ClaimFileError(
                f"{path}: {key}", value=item, allowed="finite numbers, words, true and false"
            )
    kinds = {"number" if type(item) in {int, float} else type(item).__name__ for item in values}
    if len(kinds) > 1:  # they would be no column of numbers, and no column of words
        raise ClaimFileError(
            f"{path}: {key} mixes types", value=list(values), allowed="numbers, or words, or truths"
        )


def _whole(path: Path, key: str, table: Mapping[str, Any], name: str, *, least: int) -> int:
    value = table.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ClaimFileError(
            f"{path}: {key}.{name}{' is missing' if value is None else ''}",
            value=value,
            allowed=f"a whole number from {least}",
        )
    return value


def _positive(path: Path, key: str, table: Mapping[str, Any], name: str, default: float) -> float:
    value = table.get(name, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
        raise ClaimFileError(f"{path}: {key}.{name}", value=value, allowed="a positive number")
    return float(value)


def _tuning(path: Path, key: str, table: Any) -> Tuning | None:
    if table is None:
        return None
    try:
        tuning = TypeAdapter(Tuning).validate_python(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ClaimFileError(
            f"{path}: {key}.tuning.{'.'.join(str(part) for part in first['loc'])}",
            value=first["input"],
            allowed="trials, replicates and criterion",
        ) from error
    for name, value in (("trials", tuning.trials), ("replicates", tuning.replicates)):
        if value < 1:
            raise ClaimFileError(
                f"{path}: {key}.tuning.{name}", value=value, allowed="a whole number from 1"
            )
    return tuning
