"""Run one unit, inside a worker process."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from claimbench.errors import ClaimbenchError, ContenderError, StoreError
from claimbench.evidence import clock
from claimbench.evidence.gpus import settle
from claimbench.evidence.kept import Shelf
from claimbench.evidence.store import Rows, write_exhibit, write_rows
from claimbench.evidence.streams import TUNING_OFFSET, Streams
from claimbench.evidence.unit import Outcome, Unit
from claimbench.experiment import Experiment

if TYPE_CHECKING:  # it imports torch, which the session's own process does without
    from claimbench.candidates.stranger import Stranger

#: Columns of the evidence that no measure may return.
_TAKEN = (
    "paper", "experiment", "contender", "role", "replicate", "point", "seconds",
    "peak_memory_bytes", "status", "reason",
)  # fmt: skip


def start(  # pebble passes by position
    threads: int,
    pinned: bool,  # noqa: FBT001
    root: str,
    modules: tuple[str, ...],
    slots: str = "",
) -> None:
    """Prepare a new worker: threads, imports, its GPU and, for a race, one core to stay on."""
    if slots:
        settle(Path(slots))
    if pinned and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    for module in modules:
        # One that can't be imported here is told of by the unit that needs it.
        with suppress(Exception):
            _import(root, module)
    # Where nobody has imported torch so far, the environment will tell it.
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(threads)


def run(unit: Unit) -> Outcome:
    """Run a unit and keep its rows; a contender that raises is an outcome, not an error."""
    began = clock.now()
    try:
        experiment = _experiment(unit)
        streams = _streams(unit)
        problem = experiment.problem(**_settings(unit, experiment), streams=streams, n=unit.n)
        suite = clock.now() - began  # the first import of the paper's modules among it
        own = streams.private(unit.contender)
        stranger = _stranger(unit, own) if unit.candidate else None
        contender = stranger or experiment.contenders[unit.contender]
        private = {"streams": own} if contender.wants_streams else {}
        if experiment.seconds:
            gc.disable()  # a collection in the midst of a call would be timed with it
        try:
            with stranger.calling(problem) if stranger else nullcontext():
                timed = clock.timed(
                    lambda: contender.function(problem, **unit.parameters, **private),
                    device=unit.device,
                )
        finally:
            gc.enable()
        started = clock.now()
        with stranger.measuring(timed.answer) if stranger else nullcontext():
            measured = experiment.measure(problem, timed.answer)
            exhibit = None
            if experiment.exhibit is not None and unit.block == 0 and unit.stage == "evidence":
                exhibit = experiment.exhibit(problem, timed.answer)
            suite += clock.now() - started
            rows = _rows(unit, measured, getattr(problem, "calls", None), timed)
        if unit.file:
            # The rows go last: where they are, the unit is complete.
            shown = "" if exhibit is None else write_exhibit(Path(unit.file), exhibit)
            if not experiment.seconds:  # those of a race are this run's own
                write_rows(Path(unit.file), unit, rows, exhibit=shown)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in {"", "suite", "baselines", "claimbench"}:
            return Outcome("failed", _reason(error))
        return Outcome("unavailable", f"the package that provides {missing!r} is not installed")
    except StoreError:
        raise
    except BaseException as error:  # noqa: BLE001  whatever a contender raises is recorded
        return Outcome("failed", _reason(error), lasting=_lasts(error))
    return Outcome(
        status="ok",
        seconds=timed.seconds,
        suite_seconds=suite,
        engine_seconds=clock.now() - began - suite - timed.seconds,
        peak_memory_bytes=timed.peak_memory_bytes,
        criterion={name: float(np.mean(values)) for name, values in rows.columns.items()},
        rows=rows if experiment.seconds else None,
        notices=tuple(streams.shelf.notices) if streams.shelf is not None else (),
    )


def _lasts(error: BaseException) -> bool:
    """Whether the same call would raise again: no lack of memory, no file, no missing package."""
    arithmetic = isinstance(error, (ArithmeticError, LookupError, TypeError, ValueError))
    # torch's own is a RuntimeError, as is all that a GPU may die of.
    return arithmetic or isinstance(error, ContenderError) or "LinAlgError" in type(error).__name__


def _reason(error: BaseException) -> str:
    text = str(error).strip() or "no message"
    return text if isinstance(error, ClaimbenchError) else f"{type(error).__name__}: {text}"


def _stranger(unit: Unit, own: Streams) -> Stranger:
    from claimbench.candidates.stranger import Stranger

    entropy = int(own.numpy("process").integers(2**31))
    return Stranger(unit.candidate, unit.source, Path(unit.root), entropy)


@cache
def _import(root: str, module: str) -> Any:
    # Data sets are found from the current folder; pytest may have been started elsewhere.
    os.chdir(root)
    if root not in sys.path:
        sys.path.insert(0, root)
    return importlib.import_module(module)


def _experiment(unit: Unit) -> Experiment:
    module = _import(unit.root, f"suite.{unit.domain}.{unit.slug}.bench_{unit.slug}")
    experiment: Experiment = getattr(module, unit.experiment)
    return experiment


def _streams(unit: Unit) -> Streams:
    offset = TUNING_OFFSET if unit.stage == "tuning" else 0
    first, end = unit.replicates
    return Streams(
        paper=f"{unit.domain}/{unit.slug}",
        experiment=unit.experiment,
        block=unit.block + offset,
        replicates=range(first + offset, end + offset),
        device=unit.device,
        seed=unit.seed,
        shelf=Shelf(Path(unit.kept), Path(unit.root), unit.environment) if unit.kept else None,
    )


def _settings(unit: Unit, experiment: Experiment) -> dict[str, Any]:
    """Return the problem's parameters: values, or tuples of them for stacked settings."""
    first = unit.cells[0]
    return {
        name: tuple(cell[name] for cell in unit.cells) if name in experiment.stack else value
        for name, value in first.items()
    }


