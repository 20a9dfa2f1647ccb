"""The gate on an unchanged tree, again and again: real runs of a paper that has two races."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mutate import ROOT, _lend
from telling import Tell, of

from claimbench.duet.worktrees import checkout
from claimbench.gate.accepted import accepted_file, read_accepted, write_accepted
from claimbench.gate.accepting import accept
from claimbench.record import read_record

PAPER = "robotics/dcreg"
#: Accepted first, so that the spread between runs is known.
ACCEPTED, REPEATS = 3, 20


def run(root: Path, results: Path, *words: str) -> tuple[int, Path]:
    """Run the paper; return exit code and record."""
    before = set(results.glob("*/*/*.json"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"suite/{PAPER}", "-q"),
            *("--benchmark-only", "--results-dir", str(results), *words),
        ],
        cwd=root,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    made = set(results.glob("*/*/*.json")) - before
    [record] = [path for path in made if ".gate." not in path.name]
    return done.returncode, record


def commit(root: Path) -> None:
    """Commit what was accepted: a run of uncommitted changes can't be."""
    who = ("-c", "user.email=a@example.org", "-c", "user.name=A")
    subprocess.run(["git", "add", "-A", "baselines"], cwd=root, check=True)
    subprocess.run(["git", *who, "commit", "-qm", "accepted"], cwd=root, check=True)


@pytest.mark.exam
def test_an_unchanged_tree_is_quiet_exam(tmp_path: Path, tell: Tell) -> None:
    """20 of 20 runs pass the gate; 20 quiet ones show no more than a rate below 14%."""
    with checkout(ROOT, "HEAD") as root:
        _lend(ROOT / "results" / "store", tmp_path / "store")
        file = accepted_file(root, "standard")
        file.unlink()
        commit(root)
        for _ in range(ACCEPTED):
            code, record = run(root, tmp_path)
            assert code == 0
            known = read_accepted(file) if file.is_file() else None
            write_accepted(accept(read_record(record), record, known)[0], file)
            commit(root)
        loud = []
        for _ in range(REPEATS):
            code, record = run(root, tmp_path, "--gate")
            if code:
                gate = record.with_name(f"{record.stem}.gate.json")
                found = json.loads(gate.read_text())["findings"] if gate.is_file() else [code]
                loud.append([one for one in found if one["state"] in {"regressed", "error"}])
    quiet = REPEATS - len(loud)
    tell(f"real runs of {PAPER}, unchanged, that the gate passes", of(quiet, REPEATS), "20 of 20")

    assert quiet == REPEATS, loud
