"""An experiment: a problem, a measure, and the contenders that meet there."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

from claimbench.errors import BenchFileError
from claimbench.words import Role

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a candidate comes from.

    Attributes
    ----------
    target
        What a worker loads it by, on this machine.
    digest
        Of its source and of what that imports from its own folder or package.
    facts
        What a record says of it, without a path.
    """

    target: str
    digest: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contender:
    """Whoever maps a problem to an answer.

    Attributes
    ----------
    pin
        Its entry in ``baselines/pins.toml``.
    grid
        Hyper-parameter -> values, tuned by the engine; each is a keyword of the function.
    wants_streams
        Whether the function takes ``streams``, its private randomness.
    where
        Setting -> values: the cells that it plays at. Empty for all of them.
    origin
        Of a candidate, which plays where the methods of the experiment's claims do.
    """

    name: str
    role: Role
    function: Callable[..., Any]
    pin: str | None
    grid: Mapping[str, tuple[Any, ...]]
    wants_streams: bool
    where: Mapping[str, tuple[Any, ...]]
    origin: Origin | None = None


class Experiment:
    """Contenders x settings x replicates on one problem, seen by one measure.

    Parameters
    ----------
    problem
        ``problem(**settings, streams, n)`` builds one cell with ``n`` replicates on the leading
        axis. Its attribute ``calls``, shape (n,), counts what its oracle was asked.
    measure
        ``measure(problem, answer)`` returns columns of shape (n,), or (n, points) for a trace: the
        same eyes for every contender. A boolean column ``censored`` marks a replicate that ran out
        of its budget.
    seconds
        A race: all contenders are interleaved in one process, in reversed order every other
        round, after one warm-up. A replicate is a round.
    stack
        Settings whose values are folded into the leading axis: the problem receives each as a
        tuple of values and lays its replicates out as (value, replicate), flattened.
    exhibit
        ``exhibit(problem, answer)`` returns arrays of replicate 0, kept for pictures.
    interface
        What its contenders are, as a `Protocol`. A candidate of the paper plays in all experiments
        of one interface; by default experiments with one problem and measure have one.
    """

    def __init__(
        self,
        problem: Callable[..., Any],
        measure: Callable[[Any, Any], Mapping[str, Any]],
        *,
        seconds: bool = False,
        stack: Sequence[str] = (),
        exhibit: Callable[[Any, Any], Mapping[str, Any]] | None = None,
        interface: type | None = None,
    ) -> None:
        self.problem = problem
        self.measure = measure
        self.seconds = seconds
        self.stack = tuple(stack)
        self.exhibit = exhibit
        self.interface = interface
        self.contenders: dict[str, Contender] = {}

    @overload
    def method(self, function: Function, /) -> Function: ...
    @overload
    def method(
        self,
        /,
        *,
        pin: str | None = None,
        grid: Mapping[str, Sequence[Any]] | None = None,
        where: Mapping[str, Sequence[Any]] | None = None,
    ) -> Callable[[Function], Function]: ...
    def method(self, function: Any = None, /, **options: Any) -> Any:
        """Register the paper's method, or a variant of it."""
        return self._contender("method", function, **options)

    @overload
    def baseline(self, function: Function, /) -> Function: ...
    @overload
    def baseline(
        self,
        /,
        *,
        pin: str | None = None,
        grid: Mapping[str, Sequence[Any]] | None = None,
        where: Mapping[str, Sequence[Any]] | None = None,
    ) -> Callable[[Function], Function]: ...
    def baseline(self, function: Any = None, /, **options: Any) -> Any:
        """Register an opponent or a reference."""
        return self._contender("baseline", function, **options)

    @overload
    def control(self, function: Function, /) -> Function: ...
    @overload
    def control(
        self,
        /,
        *,
        pin: str | None = None,
        grid: Mapping[str, Sequence[Any]] | None = None,
        where: Mapping[str, Sequence[Any]] | None = None,
    ) -> Callable[[Function], Function]: ...
    def control(self, function: Any = None, /, **options: Any) -> Any:
        """Register a contender that must fail: the key ingredient removed."""
        return self._contender("control", function, **options)

    def with_candidate(self, candidate: Contender) -> Experiment:
        """Return the experiment with one contender more; this one stays as its file made it."""
        made = copy.copy(self)
        made.contenders = {**self.contenders, candidate.name: candidate}
        return made

    def _contender(
        self,
        role: Role,
        function: Callable[..., Any] | None,
        *,
        pin: str | None = None,
        grid: Mapping[str, Sequence[Any]] | None = None,
        where: Mapping[str, Sequence[Any]] | None = None,
    ) -> Any:
        if function is None:
            return lambda decorated: self._contender(
                role, decorated, pin=pin, grid=grid, where=where
            )
        values = {name: tuple(options) for name, options in (grid or {}).items()}
        contender = Contender(
            name=function.__name__,
            role=role,
            function=function,
            pin=pin,
            grid=values,
            wants_streams=takes_streams(function, values),
            where={setting: tuple(chosen) for setting, chosen in (where or {}).items()},
        )
        if contender.name in self.contenders:
            raise BenchFileError(
                "two contenders of one experiment have one name",
                value=contender.name,
                allowed="names of their own",
            )
        self.contenders[contender.name] = contender
        return function


def takes_streams(function: Callable[..., Any], grid: Mapping[str, Any]) -> bool:
    """Return whether a contender takes ``streams``.

    Raises
    ------
    BenchFileError
        When it can't be called as contenders are.
    """
    parameters = list(inspect.signature(function).parameters.values())
    keywords = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    required = {p.name for p in parameters[1:] if p.default is p.empty}
    takes_problem = bool(parameters) and parameters[0].kind in {
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    }
    if not takes_problem or not set(grid) <= keywords or not required <= {*grid, "streams"}:
        name = getattr(function, "__name__", type(function).__name__)
        raise BenchFileError(
            f"contender {name} can't be called",
            value=f"{name}{inspect.signature(function)}",
            allowed="(problem), and as keywords only: streams, and the names of its grid",
        )
    return "streams" in keywords
