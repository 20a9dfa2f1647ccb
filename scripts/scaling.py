#!/usr/bin/env python
"""Measure how a run scales, for docs/scaling.md; each figure is the least of some runs.

    scripts/scaling.py workers [WORD ...]        wall seconds of a run with 1 and 2 workers
    scripts/scaling.py replicates [SUBJECT ...]  CPU seconds of a block against its replicates

A WORD is for pytest, a SUBJECT is PAPER:EXPERIMENT[CONTENDER] at its first cell of the profile. A
table of Markdown comes out, with the machine's load: where that is above the number of workers,
something else was running, and wall seconds are too large. CPU seconds hardly mind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from claimbench.binding import bind
from claimbench.checkout import PaperFiles, find_root
from claimbench.evidence import worker
from claimbench.evidence.clock import process_seconds
from claimbench.evidence.context import Context
from claimbench.evidence.job import Job
from claimbench.evidence.plan import Plan
from claimbench.evidence.unit import Unit

ROOT = find_root(Path(__file__).parent)
#: A set of about a minute, without a race.
SET = ("suite/optimization/last_iterate", "-k", "hard or heavy or simplex")
SUBJECTS = (
    "control/fisher_pg:instance_b[n_pg_igt]",
    "optimization/last_iterate:heavy[mirror]",
    "robotics/dcreg:solving[dcreg]",
)
REPLICATES = (4, 16, 64, 256, 1024, 4096)
#: Seeds that the loop is timed on.
LOOPED = 8
#: A block that would take more is left out, judged by the one before.
MOST_BYTES, MOST_SECONDS = 4 * 2**30, 30.0


def workers(words: list[str], runs: int) -> None:
    """Print a run's wall seconds by number of workers."""
    least: dict[int, float] = {}
    for _ in range(runs):
        for count in (1, 2):
            seconds = session(words, count)
            least[count] = min(least.get(count, seconds), seconds)
    print("| workers | wall seconds | times as fast |", "|---|---|---|", sep="\n")
    for count, seconds in least.items():
        print(f"| {count} | {seconds:.1f} | {least[1] / seconds:.2f} |")


def session(words: list[str], count: int) -> float:
    """Run pytest with an empty store and return the seconds that the record says."""
    with tempfile.TemporaryDirectory() as results:
        fixed = ("--benchmark-only", "-q", "-p", "no:cacheprovider", "--results-dir", results)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *fixed, "--workers", str(count)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        records = list(Path(results).glob("*/*/*.json"))
        if done.returncode or not records:
            sys.exit(done.stdout + done.stderr)
        return float(json.loads(records[0].read_text(encoding="utf-8"))["seconds"]["total"])


def replicates(subjects: list[str], runs: int, profile: str) -> None:
    """Print a block's CPU seconds by its replicates, and how many times as long a loop takes."""
    print("| contender | loop | " + " | ".join(f"{n:,}" for n in REPLICATES) + " | gain |")
    print("|---" * (len(REPLICATES) + 3) + "|")
    for subject in subjects:
        unit = unit_of(subject, profile)
        block(unit, range(1))  # imports and caches
        looped = sum(block(unit, range(seed, seed + 1))[0] for seed in range(LOOPED)) / LOOPED
        shown, gain, before = [], 0.0, 1
        seconds, size = block(unit, range(1))
        for n in REPLICATES:
            if seconds * n / before > MOST_SECONDS or size * n / before > MOST_BYTES:
                break
            found = [block(unit, range(n)) for _ in range(runs)]
            seconds, size, before = min(found)[0], max(bytes_ for _, bytes_ in found), n
            shown.append(f"{seconds:.3g}")
            gain = looped * n / seconds
        shown += ["too large"] * (len(REPLICATES) - len(shown))
        print(f"| `{subject}` | {looped:.3g} | {' | '.join(shown)} | {gain:.3g} |", flush=True)


def unit_of(subject: str, profile: str) -> Unit:
    """Return the first unit of a contender; of one that is tuned, at its grid's first values."""
    found = re.fullmatch(r"(\w+)/(\w+):(\w+)\[(\w+)\]", subject)
    if found is None:
        sys.exit(f"{subject!r} is no PAPER:EXPERIMENT[CONTENDER]")
    domain, slug, experiment, contender = found.groups()
    paper = bind(PaperFiles(ROOT, domain, slug), profile)
    context = Context(
        root=ROOT,
        store=Path(tempfile.gettempdir()) / "claimbench-scaling",
        device="cpu",
        seed=0,
        fingerprint={},
        data=lambda paper: "",
        pin_state=lambda pin: ({}, None),
    )
    job = Job(paper, experiment, contender)
    first = {name: values[0] for name, values in job.of.grid.items()}
    unit = Plan(context).units(job)[0]
    return replace(unit, cells=unit.cells[:1], parameters=first, file="")


def block(unit: Unit, seeds: range) -> tuple[float, int]:
    """Run one block of these replicates in this process: CPU seconds, and bytes at the most."""
    before = process_seconds()
    outcome = worker.run(replace(unit, replicates=(seeds.start, seeds.stop), block=seeds.start))
    if outcome.status != "ok":
        sys.exit(f"{unit.contender}: {outcome.status}, {outcome.reason}")
    return process_seconds() - before, outcome.peak_memory_bytes or 0


def main() -> None:
    """Read the words and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("workers", "replicates"))
    parser.add_argument("words", nargs="*")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--profile", default="standard")
    given, others = parser.parse_known_args()
    cores = len(os.sched_getaffinity(0))
    print(f"load {os.getloadavg()[0]:.1f} on {cores} cores, least of {given.runs} runs\n")
    if given.what == "workers":
        workers([*given.words, *others] or list(SET), given.runs)
    else:
        worker.start(1, True, str(ROOT), ())
        replicates(given.words or list(SUBJECTS), given.runs, given.profile)
    print(f"\nload {os.getloadavg()[0]:.1f} afterwards")


if __name__ == "__main__":
    main()
