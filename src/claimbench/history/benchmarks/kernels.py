"""Seconds and memory of the methods that primary claims rest on."""

from __future__ import annotations

import inspect
import sys
from dataclasses import fields
from types import ModuleType
from typing import Any, ClassVar

import torch  # noqa: F401  asv forks a process for each benchmark from one that has this already
from asv_runner.benchmarks.mark import SkipNotImplemented

from claimbench.evidence import worker
from claimbench.evidence.unit import Outcome, Unit

from .place import checkout, plan

_UNITS: dict[str, dict[str, Any]] = plan()["kernels"]


class _Meter:
    """A clock that goes on by what the engine's clock says of each call, and else stands still."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


_METER = _Meter()


class Kernels:
    """The method of each primary claim, at its smallest cell."""

    params: ClassVar = list(_UNITS)
    param_names = ("kernel",)
    # asv compares numbers of one version; a change of the code's text should not cut the history.
    version = "1"
    # Enough samples for asv's test of two.
    number = 1
    rounds = 2
    repeat = (5, 10, 1.0)
    warmup_time = 0.01
    timer = _METER

    unit: Unit

    def setup(self, name: str) -> None:
        """Find the kernel; asv shows one that the commit does not have as n/a."""
        parts = _UNITS[name]
        folder = checkout() / "suite" / parts["domain"] / parts["slug"]
        if not folder.is_dir():
            raise NotImplementedError("the commit does not have this paper")
        known = {field.name for field in fields(Unit)}
        given = {name: value for name, value in parts.items() if name in known}
        self.unit = Unit(root=str(checkout()), **given)
        module = f"suite.{self.unit.domain}.{self.unit.slug}.bench_{self.unit.slug}"
        worker.start(1, True, str(checkout()), (module,))
        # A file that can't be imported is told of by the run.
        if module in sys.modules and not _has(sys.modules[module], self.unit):
            raise NotImplementedError("the commit does not have this kernel")

    def time_kernel(self, _name: str) -> None:
        """Run it; the meter takes the engine's seconds, which leave the problem out.

        The fastest of three calls: whatever else the machine does can only add to them.
        """
        _METER.seconds += min(_run(self.unit).seconds for _ in range(3))

    def peakmem_kernel(self, _name: str) -> None:
        """Run it once in a process of its own, whose peak is read afterwards."""
        _run(self.unit)


def _run(unit: Unit) -> Outcome:
    outcome = worker.run(unit)
    if outcome.status == "unavailable":
        raise SkipNotImplemented(outcome.reason)
    if outcome.status != "ok":
        raise RuntimeError(outcome.reason)
    return outcome


def _has(module: ModuleType, unit: Unit) -> bool:
    """Tell whether the commit has such an experiment, contender, settings and parameters."""
    experiment = getattr(module, unit.experiment, None)
    contender = getattr(experiment, "contenders", {}).get(unit.contender)
    if experiment is None or contender is None:
        return False
    private = {"streams": None} if contender.wants_streams else {}
    try:
        inspect.signature(experiment.problem).bind(**unit.cells[0], streams=None, n=1)
        inspect.signature(contender.function).bind(None, **unit.parameters, **private)
    except TypeError:
        return False
    return True
