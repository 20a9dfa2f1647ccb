"""A second checkout of another revision, beside the one that one works in."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from claimbench.errors import UsageError

#: What stands for the working tree as it is, uncommitted changes and all.
HERE = "."


@contextmanager
def checkout(root: Path, revision: str) -> Iterator[Path]:
    """Yield a folder with that revision, its data beside it; it is removed afterwards.

    Raises
    ------
    UsageError
        When git knows no such revision, or this is no clone.
    """
    if revision == HERE:
        yield root
        return
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "checkout"
        done = _git(root, "worktree", "add", "--detach", str(place), f"{revision}^{{commit}}")
        if done.returncode != 0:
            raise UsageError(
                "git can't check that revision out",
                value=revision,
                allowed="a commit, branch or tag of this clone, or . for the working tree",
                cure="git fetch --unshallow   (if the clone is shallow)",
            )
        try:
            lend_data(root, place)
            yield place
        finally:
            _git(root, "worktree", "remove", "--force", str(place))


def lend_data(root: Path, place: Path) -> None:
    """Copy the data to another checkout that has none.

    Every load verifies what it reads: a file that the other checkout pins differently is refused
    there, never used.
    """
    if (root / "datasets").is_dir() and not (place / "datasets").exists():
        shutil.copytree(root / "datasets", place / "datasets")


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  fixed words and a revision, no shell
        ["git", "-C", str(root), *words],  # noqa: S607  git is found as the user finds it
        capture_output=True,
        text=True,
        check=False,
    )
