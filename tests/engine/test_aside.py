"""A file is whole or not there; what a killed writer left is told from what is being written."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from claimbench import aside
from claimbench.aside import abandoned, reserved, sweep, written

KILLED = """
import os, signal, sys
from pathlib import Path
from claimbench.aside import {how}

with {how}(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_while_writing(path: Path, how: str = "written") -> None:
    """Let a process write half a file and die of SIGKILL."""
    done = subprocess.run([sys.executable, "-c", KILLED.format(how=how), str(path)], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    """Until then a reader finds the former one; the folder is made."""
    path = tmp_path / "new" / "x.json"
    for content in (b"first", b"second"):
        with written(path) as file:
            file.write(content)
            assert not path.exists() or path.read_bytes() == b"first"

    assert path.read_bytes() == b"second"
    assert names(path.parent) == ["x.json"]


def test_an_error_leaves_the_former_file(tmp_path: Path) -> None:
    """And nothing aside."""
    path = tmp_path / "x.json"
    path.write_bytes(b"first")

    def fail() -> None:
        with written(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["x.json"]


def test_what_a_killed_writer_left_is_swept(tmp_path: Path) -> None:
    """The half file never had the name of a whole one."""
    (tmp_path / "deep").mkdir()
    killed_while_writing(tmp_path / "deep" / "x.parquet")
    (left,) = names(tmp_path / "deep")

    swept = sweep(tmp_path)

    assert left.startswith("x.parquet.")
    assert [path.name for path in swept] == [left]
    assert names(tmp_path / "deep") == []


def test_what_is_being_written_is_not_swept(tmp_path: Path) -> None:
    """Another run in the same checkout is at work on it."""
    with written(tmp_path / "x.json") as file:
        file.write(b"whole")
        assert sweep(tmp_path) == []

    assert (tmp_path / "x.json").read_bytes() == b"whole"


def test_a_folder_that_is_not_there_is_swept_of_nothing(tmp_path: Path) -> None:
    """The first run has no store yet."""
    assert sweep(tmp_path / "nowhere") == []


def test_a_file_swept_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweeper may come between its making and its locking."""
    swept = []
    lock = aside._lock

    def after_a_sweep(file: object, how: int) -> bool:
        if how == fcntl.LOCK_EX and not swept:
            with monkeypatch.context() as patch:
                patch.setattr(aside, "_lock", lock)
                swept.extend(sweep(tmp_path))
        return lock(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(aside, "_lock", after_a_sweep)
    with written(tmp_path / "x.json") as file:
        file.write(b"whole")

    assert len(swept) == 1
    assert names(tmp_path) == ["x.json"]


def test_without_locks_files_are_written_and_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems have none: then nobody can tell whose a file is."""

    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / "old.1-a.partial").touch()
    with written(tmp_path / "x.json") as file:
        file.write(b"whole")

    assert sweep(tmp_path) == []
    assert names(tmp_path) == ["old.1-a.partial", "x.json"]


def test_a_reserved_name_is_nobody_else_s(tmp_path: Path) -> None:
    """Neither while it is written nor afterwards."""
    path = tmp_path / "r.json"

    def again() -> None:
        with reserved(path):
            pass

    with reserved(path) as file:
        file.write(b"mine")
        with pytest.raises(FileExistsError):
            again()
    with pytest.raises(FileExistsError):
        again()
    assert path.read_bytes() == b"mine"
    assert names(tmp_path) == ["r.json"]


def test_a_reservation_is_given_up_with_its_writer(tmp_path: Path) -> None:
    """While it lives it is not abandoned; killed, it is, and can be told by its name."""
    path = tmp_path / "r.json"
    with reserved(path), abandoned(tmp_path / "r.json.partial") as free:
        assert not free
    path.unlink()

    killed_while_writing(path, "reserved")

    with abandoned(tmp_path / "r.json.partial") as free:
        assert free
    assert names(tmp_path) == ["r.json.partial"]
