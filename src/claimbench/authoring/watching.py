"""Which attributes of a problem a method uses, as far as its own code asks for them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from claimbench.authoring.interface import nested, offered, shaped

#: Modules of these are told apart by their whole name: a paper's code may use all of its problem.
_PROJECT = ("suite", "baselines", "claimbench")


@contextmanager
def watched(problem: Any, protocol: type[Any], function: Callable[..., Any]) -> Iterator[set[str]]:
    """Note what the module of `function` asks of the problem beyond what the protocol offers.

    Yields
    ------
    set
        Attributes, and ``name = ...`` for one that is set and is no counter; it fills as they are
        met. What the paper's own code asks, on the method's behalf, is not noted.
    """
    seen: set[str] = set()
    undo = list(_watch(problem, protocol, _caller_of(function), seen, "problem"))
    try:
        yield seen
    finally:
        for one, kind in undo:
            object.__setattr__(one, "__class__", kind)


def _watch(
    problem: Any, protocol: type[Any], ours: Callable[[str], bool], seen: set[str], path: str
) -> Iterator[tuple[Any, type[Any]]]:
    for name, inner in nested(protocol).items():
        if hasattr(problem, name):
            yield from _watch(getattr(problem, name), inner, ours, seen, f"{path}.{name}")
    kind = type(problem)
    allowed = set(offered(protocol))
    counters = {name for name, shape in shaped(protocol).items() if shape.counts}

    class Watched(kind):  # type: ignore[misc, valid-type]
        def __getattribute__(self, name: str) -> Any:
            if name not in allowed and not name.startswith("__") and ours(_caller()):
                seen.add(f"{path}.{name}")
            return super().__getattribute__(name)

        def __setattr__(self, name: str, value: Any) -> None:
            if name not in counters and ours(_caller()):
                seen.add(f"{path}.{name} = ...")
            super().__setattr__(name, value)

    Watched.__name__, Watched.__qualname__ = kind.__name__, kind.__qualname__
    # A problem whose class can't be exchanged (a tuple, say) is not watched.
    with suppress(TypeError):
        object.__setattr__(problem, "__class__", Watched)
        yield problem, kind


def _caller() -> str:
    """Return the module that asks: two frames above."""
    name: str = sys._getframe(2).f_globals.get("__name__", "")  # noqa: SLF001  the only way to tell
    return name


def _caller_of(function: Callable[..., Any]) -> Callable[[str], bool]:
    module = getattr(function, "__module__", None) or type(function).__module__
    top = module.partition(".")[0]
    if top in _PROJECT:
        return lambda name: name == module
    return lambda name: name.partition(".")[0] == top
