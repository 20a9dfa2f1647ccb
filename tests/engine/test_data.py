"""Data sets: what is pinned, how it is built, and how damage is found; DVC itself is the oracle."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import yaml

from claimbench import data
from claimbench.errors import DataError, UsageError

PAPER = "toy/paper"
NAME = "toy/paper/numbers.npy"
BUILDER = """
    import numpy as np

    def build(folder):
        np.save(folder / "numbers.npy", np.arange(6.0).reshape(2, 3))
        (folder / "sub").mkdir()
        (folder / "sub" / "ä b.txt").write_bytes(b"x\\r\\n")
"""


def write_builder(root: Path, source: str, paper: str = PAPER) -> None:
    folder = root / "suite" / paper
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "claim.toml").write_text("")
    (folder / "data.py").write_text(textwrap.dedent(source))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    write_builder(tmp_path, BUILDER)
    return tmp_path


@pytest.fixture
def built(root: Path) -> Path:
    data.build(root, update=True)
    return root


def flip_last_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_build_pins_what_the_builder_writes_and_load_returns_it(built: Path) -> None:
    """An updated build pins every file, and the array that is loaded is the one written."""
    assert data.verify(built) == []
    np.testing.assert_array_equal(data.array(NAME, root=built), np.arange(6.0).reshape(2, 3))
    assert data.path("toy/paper/sub/ä b.txt", root=built).read_bytes() == b"x\r\n"


def test_the_checkout_around_the_current_folder_is_the_default(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a root, data comes from the checkout one stands in."""
    monkeypatch.chdir(built / "suite" / "toy")

    assert data.array(NAME).shape == (2, 3)


def test_a_loaded_array_is_read_only(built: Path) -> None:
    """No contender can change the data another one sees."""
    values = data.array(NAME, root=built)

    with pytest.raises(ValueError, match="read-only"):
        values[0, 0] = 1.0


def test_a_second_build_does_nothing(built: Path) -> None:
    """What is there and verified is not built again."""
    before = (built / "datasets" / NAME).stat().st_mtime_ns

    assert data.build(built) == []
    assert (built / "datasets" / NAME).stat().st_mtime_ns == before


def test_one_flipped_byte_is_found_and_named_and_mended(built: Path) -> None:
    """The error names the file, both hashes and the cure; the cure mends it."""
    file = built / "datasets" / NAME
    pinned = sha256(file)
    flip_last_byte(file)
    found = sha256(file)

    with pytest.raises(DataError) as caught:
        data.array(NAME, root=built)

    message = str(caught.value)
    assert f"datasets/{NAME} is not the pinned file" in message
    assert f"sha256 {found}" in message
    assert f"sha256 {pinned}" in message
    assert message.endswith(f"to mend it: claimbench data build {PAPER}")
    assert [str(problem) for problem in data.verify(built)] == [message]
    assert data.build(built) == [PAPER]
    assert data.verify(built) == []
    assert sha256(file) == pinned


def test_damage_after_a_load_is_found_by_the_next(built: Path) -> None:
    """A verification is remembered only while the file keeps its time and size."""
    data.array(NAME, root=built)
    flip_last_byte(built / "datasets" / NAME)

    with pytest.raises(DataError, match="is not the pinned file"):
        data.array(NAME, root=built)


def test_a_missing_file_says_how_to_build_it(built: Path) -> None:
    """Without a remote, what is missing is built by the command in the error, and only that."""
    (built / "datasets" / NAME).unlink()

    with pytest.raises(DataError, match=f"numbers.npy is missing.*claimbench data build {PAPER}$"):
        data.array(NAME, root=built)
    assert data.build(built) == [PAPER]
    assert data.verify(built) == []


def test_a_missing_file_without_a_builder_says_to_pull_it(built: Path) -> None:
    """Data that no code builds comes from a remote only."""
    shutil.rmtree(built / "datasets")
    (built / "suite" / PAPER / "data.py").unlink()

    assert all(str(problem).endswith("claimbench data pull") for problem in data.verify(built))
    assert len(data.verify(built)) == 2


def test_an_unpinned_file_is_a_problem_but_loads_go_on(built: Path) -> None:
    """A stray file changes the folder DVC pins, so it is reported; pinned files still load."""
    (built / "datasets" / "toy" / "paper" / "stray.npy").write_bytes(b"")

    (problem,) = data.verify(built)
    assert "datasets/toy/paper/stray.npy is not pinned" in str(problem)
    assert data.array(NAME, root=built).shape == (2, 3)
    assert data.build(built) == [PAPER]
    assert data.verify(built) == []


def test_an_unknown_name_lists_the_names_there_are(built: Path) -> None:
    """A misspelt name is met with the nearest one."""
    with pytest.raises(DataError, match=r"did you mean 'toy/paper/numbers.npy'"):
        data.path("toy/paper/number.npy", root=built)


def test_a_pickled_array_is_refused(root: Path) -> None:
    """Data never runs code: an array of objects is no plain array."""
    write_builder(
        root,
        """
        import numpy as np

        def build(folder):
            np.save(folder / "numbers.npy", np.array([{}]), allow_pickle=True)
        """,
    )
    data.build(root, update=True)

    with pytest.raises(DataError, match="can't be read as an array"):
        data.array(NAME, root=root)


