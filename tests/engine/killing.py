"""A toy run that has all there is to lose, and what must be equal after it was killed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd
from toy import BENCH, CLAIM_TOML, NEEDLESS, PROBLEM, edited, environment, make

from claimbench.evidence.store import read_rows

#: Long enough to be met in the midst of it; the C library's sleep, as a worker's work would be.
SLOW = """
def pause(milliseconds=15):
    import ctypes

    ctypes.CDLL(None).usleep(1000 * milliseconds)


def picture(problem, x):
    return {"x": x}


"""
#: A grid, one point of which never answers.
TUNED = """
@line.method(grid={"rate": [0.5, 1.0, 2.0]})
def steep(problem, *, rate):
    pause()
    if rate == 2.0:
        raise ValueError("too steep")
    return descend(problem, rate)
"""
KILLED_BENCH = edited(
    BENCH,
    ("\ndef measure(problem, x):\n", SLOW + "def measure(problem, x):\n    pause(5)\n"),
    ('{"gap": x}', '{"gap": x, "trace": x[:, None] * [[1, 2, 3]]}'),
    ("Experiment(line, measure)", "Experiment(line, measure, exhibit=picture)"),
    ("\n@line.method\ndef steep(problem):\n    return descend(problem, 1.0)\n", TUNED),
    ("def flat(problem):\n", "def flat(problem):\n    pause()\n"),
    ("def flatter(problem):\n", "def flatter(problem):\n    pause()\n"),
)
KILLED_PROBLEM = edited(
    PROBLEM,
    (
        "def line(T, *",
        'def train(*, seed):\n    return {"weight": ones(1000) * seed}\n\n\ndef line(T, *',
    ),
    ("    noise = 0.01 *", '    noise = 0.01 * streams.kept(train, seed=1)["weight"][0] *'),
    ("from numpy import ndarray", "from numpy import ndarray, ones"),
)
KILLED_CLAIMS = edited(
    CLAIM_TOML,
    ("replicates = 6\nblock = 3\nbudget = 20\n", "replicates = 12\nblock = 2\nbudget = 20\n"),
    ("replicates = 3 }\n", "replicates = 4 }\n"),
    (
        '\n[[claim]]\nid = "falls"',
        (
            '\n[experiment.line.tuning]\ntrials = 3\nreplicates = 2\ncriterion = "gap"\n'
            '\n[[claim]]\nid = "falls"'
        ),
    ),
)
#: Of a record that differ from run to run.
_OTHER = {
    "command", "created", "peak_memory_bytes", "seconds", "blocks_from_store", "dirty", "revision",
}  # fmt: skip


def checkout(root: Path) -> Path:
    """Write the toy's checkout."""
    return make(
        root,
        bench_line__py=KILLED_BENCH,
        problem__py=KILLED_PROBLEM,
        claim__toml=KILLED_CLAIMS,
    )


def start(root: Path, limit: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    """Start a run there in a process group of its own, as a terminal does.

    `limit` is called in the new process before anything else.
    """
    own = {"PYTEST_ADDOPTS": NEEDLESS, "PYTHONDONTWRITEBYTECODE": "1"}
    words = ["-p", "no:cacheprovider", "-q", "suite", "--benchmark-only", "--workers", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *words],
        cwd=root,
        env=environment() | own,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=limit,  # noqa: PLW1509  no other thread holds a lock here
    )


def kill(process: subprocess.Popen[str]) -> bool:
    """Kill the run and its workers at once; return whether it was still at work."""
    at_work = process.poll() is None
    with suppress(ProcessLookupError):  # it may be over
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.01)  # its workers are going
    return at_work


def stored(root: Path) -> dict[str, tuple[int, int, str]]:
    """Return the store's whole files -> which file it is, when written, and what is in it.

    Raises
    ------
    StoreError
        When one of them is damaged.
    """
    found = {}
    for path in (root / "results" / "store").rglob("*"):
        if not path.is_file() or ".partial" in path.name or path.suffix == ".lock":
            continue
        if path.suffix == ".parquet":
            read_rows(path)
        if path.name == "costs.json":
            json.loads(path.read_text())
            continue
        state = path.stat()
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[path.relative_to(root).as_posix()] = (state.st_ino, state.st_mtime_ns, content)
    return found


def litter(root: Path) -> list[str]:
    """Return what is left of files that were never finished."""
    return [path.name for path in root.rglob("*.partial*")]


def outcome(root: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Return all that a finished run must have in common with any other, to the last bit."""
    (path,) = [
        path
        for path in (root / "results").glob("*/*/*.json")
        if json.loads(path.read_text()) == record
    ]
    return {"record": _without(record), "evidence": _evidence(path.with_suffix(""))}


def _without(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _without(value) for key, value in part.items() if key not in _OTHER}
    return [_without(one) for one in part] if isinstance(part, list) else part


def _evidence(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".parquet":
            rows = pd.read_parquet(path).drop(
                columns=["seconds", "peak_memory_bytes"], errors="ignore"
            )
            found[name] = (
                rows.to_json(double_precision=15),
                [
                    rows[column].to_numpy().tobytes()
                    for column in rows
                    if rows[column].dtype == "float64"
                ],
            )
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found
