"""Estimands on evidence. What a bootstrap of one found is kept, for it asks ten thousand times.

Resamples lie in the store under a key of all that makes them: the estimand with what it reaches,
the very numbers that it sees, the generator, the code that draws them, the machine. How they are
judged (margin, threshold, level, kind) is no part of it: limits are computed anew each time.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claimbench.aside import written
from claimbench.digest import digest
from claimbench.errors import BenchFileError, ClaimbenchError
from claimbench.evidence.context import Context
from claimbench.evidence.key import code_digest
from claimbench.evidence.packages import package_versions
from claimbench.evidence.source import Sources
from claimbench.evidence.table import Subject
from claimbench.statistics.bootstrap import Resamples, Statistic, resample
from claimbench.verdict import Effects

_ENGINE = Path(__file__).parent
#: The engine's files that take part in making resamples.
_MAKERS = ("estimation.py", "evidence/table.py", "statistics/bootstrap.py", "statistics/effects.py")
_SEAL = hashlib.sha256().digest_size


class Estimation:
    """Evaluates the estimands of a paper.

    Parameters
    ----------
    sources
        Of the checkout that the estimands are from.
    context
        Of the run, in whose store resamples are kept; without it they are kept nowhere.
    """

    def __init__(self, paper: str, sources: Sources, context: Context | None = None) -> None:
        self._paper = paper
        self._sources = sources
        self._context = context

    def effects(
        self, estimand: Callable[..., object], sides: Sequence[Subject], *, n: int
    ) -> Effects:
        """Return what an estimand says of a subject, or of subject and opponent.

        Raises
        ------
        BenchFileError
            When the estimand raises.
        ContenderError
            When it returns no effects.
        """

        def again(replicates: NDArray[np.int64]) -> object:
            chosen = [side.take(replicates) for side in sides]
            try:
                return estimand(*chosen)
            except ClaimbenchError:
                raise
            except Exception as error:
                raise BenchFileError(
                    f"the estimand {estimand.__name__} raised {type(error).__name__}: {error}"
                ) from error

        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # inf - inf is judged, not warned of
            whole = again(np.arange(n))
        if self._context is None:
            return Effects.from_estimand(whole, again, n=n)
        draw = partial(self._kept, self._context, estimand, sides)
        return Effects.from_estimand(whole, again, n=n, draw=draw)

    def _kept(
        self,
        context: Context,
        estimand: Callable[..., object],
        sides: Sequence[Subject],
        statistic: Statistic,
        n: int,
        rng: np.random.Generator,
        resamples: int,
    ) -> Resamples:
        """Return the resamples that are kept, drawn now where there are none to be believed."""
        key = digest(
            {
                "estimand": f"{estimand.__module__}.{estimand.__qualname__}",
                "source": self._sources.digest(estimand),
                "packages": package_versions(self._sources.packages(estimand)),
                "sides": [_content(side) for side in sides],
                "n": n,
                "resamples": resamples,
                "generator": _plain(rng.bit_generator.state),
                "engine": _engine_digest(),
                "fingerprint": dict(context.fingerprint),
                "data": context.data(self._paper),
            }
        )
        file = context.store / "resamples" / f"{key[:32]}.f8"
        numbers = None if context.fresh else _read(file, key, 1 + resamples + n)
        if numbers is not None:
            return Resamples(float(numbers[0]), *np.split(numbers[1:], [resamples]))
        found = resample(statistic, n, rng, resamples)
        _write(file, key, np.concatenate([[found.value], found.distribution, found.left_out]))
        return found


@cache
def _engine_digest() -> str:
    return code_digest(_ENGINE / name for name in _MAKERS)


def _content(side: Subject) -> dict[str, Any]:
    """Return all of a subject that an estimand may see, by content."""
    return {
        "name": side.name,
        "measures": {name: _told(values) for name, values in side.measures.items()},
        "settings": {name: _told(values) for name, values in side.settings.items()},
    }


def _told(values: NDArray[Any]) -> str:
    # The layout in memory decides the order of sums, and with it the last bits.
    about = f"{values.dtype} {values.shape} {values.strides}"
    plain = repr(values.tolist()).encode() if values.dtype.hasobject else values.tobytes()
    return f"{about} {hashlib.sha256(plain).hexdigest()}"


def _plain(state: Any) -> Any:
    if isinstance(state, Mapping):
        return {name: _plain(value) for name, value in state.items()}
    return state if isinstance(state, str) else np.asarray(state).tolist()


def _read(file: Path, key: str, size: int) -> NDArray[np.float64] | None:
    """Return the numbers kept under a key, None where that is nothing that can be believed."""
    try:
        content = file.read_bytes()
    except OSError:
        return None
    seal, content = content[:_SEAL], content[_SEAL:]
    if seal != _sealed(key, content) or len(content) != 8 * size:
        return None
    return np.frombuffer(content, dtype="<f8").astype(np.float64)


def _write(file: Path, key: str, numbers: NDArray[np.float64]) -> None:
    """Keep numbers under a key; where they can't be, they are drawn again next time."""
    content = numbers.astype("<f8").tobytes()
    with suppress(OSError), written(file) as opened:
        opened.write(_sealed(key, content) + content)


def _sealed(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()
