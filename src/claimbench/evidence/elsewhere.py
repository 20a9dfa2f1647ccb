"""Machines of other fingerprints whose evidence a run may use: those of a mixed cluster."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from claimbench.digest import digest


class Machines(Mapping[str, Mapping[str, Any]]):
    """Id -> fingerprint, remembered beside the evidence that was made there.

    Parameters
    ----------
    folder
        One JSON file for each machine. Without a folder no other machine takes part.

    Attributes
    ----------
    blocks
        Id -> blocks of this run that were made there, in this run or before.
    refused
        Address -> why that worker of a cluster computed nothing of this run.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Mapping[str, Any]] = {}
        self.blocks: Counter[str] = Counter()
        self.refused: dict[str, str] = {}
        for file in sorted(folder.glob("*.json")) if folder is not None else ():
            self._known[file.stem] = json.loads(file.read_text(encoding="utf-8"))

    def add(self, fingerprint: Mapping[str, Any]) -> str:
        """Remember a machine and return its id."""
        name = digest(fingerprint)[:12]
        if name not in self._known and self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside = self._folder / f"{name}.{os.getpid()}.partial"
            aside.write_text(json.dumps(dict(fingerprint), indent=1), encoding="utf-8")
            aside.replace(self._folder / f"{name}.json")
        self._known[name] = dict(fingerprint)
        return name

    def used(self) -> list[dict[str, Any]]:
        """Return the machines whose blocks this run used, for the record."""
        return [
            {"id": name, "fingerprint": dict(self[name]), "blocks": blocks}
            for name, blocks in sorted(self.blocks.items())
        ]

    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each worker that computed nothing of this run."""
        return tuple(
            f"Dask worker {address} was not used ({why})" for address, why in self.refused.items()
        )

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._known))

    def __len__(self) -> int:
        return len(self._known)
