"""A pool whose workers are those of a Dask cluster.

A unit goes out as text and its rows come back as bytes, which this machine writes aside and
renames: the cluster needs the checkout and its data, and no file system in common. A unit whose
Dask worker dies is given to another by the scheduler; rows that were lost with it are made again.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from claimbench.checkout import revision
from claimbench.cluster import site
from claimbench.cluster.task import Answer, Task, differences
from claimbench.errors import ClaimbenchError, ClusterError, UsageError
from claimbench.evidence.context import Context
from claimbench.evidence.store import exhibit_file, unit_file, writing
from claimbench.evidence.unit import Outcome, Unit

#: Seconds to reach the scheduler, and to wait for a worker that may be used.
REACH = 10.0
PATIENCE = 30.0


@dataclass
class _Handed:
    """A unit on its way: the engine's future, and Dask's."""

    unit: Unit
    text: str
    future: Future[Outcome]
    remote: Any = None
    refusals: list[str] = field(default_factory=list)


class DaskPool:
    """Runs units on the workers of a Dask cluster.

    Parameters
    ----------
    address
        The scheduler's, such as ``tcp://10.0.0.1:8786``.
    mixed
        Whether machines of other fingerprints take part; they are noted in `context.machines`.
    patience, reach
        Seconds to wait for a worker that may be used, and for the scheduler.

    Raises
    ------
    UsageError
        When the package is missing, or the scheduler can't be reached.
    ClusterError
        When it has no worker.
    """

    def __init__(
        self,
        address: str,
        *,
        context: Context,
        modules: Sequence[str],
        mixed: bool,
        patience: float = PATIENCE,
        reach: float = REACH,
    ) -> None:
        self._client = _connected(address, reach)
        self._context = context
        self._modules = tuple(modules)
        self._mixed = mixed
        self._patience = patience
        self._run = uuid4().hex
        commit, dirty = revision(context.root)
        self._revision = commit[:12] + (" with edits" if dirty else "")
        self._count = itertools.count()
        self._handed: dict[int, _Handed] = {}
        self._closing = threading.Event()
        self._refused = context.machines.refused
        try:
            self._client.wait_for_workers(1, timeout=patience)
        except TimeoutError as error:
            self._client.close()
            raise ClusterError(
                f"the Dask scheduler has no workers after {patience:g} s",
                value=address,
                allowed="at least one Dask worker",
                cure=f"dask worker {address} --nthreads 1   (in the checkout, on each machine)",
            ) from error
        self.workers = sum(self._client.nthreads().values())

    def submit(self, unit: Unit, *, budget: float) -> Future[Outcome]:
        """Hand a unit to the cluster."""
        task = Task(
            unit=unit,
            run=self._run,
            modules=self._modules,
            budget=budget,
            fingerprint=self._context.fingerprint,
            data=self._context.data(f"{unit.domain}/{unit.slug}"),
            revision=self._revision,
            store=str(self._context.store),
            fresh=self._context.fresh,
            mixed=self._mixed,
        )
        number = next(self._count)
        handed = _Handed(unit, task.text(), _Cancelling(self, number))
        self._handed[number] = handed
        self._send(number, handed)
        return handed.future

    def close(self) -> None:
        """Take back what is not done, and leave the cluster as it was."""
        self._closing.set()
        remotes = [one.remote for one in self._handed.values()]
        self._handed.clear()
        if remotes and self._client.status == "running":
            self._client.cancel(remotes, force=True)
        self._client.close(timeout=REACH)

    def take_back(self, number: int) -> None:
        """Cancel one unit; a process that runs it ends."""
        handed = self._handed.pop(number, None)
        if handed is not None:
            handed.remote.cancel()

    def _send(self, number: int, handed: _Handed, *, workers: Sequence[str] | None = None) -> None:
        handed.remote = self._client.submit(
            site.run,
            handed.text,
            key=f"claimbench-{handed.unit.key[:12]}-{number}-{len(handed.refusals)}",
            pure=False,
            workers=workers,
            # Where all of these are gone, any may take it, and refuse it.
            allow_other_workers=workers is not None,
        )
        handed.remote.add_done_callback(lambda remote: self._ended(number, remote))

    def _ended(self, number: int, remote: Any) -> None:
        """Settle a unit that has come back; called in a thread of Dask's."""
        handed = self._handed.get(number)
        if handed is None or handed.remote is not remote:
            return
        try:
            outcome = self._settled(number, handed)
        except Exception as error:  # noqa: BLE001  whoever waits for the unit is told
            if not self._closing.is_set() and self._handed.pop(number, None) is not None:
                handed.future.set_exception(_said(error))
        else:
            if outcome is not None and self._handed.pop(number, None) is not None:
                handed.future.set_result(outcome)

    def _settled(self, number: int, handed: _Handed) -> Outcome | None:
        """Return what became of a unit; None when it was sent out again."""
        from distributed import KilledWorker

        try:
            text, rows, exhibit = handed.remote.result()
        except KilledWorker as error:
            reason = f"the Dask workers that ran it died ({error.allowed_failures + 1} of them)"
            return Outcome("failed", reason)
        answer = Answer.of(text)
        if answer.refused:
            self._refused[answer.address] = answer.refused
            handed.refusals.append(answer.refused)
            threading.Thread(target=self._resend, args=(number, handed), daemon=True).start()
            return None
        assert answer.outcome is not None
        outcome = answer.outcome
        if differences(self._context.fingerprint, answer.fingerprint):
            machine = self._context.machines.add(answer.fingerprint)
            outcome = replace(outcome, machine=machine)
        if rows:
            file = unit_file(self._context.store, handed.unit, answer.key)
            # The rows go last: where they are, the unit is complete.
            if exhibit:
                with writing(exhibit_file(file)) as opened:
                    opened.write(exhibit)
            with writing(file) as opened:
                opened.write(rows)
        return outcome

    def _resend(self, number: int, handed: _Handed) -> None:
        """Give a unit that was refused to a worker that has refused nothing yet."""
        waited = 0.0
        while not self._closing.is_set():
            usable = [one for one in self._client.nthreads() if one not in self._refused]
            if usable:
                self._send(number, handed, workers=usable)
                return
            if waited >= self._patience:
                if self._handed.pop(number, None) is not None:
                    handed.future.set_exception(_none_usable(self._refused))
                return
            self._closing.wait(1.0)
            waited += 1.0


