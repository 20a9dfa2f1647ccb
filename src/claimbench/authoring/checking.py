"""``claimbench check``: whether a method keeps to an experiment's interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from claimbench.authoring import surroundings as around
from claimbench.authoring.instance import Instance, instances
from claimbench.authoring.target import Target
from claimbench.authoring.trial import Trial, run
from claimbench.candidates.loading import grid_of, load, wants_streams
from claimbench.candidates.spec import Spec

Outcome = Literal["ok", "note", "wrong", "not checked"]
#: Of the largest entry: other companions change the shapes of products, and so their last bits; an
#: iterative method may make more of it.
TOLERANCE = {"float64": 1e-6, "float32": 1e-3}
_STREAM = "global random stream"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was checked, and what was found."""

    check: str
    outcome: Outcome
    found: str


def check(target: Target, spec: Spec, device: str = "cpu") -> list[Finding]:
    """Return what is found of a method on a tiny instance of an experiment.

    Raises
    ------
    CandidateError
        When it can't be loaded, or can't be called as contenders are.
    """
    with around.kept():
        around.one_thread()
        state = around.surroundings()
        function = load(spec)
        imported = around.changes(state, around.surroundings())
    findings = [_import(imported)]
    with around.kept():
        around.one_thread()
        findings += list(_checks(target, spec, function, device))
    return findings


def failed(findings: list[Finding]) -> bool:
    """Return whether something is wrong."""
    return any(finding.outcome == "wrong" for finding in findings)


def _checks(
    target: Target, spec: Spec, function: Callable[..., Any], device: str
) -> Iterator[Finding]:
    grid = grid_of(function, spec)
    options: dict[str, Any] = {
        "name": spec.name,
        "wants_streams": wants_streams(function, grid, spec),
    }
    parameters = {name: values[0] for name, values in grid.items()}
    first, *_, last = [*instances(target, device)] * 2
    one = run(function, parameters, last, n=last.n, seed=1, **options)
    where = f"{target.experiment}, {_cells(last)}, {last.n} of a block"
    if not one.answered:
        yield Finding("it answers", "wrong", f"raised {one.raised} at {where}")
        yield from _conduct(one)
        return
    yield Finding("it answers", "ok", where)
    yield _answer(one)
    if not one.wrong:
        yield Finding("the measure takes it", *_found(one.measured, "columns of every row"))
    yield from _conduct(one)
    if one.wrong or one.measured:
        return
    two = run(function, parameters, last, n=last.n, seed=2, **options)
    yield _repeated(one, two)
    more = 4 if last.n == 1 else 2 * last.n
    yield _alone(one, last, more, lambda n: run(function, parameters, last, n=n, seed=1, **options))
    if first.cells != last.cells:
        elsewhere = run(function, parameters, first, n=first.n, seed=1, **options)
        wrong = elsewhere.raised or "; ".join(elsewhere.wrong) or elsewhere.measured
        yield Finding("other cells", *_found(wrong, _cells(first)))


def _import(imported: list[str]) -> Finding:
    return Finding(
        "it imports",
        *_found(
            "; ".join(f"its import changed {one}" for one in imported),
            "and leaves the process as it was",
        ),
    )


def _answer(trial: Trial) -> Finding:
    shapes = ", ".join(
        f"{name.replace('the answer', 'it')} {values.shape} {values.dtype}"
        for name, values in trial.arrays.items()
        if not name.startswith("measured ")
    )
    return Finding(
        "shape, dtype, device, finite", *_found("; ".join(trial.wrong), shapes or "callable")
    )


def _conduct(trial: Trial) -> Iterator[Finding]:
    """Yield how the method treats the problem and the process."""
    altered = ", ".join(f"problem.{name}" for name in trial.altered)
    yield Finding(
        "leaves the problem as it is",
        *_found(
            altered
            and f"changed {altered} in place; work on a copy: {altered.split(', ')[0]}.clone()",
            "all arrays of the interface are as before",
        ),
    )
    if trial.answered:
        shared = ", ".join(trial.aliased)
        yield Finding(
            "owns its answer",
            "note" if shared else "ok",
            f"one memory: {shared}; return a clone, so that no later change of the one is a"
            " change of the other"
            if shared
            else "shares no memory with the problem",
        )
    beyond = ", ".join(trial.beyond)
    yield Finding(
        "uses what is offered",
        *_found(
            beyond
            and f"uses {beyond}, which the interface does not offer: the measure's own,"
            " uncounted, or due to change",
            "nothing beyond the interface",
        ),
    )
    yield _counting(trial)
    streams = [name for name in trial.surroundings if _STREAM in name]
    others = [name for name in trial.surroundings if _STREAM not in name]
    yield Finding(
        "global random streams",
        *_found(
            streams
            and f"draws from or seeds {', '.join(streams)}; take the keyword streams:"
            " streams.numpy(), streams.torch(), streams.each()",
            "untouched",
        ),
    )
    yield Finding(
        "threads, dtype, process",
        *_found(others and f"changed {'; '.join(others)}", "untouched"),
    )


