"""Share data sets: DVC itself is the oracle of what datasets.dvc says."""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path

import pytest
import yaml
from remotes import CREDENTIALS, REMOTES, Repository
from toy_data import NAME, PAPER, TEXT, built_checkout, flip_last_byte, sha256, toy_checkout

from claimbench import data
from claimbench.cli import main
from claimbench.errors import DataError

ROOT = Path(__file__).parents[2]


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


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep DVC off the machine's own folders, and let it start a client of S3."""
    for name, value in {"DVC_SITE_CACHE_DIR": str(tmp_path / "site"), **CREDENTIALS}.items():
        monkeypatch.setenv(name, value)


class TestTheCopyForDvc:
    """What a build leaves in DVC's cache, without DVC."""

    @pytest.fixture
    def known(self, tmp_path: Path) -> Path:
        (tmp_path / ".dvc").mkdir()
        return built_checkout(tmp_path)

    @staticmethod
    def objects(folder: Path) -> set[str]:
        return {"".join(file.parts[-2:]) for file in folder.rglob("*") if file.is_file()}

    @staticmethod
    def md5s(root: Path) -> set[str]:
        content = yaml.safe_load((root / "datasets.dvc").read_text())
        return {content["outs"][0]["md5"], *(f["md5"] for f in content["meta"]["files"].values())}

    def test_it_holds_every_file_and_the_listing_read_only(self, known: Path) -> None:
        """One object for each hash in datasets.dvc; none can be written by accident."""
        cache = known / ".dvc" / "cache" / "files" / "md5"

        assert self.objects(cache) == self.md5s(known)
        assert {stat.S_IMODE(f.stat().st_mode) for f in cache.rglob("*") if f.is_file()} == {0o444}

    def test_damage_to_the_data_does_not_reach_it(self, known: Path) -> None:
        """The copy is no link, and damaged content is never put in."""
        file = known / "datasets" / NAME
        pinned = data.listing.read_data_pins(known).files[NAME].md5
        copy = known / ".dvc" / "cache" / "files" / "md5" / pinned[:2] / pinned[2:]
        before = sha256(copy)
        flip_last_byte(file)

        assert sha256(copy) == before
        copy.unlink()
        data.cache.keep(known)
        assert not copy.exists()
        data.build(known)
        assert sha256(copy) == before

    def test_it_goes_where_dvc_is_told_to_keep_it(self, tmp_path: Path) -> None:
        """cache.dir counts, relative to .dvc, and config.local before config."""
        (tmp_path / ".dvc").mkdir()
        (tmp_path / ".dvc" / "config").write_text("[cache]\n    dir = ../wrong\n")
        (tmp_path / ".dvc" / "config.local").write_text("[cache]\n    dir = ../shared\n")
        built_checkout(tmp_path)

        assert self.objects(tmp_path / "shared" / "files" / "md5") == self.md5s(tmp_path)
        assert not (tmp_path / "wrong").exists()

    def test_without_dvc_there_is_none(self, built: Path) -> None:
        """A checkout that DVC does not know is left alone."""
        assert not (built / ".dvc").exists()

    def test_a_cache_that_can_not_be_written_is_an_error(self, tmp_path: Path) -> None:
        """It names the folder and the command that sets another."""
        (tmp_path / ".dvc").mkdir()
        (tmp_path / ".dvc" / "cache").write_text("no folder")

        with pytest.raises(DataError, match=r"can't be written.*cache.*dvc cache dir --local"):
            built_checkout(tmp_path)


