"""Whether another run is at work in the same checkout: its work disturbs a race."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO


class Presence:
    """A lock that all runs at work share; it goes with the process.

    Parameters
    ----------
    store
        Of the checkout; where it can't be written, or has no locks, nobody is seen.
    """

    def __init__(self, store: Path) -> None:
        self._file: IO[bytes] | None = None
        try:
            store.mkdir(parents=True, exist_ok=True)
            self._file = (store / "running.lock").open("ab")
            fcntl.flock(self._file, fcntl.LOCK_SH)
        except OSError:
            self.close()

    def alone(self) -> bool:
        """Whether nobody else is at work now."""
        if self._file is None:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            # To ask for the lock alone, in vain or not, is to give up the shared one.
            fcntl.flock(self._file, fcntl.LOCK_SH)
        return True

    def close(self) -> None:
        """Be at work no more."""
        if self._file is not None:
            self._file.close()
            self._file = None
