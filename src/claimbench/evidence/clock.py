"""The only clock in the project, and the meter of peak memory."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Timed:
    """What a call returned and what it cost.

    Attributes
    ----------
    seconds
        Wall time, with the device's queue empty before and after.
    peak_memory_bytes
        The most memory in use during the call above what was in use before it: of the process on
        a CPU, of the allocator on a GPU. None where the system does not tell.
    """

    answer: Any
    seconds: float
    peak_memory_bytes: int | None


def now() -> float:
    """Return seconds on a clock that never goes back; only differences mean something."""
    return time.perf_counter()


def utc() -> str:
    """Return the date and time of day as a name for files: ``20260131T235959Z``."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def timed(function: Callable[[], Any], *, device: str) -> Timed:
    """Call `function` and return its answer and cost.

    Parameters
    ----------
    function
        Takes nothing.
    device
        A torch device; a GPU is synchronised before the clock starts and before it stops.
    """
    on_gpu = device.startswith("cuda")
    before = _reset_gpu(device) if on_gpu else _reset_host()
    start = now()
    answer = function()
    if on_gpu:
        _synchronize(device)
    seconds = now() - start
    after = _gpu_peak(device) if on_gpu else _host_peak()
    peak = None if before is None or after is None else max(0, after - before)
    return Timed(answer, seconds, peak)


def _synchronize(device: str) -> None:
    import torch

    torch.cuda.synchronize(device)


def _reset_gpu(device: str) -> int:
    import torch

    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    return int(torch.cuda.memory_allocated(device))


def _gpu_peak(device: str) -> int:
    import torch

    return int(torch.cuda.max_memory_allocated(device))


def _reset_host() -> int | None:
    """Set the process's high-water mark to its present size, and return that."""
    if sys.platform != "linux":
        return None
    try:
        # 5 resets VmHWM: proc(5), /proc/pid/clear_refs.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return None
    return _host_peak()


def _host_peak() -> int | None:
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def process_seconds() -> float:
    """Return the CPU time of this process, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
