"""Figures kept by what they are made from: drawing again what has not changed is most of a report.

An entry is a file named by its key. It is believed only if it says its key and the digest of its
own content; whatever else lies there is drawn again. A folder that can't be written keeps nothing.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimbench.aside import sweep, written
from claimbench.digest import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from claimbench.report.evidence import Evidence

_REPORT = Path(__file__).parent
_LIBRARIES = ("matplotlib", "seaborn", "pandas", "numpy", "scipy", "pyarrow", "markupsafe")
#: The most entries, one for each experiment and state of its evidence; the oldest go first.
MOST = 600


def folder(root: Path | None) -> Path | None:
    """Return where a checkout keeps figures, none without a checkout."""
    return None if root is None else root / "build" / "figures"


def engine() -> dict[str, Any]:
    """Return what draws the figures of all papers: this package, and its libraries."""
    return {
        # Figures may compute with the engine's estimands.
        "engine": _digests(_REPORT.parent, "*.py", "report/*.py"),
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def code(root: Path, paper: str, engine: Mapping[str, Any]) -> str:
    """Return the digest of all code that may draw a paper's figures."""
    suite = root / "suite" / paper
    # All code of the domain: figures may share a module with another paper.
    figures = _digests(suite.parent, "*/*.py", "*.py", "*/claim.toml")
    return digest({"figures": figures, **engine})


def key_of(asked: Any, evidence: Evidence, record_path: Path, paper: str) -> str:
    """Return the key of an experiment's figures.

    Parameters
    ----------
    asked
        What is to be drawn, and by which code: plain values.
    evidence
        What it is drawn from.
    """
    folder = record_path.with_suffix("") / paper
    name = Path(evidence.file).stem
    return digest(
        {
            "asked": asked,
            "rows": _rows(evidence),
            "more": _digests(folder, f"{name}.traces.parquet", f"{name}.exhibits/*"),
        }
    )


def _rows(evidence: Evidence) -> str:
    """Return the digest of the table as it is offered, whatever else its file holds."""
    import pandas as pd

    if evidence.table is None:
        return evidence.problem
    hashed = hashlib.sha256(
        pd.util.hash_pandas_object(evidence.table, index=False).to_numpy().tobytes()
    )
    return f"{list(evidence.table.columns)} {hashed.hexdigest()}"


def read(place: Path | None, key: str) -> Any:
    """Return what is kept under a key, None where that is nothing that can be believed."""
    if place is None:
        return None
    try:
        entry = json.loads((place / f"{key}.json").read_text(encoding="utf-8"))
        sound = entry["key"] == key and entry["digest"] == digest({"content": entry["content"]})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return entry["content"] if sound else None


def keep(place: Path | None, key: str, content: Any) -> None:
    """Keep plain values under a key, written aside first."""
    if place is None:
        return
    entry = {"key": key, "digest": digest({"content": content}), "content": content}
    path = place / f"{key}.json"
    try:
        with written(path) as file:
            file.write(json.dumps(entry).encode())
        sweep(place)
        oldest_last = sorted(place.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in oldest_last[MOST:]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def _digests(place: Path, *patterns: str) -> dict[str, str]:
    files = sorted({path for pattern in patterns for path in place.glob(pattern)})
    return {
        path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
