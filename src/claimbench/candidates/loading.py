"""Load a candidate: a callable from problem to answer, with what it says of itself."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from math import isfinite, prod
from pathlib import Path
from types import ModuleType
from typing import Any

from claimbench.candidates.importing import import_file
from claimbench.candidates.spec import Spec
from claimbench.errors import BenchFileError, CandidateError
from claimbench.experiment import takes_streams

#: An installed package offers candidates by ``[project.entry-points."claimbench.candidates"]``.
GROUP = "claimbench.candidates"
_CALL = "(problem), and as keywords only: streams, and the names of its grid"


def load(spec: Spec) -> Callable[..., Any]:
    """Return the callable that a candidate names, checked.

    Raises
    ------
    CandidateError
        When the file is missing or does not import, has no such callable, or the callable can't be
        called with a problem.
    """
    found = _from_file(spec) if spec.file is not None else _from_entry_point(spec)
    if inspect.isclass(found):
        raise CandidateError(
            "a candidate is a class: called with a problem it would return itself, not an answer",
            value=spec.shown,
            allowed="a function, or an object that can be called",
            cure=f"write a function: def solve(problem): return {found.__name__}().solve(problem)",
        )
    if not callable(found):
        raise CandidateError(
            "a candidate can't be called",
            value=f"{spec.shown} is of type {type(found).__name__}",
            allowed=_callables(inspect.getmodule(found), spec),
        )
    function: Callable[..., Any] = found
    call = type(function).__call__ if not inspect.isroutine(function) else function
    if inspect.iscoroutinefunction(call) or inspect.isgeneratorfunction(call):
        raise CandidateError(
            "a candidate returns no answer: it is a coroutine or a generator",
            value=spec.shown,
            allowed="a function that returns its answer",
        )
    wants_streams(function, grid_of(function, spec), spec)
    return function


def grid_of(function: Callable[..., Any], spec: Spec) -> dict[str, tuple[Any, ...]]:
    """Return the candidate's attribute `grid`, keyword -> values to tune over; empty without one.

    Raises
    ------
    CandidateError
        When it is no such mapping, or its values are no plain ones.
    """
    given = getattr(function, "grid", {})
    allowed = 'a mapping of keywords to lists of plain values, such as {"gamma": [0.1, 1.0]}'
    if not isinstance(given, Mapping):
        raise CandidateError(f"the grid of candidate {spec.name}", value=given, allowed=allowed)
    grid = {}
    for name, listed in given.items():
        values = listed.tolist() if hasattr(listed, "tolist") else listed
        plain = not isinstance(values, str) and isinstance(values, Sequence) and len(values) > 0
        if not plain or not all(_is_plain(value) for value in values):
            raise CandidateError(
                f"the grid of candidate {spec.name} at {name!r}", value=values, allowed=allowed
            )
        grid[str(name)] = tuple(values)
    return grid


def trials(grid: Mapping[str, Sequence[Any]]) -> int:
    """Return the number of combinations of a grid."""
    return prod(len(values) for values in grid.values())


def wants_streams(function: Callable[..., Any], grid: Mapping[str, Any], spec: Spec) -> bool:
    """Return whether the candidate takes ``streams``.

    Raises
    ------
    CandidateError
        When it can't be called as contenders are.
    """
    try:
        return takes_streams(function, grid)
    except BenchFileError as error:
        raise CandidateError(
            f"candidate {spec.name} can't be called with a problem",
            value=error.value,
            allowed=_CALL,
        ) from error
    except ValueError as error:
        raise CandidateError(
            f"candidate {spec.name} does not tell how it is called",
            value=spec.shown,
            allowed=f"a function of {_CALL}",
        ) from error


def needs(function: Callable[..., Any]) -> set[str]:
    """Return the keywords without which the candidate can't be called, streams aside."""
    first, *others = inspect.signature(function).parameters.values()
    del first
    return {
        p.name
        for p in others
        if p.default is p.empty and p.kind is p.KEYWORD_ONLY and p.name != "streams"
    }


def where_it_broke(error: BaseException, folder: Path | None) -> str:
    """Return ``file.py, line 3`` of the last step inside the candidate's folder; else nothing."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{Path(error.filename).name}, line {error.lineno}"
    if folder is None:
        return ""
    for step in reversed(traceback.extract_tb(error.__traceback__)):
        if folder in Path(step.filename).parents:
            return f"{Path(step.filename).name}, line {step.lineno}"
    return ""


def entry_point(spec: Spec) -> EntryPoint:
    """Return an installed package's entry point.

    Raises
    ------
    CandidateError
        When there is none of that name, or several packages offer it.
    """
    offered = entry_points(group=GROUP)
    found = [one for one in offered if one.name == spec.entry_point]
    if len(found) == 1:
        return found[0]
    if found:
        packages = [one.dist.name for one in found if one.dist is not None]
        raise CandidateError(
            "two installed packages offer a candidate of one name",
            value=spec.entry_point,
            allowed=f"one of {', '.join(packages)}",
            cure=f"pip uninstall {packages[-1]}",
        )
    raise CandidateError(
        "no installed package offers such a candidate",
        value=spec.entry_point,
        allowed=sorted(offered.names)
        or f"entry points of the group {GROUP}, of which none is here",
        cure="name a file, FILE.py:OBJECT, or install the package that offers it",
    )


def _from_file(spec: Spec) -> Any:
    assert spec.file is not None
    if not spec.file.is_file():
        folder = spec.file.parent
        near = sorted(path.name for path in folder.glob("*.py")) if folder.is_dir() else []
        raise CandidateError(
            "the file of a candidate is missing",
            value=spec.file.name if near else str(spec.file),
            allowed=near or "a Python file; relative paths are against the current folder",
        )
    try:
        module = import_file(spec.file)
    except (Exception, SystemExit) as error:
        raise _broken(spec.file.name, error, spec.file.parent) from error
    if not hasattr(module, spec.object):
        raise CandidateError(
            f"{spec.file.name} has no such callable",
            value=spec.object,
            allowed=_callables(module, spec),
        )
    return getattr(module, spec.object)


def _from_entry_point(spec: Spec) -> Any:
    found = entry_point(spec)
    try:
        return found.load()
    except (Exception, SystemExit) as error:
        raise _broken(f"{spec.entry_point} ({found.value})", error, None) from error


def _broken(what: str, error: BaseException, folder: Path | None) -> CandidateError:
    where = where_it_broke(error, folder)
    said = f"{type(error).__name__}: {error}" + (f"; {where}" if where else "")
    cure = None
    if isinstance(error, ModuleNotFoundError):
        cure = "a candidate may import what is installed, and files of its own folder"
    return CandidateError(f"{what} can't be imported ({said})", cure=cure)


def _callables(module: ModuleType | None, spec: Spec) -> list[str] | str:
    """Return the functions and callable objects that a module defines itself."""
    if module is None or spec.file is None:
        return "a function of (problem)"
    return [
        name
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and not inspect.isclass(value)
        and getattr(value, "__module__", module.__name__) == module.__name__
    ]


def _is_plain(value: object) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, (bool, int, str))
