"""Several GPUs: who has which, and that evidence does not tell."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toy import bound, context, environment, jobs_of, make

from claimbench.errors import UsageError
from claimbench.evidence import gpus, worker
from claimbench.evidence.plan import Plan
from claimbench.fingerprint import check_device, default_workers

TAKE = """
import sys, time
from pathlib import Path
from claimbench.evidence.gpus import take_slot
print(take_slot(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine with two GPUs of one name; the list tells which this process chose."""
    import torch

    chosen: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A GPU")
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


def taker(folder: Path) -> subprocess.Popen[str]:
    """Start a process that takes a number and keeps it."""
    return subprocess.Popen(
        [sys.executable, "-c", TAKE, str(folder)],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def number(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_workers_have_numbers_of_their_own_and_a_successor_takes_over(tmp_path: Path) -> None:
    """Also after SIGKILL: the GPU of a worker that died is not left idle."""
    three = [taker(tmp_path) for _ in range(3)]
    numbers = {number(process): process for process in three}
    numbers[1].send_signal(signal.SIGKILL)
    numbers[1].wait()
    successor = taker(tmp_path)
    found = number(successor)
    for process in (*three, successor):
        process.communicate()

    assert sorted(numbers) == [0, 1, 2]
    assert found == 1


def test_worker_i_has_gpu_i_modulo_their_count(
    two_gpus: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker does as it starts, for three workers and two GPUs."""
    numbers = iter(range(3))
    monkeypatch.setattr(gpus, "take_slot", lambda folder: next(numbers))
    for _ in range(3):
        worker.start(1, False, str(tmp_path), (), str(tmp_path))

    assert two_gpus == [0, 1, 0]


def test_without_gpus_nothing_is_chosen(two_gpus: list[int], tmp_path: Path) -> None:
    """A worker of a CPU run, or of one numbered GPU, starts as ever."""
    worker.start(1, False, str(tmp_path), ())

    assert two_gpus == []


def test_there_are_as_many_workers_as_gpus(two_gpus: list[int]) -> None:
    """One for a numbered GPU; on a CPU, as many as the cores."""
    assert default_workers("cuda") == 2
    assert default_workers("cuda:1") == 1
    assert default_workers("cpu") == len(os.sched_getaffinity(0))
    assert two_gpus == []


def test_gpus_of_two_kinds_are_refused(
    two_gpus: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their bits differ; one of them, or those of one kind, may be chosen."""
    import torch

    check_device("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device}")
    check_device("cuda:1")
    with pytest.raises(UsageError, match=r"the GPUs differ.*'GPU 0, GPU 1'.*CUDA_VISIBLE_DEVICES"):
        check_device("cuda")
    assert two_gpus == []


def test_a_unit_does_not_tell_its_gpu(tmp_path: Path) -> None:
    """All GPUs are `cuda` to it: one key, whichever worker computes it."""
    plan = Plan(context(make(tmp_path), device="cuda"))
    units = [unit for job in jobs_of(bound(tmp_path)) for unit in plan.units(job)]

    assert {unit.device for unit in units} == {"cuda"}
    assert len({unit.key for unit in units}) == len(units)