class _Cancelling(Future[Outcome]):
    """A future whose cancellation reaches the cluster."""

    def __init__(self, pool: DaskPool, number: int) -> None:
        super().__init__()
        self._pool = pool
        self._number = number

    def cancel(self) -> bool:
        self._pool.take_back(self._number)
        return super().cancel()


def _connected(address: str, reach: float) -> Any:
    from distributed import Client

    connect: Any = Client  # partly typed where it is installed, and not at all where it is not
    try:
        return connect(address, timeout=reach, set_as_default=False, name="claimbench")
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"no Dask scheduler answers ({type(error).__name__})",
            value=address,
            allowed="the address that `dask scheduler` prints, such as tcp://127.0.0.1:8786",
            cure="dask scheduler   (and dask worker ADDRESS on each machine)",
        ) from error


def _none_usable(refused: Mapping[str, str]) -> ClusterError:
    return ClusterError(
        "no Dask worker may compute for this run",
        value=refused,
        allowed="workers of this machine's fingerprint, with the same source and data",
        cure="check out this revision there, or add --mixed for other fingerprints",
    )


def _said(error: Exception) -> ClaimbenchError:
    if isinstance(error, ClaimbenchError):
        return error
    if isinstance(error, ModuleNotFoundError):
        return ClusterError(
            "a Dask worker lacks a package",
            value=error.name,
            allowed="the environment of this checkout on every machine",
            cure="pip install -e '.[peers,dask]'   (there)",
        )
    return ClusterError(
        f"the Dask cluster was lost ({type(error).__name__}: {error})",
        cure="run again: what had come back is in the store",
    )
