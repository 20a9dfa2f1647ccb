"""What asv follows: every number so that less is better, and nothing that was not measured."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from claimbench.history.followed import newest_record, seconds, shortfall
from claimbench.record import (
    SCHEMA,
    ClaimRecord,
    Comparison,
    ContenderRecord,
    Effect,
    Record,
    write_record,
)

ROOT = Path(__file__).parents[2]


def claim(kind: str, value: float | None, threshold: float | None = None) -> ClaimRecord:
    effect = Effect(value=value, low=None, high=None, level=0.95, n=5, unit="1", interval="t")
    fields: dict[str, Any] = {
        "id": "paper/claim", "paper": "toy/paper", "kind": kind, "scale": "exact",
        "primary": True, "claim_hash": "", "verdict": "reproduced", "reason": "",
        "effect": effect, "margin": 0.1, "holm": True,
        "control": Comparison("broken", "not reproduced"), "against": [], "candidates": [],
        "replicates": [], "seconds": 2.0, "peak_memory_bytes": None, "statement": "",
        "source": "", "printed": "", "experiment": "hard", "where": {}, "estimand": "e",
        "method": "ours", "threshold": threshold, "scale_reason": "", "p_value": None,
        "needed": None, "tags": [],
    }  # fmt: skip
    return ClaimRecord(**fields)


def record(*, stored: int = 0, created: str = "20260301T000000Z", **changes: Any) -> Record:
    contender = ContenderRecord(
        "toy/paper", "hard", "ours", "method", "ok", None, 2.0, blocks=4, blocks_from_store=stored
    )
    fields: dict[str, Any] = {
        "schema": SCHEMA, "profile": "standard", "device": "cpu", "revision": "a" * 40,
        "dirty": False, "complete": True, "created": created, "command": "", "workers": 1,
        "seed": 0, "fingerprint": {}, "pins": {}, "data": {}, "seconds": {}, "papers": [],
        "claims": [claim("superiority", 1.0)], "contenders": [contender],
    }  # fmt: skip
    return Record(**(fields | changes))


@pytest.mark.parametrize(
    ("kind", "threshold", "worse", "better"),
    [
        ("superiority", None, 0.1, 0.2),
        ("magnitude", None, 2.0, 3.0),
        ("non-inferiority", None, -0.2, 0.1),
        ("success", 0.5, 0.4, 0.9),
        ("rate", 0.0, 0.3, -0.1),
        ("bound", 1.0, 1.5, 0.5),
        ("equivalence", None, -0.5, 0.2),
        ("identity", None, 1e-3, -1e-9),
    ],
)
def test_a_worse_effect_has_the_larger_shortfall(
    kind: str, threshold: float | None, worse: float, better: float
) -> None:
    """asv reads less as better, whatever the kind of the claim."""
    first, second = (shortfall(claim(kind, value, threshold)) for value in (worse, better))

    assert first is not None
    assert second is not None
    assert first > second


def test_an_undefined_effect_has_no_shortfall() -> None:
    """An infinite effect is null in the record, and no number for asv."""
    assert shortfall(claim("rate", None, 0.0)) is None
    assert shortfall(dataclasses.replace(claim("rate", 0.0, 0.0), effect=None)) is None


def test_seconds_of_stored_evidence_are_no_seconds() -> None:
    """A time is followed only when all of it was spent in that run."""
    assert seconds(record(), record().claims[0]) == 2.0
    assert seconds(record(stored=1), record().claims[0]) is None


def test_the_newest_usable_record_of_a_commit_is_taken(tmp_path: Path) -> None:
    """Interrupted runs, changed trees and other commits are passed over."""

    def keep(name: str, **changes: Any) -> None:
        write_record(record(**changes), tmp_path / "standard" / "f" / name)

    assert newest_record(tmp_path, "a" * 40) is None
    keep("1-aaaaaaaa.json", created="1")
    keep("2-aaaaaaaa.json", created="2", seed=7)
    keep("3-aaaaaaaa.json", created="3", complete=False)
    keep("4-aaaaaaaa.json", created="4", dirty=True)
    keep("5-aaaaaaaa.json", created="5", revision="aaaaaaaa" + "b" * 32)

    found = newest_record(tmp_path, "a" * 40)
    assert found is not None
    assert found.seed == 7


def test_asv_finds_the_benchmarks() -> None:
    """`asv check` imports what asv.conf.json names and accepts every benchmark there."""
    listed = ROOT / "src" / "claimbench" / "history" / "benchmarks"
    text = (ROOT / "asv.conf.json").read_text(encoding="utf-8")
    config = json.loads("".join(line for line in text.splitlines() if not line.startswith("//")))

    assert ROOT / config["benchmark_dir"] == listed
    done = subprocess.run(
        [sys.executable, "-m", "asv", "check", "--python=same"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
