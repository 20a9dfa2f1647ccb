"""An experiment's interface: what a contender may use of its problem, and what it returns."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from claimbench.authoring.shapes import Shape, Sizes, bind, parse, size_of
from claimbench.binding import Paper
from claimbench.errors import BenchFileError
from claimbench.experiment import Experiment


@dataclass(frozen=True, slots=True)
class Interface:
    """A ``Protocol`` of contenders, read.

    Attributes
    ----------
    protocol
        As the experiment names it.
    problem
        The ``Protocol`` of what a contender is given.
    answer
        The type of what it returns, and what is said of its parts.
    naive
        A contender that keeps to it: ``naive_<name>`` beside the protocol.
    """

    protocol: type[Any]
    problem: type[Any]
    answer: Any
    parts: tuple[Shape, ...]
    naive: Any

    @property
    def name(self) -> str:
        """Of the protocol."""
        return self.protocol.__name__


def interface_of(name: str, experiment: Experiment) -> Interface:
    """Return what an experiment's interface says.

    Raises
    ------
    BenchFileError
        When it has none, or one that does not say what it must.
    """
    protocol = experiment.interface
    if protocol is None:
        raise BenchFileError(
            f"experiment {name} states no interface, so that a method can't be held against it",
            cure=f"give it one in the bench file: {name} = Experiment(..., interface=PROTOCOL)",
        )
    if not is_protocol(protocol) or "__call__" not in vars(protocol):
        raise BenchFileError(
            f"the interface of experiment {name}",
            value=protocol,
            allowed="a Protocol with __call__(self, problem, /)",
        )
    call = protocol.__call__
    hints = get_type_hints(call, include_extras=True)
    first = list(inspect.signature(call).parameters)[1:2]
    problem = hints.get(first[0]) if first else None
    if problem is None or not is_protocol(problem) or "return" not in hints:
        raise BenchFileError(
            f"{protocol.__name__}.__call__ does not say what a problem is and what is returned",
            value=str(inspect.signature(call)),
            allowed="(self, problem: PROTOCOL, /) -> Annotated[TYPE, SHAPE, ...]",
        )
    naive = getattr(inspect.getmodule(protocol), naive_name(protocol), None)
    if naive is None:
        raise BenchFileError(
            f"interface {protocol.__name__} has no naive contender beside it",
            value=naive_name(protocol),
            allowed="a function of that name in the same file, which keeps to the interface",
        )
    answer, parts = _annotated(hints["return"])
    return Interface(protocol, problem, answer, parts, naive)


def shared_by(paper: Paper) -> dict[str, tuple[str, ...]]:
    """Return a paper's interfaces by name, each with the experiments that have it."""
    found: dict[str, list[str]] = {}
    for name, experiment in paper.experiments.items():
        if experiment.interface is not None:
            found.setdefault(experiment.interface.__name__, []).append(name)
    return {name: tuple(experiments) for name, experiments in found.items()}


def naive_name(protocol: type[Any]) -> str:
    """Return the name of the naive contender: ``naive_step_solver`` of ``StepSolver``."""
    return "naive_" + re.sub(r"(?<!^)(?=[A-Z])", "_", protocol.__name__).lower()


def is_protocol(kind: Any) -> bool:
    """Return whether a type is a ``Protocol`` (typing says so from Python 3.13 on)."""
    return isinstance(kind, type) and bool(getattr(kind, "_is_protocol", False))


def offered(protocol: type[Any]) -> tuple[str, ...]:
    """Return the names of attributes and methods that a problem offers."""
    hinted = list(get_type_hints(protocol))
    methods = [
        name
        for kind in protocol.__mro__
        if kind is not object and is_protocol(kind)
        for name in vars(kind)
        if not name.startswith("_")
    ]
    return tuple(dict.fromkeys((*hinted, *methods)))


def shaped(protocol: type[Any]) -> dict[str, Shape]:
    """Return the attributes whose shapes a problem's protocol says."""
    found = {}
    for name, hint in get_type_hints(protocol, include_extras=True).items():
        _, shapes = _annotated(hint)
        if shapes:
            found[name] = shapes[0]
    return found


def nested(protocol: type[Any]) -> dict[str, type[Any]]:
    """Return the attributes that are problems themselves."""
    return {name: hint for name, hint in get_type_hints(protocol).items() if is_problem(hint)}


def is_problem(hint: Any) -> bool:
    """Return whether an attribute's type is a protocol with shapes of its own."""
    return is_protocol(hint) and bool(shaped(hint))


def sizes_of(protocol: type[Any], problem: Any) -> tuple[Sizes, list[str]]:
    """Return the sizes of a problem's dimensions, and where it is not as its protocol says."""
    sizes: Sizes = {}
    wrong = list(_read(protocol, problem, sizes, ""))
    return sizes, wrong


def _read(protocol: type[Any], problem: Any, sizes: Sizes, prefix: str) -> Iterator[str]:
    hints = get_type_hints(protocol)
    for name in offered(protocol):
        if not hasattr(problem, name):
            yield f"the problem has no {prefix}{name}"
        elif hints.get(name) is int:
            if sizes.setdefault(name, getattr(problem, name)) != getattr(problem, name):
                yield f"{prefix}{name} is {getattr(problem, name)}, elsewhere {sizes[name]}"
        elif _may_be_int(hints.get(name)) and type(getattr(problem, name)) is int:
            sizes.setdefault(name, getattr(problem, name))
    for name, shape in shaped(protocol).items():
        if not hasattr(problem, name) or shape.dims is None:
            continue
        size = size_of(getattr(problem, name))
        if size is None or not bind(shape.dims, size, sizes):
            yield f"{prefix}{name} has shape {size}, not {shape.wanted}"
    for name, inner in nested(protocol).items():
        if hasattr(problem, name):
            yield from _read(inner, getattr(problem, name), sizes, f"{prefix}{name}.")


def _may_be_int(hint: Any) -> bool:
    return get_origin(hint) in {Union, UnionType} and int in get_args(hint)


def tensors_of(protocol: type[Any], problem: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the arrays that a problem offers and that a contender must leave as they are."""
    for name, shape in shaped(protocol).items():
        value = getattr(problem, name, None)
        if value is not None and hasattr(value, "shape") and not shape.counts:
            yield f"{prefix}{name}", value
    for name, inner in nested(protocol).items():
        if hasattr(problem, name):
            yield from tensors_of(inner, getattr(problem, name), f"{prefix}{name}.")


def _annotated(hint: Any) -> tuple[Any, tuple[Shape, ...]]:
    if get_origin(hint) is not Annotated:
        return hint, ()
    kind, *said = get_args(hint)
    return kind, tuple(parse(text) for text in said if isinstance(text, str))
