"""Load data sets: what is returned, and how damage is found and named."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from toy_data import (
    NAME,
    PAPER,
    built_checkout,
    flip_last_byte,
    sha256,
    toy_checkout,
    write_builder,
)

from claimbench import data
from claimbench.errors import DataError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return toy_checkout(tmp_path)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return built_checkout(tmp_path)


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


def test_a_checkout_without_data_has_a_hash(tmp_path: Path) -> None:
    """A suite without data sets pins the empty folder."""
    assert data.verify(tmp_path) == []
    assert data.data_hash(tmp_path) == hashlib.md5(b"[]").hexdigest() + ".dir"


def test_importing_data_is_light() -> None:
    """Reading hashes needs neither torch nor scipy nor yaml."""
    heavy = "{'torch', 'scipy', 'pandas', 'yaml', 'skimage', 'dvc'}"
    code = f"import sys, claimbench.data; print(sorted({heavy} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