def test_a_builder_that_writes_other_bytes_is_refused_and_installs_nothing(built: Path) -> None:
    """A build that does not give the pinned bytes leaves datasets/ as it was."""
    write_builder(built, BUILDER.replace("np.arange(6.0)", "(1 + np.arange(6.0))"))
    (built / "datasets" / "toy" / "paper" / "sub" / "ä b.txt").unlink()

    with pytest.raises(DataError) as caught:
        data.build(built)

    message = str(caught.value)
    assert f"does not build the pinned datasets/{NAME}" in message
    assert f"claimbench data build {PAPER} --update" in message
    np.testing.assert_array_equal(np.load(built / "datasets" / NAME), np.arange(6.0).reshape(2, 3))
    assert not (built / "datasets" / "toy" / "paper" / "sub" / "ä b.txt").exists()
    assert list((built / "build").iterdir()) == []


def test_update_of_one_paper_keeps_the_pins_of_the_others(built: Path) -> None:
    """Pinning one paper's data needs no other paper's files."""
    write_builder(built, BUILDER.replace("6.0", "12.0").replace("2, 3", "3, 4"), "toy/other")
    shutil.rmtree(built / "datasets" / "toy" / "paper")

    assert data.build(built, ["toy/other"], update=True) == ["toy/other"]
    assert data.build(built) == [PAPER]
    assert data.verify(built) == []
    assert data.array("toy/other/numbers.npy", root=built).shape == (3, 4)


def test_update_forgets_the_pins_of_a_paper_that_is_gone(built: Path) -> None:
    """A full update pins what the builders write, and nothing else."""
    shutil.rmtree(built / "suite" / PAPER)
    write_builder(built, BUILDER, "toy/other")
    data.build(built, update=True)

    assert {str(problem).split(" is ")[0] for problem in data.verify(built)} == {
        f"datasets/{NAME}",
        "datasets/toy/paper/sub/ä b.txt",
    }


def test_a_new_builder_must_be_pinned(root: Path) -> None:
    """Data that nobody pinned is not installed by a plain build."""
    with pytest.raises(DataError, match="--update"):
        data.build(root)
    assert not (root / "datasets").exists()


def test_a_paper_without_builder_is_a_usage_error(built: Path) -> None:
    """A misspelt paper is met with the papers that have data."""
    with pytest.raises(UsageError, match="did you mean 'toy/paper'"):
        data.build(built, ["toy/papr"])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def build(folder):\n    raise RuntimeError('no pictures')", "RuntimeError: no pictures"),
        ("import no_such_package", r"no_such_package.*pip install -e '\.\[data\]'"),
        ("def build(folder):\n    pass", "wrote no file"),
    ],
)
def test_a_failing_builder_says_why(root: Path, source: str, message: str) -> None:
    """The last line of a builder's traceback is in the error."""
    write_builder(root, source)

    with pytest.raises(DataError, match=message):
        data.build(root, update=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("outs: [", "is malformed"),
        ("outs: []\n", "is malformed"),
        ("outs:\n- {md5: a.dir, path: datasets}\n", "is malformed"),
    ],
)
def test_a_malformed_pin_file_is_named(built: Path, content: str, message: str) -> None:
    """A damaged datasets.dvc is an error with a cure, whatever is asked of it."""
    (built / "datasets.dvc").write_text(content)

    for question in (data.verify, data.data_hash, data.build):
        with pytest.raises(DataError, match=rf"datasets.dvc {message}.*git checkout"):
            question(built)


def test_pins_that_contradict_the_folder_hash_are_refused(built: Path) -> None:
    """A listing edited by hand no longer has the hash of the folder."""
    content = yaml.safe_load((built / "datasets.dvc").read_text())
    content["meta"]["files"][NAME]["md5"] = "0" * 32
    (built / "datasets.dvc").write_text(yaml.safe_dump(content))

    with pytest.raises(DataError, match="is not the hash of the files under meta"):
        data.array(NAME, root=built)


def test_hash_of_a_paper_moves_with_its_own_and_its_domains_shared_data_only(built: Path) -> None:
    """Evidence is kept when another paper's data changes, and dropped when its own does."""
    write_builder(built, BUILDER, "toy/other")
    write_builder(built, BUILDER, "toy/shared")
    (built / "suite" / "toy" / "shared" / "claim.toml").unlink()
    write_builder(built, BUILDER, "far/shared")
    (built / "suite" / "far" / "shared" / "claim.toml").unlink()
    data.build(built, update=True)

    for changed, moves in [
        ("toy/other", False),
        ("far/shared", False),
        ("toy/shared", True),
        (PAPER, True),
    ]:
        before, whole = data.hash_of(built, PAPER), data.data_hash(built)
        (built / "suite" / changed / "data.py").write_text(
            textwrap.dedent(BUILDER.replace("6.0).reshape(2, 3)", "8.0)"))
        )
        data.build(built, [changed], update=True)
        assert (data.hash_of(built, PAPER) != before) is moves, changed
        assert data.data_hash(built) != whole


def test_a_checkout_without_data_has_a_hash(tmp_path: Path) -> None:
    """A suite without data sets pins the empty folder."""
    assert data.verify(tmp_path) == []
    assert data.data_hash(tmp_path) == hashlib.md5(b"[]").hexdigest() + ".dir"


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


def test_importing_data_is_light() -> None:
    """Reading hashes needs neither torch nor scipy nor yaml."""
    heavy = "{'torch', 'scipy', 'pandas', 'yaml', 'skimage', 'dvc'}"
    code = f"import sys, claimbench.data; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


IGNORED = "/datasets/\n/site/\n/build/\n/remote/\n"  # the first line as in the project's own


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
