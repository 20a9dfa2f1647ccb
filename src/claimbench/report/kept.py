"""Figures kept by what they are made from: drawing again what has not changed is most of a report.

An entry is a file named by its key. It is believed only if it says its key and the digest of its
own content; whatever else lies there is drawn again. A folder that can't be written keeps nothing.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from claimbench.digest import digest

_REPORT = Path(__file__).parent
_LIBRARIES = ("matplotlib", "seaborn", "pandas", "numpy", "scipy", "pyarrow", "markupsafe")
#: The most entries, one for each paper and state of its evidence; the oldest go first.
MOST = 120


def folder(root: Path | None) -> Path | None:
    """Return where a checkout keeps figures, none without a checkout."""
    return None if root is None else root / "build" / "figures"


def key_of(root: Path, paper: str, evidence: Path, asked: Any) -> str:
    """Return the key of a paper's figures.

    Parameters
    ----------
    evidence
        The folder of the paper's evidence.
    asked
        What is to be drawn: plain values.
    """
    suite = root / "suite" / paper
    return digest(
        {
            "asked": asked,
            "evidence": _digests(evidence, "*.parquet", "*.exhibits/*"),
            # All code of the domain: figures may share a module with another paper.
            "figures": _digests(suite.parent, "*/*.py", "*.py", "*/claim.toml"),
            # Figures may compute with the engine's estimands.
            "engine": _digests(_REPORT.parent, "*.py", "report/*.py"),
            "libraries": {name: _version(name) for name in _LIBRARIES},
        }
    )


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
    aside = path.with_suffix(".partial")
    try:
        place.mkdir(parents=True, exist_ok=True)
        aside.write_text(json.dumps(entry), encoding="utf-8")
        aside.replace(path)
        oldest_last = sorted(place.glob("*.json"), key=lambda p: p.stat().st_mtime, reverse=True)
        for old in oldest_last[MOST:]:
            old.unlink()
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
