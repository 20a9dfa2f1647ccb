"""The figures that a paper draws itself: ``suite/<domain>/<slug>/figures.py``.

The module holds ``FIGURES``, a tuple of ``(experiment, caption, function)``, where the function
draws and returns the alternative text, a sentence that states what the figure shows. It asks for
what it needs by the names of its parameters:

evidence, traces
    The experiment's tables: a row for each replicate, and one for each point of a trace (None
    where nothing was traced). Seconds and peak memory are there in a race only.
exhibits
    (contender, cell) -> the arrays that ``Experiment(exhibit=...)`` kept of replicate 0. The cell
    is written ``size=20-k=2``; of stacked cells it is the first.
ax, figure
    Matplotlib axes, or a whole figure to divide. One of the two.
palette
    Contender -> colour.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Drawing = Callable[..., str]

#: What a figure may ask for, by the names of its parameters.
OFFERED = ("evidence", "traces", "exhibits", "ax", "figure", "palette")


@dataclass(frozen=True, slots=True)
class OwnFigure:
    """One entry of ``FIGURES``."""

    experiment: str
    caption: str
    function: Drawing


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """A paper's figures, or the error that kept them from being read.

    Attributes
    ----------
    experiments
        What its ``claim.toml`` has, at whatever profile.
    """

    figures: tuple[OwnFigure, ...]
    error: str
    experiments: frozenset[str] = frozenset()


def load(root: Path | None, paper: str) -> OwnFigures:
    """Read ``FIGURES`` of one paper; an error becomes words for the report's reader."""
    if root is None or not (root / "suite" / paper / "figures.py").is_file():
        return OwnFigures((), "")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    name = ".".join(("suite", *paper.split("/"), "figures"))
    try:
        entries = importlib.import_module(name).FIGURES
        figures = tuple(_checked(entry) for entry in entries)
    except Exception as error:  # noqa: BLE001  a paper's code may raise anything; the report stands
        return OwnFigures((), f"suite/{paper}/figures.py can't be used: {describe(error)}")
    return OwnFigures(figures, "", _experiments(root, paper))


def _experiments(root: Path, paper: str) -> frozenset[str]:
    try:
        text = (root / "suite" / paper / "claim.toml").read_text(encoding="utf-8")
        return frozenset(tomllib.loads(text).get("experiment", {}))
    except (OSError, ValueError):  # without a pre-registration there is nothing to compare with
        return frozenset()


def wanted(function: Drawing) -> tuple[str, ...]:
    """Return the names of a figure's parameters."""
    return tuple(inspect.signature(function).parameters)


def _checked(entry: Any) -> OwnFigure:
    experiment, caption, function = entry
    if not isinstance(experiment, str) or not isinstance(caption, str) or not callable(function):
        raise TypeError(
            f"FIGURES holds {entry!r}; allowed: (experiment, caption, function) with two texts and"
            " a callable"
        )
    asked = wanted(function)
    if not set(asked) <= set(OFFERED) or len({"ax", "figure"} & set(asked)) != 1:
        raise TypeError(
            f"{function.__name__} asks for {', '.join(asked) or 'nothing'}; allowed:"
            f" {', '.join(OFFERED)}, and of ax and figure one"
        )
    return OwnFigure(experiment, caption, function)


def describe(error: BaseException) -> str:
    """Return an error as one line."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
