"""The checkout being measured: its root, its papers and their files.

`suite` and `baselines` are imported from the checkout, never installed, so that every commit is
measured with its own code.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from claimbench.errors import BenchFileError, UsageError


@dataclass(frozen=True, slots=True)
class PaperFiles:
    """Where one paper lives: ``suite/<domain>/<slug>/``."""

    root: Path
    domain: str
    slug: str

    @property
    def id(self) -> str:
        """``<domain>/<slug>``."""
        return f"{self.domain}/{self.slug}"

    @property
    def folder(self) -> Path:
        """The paper's folder."""
        return self.root / "suite" / self.domain / self.slug

    @property
    def claim_toml(self) -> Path:
        """The pre-registration."""
        return self.folder / "claim.toml"

    @property
    def bench(self) -> Path:
        """What pytest collects."""
        return self.folder / f"bench_{self.slug}.py"

    @property
    def module(self) -> str:
        """The importable name of the bench file."""
        return f"suite.{self.domain}.{self.slug}.{self.bench.stem}"


def find_root(start: Path | None = None) -> Path:
    """Return the nearest folder, from `start` upwards, that holds ``suite/`` and a project.

    Raises
    ------
    UsageError
        When there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "suite").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise UsageError(
        "this folder is in no checkout of claimbench",
        value=str(start),
        allowed="a folder below one that holds suite/ and pyproject.toml",
        cure="cd into the checkout",
    )


def papers(root: Path) -> Iterator[PaperFiles]:
    """Yield the papers of the checkout, by name."""
    for claim_toml in sorted((root / "suite").glob("*/*/claim.toml")):
        yield PaperFiles(root, claim_toml.parent.parent.name, claim_toml.parent.name)


def paper_of(bench: Path) -> PaperFiles:
    """Return the paper that a bench file belongs to.

    Raises
    ------
    BenchFileError
        When the file does not lie at ``suite/<domain>/<slug>/bench_<slug>.py``.
    """
    bench = bench.resolve()
    slug = bench.parent
    root = slug.parent.parent.parent
    if slug.parent.parent.name != "suite" or bench.name != f"bench_{slug.name}.py":
        raise BenchFileError(
            "a bench file lies in the wrong place",
            value=str(bench),
            allowed="suite/<domain>/<paper>/bench_<paper>.py",
        )
    return PaperFiles(root, slug.parent.name, slug.name)


def import_bench(files: PaperFiles) -> ModuleType:
    """Import a paper's bench file from its checkout.

    Raises
    ------
    BenchFileError
        When the import raises; the cause is chained.
    """
    if str(files.root) not in sys.path:
        sys.path.insert(0, str(files.root))
    try:
        return importlib.import_module(files.module)
    except (Exception, SystemExit) as error:
        raise BenchFileError(
            f"{files.bench.relative_to(files.root)} can't be imported"
            f" ({type(error).__name__}: {error})",
            cure=f"python -c 'import {files.module}'   (shows the traceback)",
        ) from error


def revision(root: Path) -> tuple[str, bool]:
    """Return the commit checked out at `root` and whether the tree differs from it.

    Outside of git the revision is ``unversioned``, and the tree counts as changed.
    """

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(  # noqa: S603  fixed words, no shell
                ["git", "-C", str(root), *words],  # noqa: S607  git is found as the user finds it
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = git("rev-parse", "HEAD")
    if commit is None:
        return "unversioned", True
    return commit, bool(git("status", "--porcelain", "--untracked-files=no"))
