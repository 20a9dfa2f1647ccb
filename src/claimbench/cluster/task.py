"""What travels to a Dask worker and back: text of names and numbers, and the bytes of files.

Nothing of ours is pickled. Dask itself serialises the name of one function, `site.run`, with the
text it is called with, and the text and the bytes that it returns.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from claimbench.errors import BenchFileError
from claimbench.evidence.unit import Outcome, Unit

#: The number of cores changes seconds and no bit: a worker has one thread, and no race comes here.
_NO_BIT = frozenset({"cores"})


@dataclass(frozen=True, slots=True)
class Task:
    """A unit for another machine, and what it is held against there.

    Attributes
    ----------
    run
        Names the session, so that no process outlives the source that it has imported.
    modules
        The bench files of the session.
    budget
        In seconds.
    fingerprint, data, revision
        Of the client: its machine, its paper's data, its checkout.
    store
        The client's store, used for what is kept where that folder can be reached.
    fresh
        Whether what is made once is made again.
    mixed
        Whether a machine of another fingerprint may compute.
    """

    unit: Unit
    run: str
    modules: tuple[str, ...]
    budget: float
    fingerprint: Mapping[str, Any]
    data: str
    revision: str
    store: str
    fresh: bool
    mixed: bool

    def text(self) -> str:
        """Return the task as one line of JSON.

        Raises
        ------
        BenchFileError
            When a setting or a hyper-parameter would not come back as it went.
        """
        text = json.dumps(asdict(self))
        if Task.of(text).unit != self.unit:
            raise BenchFileError(
                f"{self.unit.domain}/{self.unit.slug}: {self.unit.contender} can't travel",
                value={"cells": self.unit.cells, "parameters": self.unit.parameters},
                allowed="settings and grids of numbers, text and true or false, and lists of these",
                cure="pytest suite --benchmark-only   (on this machine alone)",
            )
        return text

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a task."""
        parts = json.loads(text)
        unit = Unit(**parts.pop("unit"))
        first, end = unit.replicates
        unit = replace(unit, cells=tuple(unit.cells), replicates=(first, end))
        return cls(unit=unit, **{**parts, "modules": tuple(parts["modules"])})


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a task.

    Attributes
    ----------
    address
        The Dask worker's.
    fingerprint
        The machine's own.
    outcome
        None when the worker was refused.
    key
        Of the evidence: the unit's own, or that of a machine of another fingerprint.
    refused
        Why this worker may not compute it.
    """

    address: str
    fingerprint: Mapping[str, Any]
    outcome: Outcome | None = None
    key: str = ""
    refused: str = ""

    def text(self) -> str:
        """Return the answer as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Self:
        """Read an answer."""
        parts = json.loads(text)
        outcome = parts.pop("outcome")
        if outcome is not None:
            outcome = Outcome(**{**outcome, "notices": tuple(outcome["notices"])})
        return cls(outcome=outcome, **parts)


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Return what differs between two fingerprints and may change a bit, each as a phrase."""
    return [
        f"{name} {there.get(name)!r} there, {here.get(name)!r} here"
        for name in sorted({*here, *there} - _NO_BIT)
        if here.get(name) != there.get(name)
    ]
