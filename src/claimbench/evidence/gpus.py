"""Several GPUs: each worker of a pool has one of them to itself as long as there are enough.

All see the device ``cuda``, so that a unit, its key and its evidence are the same on each of them.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO

#: The locks that this process holds; the system drops them when it ends, however it ends.
_held: list[TextIO] = []


def take_slot(folder: Path) -> int:
    """Return the lowest number that no living worker of the pool has, and keep it.

    A worker that is started in place of a dead one takes over its number, and with it its GPU.
    """
    number = 0
    while True:
        file = (folder / str(number)).open("w", encoding="ascii")
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            number += 1
            continue
        _held.append(file)
        return number


def settle(folder: Path) -> None:
    """Make ``cuda`` mean this worker's GPU: worker i has number i modulo their count."""
    import torch

    torch.cuda.set_device(take_slot(folder) % torch.cuda.device_count())