def _counting(trial: Trial) -> Finding:
    if trial.calls is None:
        return Finding("work is counted", "not checked", "this problem counts nothing")
    before, after = trial.calls
    if before.shape != after.shape and before.size:
        return Finding(
            "work is counted", "wrong", f"calls changed shape, {before.shape} to {after.shape}"
        )
    if before.shape == after.shape and bool((after < before).any()):
        return Finding("work is counted", "wrong", "calls went down: a contender may only add")
    spent = float(after.max(initial=0)) - float(before.max(initial=0))
    if spent == 0 and trial.answered:
        return Finding(
            "work is counted",
            "note",
            "no call of the oracle was counted: right only for a method that makes none",
        )
    return Finding("work is counted", "ok", f"up to {spent:g} calls for a replicate")


def _repeated(one: Trial, two: Trial) -> Finding:
    name = "two runs agree"
    if two.raised:
        return Finding(name, "wrong", f"the second run raised {two.raised}")
    differing = [
        key
        for key, values in one.arrays.items()
        if key not in two.arrays or not np.array_equal(values, two.arrays[key], equal_nan=True)
    ]
    if not differing:
        return Finding(name, "ok", "bit for bit, under two seeds of the global streams")
    apart = max(_apart(one.arrays[key], two.arrays.get(key)) for key in differing)
    drawn = [stream for stream in one.surroundings if _STREAM in stream]
    cause = (
        f"it draws from {', '.join(drawn)}"
        if drawn
        else "it draws from a generator of its own without a seed, or keeps something from run to"
        " run"
    )
    return Finding(
        name,
        "wrong",
        f"{', '.join(differing[:3])} differ by up to {apart:.2g} of the largest entry on one"
        f" problem with the same streams: {cause}; take the keyword streams",
    )


def _alone(one: Trial, instance: Instance, more: int, again: Callable[[int], Trial]) -> Finding:
    """Compare replicate 0 among its companions with replicate 0 among more of them."""
    name = "replicates stand alone"
    if instance.target.of.seconds:
        return Finding(name, "not checked", "a replicate of a race is a round, run by itself")
    try:
        other = again(more)
    except Exception as error:  # noqa: BLE001  a problem may insist on its block
        return Finding(name, "not checked", f"no block of {more} is to be had ({error})")
    if other.together or one.together:
        why = "replicates are drawn together here: a block of another size is another draw"
        return Finding(name, "not checked", why)
    if other.raised or other.wrong or other.measured:
        wrong = other.raised or "; ".join(other.wrong) or other.measured
        return Finding(name, "wrong", f"with {more} replicates in place of {instance.n}: {wrong}")
    rows = list(_rows_of_replicate_0(one, other, len(instance.cells), instance.n, more))
    # The measure's columns may be differences of nearly equal numbers: only where there is no more.
    rows = [row for row in rows if not row[0].startswith("measured ")] or rows
    if not rows:
        return Finding(name, "not checked", "nothing in the answer has a row for each replicate")
    worst = max((_apart(ours, theirs), key, ours.dtype.name) for key, ours, theirs in rows)
    if worst[0] > TOLERANCE.get(worst[2], 1e-3):
        return Finding(
            name,
            "wrong",
            f"{worst[1]} of replicate 0 moves by {worst[0]:.2g} of its largest entry when it has"
            f" {more - 1} companions in place of {instance.n - 1}: no row may depend on another",
        )
    return Finding(
        name,
        "ok",
        f"replicate 0 among {instance.n} and among {more}: equal to"
        f" {TOLERANCE.get(worst[2], 1e-3):g} of its largest entry",
    )


def _rows_of_replicate_0(
    one: Trial, other: Trial, cells: int, n: int, more: int
) -> Iterator[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Yield the arrays whose rows are (cell, replicate): name, and replicate 0 of either trial."""
    for key, values in one.arrays.items():
        theirs = other.arrays.get(key)
        if theirs is None or values.dtype.kind != "f" or values.shape[:1] != (cells * n,):
            continue
        if theirs.shape == (cells * more, *values.shape[1:]):
            yield (
                key,
                values.reshape(cells, n, *values.shape[1:])[:, 0],
                theirs.reshape(cells, more, *values.shape[1:])[:, 0],
            )


def _apart(ours: NDArray[Any], theirs: NDArray[Any] | None) -> float:
    """Return the largest difference, over the largest entry."""
    if theirs is None or ours.shape != theirs.shape or ours.dtype.kind not in "bfiuc":
        return float("inf")
    a, b = ours.astype(float), theirs.astype(float)
    finite = np.isfinite(a) & np.isfinite(b)
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return float("inf")
    scale = max(float(np.abs(a[finite]).max(initial=0)), np.finfo(float).tiny)
    return float(np.abs(a[finite] - b[finite]).max(initial=0)) / scale


def _cells(instance: Instance) -> str:
    first, *others = instance.cells
    text = ", ".join(f"{name}={value}" for name, value in first.items())
    return f"{text} and {len(others)} more" if others else text or "its one cell"


def _found(wrong: str | list[str] | Mapping[str, Any], otherwise: str) -> tuple[Outcome, str]:
    return ("wrong", str(wrong)) if wrong else ("ok", otherwise)
