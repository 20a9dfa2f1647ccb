"""Fifty runs, each killed at a moment of its own, and each then run to its end."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest
from killing import checkout, kill, litter, outcome, start, stored
from telling import Tell
from toy import records

pytestmark = pytest.mark.exam

KILLS = 50


def ended(root: Path) -> float:
    """Run to the end; return the seconds."""
    began = time.monotonic()
    process = start(root)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    return time.monotonic() - began


def busy(root: Path, began: float) -> tuple[float, float]:
    """Return when the first and the last file of the store were written, after the beginning."""
    times = [written / 1e9 - began for _, written, _ in stored(root).values()]
    return min(times), max(times)


def test_killed_at_fifty_moments_nothing_is_lost(tmp_path: Path, tell: Tell) -> None:
    """After each restart the store is sound, and the record that of the undisturbed run.

    Half of the moments lie anywhere in the run, half where evidence is made: that is a small part
    of a short run, of which most is imports.
    """
    whole = checkout(tmp_path / "whole")
    began = time.time()
    duration = ended(whole)
    spans = ((0.0, duration), busy(whole, began))
    expected, names = outcome(whole, records(whole)[-1]), set(stored(whole))
    moments = random.Random(50)
    midway = lost = doubled = unequal = littered = 0
    for number in range(KILLS):
        root = checkout(tmp_path / f"{number}")
        process = start(root)
        time.sleep(moments.uniform(*spans[number % 2]))
        kill(process)
        kept = stored(root)  # raises where a file is corrupt
        ended(root)
        after = stored(root)
        midway += 0 < len(kept) < len(names)
        lost += bool(kept.keys() - after.keys())
        doubled += any(after[name] != kept[name] for name in kept.keys() & after.keys())
        unequal += outcome(root, records(root)[-1]) != expected or set(after) != names
        littered += bool(litter(root))
        shutil.rmtree(root)

    tell("runs killed by SIGKILL, and with a part of their evidence kept", f"{KILLS}, {midway}", "")
    tell("of these with evidence lost", str(lost), "0")
    tell("with evidence computed twice", str(doubled), "0")
    tell("with a record unequal to the undisturbed run's", str(unequal), "0")
    tell("with something half written left behind", str(littered), "0")
    assert midway > KILLS / 5  # else the moments would say little
    assert (lost, doubled, unequal, littered) == (0, 0, 0, 0)
