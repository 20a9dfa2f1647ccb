"""A candidate in a worker: loaded by its name, called apart, its troubles put into words."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from claimbench.candidates.isolation import Inputs, apart
from claimbench.candidates.loading import load, where_it_broke
from claimbench.candidates.source import origin
from claimbench.candidates.spec import Spec, parse_target
from claimbench.errors import CandidateError, ClaimbenchError, ContenderError


class Stranger:
    """One candidate at one unit.

    Parameters
    ----------
    target
        Of its origin.
    digest
        Of its source when the run was planned.
    root
        The checkout.
    entropy
        What the global streams start from, so that who draws from them repeats.

    Attributes
    ----------
    function
        What maps a problem to an answer.
    wants_streams
        Whether it takes ``streams``, its private randomness.
    """

    def __init__(self, target: str, digest: str, root: Path, entropy: int) -> None:
        self._spec = parse_target(target, root)
        self._entropy = entropy
        self._inputs: Inputs | None = None
        self._answer: Any = None
        with apart(entropy):
            self.function: Callable[..., Any] = _loaded(self._spec, digest, root)
        self.wants_streams = "streams" in inspect.signature(self.function).parameters

    @contextmanager
    def calling(self, problem: Any) -> Iterator[None]:
        """Call it inside: an exception is said in one sentence, and the problem must be as it was.

        Raises
        ------
        ContenderError
            Whatever went wrong, with what to do about it.
        """
        self._inputs = inputs = Inputs(problem)
        try:
            with apart(self._entropy):
                yield
        except ContenderError:
            inputs.changed()  # mended all the same: others meet the same arrays
            raise
        except (Exception, SystemExit) as error:
            inputs.changed()
            raise self._raised(error, "it raised") from error
        inputs.check("while it was called")

    @contextmanager
    def measuring(self, answer: Any) -> Iterator[None]:
        """Measure its answer inside; an answer may be code that runs only now.

        Raises
        ------
        ContenderError
            When the answer can't be measured, or changes the problem meanwhile.
        """
        if answer is None:
            raise ContenderError("it returned None", allowed="an answer", cure="return the answer")
        try:
            with apart(self._entropy):
                yield
        except (Exception, SystemExit) as error:
            if self._inputs is not None:
                self._inputs.changed()
            if where_it_broke(error, self._folder) and not isinstance(error, ClaimbenchError):
                raise self._raised(error, "its answer, called by the measure, raised") from error
            raise ContenderError(
                f"its answer can't be measured ({_words(error)})",
                value=described(answer),
                allowed="an answer as the experiment's other contenders return it",
                cure=f"claimbench check CLAIM {self._spec.shown}   (tries it in seconds)",
            ) from error
        if self._inputs is not None:
            self._inputs.check("while its answer was measured: the two share memory")

    @property
    def _folder(self) -> Path | None:
        return None if self._spec.file is None else self._spec.file.parent

    def _raised(self, error: BaseException, what: str) -> ContenderError:
        where = where_it_broke(error, self._folder)
        return ContenderError(f"{what} {_words(error)}" + (f" ({where})" if where else ""))


def described(answer: Any) -> str:
    """Return what an answer is, for a message: its type, and the shapes inside."""
    kind = type(answer).__name__
    if hasattr(answer, "shape"):
        return f"{kind} of shape {tuple(answer.shape)}, {getattr(answer, 'dtype', '')}".rstrip(", ")
    if isinstance(answer, tuple) and hasattr(answer, "_fields"):
        parts = zip(answer._fields, answer, strict=True)
        return f"{kind}({', '.join(f'{name}: {described(part)}' for name, part in parts)})"
    if isinstance(answer, (tuple, list)):
        return f"{kind} of {len(answer)}"
    return kind


def _words(error: BaseException) -> str:
    text = " ".join(str(error).split()) or "no message"
    return text if isinstance(error, ClaimbenchError) else f"{type(error).__name__}: {text}"


@cache
def _loaded(spec: Spec, digest: str, root: Path) -> Callable[..., Any]:
    function = load(spec)
    if origin(spec, root).digest != digest:
        raise CandidateError(
            "the source of a candidate changed during the run",
            value=spec.shown,
            allowed="the source that the run began with: evidence is kept under its digest",
            cure="run again",
        )
    return function
