"""Worker processes: a task that hangs, crashes or passes its budget ends alone."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from pebble import CONSTS, ProcessExpired, ProcessPool
from pebble.pool.base_pool import Task
from pebble.pool.process import TaskManager

from claimbench.evidence import clock, worker
from claimbench.evidence.unit import THREADS, Outcome, Unit

#: What tells the numeric libraries of a new process.
ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
    ),
    str(THREADS),
)
_PRELOAD = ("claimbench.evidence.worker", "numpy", "pyarrow.parquet")


def prepare(root: Path, *, candidates: bool = False) -> None:
    """Start the server that workers are forked from, which imports meanwhile what they need.

    Torch takes seconds, so it is left out where no paper of the checkout names it, and there are
    no `candidates`, whose use of it is watched.
    """
    heavy = ("torch",) if candidates or _name_torch(root / "suite") else ()
    multiprocessing.get_context("forkserver").set_forkserver_preload([*_PRELOAD, *heavy])
    with _one_thread():
        forkserver.ensure_running()


def _name_torch(folder: Path) -> bool:
    return any(b"torch" in file.read_bytes() for file in folder.rglob("*.py") if file.is_file())


class Workers(Protocol):
    """Whoever runs units: processes of this machine, or of others."""

    @property
    def workers(self) -> int:
        """How many units run at once."""

    def submit(self, unit: Unit, *, budget: float) -> Future[Outcome]:
        """Hand over a unit, which may take `budget` seconds."""

    def close(self) -> None:
        """End all that runs."""


#: The bench files of a run -> its workers.
Hire = Callable[[Sequence[str]], Workers]


class Pool:
    """A pool of workers on this machine.

    Parameters
    ----------
    workers
        Processes at once.
    root, modules
        The checkout, and the bench files that each worker imports before its first unit, so that
        no unit's budget pays for an import.
    pinned
        Whether the workers are held on one core; else they go where the system puts them.
    device
        Of the units. Where it is ``cuda`` without a number, the workers share out the GPUs.
    """

    def __init__(
        self,
        workers: int,
        *,
        root: Path,
        modules: Sequence[str] = (),
        pinned: bool = False,
        device: str = "cpu",
    ) -> None:
        prepare(root)
        # A process that ignores its end is killed well within the two seconds promised.
        CONSTS.term_timeout = 0.5
        self._slots = TemporaryDirectory(prefix="claimbench-gpus-") if device == "cuda" else None
        slots = "" if self._slots is None else self._slots.name
        self._pool = ProcessPool(
            max_workers=workers,
            initializer=worker.start,
            initargs=(THREADS, pinned, str(root), tuple(modules), slots),
            context=multiprocessing.get_context("forkserver"),
        )
        manager = self._pool._pool_manager  # noqa: SLF001  pebble offers no choice of clock
        manager.task_manager = _Tasks(manager.context.task_queue.task_done)
        self.workers = workers

    def submit(self, unit: Unit, *, budget: float) -> Future[Outcome]:
        """Hand a unit to the next free worker."""
        with _one_thread():
            future: Future[Outcome] = self._pool.schedule(worker.run, args=(unit,), timeout=budget)
        return future

    def close(self) -> None:
        """End all workers at once, whatever they do."""
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble leaves it bare
        self._pool.join()
        if self._slots is not None:
            self._slots.cleanup()


class _Tasks(TaskManager):
    """Pebble's, by a clock that never jumps: it asks the time of day what a task has spent."""

    def task_start(self, task_id: int, worker_id: int | None) -> None:
        super().task_start(task_id, worker_id)
        if task_id in self.tasks:
            self.tasks[task_id].timestamp = clock.now()

    @staticmethod
    def timeout(task: Task) -> bool:
        if not task.timeout or not task.started:
            return False
        return bool(clock.now() - task.timestamp > task.timeout)


def outcome_of(future: Future[Outcome], *, budget: float) -> Outcome:
    """Wait for a unit and say what became of it.

    An error of the engine itself (a store that can't be written, say) is raised.
    """
    try:
        return future.result()
    except TimeoutError:
        said = f"ended after its budget of {budget:g} s"
        return Outcome("over budget", said, seconds=budget, lasting=True)
    except ProcessExpired as error:
        return Outcome("failed", f"its process died ({_death(error.exitcode)})")
    except CancelledError:
        return Outcome("failed", "cancelled as the run ended")


def _death(code: Any) -> str:
    if isinstance(code, int) and code < 0:
        import signal

        return signal.Signals(-code).name
    return f"exit {code}"


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that start in here see one thread; the parent's own words are put back."""
    before: dict[str, str | None] = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
