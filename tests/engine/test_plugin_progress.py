"""Live progress, on a terminal and in a log."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
import toy

SLOW = toy.METHOD.replace("    problem.calls", "    sleep(0.5)\n    problem.calls", 1).replace(
    "from numpy import exp", "from time import sleep\n\nfrom numpy import exp"
)


def on_a_terminal(root: Path, *words: str) -> str:
    """Run pytest there with a pseudo-terminal as its output, and return what it wrote."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=root,
        env={**toy.environment(), "TERM": "xterm", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    written = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux's word for the end of a pseudo-terminal
            break
        if not piece:
            break
        written += piece
    os.close(master)
    process.wait(timeout=60)
    return written.decode(errors="replace")


def test_a_terminal_shows_paper_contender_block_and_time_while_the_run_goes_on(tmp_path):
    """The progress line names what runs, how far it is and how long it took, and is erased."""
    root = toy.make(tmp_path, method__py=SLOW)
    shown = on_a_terminal(root, "suite", "--benchmark-only", "--workers", "1")

    line = r"\rclaimbench: toy/line line\[(steep|flat|flatter)\] block [12] · \d+/18 blocks · \d+ s"
    assert re.search(line, shown), shown
    assert "2 claims: 2 reproduced" in shown


@pytest.mark.exam
def test_a_second_run_tells_beforehand_what_it_will_cost(tmp_path):
    """The cost of each contender's blocks is remembered from run to run."""
    root = toy.make(tmp_path, method__py=SLOW)
    first = toy.bench(root, "-k", "steep")
    again = toy.bench(root, "--fresh", "-k", "steep")

    assert re.search(
        r"claimbench: unknown: never measured here: 1 paper, 6 blocks", first.stdout
    ), first.stdout
    assert re.search(r"claimbench: about \d+ s: 1 paper, 6 blocks to compute", again.stdout), (
        again.stdout
    )
