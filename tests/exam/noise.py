"""What repeats of the races differ by, on a real machine: collected once, and drawn from.

    python tests/exam/noise.py --repeats 10 [--paper optimization/sparse_ot]

runs every race of the suite so often at the standard profile, each other time with the seeds that
the gate's own rerun takes, and writes `noise.json`: of each repeat the log-ratios of seconds and
the effects of the claims, round by round. Nothing in it names the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from claimbench.gate.rerun import FRESH
from claimbench.gate.timing import races, rounds_of
from claimbench.record import ClaimRecord, Comparison, Record, read_record

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("noise.json")
#: Repeats have these root seeds by turns: that of every run, and that of the gate's rerun.
SEEDS = (0, FRESH)
#: What of a claim decides how it is judged.
RULE = ("paper", "experiment", "kind", "margin", "threshold", "method", "primary", "requires")

Race = dict[str, Any]


def race_experiments(root: Path) -> dict[str, list[str]]:
    """Return paper -> its races at the standard profile."""
    from claimbench.binding import bind
    from claimbench.checkout import papers

    found = {}
    for files in papers(root):
        paper = bind(files, "standard")
        names = dict.fromkeys(claim.experiment for claim in paper.claims)
        raced = [name for name in names if paper.experiments[name].seconds]
        if raced:
            found[files.id] = raced
    return found


def repeat(root: Path, paper: str, experiments: Sequence[str], seed: int) -> dict[str, Race]:
    """Run the races of a paper once; return race -> its ratios and claims of this repeat.

    Raises
    ------
    RuntimeError
        When the run left no record, with what pytest said.
    """
    slug = paper.rpartition("/")[2]
    with tempfile.TemporaryDirectory() as results:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
                *(f"suite/{paper}/bench_{slug}.py", "--benchmark-only", "-q"),
                *("-k", " or ".join(f"{name}[" for name in experiments)),
                *("--root-seed", str(seed), "--results-dir", results),
            ],
            cwd=root,
            env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))},
            capture_output=True,
            text=True,
            check=False,
        )
        made = sorted(Path(results).glob("*/*/*.json"))
        if not made:
            raise RuntimeError(f"{paper} left no record:\n{done.stdout}{done.stderr}")
        return seen(read_record(made[0]), made[0])


def seen(record: Record, path: Path) -> dict[str, Race]:
    """Return race -> ratios and claims of one record, its evidence beside it."""
    racing = races(record)
    found: dict[str, Race] = {}
    for claim in record.claims:
        told = claim.replicates or any(one.replicates for one in claim.conditions)
        if claim.experiment not in racing[claim.paper] or not told:
            continue  # no race, or an opponent that is not installed
        race = found.setdefault(f"{claim.paper}/{claim.experiment}", {"ratios": {}, "claims": {}})
        race["ratios"] |= {key: _short(x) for key, x in rounds_of(claim, record, path)}
        race["claims"][claim.id] = {
            "rule": {name: getattr(claim, name) for name in RULE},
            "parts": {part.contender: _conditions(part) for part in claim.against}
            or {"": _conditions(claim)},
            "control": _conditions(claim.control),
        }
    return found


def _conditions(part: ClaimRecord | Comparison) -> dict[str, list[float | None]]:
    named = {one.name: _short(one.replicates) for one in part.conditions}
    return named or {"": _short(part.replicates)}


def _short(values: Sequence[float | None]) -> list[float | None]:
    """Return the numbers to five digits: noise is not told more exactly."""
    return [None if value is None else float(f"{value:.5g}") for value in values]


def together(repeats: Sequence[dict[str, Race]]) -> dict[str, Race]:
    """Return race -> ratios and claims, where each number is a list: one entry for each repeat."""

    def joined(*parts: Any) -> Any:
        if isinstance(parts[0], dict):
            return {
                key: parts[0][key] if key == "rule" else joined(*(one[key] for one in parts))
                for key in parts[0]
                if all(key in one for one in parts)
            }
        return list(parts)

    return {name: joined(*(one[name] for one in repeats)) for name in repeats[0]}


def collected(root: Path, papers: Sequence[str], repeats: int) -> Iterator[tuple[str, Race]]:
    """Run all races `repeats` times and yield them."""
    for paper, experiments in race_experiments(root).items():
        if not papers or paper in papers:
            found = []
            for number in range(repeats):
                found.append(repeat(root, paper, experiments, SEEDS[number % len(SEEDS)]))
                sys.stdout.write(f"{paper}: repeat {number + 1} of {repeats}\n")
                sys.stdout.flush()
            yield from together(found).items()


def read(file: Path = FILE) -> dict[str, Race]:
    """Return what was collected: race -> ratios and claims."""
    found: dict[str, Race] = json.loads(file.read_text(encoding="utf-8"))["races"]
    return found


def write(found: dict[str, Race], file: Path = FILE) -> None:
    """Write what was collected, a line for each race."""
    lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(found.items()))
    file.write_text(f'{{"seeds": {json.dumps(SEEDS)},\n"races": {{\n{lines}\n}}}}\n')


def main(words: Sequence[str] | None = None) -> int:
    """Collect, and keep what is known of papers that are not collected now."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=10, help="even; 10 by default")
    parser.add_argument("--paper", action="append", default=[], help="<domain>/<slug>")
    arguments = parser.parse_args(words)
    known = read() if FILE.is_file() and arguments.paper else {}
    write(known | dict(collected(ROOT, arguments.paper, arguments.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
