"""The key of a piece of evidence: all that makes it, and nothing that judges it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from claimbench.digest import digest
from claimbench.evidence.packages import package_versions
from claimbench.evidence.parsing import is_text
from claimbench.evidence.source import Sources
from claimbench.evidence.unit import Unit
from claimbench.experiment import Experiment

#: The engine's files that take part in making evidence.
_MAKERS = ("clock.py", "kept.py", "streams.py", "worker.py", "store.py", "unit.py")


@cache
def engine_digest() -> str:
    """Return the digest of the engine's code that makes evidence, comments and docstrings aside."""
    folder = Path(__file__).parent
    return code_digest(folder / name for name in _MAKERS)


def code_digest(files: Iterable[Path]) -> str:
    """Return the digest of some files of Python, comments and docstrings aside."""
    trees = (_code(file.read_text(encoding="utf-8")) for file in files)
    return hashlib.sha256("\n".join(trees).encode()).hexdigest()


def _code(text: str) -> str:
    """Return what two texts share that differ only in comments and docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not is_text(line)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def unit_key(
    unit: Unit,
    experiment: Experiment,
    sources: Sources,
    *,
    fingerprint: Mapping[str, Any],
    data: str,
    pin: Mapping[str, Any],
) -> str:
    """Return the key of a unit.

    Parameters
    ----------
    unit
        Paper, experiment, contender, cells, block, replicates, device, seed, tuned parameters.
    experiment
        Whose problem, measure, exhibit and contender are followed to their sources.
    fingerprint
        The machine and the versions of the numeric libraries.
    data
        Content hash of the paper's data sets.
    pin
        Packages of the contender's pin, with the versions installed.
    """
    contender = experiment.contenders[unit.contender]
    own = None if contender.origin is not None else contender.function
    makers = (experiment.problem, experiment.measure, experiment.exhibit, own)
    return digest(
        {
            **({"candidate": unit.source} if contender.origin is not None else {}),
            "unit": unit.identity(),
            "source": sources.digest(*makers),
            "packages": package_versions(sources.packages(*makers)),
            # One value that is stacked reaches the problem as a tuple, else as itself.
            "stack": list(experiment.stack),
            "engine": engine_digest(),
            "fingerprint": dict(fingerprint),
            "data": data,
            "pin": dict(pin),
        }
    )
