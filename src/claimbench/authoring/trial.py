"""One run of a method on a fresh tiny problem, and all that can be seen of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimbench.authoring import surroundings as around
from claimbench.authoring.instance import Instance
from claimbench.authoring.interface import Interface, sizes_of, tensors_of
from claimbench.authoring.shapes import Shape, host, mismatches
from claimbench.authoring.watching import watched


@dataclass(slots=True)
class Trial:
    """What was seen.

    Attributes
    ----------
    raised
        What the method raised, and where; empty if it answered.
    wrong
        What is wrong with the answer.
    measured
        What the measure raised, or made that are no columns; empty if it took the answer.
    altered
        The problem's arrays that were changed in place.
    aliased
        Parts of the answer, each with the problem's array whose memory it shares.
    beyond
        Attributes of the problem that the interface does not offer.
    calls
        What the problem counted, before and after; None if it does not count.
    surroundings
        What was changed of the process.
    arrays
        Of the answer and, under ``measured``, of the measure, by name.
    together
        Whether the problem drew its replicates together.
    """

    raised: str = ""
    wrong: list[str] = field(default_factory=list)
    measured: str = ""
    altered: list[str] = field(default_factory=list)
    aliased: list[str] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    calls: tuple[NDArray[Any], NDArray[Any]] | None = None
    surroundings: list[str] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    together: bool = False

    @property
    def answered(self) -> bool:
        """Whether the method returned."""
        return not self.raised


def run(
    function: Callable[..., Any],
    parameters: Mapping[str, Any],
    instance: Instance,
    *,
    n: int,
    seed: int,
    name: str = "candidate",
    wants_streams: bool = False,
) -> Trial:
    """Run a method on a fresh problem of n replicates.

    Parameters
    ----------
    parameters
        Its keywords, streams aside.
    seed
        Of the global random streams, which the method must leave alone.
    name
        Of the contender, which its private streams depend on.
    """
    interface, experiment = instance.target.interface, instance.target.of
    streams = instance.streams(n)
    problem = instance.problem(streams)
    sizes, _ = sizes_of(interface.problem, problem)
    offered = dict(tensors_of(interface.problem, problem))
    copies = {key: np.array(host(value)) for key, value in offered.items()}
    private = {"streams": streams.private(name)} if wants_streams else {}
    trial = Trial()
    before = _calls(problem)
    with around.kept():
        around.seed_globals(seed)
        state = around.surroundings()
        with watched(problem, interface.problem, function) as beyond:
            try:
                answer = function(problem, **parameters, **private)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001  whatever a method raises is a finding
                trial.raised = _told(error, function)
        trial.surroundings = around.changes(state, around.surroundings())
    trial.beyond = sorted(beyond)
    after = _calls(problem)
    trial.calls = None if before is None or after is None else (before, after)
    trial.altered = [
        key
        for key, value in offered.items()
        if not np.array_equal(copies[key], host(value), equal_nan=True)
    ]
    trial.together = bool(streams.together)
    if not trial.answered:
        return trial
    _look(trial, answer, interface, sizes, offered, instance.device.partition(":")[0])
    if not trial.wrong:
        rows = len(instance.cells) * n
        with around.kept():
            _measure(trial, lambda: experiment.measure(problem, answer), rows)
    return trial


def _look(
    trial: Trial,
    answer: Any,
    interface: Interface,
    sizes: Any,
    offered: Mapping[str, Any],
    device: str,
) -> None:
    if answer is None:
        trial.wrong = ["the method returned None; allowed: " + _answer(interface)]
        return
    kind = interface.answer
    if not interface.parts and isinstance(kind, type) and not isinstance(answer, kind):
        trial.wrong.append(f"the answer is of type {type(answer).__name__}; allowed: {kind}")
    for shape in interface.parts:
        try:
            value = part(answer, shape)
        except AttributeError:
            trial.wrong.append(
                f"the answer, of type {type(answer).__name__}, has no {shape.name};"
                f" allowed: {_answer(interface)}"
            )
            continue
        trial.wrong += mismatches(shape, value, sizes, device)
        leaves = list(value) if shape.each and isinstance(value, (list, tuple)) else [value]
        for index, leaf in enumerate(leaves):
            if not hasattr(leaf, "shape"):
                continue
            label = (shape.name or "the answer") + (f"[{index}]" if shape.each else "")
            trial.arrays[label] = np.array(host(leaf))
            trial.aliased += [
                f"{label} and problem.{key}"
                for key, own in offered.items()
                if np.may_share_memory(host(leaf), host(own))
            ]


def part(answer: Any, shape: Shape) -> Any:
    """Return the part of an answer that a shape is about."""
    for name in filter(None, shape.name.split(".")):
        answer = getattr(answer, name)
    return answer


def _measure(trial: Trial, measure: Callable[[], Mapping[str, Any]], rows: int) -> None:
    try:
        columns = {key: host(value) for key, value in measure().items()}
    except Exception as error:  # noqa: BLE001  whatever it raises is a finding
        trial.measured = f"the measure raised {type(error).__name__}: {error}"
        return
    for key, values in columns.items():
        if values.shape[:1] != (rows,):
            trial.measured = (
                f"the measure made {key} of shape {values.shape} of the answer; allowed: ({rows},),"
                f" or ({rows}, points)"
            )
        trial.arrays[f"measured {key}"] = values


def _calls(problem: Any) -> NDArray[Any] | None:
    calls = getattr(problem, "calls", None)
    return None if calls is None else np.array(host(calls))


def _answer(interface: Interface) -> str:
    kind = getattr(interface.answer, "__name__", str(interface.answer))
    return f"{kind}: {'; '.join(shape.text for shape in interface.parts)}"


def _told(error: BaseException, function: Callable[..., Any]) -> str:
    """Return what was raised, and the last line of the method's own file on the way."""
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    told = f"{type(error).__name__}: {error}"
    for step in reversed(traceback.extract_tb(error.__traceback__)):
        if step.filename == own:
            return f"{told} ({Path(step.filename).name}, line {step.lineno})"
    return told
