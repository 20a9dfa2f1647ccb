"""The checkout being measured: its root, its papers, its revision."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from toy import make

from claimbench.checkout import find_root, paper_of, papers, revision
from claimbench.errors import BenchFileError, UsageError


def test_the_root_is_found_from_any_folder_below(tmp_path: Path) -> None:
    """It holds suite/ and a project."""
    root = make(tmp_path / "checkout")

    assert find_root(root / "suite" / "toy" / "line") == root
    assert find_root(root) == root


def test_a_folder_outside_says_where_to_go(tmp_path: Path) -> None:
    """No checkout above is a matter of usage."""
    with pytest.raises(UsageError, match=r"in no checkout.*cd into the checkout"):
        find_root(tmp_path)


def test_papers_are_folders_with_claims_in_the_order_of_their_names(tmp_path: Path) -> None:
    """A folder without claim.toml, a shared substrate, is no paper."""
    root = make(make(tmp_path), slug="curve")
    (root / "suite" / "toy" / "shared").mkdir()

    assert [files.id for files in papers(root)] == ["toy/curve", "toy/line"]


def test_a_bench_file_tells_its_paper(tmp_path: Path) -> None:
    """From its place: suite/<domain>/<paper>/bench_<paper>.py."""
    root = make(tmp_path)
    files = paper_of(root / "suite" / "toy" / "line" / "bench_line.py")

    assert (files.root, files.id, files.module) == (root, "toy/line", "suite.toy.line.bench_line")


@pytest.mark.parametrize(
    "place", ["suite/toy/line/bench_other.py", "elsewhere/toy/line/bench_line.py"]
)
def test_a_bench_file_in_the_wrong_place_is_refused(tmp_path: Path, place: str) -> None:
    """The message says where it would be right."""
    with pytest.raises(
        BenchFileError, match=r"wrong place.*suite/<domain>/<paper>/bench_<paper>.py"
    ):
        paper_of(tmp_path / place)


def git(root: Path, *words: str) -> None:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


def test_the_revision_is_the_commit_and_whether_the_tree_differs(tmp_path: Path) -> None:
    """Untracked files (results) do not make a tree dirty; edits do."""
    root = make(tmp_path)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "m")
    (root / "new.txt").touch()

    commit, dirty = revision(root)
    (root / "pyproject.toml").write_text("changed")

    assert len(commit) == 40
    assert not dirty
    assert revision(root) == (commit, True)


def test_outside_of_git_the_tree_counts_as_changed(tmp_path: Path) -> None:
    """Nothing vouches for it."""
    assert revision(tmp_path) == ("unversioned", True)
