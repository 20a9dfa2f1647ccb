"""Build data sets: what is installed, what is pinned, and what is refused."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import numpy as np
import pytest
from toy_data import BUILDER, NAME, PAPER, TEXT, built_checkout, toy_checkout, write_builder

from claimbench import data
from claimbench.errors import DataError, UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return toy_checkout(tmp_path)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    return built_checkout(tmp_path)


def test_build_pins_what_the_builder_writes_and_load_returns_it(built: Path) -> None:
    """An updated build pins every file, and the array that is loaded is the one written."""
    assert data.verify(built) == []
    np.testing.assert_array_equal(data.array(NAME, root=built), np.arange(6.0).reshape(2, 3))
    assert data.path(TEXT, root=built).read_bytes() == b"x\r\n"


def test_a_second_build_does_nothing(built: Path) -> None:
    """What is there and verified is not built again."""
    before = (built / "datasets" / NAME).stat().st_mtime_ns

    assert data.build(built) == []
    assert (built / "datasets" / NAME).stat().st_mtime_ns == before


def test_a_builder_that_writes_other_bytes_is_refused_and_installs_nothing(built: Path) -> None:
    """A build that does not give the pinned bytes leaves datasets/ as it was."""
    write_builder(built, BUILDER.replace("np.arange(6.0)", "(1 + np.arange(6.0))"))
    (built / "datasets" / TEXT).unlink()

    with pytest.raises(DataError) as caught:
        data.build(built)

    message = str(caught.value)
    assert f"does not build the pinned datasets/{NAME}" in message
    assert f"claimbench data build {PAPER} --update" in message
    np.testing.assert_array_equal(np.load(built / "datasets" / NAME), np.arange(6.0).reshape(2, 3))
    assert not (built / "datasets" / TEXT).exists()
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
