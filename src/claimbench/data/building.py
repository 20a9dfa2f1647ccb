"""Build data sets from code: each paper's ``data.py`` writes the files of its folder.

A builder, ``suite/<domain>/<paper>/data.py``, defines ``build(folder)`` and writes the same bytes
on every machine: it reads files inside pinned packages and quantises what floating point makes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from claimbench.data.cache import keep
from claimbench.data.listing import (
    FOLDER,
    PINS,
    DataFile,
    digests,
    folder_md5,
    names_in,
    owner,
    read_data_pins,
)
from claimbench.data.loading import verify
from claimbench.errors import DataError, UsageError

# A builder runs in a process of its own: it may import what it likes, and one thread keeps the
# order of its sums.
_RUN = """
import sys
from importlib import import_module
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import_module(sys.argv[2]).build(Path(sys.argv[3]))
"""
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def builders(root: Path) -> list[str]:
    """Return the papers that have a ``data.py``, each as ``<domain>/<paper>``."""
    return sorted(
        file.parent.relative_to(root / "suite").as_posix()
        for file in (root / "suite").glob("*/*/data.py")
    )


def build(root: Path, papers: Iterable[str] = (), *, update: bool = False) -> list[str]:
    """Build what is missing or changed in ``datasets/``.

    Nothing is installed unless every file equals its pin; each paper's folder is replaced whole.
    Where DVC is set up it gets its copy, so that ``dvc status`` is clean.

    Parameters
    ----------
    root
        The checkout.
    papers
        Which papers, as ``<domain>/<paper>``; by default all that have a ``data.py``.
    update
        Build all of them and pin what comes out, in place of comparing it with the pins.

    Returns
    -------
    list of str
        The papers that were built; the others were there already.

    Raises
    ------
    UsageError
        When a paper has no ``data.py``.
    DataError
        When a builder fails, or writes other files than the pinned ones.
    """
    known = builders(root)
    chosen = list(papers) or known
    for paper in chosen:
        if paper not in known:
            raise UsageError("no data.py builds data for this paper", value=paper, allowed=known)
    stale = [paper for paper in chosen if update or _is_stale(root, paper)]
    if stale:
        _build(root, stale, known, update=update)
    keep(root)
    return stale


def _build(root: Path, stale: list[str], known: list[str], *, update: bool) -> None:
    scratch = root / "build"
    scratch.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="datasets-") as made:
        found = {paper: _run(root, paper, Path(made)) for paper in stale}
        if not update:
            for paper, files in found.items():
                _compare(root, paper, files)
        for paper in stale:
            _install(Path(made) / paper, root / FOLDER / paper)
    if update:
        others = {} if set(known) == set(stale) else read_data_pins(root).files
        kept = {name: file for name, file in others.items() if owner(name) not in stale}
        built = {name: file for files in found.values() for name, file in files.items()}
        _write_pins(root, kept | built)


def _is_stale(root: Path, paper: str) -> bool:
    pinned = any(owner(name) == paper for name in read_data_pins(root).files)
    return not pinned or bool(verify(root, paper))


def _run(root: Path, paper: str, made: Path) -> dict[str, DataFile]:
    folder = made / paper
    folder.mkdir(parents=True)
    module = f"suite.{paper.replace('/', '.')}.data"
    done = subprocess.run(  # noqa: S603  this interpreter, no shell
        [sys.executable, "-B", "-c", _RUN, str(root), module, str(folder)],
        cwd=root,
        env=os.environ | _ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        missing = said[-1].startswith("ModuleNotFoundError")
        raise DataError(
            f"suite/{paper}/data.py failed ({said[-1]})",
            cure="pip install -e '.[data]'"
            if missing
            else f"python -c 'from pathlib import Path; from {module} import build;"
            ' build(Path("/tmp"))\'   (shows the traceback)',
        )
    files = {f"{paper}/{name}": _digest(folder / name) for name in names_in(folder)}
    if not files:
        raise DataError(f"suite/{paper}/data.py wrote no file", allowed="at least one")
    return files


def _digest(file: Path) -> DataFile:
    state = file.stat()
    return digests(file, state.st_mtime_ns, state.st_size)


def _compare(root: Path, paper: str, made: dict[str, DataFile]) -> None:
    pinned = {
        name: file for name, file in read_data_pins(root).files.items() if owner(name) == paper
    }
    for name in sorted(pinned.keys() | made.keys()):
        if pinned.get(name) != made.get(name):
            raise DataError(
                f"suite/{paper}/data.py does not build the pinned {FOLDER}/{name}",
                value=_sha256(made.get(name)),
                allowed=f"{_sha256(pinned.get(name))} ({PINS})",
                cure="install the pinned packages (make setup);"
                f" if the data is meant to change: claimbench data build {paper} --update",
            )


def _sha256(file: DataFile | None) -> str:
    return "no such file" if file is None else f"sha256 {file.sha256}"


def _install(made: Path, target: Path) -> None:
    """Put a folder in place of another; between the two renames there is none, never a mixture."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        shutil.move(target, made.with_name(made.name + ".replaced"))
    shutil.move(made, target)


def _write_pins(root: Path, files: dict[str, DataFile]) -> None:
    import yaml

    content = {
        "outs": [
            {
                "md5": folder_md5(files),
                "size": sum(file.size for file in files.values()),
                "nfiles": len(files),
                "hash": "md5",
                "path": FOLDER,
            }
        ],
        "meta": {
            "files": {
                name: {"md5": file.md5, "sha256": file.sha256, "size": file.size}
                for name, file in sorted(files.items())
            }
        },
    }
    aside = root / f"{PINS}.partial"
    aside.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    aside.replace(root / PINS)
