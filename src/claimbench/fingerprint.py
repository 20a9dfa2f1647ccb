"""The machine as far as it decides bits and seconds; no host name, no path."""

from __future__ import annotations

import os
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Any

from claimbench.digest import digest
from claimbench.errors import UsageError
from claimbench.evidence.packages import versions
from claimbench.evidence.unit import THREADS

NUMERIC = ("numpy", "scipy", "torch")


@cache
def fingerprint(device: str = "cpu") -> dict[str, Any]:
    """Return CPU, cores, threads, BLAS, versions and, for a GPU, its name and driver."""
    found: dict[str, Any] = {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": THREADS,
        "system": f"{platform.system()} {platform.machine()}",
        "implementation": platform.python_implementation(),
        **versions(*NUMERIC),
        "blas": _blas(),
        "gpu": None,
        "driver": None,
    }
    if device.startswith("cuda"):
        found |= _gpu(device)
    return found


def fingerprint_id(device: str = "cpu") -> str:
    """Return twelve digits that stand for the fingerprint."""
    return digest(fingerprint(device))[:12]


def check_device(device: str) -> None:
    """Refuse a device that is unknown or not there.

    Raises
    ------
    UsageError
        Saying which devices this machine has.
    """
    kind, _, number = device.partition(":")
    if kind not in {"cpu", "cuda"} or (number and not number.isdigit()):
        raise UsageError("unknown device", value=device, allowed=("cpu", "cuda", "cuda:N"))
    if kind == "cuda":
        import torch

        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            raise UsageError(
                "this machine has no such device",
                value=device,
                allowed=("cpu", *(f"cuda:{index}" for index in range(count))),
                cure="claimbench doctor   (shows what torch sees)",
            )
        names = {torch.cuda.get_device_name(index) for index in range(count)} if count > 1 else ()
        if not number and len(names) > 1:
            raise UsageError(
                "the GPUs differ, and evidence belongs to one kind",
                value=", ".join(sorted(names)),
                allowed="GPUs of one name, or cuda:N for one of them",
                cure="CUDA_VISIBLE_DEVICES=0 pytest suite --benchmark-only --device cuda",
            )


def _cpu() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _blas() -> str:
    import numpy as np
    from threadpoolctl import threadpool_info

    np.zeros(1)  # numpy's own library is what is asked for
    found = {
        f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}".strip()
        for pool in threadpool_info()
        if pool["user_api"] == "blas" and "numpy" in pool["filepath"]
    }
    return ", ".join(sorted(found)) or "unknown"


def _gpu(device: str) -> dict[str, Any]:
    import subprocess

    import torch

    asked = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "gpu": torch.cuda.get_device_name(device),
        "driver": asked.stdout.splitlines()[0].strip() if asked.stdout else "unknown",
        "cuda": torch.version.cuda,
    }


def default_workers(device: str) -> int:
    """Return how many workers fill the machine: one for each core, or for each GPU."""
    if device == "cuda":
        import torch

        return torch.cuda.device_count()
    if device.startswith("cuda"):
        return 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
