"""Share data sets: DVC itself is the oracle of what datasets.dvc says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from toy_data import NAME, PAPER, built_checkout, flip_last_byte

from claimbench import data
from claimbench.errors import DataError

IGNORED = "/datasets/\n/site/\n/build/\n/remote/\n"  # the first line as in the project's own


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return built_checkout(tmp_path)


def test_pull_needs_a_remote(built: Path) -> None:
    """Without a remote the error says what to do instead."""
    with pytest.raises(DataError, match=r"no DVC remote is configured.*claimbench data build"):
        data.pull(built)


def test_pull_needs_dvc(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package dvc the error says what to install."""
    (built / ".dvc").mkdir()
    (built / ".dvc" / "config").write_text("[core]\n    remote = store\n")
    monkeypatch.setitem(sys.modules, "dvc", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(DataError, match=r"dvc is not installed.*pip install -e '\.\[data\]'"):
        data.pull(built)


class TestWithDvc:
    """The same folder, as DVC itself sees it."""

    @pytest.fixture
    def repository(self, built: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(built / "site"))
        monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
        (built / ".gitignore").write_text(IGNORED)
        subprocess.run(["git", "init", "-q"], cwd=built, check=True)
        assert self.dvc(built, "init", "-q") == 0
        return built

    @staticmethod
    def dvc(root: Path, *words: str) -> int:
        command = [sys.executable, "-m", "dvc", *words]
        return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode

    @staticmethod
    def status(root: Path) -> str | None:
        command = [sys.executable, "-m", "dvc", "status", "--json"]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        changed = json.loads(done.stdout)
        return changed["datasets.dvc"][0]["changed outs"]["datasets"] if changed else None

    def test_dvc_knows_our_build_and_sees_a_flipped_byte(self, repository: Path) -> None:
        """DVC misses our build in its cache only; cached it is clean; damaged it is modified."""
        assert self.status(repository) == "not in cache"
        assert self.dvc(repository, "add", "-q", "datasets") == 0
        assert self.status(repository) is None
        assert (repository / ".gitignore").read_text() == IGNORED
        flip_last_byte(repository / "datasets" / NAME)
        assert self.status(repository) == "modified"
        assert len(data.verify(repository)) == 1

    def test_dvc_add_leaves_our_pins_as_they_are(self, repository: Path) -> None:
        """Putting the built data into DVC's cache changes no pin, so both ways agree."""
        before = yaml.safe_load((repository / "datasets.dvc").read_text())

        assert self.dvc(repository, "add", "-q", "datasets") == 0

        assert yaml.safe_load((repository / "datasets.dvc").read_text()) == before

    def test_missing_data_is_pulled_from_a_remote(self, repository: Path) -> None:
        """A load brings back from the remote what is missing, also without a builder."""
        self.dvc(repository, "remote", "add", "-d", "store", str(repository / "remote"))
        assert self.dvc(repository, "add", "-q", "datasets") == 0
        assert self.dvc(repository, "push", "-q") == 0
        shutil.rmtree(repository / "datasets")
        shutil.rmtree(repository / ".dvc" / "cache")
        (repository / "suite" / PAPER / "data.py").unlink()

        assert data.array(NAME, root=repository).shape == (2, 3)
        assert data.verify(repository) == []

    def test_a_failing_pull_says_what_dvc_said(self, repository: Path) -> None:
        """An empty remote is an error that carries DVC's own words."""
        self.dvc(repository, "remote", "add", "-d", "store", str(repository / "remote"))
        shutil.rmtree(repository / "datasets")

        with pytest.raises(DataError, match=r"dvc pull failed \(ERROR.*dvc pull -v datasets.dvc"):
            data.path(NAME, root=repository)
