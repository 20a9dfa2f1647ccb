"""Every error a user can meet, each with one cause.

    ClaimbenchError
    ├── UsageError           a word on the command line (exit 4)
    │   └── CandidateError   --candidate names something that is no contender (exit 4)
    ├── ClaimFileError       claim.toml is malformed or contradicts itself
    ├── BenchFileError       a bench file can't be imported or does not fit its claim.toml
    ├── ContenderError       an answer or a measure of the wrong shape or type
    ├── DataError            datasets/ is missing, or differs from datasets.dvc
    ├── PinError             pins.toml is malformed, or an installed opponent is not the pinned one
    ├── RecordError          a record that can't be read or written
    ├── StoreError           the evidence store can't be read or written
    └── ClusterError         a Dask cluster has no worker that may compute, or was lost

A message says what was wrong, the value found, what is allowed and the command that mends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class ClaimbenchError(Exception):
    """Base of all errors of claimbench.

    Parameters
    ----------
    what
        What was wrong, as a sentence without its full stop.
    value
        The value found; left out when there is none to show.
    allowed
        What would have been right: a phrase, or the names to choose from.
    cure
        The command, or the edit, that mends it.
    """

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        what: str,
        *,
        value: object = None,
        allowed: str | Iterable[object] | None = None,
        cure: str | None = None,
    ) -> None:
        self.what = what
        self.value = value
        self.allowed = allowed if allowed is None or isinstance(allowed, str) else list(allowed)
        self.cure = cure
        super().__init__(self._message())

    def _message(self) -> str:
        parts = [self.what if self.value is None else f"{self.what}: {self.value!r}"]
        if isinstance(self.allowed, str):
            parts.append(f"allowed: {self.allowed}")
        elif self.allowed is not None:
            names = [str(name) for name in self.allowed]
            parts.append(f"allowed: {', '.join(names) or 'nothing: none exist'}")
            nearest = get_close_matches(str(self.value), names, n=1)
            if nearest:
                parts.append(f"did you mean {nearest[0]!r}?")
        if self.cure is not None:
            parts.append(f"to mend it: {self.cure}")
        return "; ".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error travel from a worker process with its parts."""
        return _rebuild, (type(self), self.what, self.value, self.allowed, self.cure)


def _rebuild(
    kind: type[ClaimbenchError],
    what: str,
    value: object,
    allowed: str | list[object] | None,
    cure: str | None,
) -> ClaimbenchError:
    return kind(what, value=value, allowed=allowed, cure=cure)


class UsageError(ClaimbenchError):
    """A word on the command line that claimbench does not know."""

    exit_code = 4


class CandidateError(UsageError):
    """A candidate that can't be found, loaded or called, or that fits no experiment."""


class ClaimFileError(ClaimbenchError):
    """claim.toml is malformed or contradicts itself."""


class BenchFileError(ClaimbenchError):
    """A bench file can't be imported, or does not fit its claim.toml."""


class ContenderError(ClaimbenchError):
    """An answer or a measure of the wrong shape or type."""


class DataError(ClaimbenchError):
    """A data set is missing, or is not the pinned one."""


class PinError(ClaimbenchError):
    """pins.toml is malformed, or an installed opponent is not the pinned one."""


class RecordError(ClaimbenchError):
    """A record can't be read or written."""


class StoreError(ClaimbenchError):
    """The evidence store can't be read or written."""


class ClusterError(ClaimbenchError):
    """A Dask cluster has no worker that may compute, or was lost."""