def _rows(unit: Unit, measured: Mapping[str, Any], calls: Any, timed: clock.Timed) -> Rows:
    total = len(unit.cells) * unit.n
    if not isinstance(measured, Mapping) or not measured:
        raise ContenderError(
            "the measure returned no columns",
            value=type(measured).__name__,
            allowed="a mapping of names to arrays",
        )
    for name in measured:
        if name in _TAKEN or name in unit.cells[0] or (name == "calls" and calls is not None):
            raise ContenderError(
                "the measure's column is called as one that the engine writes",
                value=name,
                allowed=f"names other than {', '.join((*_TAKEN, *unit.cells[0]))}",
            )
    columns = {name: _column(name, values, total) for name, values in measured.items()}
    censored = columns.pop("censored", np.zeros(total)) != 0
    if censored.ndim > 1:
        raise ContenderError(
            "the measure's column 'censored' has the wrong shape",
            value=censored.shape,
            allowed=f"({total},)",
        )
    diverged = np.zeros(total, dtype=bool)
    for name, values in columns.items():
        lost = ~np.isfinite(values)
        diverged |= lost.reshape(total, -1).any(axis=1)
        columns[name] = np.where(np.isnan(values), np.inf, values)
    status = np.where(diverged, "diverged", np.where(censored, "censored", "ok"))
    if calls is not None:
        columns["calls"] = _column("calls", calls, total)
        if columns["calls"].ndim > 1:
            raise ContenderError(
                "calls has the wrong shape", value=columns["calls"].shape, allowed=f"({total},)"
            )
    # A block computes its replicates together: each is charged an equal share.
    columns["seconds"] = np.full(total, timed.seconds / total)
    return Rows(columns, status, timed.peak_memory_bytes)


def _column(name: str, values: Any, total: int) -> NDArray[np.float64]:
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    try:
        given = np.asarray(values)
    except ValueError:  # lists of unequal lengths
        given = np.asarray(None)
    if given.dtype.kind not in "biuf":
        raise ContenderError(
            f"the measure's column {name!r} holds no real numbers",
            value=type(values).__name__,
            allowed=f"an array of shape ({total},), or ({total}, points) for a trace",
        )
    column = given.astype(np.float64)
    if column.ndim not in {1, 2} or column.shape[0] != total:
        raise ContenderError(
            f"the measure's column {name!r} has the wrong shape",
            value=column.shape,
            allowed=f"({total},), or ({total}, points) for a trace",
        )
    return column
