"""Files that a reader sees whole or not at all, and the sweeping of what killed runs left.

Whoever writes holds a lock on the file aside; the lock dies with its owner. So what is unlocked is
nobody's, and two runs in one checkout never sweep each other's work away.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` when all went well, and leaves no trace else.

    Raises
    ------
    OSError
        When the folder can't be made or written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        aside = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}{PARTIAL}")
        file = _opened(aside)
        if file is not None:
            break
    with _kept_if_whole(aside, file):
        yield file
        file.flush()
        aside.replace(path)


@contextmanager
def reserved(path: Path) -> Iterator[BinaryIO]:
    """Open what becomes `path` when all went well; meanwhile the name is nobody else's.

    Raises
    ------
    FileExistsError
        When the file is there, or somebody else is about to write it.
    OSError
        When the folder can't be made or written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + PARTIAL)
    file = _opened(aside)
    if file is None:
        raise FileExistsError(aside)
    with _kept_if_whole(aside, file):
        # Another run may have renamed its own between our look at the folder and this.
        if path.exists():
            raise FileExistsError(path)
        yield file
        file.flush()
        aside.replace(path)


def sweep(folder: Path) -> list[Path]:
    """Remove what nobody writes any more below a folder; return what was removed.

    Not for a folder with names that are `reserved`: more than a file may belong to one.
    """
    swept = []
    for aside in folder.rglob(f"*{PARTIAL}*"):
        with abandoned(aside) as free, suppress(OSError):
            if free:
                aside.unlink(missing_ok=True)
                swept.append(aside)
    return swept


@contextmanager
def abandoned(aside: Path) -> Iterator[bool]:
    """Tell whether the writer of a file is gone; while inside, nobody else takes it for its own."""
    try:
        file = aside.open("r+b")
    except OSError:  # gone meanwhile, or not ours to touch
        yield False
        return
    with file:
        yield _lock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _opened(aside: Path) -> BinaryIO | None:
    """Return a new locked file, None where another has the name or swept it at once."""
    try:
        file = aside.open("xb")
    except FileExistsError:
        return None
    _lock(file, fcntl.LOCK_EX)
    if os.fstat(file.fileno()).st_nlink == 0:  # swept between its making and its locking
        file.close()
        return None
    return file


@contextmanager
def _kept_if_whole(aside: Path, file: BinaryIO) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        with suppress(OSError):
            file.close()  # what could not be written can't be flushed either
        raise
    file.close()


def _lock(file: BinaryIO, how: int) -> bool:
    """Return whether the lock was had; a file system without locks never gives one."""
    try:
        fcntl.flock(file, how)
    except OSError:
        return False
    return True
