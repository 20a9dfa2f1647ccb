"""A real Dask cluster on loopback: a scheduler and workers, each a process that can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from toy import environment

PATIENCE = 180.0


@dataclass
class Cluster:
    """What runs, and how to reach it."""

    folder: Path
    cwd: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The scheduler's."""
        file = self.folder / "scheduler.json"
        wait_for(file.is_file)
        return str(json.loads(file.read_text())["address"])

    def start(self, name: str, *words: str, **variables: str) -> None:
        """Start `dask WORDS` there."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "dask", *words],
                cwd=self.cwd,
                env=environment() | variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def worker(self, name: str, *words: str, **variables: str) -> None:
        """Start a Dask worker of one thread."""
        local = self.folder / name
        fixed = ("--nthreads", "1", "--no-dashboard", "--name", name, "--local-directory")
        self.start(name, "worker", self.address, *fixed, str(local), *words, **variables)

    def met(self, name: str) -> bool:
        """Whether the scheduler knows that worker."""
        return "Registered to" in self.log(name)

    def kill(self, name: str) -> None:
        """Kill a process as the system's out-of-memory killer would."""
        os.kill(self.processes[name].pid, signal.SIGKILL)
        self.processes[name].wait()

    def log(self, name: str) -> str:
        """Return what a process has said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")


@contextmanager
def cluster(folder: Path, cwd: Path) -> Iterator[Cluster]:
    """Start a scheduler in a folder of its own; end it and all its workers."""
    folder.mkdir(parents=True)
    running = Cluster(folder, cwd)
    file = str(folder / "scheduler.json")
    words = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
    running.start("scheduler", "scheduler", *words, "--scheduler-file", file)
    try:
        yield running
    finally:
        for process in reversed(running.processes.values()):
            process.terminate()
        for process in running.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(happened: object, *, most: float = PATIENCE) -> None:
    """Wait until a function of nothing returns something true."""
    assert callable(happened)
    end = time.monotonic() + most
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
