"""Ctrl-C in the middle: what was done is kept, judged, shown as partial, and taken up again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from toy import (
    BENCH,
    CLAIM_TOML,
    bench,
    bound,
    edited,
    environment,
    evidence,
    judged,
    make,
    records,
)

#: A control whose second of four blocks does not end by itself: it waits for leave to go on.
FLATTER = """
@line.control
def flatter(problem):
    from .pace import pause

    pause()
"""
SLOW = edited(BENCH, ("\n@line.control\ndef flatter(problem):\n", FLATTER))
PACE = """
import ctypes
from pathlib import Path


def pause():
    begun = len(list(Path(".").glob("begun-*")))
    Path(f"begun-{begun}").touch()
    while begun and not Path("go-on").exists():
        ctypes.CDLL(None).usleep(20_000)
"""


def heeding() -> None:
    """Heed Ctrl-C, which whoever was started in the background of a script ignores."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int, float]:
    """A run that is sent SIGINT, as a terminal does it: to every process of the group."""
    root = make(
        tmp_path_factory.mktemp("checkout"),
        bench_line__py=SLOW,
        pace__py=PACE,
        claim__toml=edited(CLAIM_TOML, ("T = [1, 2, 4]\n", "T = [2, 4]\n")),
    )
    words = ["suite", "--benchmark-only", "--workers", "1", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *words], cwd=root, env=environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        preexec_fn=heeding,  # noqa: PLW1509  no other thread holds a lock here
    )  # fmt: skip
    end = time.monotonic() + 60
    while not (root / "begun-1").exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    out, _ = process.communicate(timeout=60)
    return root, out, process.returncode, time.monotonic() - began


def test_an_interrupted_run_is_exit_code_two(interrupted: tuple[Path, str, int, float]) -> None:
    """It ends soon, without a traceback of ours."""
    _, out, code, _ = interrupted

    assert code == 2, out
    assert "KeyboardInterrupt" in out
    assert "INTERNALERROR" not in out


def test_what_was_done_is_judged_and_shown_as_partial(
    interrupted: tuple[Path, str, int, float],
) -> None:
    """A claim whose contenders had all ended has its verdict; the others are not judged."""
    root, out, _, _ = interrupted
    (record,) = records(root)
    (report,) = (root / "reports").rglob("*.html")

    assert record["complete"] is False
    assert [claim["id"] for claim in record["claims"]] == ["line/falls"]
    assert [one["name"] for one in record["contenders"]] == ["steep", "flat"]
    assert "PARTIAL: the run ended before all selected contenders had." in out
    assert "not judged: line/beats-flat (no evidence of flatter)" in out
    assert "partial" in report.read_text().lower()


def test_evidence_so_far_is_kept_whole(interrupted: tuple[Path, str, int, float]) -> None:
    """Finished blocks are in the store, and nothing half written has a block's name."""
    store = interrupted[0] / "results" / "store" / "toy" / "line" / "line"

    assert len(list((store / "steep").glob("*.parquet"))) == 4
    assert 1 <= len(list((store / "flatter").glob("*.parquet"))) <= 3


def test_the_next_run_computes_only_the_rest(
    interrupted: tuple[Path, str, int, float], tmp_path: Path
) -> None:
    """Together they are an uninterrupted run: the same effects to the last bit."""
    root = interrupted[0]
    kept = len(list((root / "results/store/toy/line/line/flatter").glob("*.parquet")))

    (root / "go-on").touch()
    done = bench(root)
    resumed: dict[str, Any] = records(root)[-1]
    found = {one["name"]: one["blocks_from_store"] for one in resumed["contenders"]}

    assert done.returncode == 0, done.stdout
    assert resumed["complete"]
    assert found == {"steep": 4, "flat": 4, "flatter": kept}
    whole = make(tmp_path, bench_line__py=SLOW, pace__py=PACE,
                 claim__toml=(root / "suite/toy/line/claim.toml").read_text())  # fmt: skip
    (whole / "go-on").touch()
    paper = bound(whole)
    for claim in judged(paper, evidence(whole, paper)).values():
        (other,) = [one for one in resumed["claims"] if one["id"] == claim.id]
        assert other["replicates"] == claim.replicates
        assert other["verdict"] == claim.verdict
