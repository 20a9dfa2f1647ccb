"""A contender that holds on to its process is ended at its budget, whatever it is doing."""

from __future__ import annotations

import time

import pytest
from toy import BENCH, CLAIM_TOML, bound, edited, evidence, make

from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.unit import Outcome, Unit

BUDGET = 1
HUNG_TOML = f"""
[experiment.hung]
T = [1]
replicates = 3
budget = {BUDGET}

[experiment.line]"""
#: `ctypes.PyDLL` keeps Python's global lock while it calls: no thread of the worker can run.
CONTENDERS = """
import ctypes
import re
import signal
from pathlib import Path

hung = Experiment(make_line, measure)


@hung.method
def holds_the_lock(problem):
    Path("holds_the_lock").touch()
    while True:
        ctypes.PyDLL(None).sleep(60)

@hung.baseline
def backtracks(problem):
    Path("backtracks").touch()
    re.match("(a|aa)+$", "a" * 60 + "b")

@hung.baseline
def ignores(problem):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path("ignores").touch()
    while True:
        ctypes.PyDLL(None).sleep(60)


def growth"""
HUNG = ("holds_the_lock", "backtracks", "ignores")
Found = tuple[dict[str, ContenderEvidence], dict[str, float]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Evidence, and the seconds from each hung contender's beginning to its recorded end."""
    root = make(
        tmp_path_factory.mktemp("checkout"),
        claim__toml=edited(CLAIM_TOML, ("[experiment.line]", HUNG_TOML)),
        bench_line__py=edited(
            BENCH,
            ("from .problem import line", "from .problem import line\nmake_line = line"),
            ("\ndef growth", CONTENDERS),
        ),
    )
    ended: dict[str, float] = {}

    def listen(unit: Unit | None, outcome: Outcome | None) -> None:
        if unit is not None and outcome is not None and outcome.status == "over budget":
            ended.setdefault(unit.contender, time.time())

    made = evidence(root, bound(root), on_change=listen)
    took = {name: ended[name] - (root / name).stat().st_mtime for name in HUNG}
    return {name: one for (_, name), one in made.items()}, took


@pytest.mark.parametrize("name", HUNG)
def test_a_hang_is_ended_within_two_seconds_of_its_budget(found: Found, name: str) -> None:
    """In C code that keeps Python's lock, in a regular expression, and where SIGTERM is ignored."""
    made, took = found

    assert made[name].status == "over budget"
    assert made[name].reason == "ended after its budget of 1 s"
    assert BUDGET - 0.1 < took[name] < BUDGET + 2


def test_the_others_are_not_touched(found: Found) -> None:
    """Those that run after them, on workers in place of theirs, have all their evidence."""
    made, _ = found

    assert [made[name].status for name in ("steep", "flat", "flatter")] == ["ok"] * 3
