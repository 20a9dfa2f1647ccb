"""What a Dask worker does with a task: hand it to a process, and bring back its files' bytes.

Each thread of the Dask worker has a process of its own (`claimbench.cluster.host`), kept for the
units of one session: the next session may bring other source.
"""

from __future__ import annotations

import select
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from claimbench.cluster.task import Answer, Task
from claimbench.evidence.unit import Outcome

#: Seconds that a process may take over a unit's budget: to start, to import, to hash the source.
GRACE = 300.0
_TICK = 0.5


class Place(Protocol):
    """Where a task runs, as far as it matters here."""

    @property
    def address(self) -> str:
        """By which the scheduler knows it."""

    @property
    def scratch(self) -> Path:
        """A folder for files that nobody else writes."""

    def unwanted(self) -> bool:
        """Whether the client has cancelled the task."""


class _Process:
    """A `host`, with the folder that it leaves files in."""

    def __init__(self, run: str, scratch: Path) -> None:
        self.run = run
        self._folder = tempfile.TemporaryDirectory(prefix="claimbench-", dir=scratch)
        self.folder = Path(self._folder.name)
        self._of = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", "claimbench.cluster.host", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, text: str, *, most: float, place: Place) -> str | None:
        """Return the answer's line; None when the process died, hung, or is no longer wanted."""
        tasks, answers = self._of.stdin, self._of.stdout
        assert tasks is not None
        assert answers is not None
        try:
            tasks.write(text + "\n")
            tasks.flush()
        except BrokenPipeError:
            return None
        for _ in range(int(most / _TICK)):
            if select.select([answers], [], [], _TICK)[0]:
                return answers.readline() or None
            if place.unwanted():
                break
        return None

    def close(self) -> None:
        """End the process; what it runs ends with it."""
        for pipe in (self._of.stdin, self._of.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what it was asked last may still be on its way
                    pipe.close()
        try:
            self._of.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._of.kill()
            self._of.wait()
        self._folder.cleanup()


_idle: list[_Process] = []
_lock = threading.Lock()


def run(text: str) -> tuple[str, bytes, bytes]:
    """Run the task on this Dask worker: what the client submits.

    Returns
    -------
    answer, rows, exhibit
        The text of an `Answer`, and the bytes of the unit's files; empty where there is none.
    """
    return run_at(text, _DaskPlace())


def run_at(text: str, place: Place) -> tuple[str, bytes, bytes]:
    """Run the task at a place."""
    task = Task.of(text)
    for _ in range(2):  # a process may have died between two tasks
        process = _taken(task.run, place.scratch)
        line = process.ask(text, most=task.budget + GRACE, place=place)
        if line is not None:
            break
        process.close()
        if place.unwanted():
            return _failed(place, "cancelled")
    else:
        return _failed(place, "the process that holds its worker died twice")
    rows, exhibit = (_moved(process.folder / name) for name in ("rows.parquet", "rows.npz"))
    with _lock:
        _idle.append(process)
    return replace(Answer.of(line), address=place.address).text(), rows, exhibit


def _failed(place: Place, reason: str) -> tuple[str, bytes, bytes]:
    return Answer(place.address, {}, outcome=Outcome("failed", reason)).text(), b"", b""


def _taken(run: str, scratch: Path) -> _Process:
    """Return an idle process of the session, or a new one; those of other sessions end."""
    with _lock:
        others = [process for process in _idle if process.run != run]
        own = [process for process in _idle if process.run == run]
        taken = own.pop() if own else None
        _idle[:] = own
    for process in others:
        process.close()
    return taken or _Process(run, scratch)


def _moved(file: Path) -> bytes:
    if not file.is_file():
        return b""
    content = file.read_bytes()
    file.unlink()
    return content


class _DaskPlace:
    """The Dask worker whose thread this is."""

    def __init__(self) -> None:
        from distributed import get_worker

        self._worker = get_worker()
        self._key = self._worker.get_current_task()

    @property
    def address(self) -> str:
        return str(self._worker.address)

    @property
    def scratch(self) -> Path:
        return Path(self._worker.local_directory)

    def unwanted(self) -> bool:
        task = self._worker.state.tasks.get(self._key)
        return task is None or task.state == "cancelled"
