"""What is made once and used by many units: a trained network above all.

It lies in the store under a key of all that makes it: the source of the function with what it
reaches, its settings, the paper's data, the machine and its libraries. ``--fresh`` makes it again.
"""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimbench.digest import digest
from claimbench.errors import StoreError
from claimbench.evidence.packages import package_versions
from claimbench.evidence.source import Sources
from claimbench.evidence.store import plain, writing

Arrays = dict[str, NDArray[Any]]
#: The member of a kept archive that holds the digest of the others.
_SEAL = "claimbench seal"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The kept arrays of one paper.

    Attributes
    ----------
    root
        The checkout.
    environment
        Digest of fingerprint, data and device.
    notices
        What was found damaged and made again.
    """

    folder: Path
    root: Path
    environment: str
    notices: list[str] = field(default_factory=list, compare=False)

    def get(self, build: Callable[..., Mapping[str, Any]], settings: Mapping[str, Any]) -> Arrays:
        """Return the arrays, made by ``build(**settings)`` where they are not there yet.

        Raises
        ------
        StoreError
            When the folder can't be written.
        BenchFileError
            When `build` is not defined at the top of a module of the project.
        """
        key = digest(
            {
                "source": _source(self.root, build),
                "settings": dict(settings),
                "environment": self.environment,
            }
        )
        file = self.folder / f"{build.__name__}-{key[:32]}.npz"
        arrays = _read(file)
        if arrays is not None:
            return arrays
        with self._lock(file):
            # Another worker may have made it while this one waited.
            arrays = _read(file)
            if arrays is None:
                if file.exists():
                    self.notices.append(
                        f"what {build.__name__} makes once was damaged in the store, and was made"
                        f" again: {file.name}"
                    )
                made_now = made(build, settings)
                with writing(file) as opened:
                    seal = np.frombuffer(_digest(made_now), dtype=np.uint8)
                    np.savez(opened, allow_pickle=False, **made_now, **{_SEAL: seal})
                # Not `made_now`: the layout in memory may differ, and with it the last bits.
                arrays = _read(file)
        if arrays is None:
            raise StoreError("what was just kept can't be read", value=str(file))
        return arrays

    @contextmanager
    def _lock(self, file: Path) -> Iterator[None]:
        """Let a second worker wait instead of making the same; the lock dies with its owner."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = file.with_suffix(".lock").open("w")
        except OSError as error:
            raise StoreError(
                f"what is made once can't be kept ({error.strerror})",
                value=str(self.folder),
                allowed="a folder you may write, on a disk with room",
                cure="pytest suite --benchmark-only --results-dir FOLDER",
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def forget(folder: Path) -> None:
    """Remove what is kept there; who waits for a lock goes on waiting for the same."""
    for file in folder.glob("*.npz"):
        file.unlink(missing_ok=True)


def _read(file: Path) -> Arrays | None:
    """Return what is kept, None where there is nothing that can be believed."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
            arrays = dict(archive)
        # The archive's checksums are of its members: one that is missing has none.
        sound = arrays.pop(_SEAL).tobytes() == _digest(arrays)
    except Exception:  # noqa: BLE001  a damaged archive may make zipfile and numpy raise anything
        return None
    return arrays if sound else None


def _digest(arrays: Arrays) -> bytes:
    made = hashlib.sha256()
    for name in sorted(arrays):
        values = arrays[name]
        made.update(f"{name}\0{values.dtype.str}\0{values.shape}\0".encode())
        made.update(np.ascontiguousarray(values).tobytes())
    return made.digest()


@cache
def _source(root: Path, build: Callable[..., Mapping[str, Any]]) -> str:
    """Return the digest of what was imported: following it takes a quarter of a second."""
    sources = Sources(root)
    packages = package_versions(sources.packages(build))
    return digest({"source": sources.digest(build), "packages": packages})


def made(build: Callable[..., Mapping[str, Any]], settings: Mapping[str, Any]) -> Arrays:
    """Return what ``build(**settings)`` returns, as arrays of numpy."""
    return plain(build(**settings))