class TestWithDvc:
    """The same folder, as DVC itself sees it, under the project's own settings."""

    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository:
        (tmp_path / "origin").mkdir()
        made = Repository(toy_checkout(tmp_path / "origin"), ROOT)
        data.build(made.root, update=True)
        return made

    def test_dvc_finds_a_build_clean_and_a_flipped_byte(self, repository: Repository) -> None:
        """`dvc status -q` agrees with `claimbench data verify`, before and after the damage."""
        ignored = (repository.root / ".gitignore").read_text()
        assert (repository.dvc("status", "-q"), data.verify(repository.root)) == (0, [])

        flip_last_byte(repository.root / "datasets" / NAME)

        assert (repository.dvc("status", "-q"), len(data.verify(repository.root))) == (1, 1)
        assert (repository.root / ".gitignore").read_text() == ignored

    def test_dvc_add_leaves_our_pins_as_they_are(self, repository: Repository) -> None:
        """DVC, asked to pin what was built, pins what we have pinned."""
        before = yaml.safe_load((repository.root / "datasets.dvc").read_text())
        shutil.rmtree(repository.root / ".dvc" / "cache")

        assert repository.dvc("add", "-q", "datasets") == 0

        assert yaml.safe_load((repository.root / "datasets.dvc").read_text()) == before

    def test_data_goes_through_a_remote(
        self,
        repository: Repository,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """What is built here and pushed is pulled, whole and clean, by a clone without builder."""
        with REMOTES["http"](tmp_path / "remote") as remote:
            repository.use(remote)
            assert repository.dvc("push", "-q") == 0
            clone = repository.clone(tmp_path / "clone")
            (clone.root / "suite" / PAPER / "data.py").unlink()
            monkeypatch.chdir(clone.root)

            assert main(["data", "pull"]) == 0, capsys.readouterr().err

        assert data.verify(clone.root) == []
        assert sha256(clone.root / "datasets" / TEXT) == sha256(repository.root / "datasets" / TEXT)
        assert clone.dvc("status", "-q") == 0

    def test_a_load_pulls_what_is_missing_and_damage_is_mended_as_told(
        self, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Data that no code builds comes back by itself; damaged, by the command in the error."""
        (repository.root / "suite" / PAPER / "data.py").unlink()
        with REMOTES["folder"](tmp_path / "remote") as remote:
            repository.use(remote)
            assert repository.dvc("push", "-q") == 0
        shutil.rmtree(repository.root / "datasets")
        shutil.rmtree(repository.root / ".dvc" / "cache")

        assert data.array(NAME, root=repository.root).shape == (2, 3)
        assert data.verify(repository.root) == []

        flip_last_byte(repository.root / "datasets" / NAME)
        (problem,) = data.verify(repository.root)
        assert str(problem).endswith("to mend it: claimbench data pull")
        monkeypatch.chdir(repository.root)
        assert main(["data", "pull"]) == 0
        assert data.verify(repository.root) == []

    def test_a_failing_pull_says_what_dvc_said(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        """An empty remote is an error that carries DVC's own words, and nothing is lost."""
        with REMOTES["folder"](tmp_path / "remote") as remote:
            repository.use(remote)
        shutil.rmtree(repository.root / ".dvc" / "cache")
        damaged, missing = (repository.root / "datasets" / name for name in (NAME, TEXT))
        flip_last_byte(damaged)
        before = damaged.read_bytes()
        missing.unlink()

        with pytest.raises(DataError, match=r"dvc pull failed \(ERROR.*dvc pull -v datasets.dvc"):
            data.fetch(repository.root)
        assert damaged.read_bytes() == before
        with pytest.raises(DataError, match=r"dvc pull failed"):
            data.path(TEXT, root=repository.root)


@pytest.mark.exam
@pytest.mark.parametrize("kind", REMOTES)
def test_the_projects_own_data_goes_through_a_remote(tmp_path: Path, kind: str) -> None:
    """datasets/ as datasets.dvc pins it: built, pushed, pulled by a fresh clone, clean, damaged."""
    origin = tmp_path / "origin"
    origin.mkdir()
    for name in ("suite", "baselines", "datasets"):
        shutil.copytree(ROOT / name, origin / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("datasets.dvc", "pyproject.toml"):
        shutil.copyfile(ROOT / name, origin / name)
    repository = Repository(origin, ROOT)

    assert data.build(origin) == []
    assert repository.dvc("status", "-q") == 0
    with REMOTES[kind](tmp_path / "remote") as remote:
        repository.use(remote)
        assert repository.dvc("push", "-q") == 0
        clone = repository.clone(tmp_path / "clone")
        data.pull(clone.root)
    assert (clone.dvc("status", "-q"), data.verify(clone.root)) == (0, [])

    name = min(data.listing.read_data_pins(clone.root).files)
    flip_last_byte(clone.root / "datasets" / name)
    assert clone.dvc("status", "-q") == 1
    assert [str(p).split()[0] for p in data.verify(clone.root)] == [f"datasets/{name}"]
