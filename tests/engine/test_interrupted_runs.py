"""Killed, out of room, two at once: nothing is lost, doubled or corrupt.

`tests/exam/test_kills.py` kills at fifty moments. The system's limit on the size of a file stands
for the full disk: it ends a write as that does.
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from killing import checkout, kill, litter, outcome, start, stored
from toy import records


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs at once in one checkout, which nobody else disturbed."""
    root = checkout(tmp_path_factory.mktemp("whole"))
    both = [start(root), start(root)]
    for process in both:
        out, _ = process.communicate(timeout=240)
        assert process.returncode == 0, out
    return root


def test_two_runs_at_once_end_with_the_same_results(whole: Path) -> None:
    """Neither loses, damages or sweeps away what the other writes; each has its own record."""
    paths = sorted((whole / "results").glob("*/*/*.json"))
    first, second = (json.loads(path.read_text()) for path in paths)

    assert [claim["verdict"] for claim in first["claims"]] == ["reproduced", "reproduced"]
    assert outcome(whole, first) == outcome(whole, second)
    assert first["notices"] == second["notices"] == []
    assert stored(whole)  # and each file is sound
    assert litter(whole) == []


def limited(root: Path, size: int) -> tuple[int, str]:
    """Run where no file may be larger than `size` bytes."""
    process = start(root, limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    out, _ = process.communicate(timeout=240)
    return process.returncode, out


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A run without room for one block of evidence."""
    root = checkout(tmp_path_factory.mktemp("full"))
    return root, *limited(root, 600)


def test_what_can_not_be_kept_ends_the_run(full: tuple[Path, int, str]) -> None:
    """With the cause and the cure, exit code 2, no half file and no traceback of ours."""
    root, code, out = full

    assert code == 2, out
    assert "can't be written (File too large)" in out
    assert "--results-dir FOLDER" in out
    assert "INTERNALERROR" not in out
    assert litter(root) == []
    assert not list((root / "results").rglob("*.parquet"))


def wait_for(root: Path, files: int, process: subprocess.Popen[str]) -> None:
    """Wait until the store holds that many files, or the run has ended."""
    end = time.monotonic() + 120
    store = root / "results" / "store"
    while process.poll() is None and time.monotonic() < end:
        if len(list(store.rglob("*.parquet"))) >= files:
            return
        time.sleep(0.002)


def test_a_run_that_is_stopped_again_and_again_ends_as_one_that_was_not(
    whole: Path, full: tuple[Path, int, str]
) -> None:
    """Once for lack of room, twice by SIGKILL: the record is the whole run's, to the last bit."""
    root = full[0]
    moments = random.Random(9)
    kept: dict[str, tuple[int, int, str]] = {}
    for _ in range(2):
        process = start(root)
        wait_for(root, len(kept) + moments.randint(1, 12), process)
        time.sleep(0.03 * moments.random())
        assert kill(process)
        after = stored(root)
        assert kept.items() <= after.items()  # not even written a second time
        kept = after

    process = start(root)
    out, _ = process.communicate(timeout=240)

    assert process.returncode == 0, out
    assert 2 <= len(kept) < len(stored(whole))
    assert kept.items() <= stored(root).items()
    assert set(stored(root)) == set(stored(whole))
    assert outcome(root, records(root)[-1]) == outcome(whole, records(whole)[-1])
    assert litter(root) == []


def test_verdicts_are_shown_though_the_record_can_not_be_written(
    whole: Path, tmp_path: Path
) -> None:
    """The evidence is in the store; no half record stays."""
    root = tmp_path / "checkout"
    shutil.copytree(whole, root)
    shutil.rmtree(root / "results" / "standard")

    code, out = limited(root, 4000)

    assert code == 2
    assert "the record and its evidence can't be written (File too large)" in out
    assert "line/falls" in out
    assert "2 claims: 2 reproduced" in out
    assert records(root) == []
    assert [path.name for path in (root / "results").glob("standard/*/*")] == []
