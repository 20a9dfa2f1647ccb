"""What is made once and used by many units: a trained network above all.

It lies in the store under a key of all that makes it: the source of the function with what it
reaches, its settings, the paper's data, the machine and its libraries. ``--fresh`` makes it again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimbench.digest import digest
from claimbench.errors import StoreError
from claimbench.evidence.source import Sources

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The kept arrays of one paper.

    Attributes
    ----------
    root
        The checkout.
    environment
        Digest of fingerprint, data and device.
    """

    folder: Path
    root: Path
    environment: str

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
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with file.with_suffix(".lock").open("w") as lock:
                # A second worker waits instead of making the same; the lock dies with its owner.
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not file.is_file():
                    aside = file.with_suffix(f".{os.getpid()}.partial.npz")
                    np.savez(aside, allow_pickle=False, **made(build, settings))
                    aside.replace(file)
        except OSError as error:
            raise StoreError(
                f"what is made once can't be kept ({error.strerror})",
                value=str(self.folder),
                allowed="a folder you may write, on a disk with room",
                cure="pytest suite --benchmark-only --results-dir FOLDER",
            ) from error
        with np.load(file, allow_pickle=False) as arrays:
            return dict(arrays)


@cache
def _source(root: Path, build: Callable[..., Mapping[str, Any]]) -> str:
    """Return the digest of what was imported: following it takes a quarter of a second."""
    return Sources(root).digest(build)


def made(build: Callable[..., Mapping[str, Any]], settings: Mapping[str, Any]) -> Arrays:
    """Return what ``build(**settings)`` returns, as arrays of numpy."""
    return {
        name: np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
        for name, values in build(**settings).items()
    }
