"""Load data sets: nothing is returned that is not the pinned content."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimbench.checkout import find_root
from claimbench.data.listing import (
    FOLDER,
    PINS,
    DataFile,
    digests,
    names_in,
    owner,
    read_data_pins,
)
from claimbench.data.remote import has_remote, pull
from claimbench.errors import DataError

if TYPE_CHECKING:
    import numpy as np


def array(name: str, *, root: Path | None = None) -> np.ndarray[Any, Any]:
    """Return a verified array of ``datasets/``, read-only.

    Parameters
    ----------
    name
        ``<domain>/<paper>/<file>.npy``.
    root
        The checkout; by default the one around the current folder.

    Raises
    ------
    DataError
        When the file is unknown, missing, not the pinned one, or no plain array.
    """
    import numpy as np  # `claimbench list` needs the hashes only, and should not wait for numpy

    file = path(name, root=root)
    try:
        values = np.load(file, allow_pickle=False)
    except ValueError as error:
        raise DataError(
            f"{FOLDER}/{name} can't be read as an array ({error})", allowed="a plain .npy file"
        ) from error
    values.setflags(write=False)
    return values  # type: ignore[no-any-return]  # numpy types what it loads as Any


def path(name: str, *, root: Path | None = None) -> Path:
    """Return the path of a file of ``datasets/`` after verifying it; pull it when it is missing.

    Raises
    ------
    DataError
        When the file is unknown, missing or not the pinned one.
    """
    root = root or find_root()
    files = read_data_pins(root).files
    if name not in files:
        raise DataError(
            f"{PINS} pins no such file",
            value=name,
            allowed=files,
            cure="claimbench data build --update   (after writing it in the paper's data.py)",
        )
    if not (root / FOLDER / name).is_file() and has_remote(root):
        pull(root)
    problem = check(root, name, files[name])
    if problem is not None:
        raise problem
    return root / FOLDER / name


def verify(root: Path, paper: str | None = None) -> list[DataError]:
    """Return what is wrong with ``datasets/``: missing, changed and unpinned files.

    Parameters
    ----------
    root
        The checkout.
    paper
        ``<domain>/<paper>``, to look at its files only.
    """
    within = "" if paper is None else f"{paper}/"
    pinned = read_data_pins(root).files
    problems = [check(root, name, file) for name, file in pinned.items() if name.startswith(within)]
    problems += [
        DataError(f"{FOLDER}/{name} is not pinned", cure=f"rm {FOLDER}/{name}")
        for name in names_in(root / FOLDER)
        if name.startswith(within) and name not in pinned
    ]
    return [problem for problem in problems if problem is not None]


def check(root: Path, name: str, pinned: DataFile) -> DataError | None:
    """Return what is wrong with one file, or None."""
    file = root / FOLDER / name
    try:
        state = file.stat()
        found = digests(file, state.st_mtime_ns, state.st_size)
    except OSError as error:
        return DataError(
            f"{FOLDER}/{name} is missing"
            if isinstance(error, FileNotFoundError)
            else f"{FOLDER}/{name} can't be read ({error.strerror})",
            allowed=f"sha256 {pinned.sha256}",
            cure=_rebuild(root, name),
        )
    if found != pinned:
        return DataError(
            f"{FOLDER}/{name} is not the pinned file",
            value=f"sha256 {found.sha256}",
            allowed=f"sha256 {pinned.sha256} ({PINS})",
            cure=_rebuild(root, name),
        )
    return None


def _rebuild(root: Path, name: str) -> str:
    paper = owner(name)
    built = (root / "suite" / paper / "data.py").is_file()
    return f"claimbench data build {paper}" if built else "claimbench data pull"
