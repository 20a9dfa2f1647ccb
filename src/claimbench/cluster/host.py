"""The process that runs units for a Dask worker: ``python -m claimbench.cluster.host FOLDER``.

It reads tasks as lines and answers each with a line. It is a process of its own for two reasons: a
Dask worker under a nanny may have no children of `multiprocessing`, and when the Dask worker dies,
however it dies, the end of the input ends this process and what it runs. Each unit runs in a pool
of one worker, with the budget and the one thread that it would have on the client's machine.
"""

from __future__ import annotations

import os
import select
import sys
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from claimbench.checkout import PaperFiles, find_root, import_bench, revision
from claimbench.cluster.task import Answer, Task, differences
from claimbench.data import hash_of
from claimbench.errors import ClaimbenchError, UsageError
from claimbench.evidence.context import Context
from claimbench.evidence.key import unit_key
from claimbench.evidence.pool import Pool, outcome_of
from claimbench.evidence.source import Sources
from claimbench.evidence.unit import Outcome
from claimbench.fingerprint import fingerprint
from claimbench.pins import read_pins, state

_TICK = 0.1


class Host:
    """Holds tasks against this machine and its checkout, and runs those that fit.

    Parameters
    ----------
    folder
        Where a unit's files are left for the Dask worker: ``rows.parquet``, ``rows.npz``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool: Pool | None = None
        self._sources: dict[Path, Sources] = {}

    def start(self, task: Task) -> Answer | tuple[Answer, Future[Outcome]]:
        """Return the refusal of a task, or its answer to be and the outcome to wait for.

        Raises
        ------
        ClaimbenchError
            When the checkout can't be read.
        """
        own = fingerprint(task.unit.device)
        other = differences(task.fingerprint, own)
        if other and not task.mixed:
            return Answer("", own, refused=f"another fingerprint: {'; '.join(other)}")
        try:
            root = checkout(Path(task.unit.root))
        except UsageError as error:
            return Answer("", own, refused=str(error))
        context = self._context(root, task, own if other else task.fingerprint)
        unit = replace(task.unit, root=str(root))
        module = import_bench(PaperFiles(root, unit.domain, unit.slug))
        experiment = getattr(module, unit.experiment)
        pin = experiment.contenders[unit.contender].pin
        paper = f"{unit.domain}/{unit.slug}"
        parts: dict[str, Any] = {
            "data": context.data(paper),
            "pin": context.pin_state(pin)[0] if pin else {},
        }
        sources = self._sources.setdefault(root, Sources(root))
        if unit_key(unit, experiment, sources, fingerprint=task.fingerprint, **parts) != unit.key:
            return Answer("", own, refused=_why(task, root, parts))
        key = unit.key
        if other:
            key = unit_key(unit, experiment, sources, fingerprint=own, **parts)
        unit = replace(
            unit,
            file=str(self.folder / "rows.parquet") if unit.file else "",
            kept=str(context.kept(paper)),
            environment=context.environment(paper),
        )
        if self._pool is None:
            self._pool = Pool(1, root=root, modules=task.modules, device=unit.device)
        return Answer("", own, key=key), self._pool.submit(unit, budget=task.budget)

    def close(self) -> None:
        """End the worker, whatever it does."""
        if self._pool is not None:
            self._pool.close()

    def _context(self, root: Path, task: Task, machine: Any) -> Context:
        store = Path(task.store) if Path(task.store).is_dir() else root / "results" / "store"
        pins = read_pins(root / "baselines" / "pins.toml")
        return Context(
            root=root,
            store=self.folder if task.fresh else store,
            device=task.unit.device,
            seed=task.unit.seed,
            fingerprint=machine,
            data=lambda paper: hash_of(root, paper),
            pin_state=lambda name: state(pins[name]) if name in pins else ({}, "unknown pin"),
        )


def checkout(given: Path) -> Path:
    """Return the client's checkout where that path is one here, else the one worked in.

    Raises
    ------
    UsageError
        When neither is a checkout.
    """
    if (given / "suite").is_dir() and (given / "pyproject.toml").is_file():
        return given
    try:
        return find_root()
    except UsageError as error:
        raise UsageError(
            "no checkout here",
            value=str(given),
            allowed="the client's path, or a Dask worker that was started in a checkout",
            cure="cd CHECKOUT && dask worker ADDRESS",
        ) from error


def _why(task: Task, root: Path, parts: dict[str, Any]) -> str:
    """Say which part of a key differs here."""
    if parts["data"] != task.data:
        return "other data: datasets.dvc there is not the client's"
    commit, dirty = revision(root)
    packages = ", ".join(f"{name} {version}" for name, version in parts["pin"].items())
    return (
        f"other source: revision {commit[:12]}{' with edits' if dirty else ''} there,"
        f" {task.revision} here, or another version of the opponent's package"
        f" ({packages or 'none'} there); to mend it: check out the client's revision there"
    )


def serve(tasks: TextIO, answers: TextIO, folder: Path) -> None:
    """Answer tasks, one at a time, until their sender is gone."""
    host = Host(folder)
    try:
        for line in iter(tasks.readline, ""):
            try:
                task = Task.of(line)
                started = host.start(task)
                if isinstance(started, tuple):
                    answer, future = started
                    while not future.done():
                        wait([future], timeout=_TICK)
                        if select.select([tasks], [], [], 0)[0]:
                            return  # nothing is sent while a unit runs: this is the end
                    started = replace(answer, outcome=outcome_of(future, budget=task.budget))
            except ClaimbenchError as error:
                started = Answer("", {}, refused=str(error))
            answers.write(started.text() + "\n")
            answers.flush()
    finally:
        host.close()


def main() -> None:
    """Serve the Dask worker that started this process."""
    # What a contender prints must not be taken for an answer, nor what it reads for a task.
    tasks, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    serve(tasks, answers, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
