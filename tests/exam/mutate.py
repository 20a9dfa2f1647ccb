"""Small faults in each paper's method.py: does the gate call them regressed?

    make mutants [ARGS="--accepted FILE --paper optimization/subgm"]

Each fault of tests/exam/mutants/ is made in a checkout of its own, of the commit that is checked
out here. The claims that should notice run there at the standard profile, and the gate holds them
against the accepted results. Without any, the run without a fault is accepted first.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from claimbench.duet.worktrees import checkout
from claimbench.evidence import clock
from claimbench.gate.accepted import accepted_file, read_accepted, write_accepted
from claimbench.gate.accepting import accept
from claimbench.record import read_record

ROOT = Path(__file__).parents[2]
MUTANTS = Path(__file__).parent / "mutants"
#: Of all faults, how many must be called regressed.
SHARE = 0.9


@dataclass(frozen=True)
class Mutant:
    """A fault, as text to be replaced in a paper's method.py, and the claims that should notice.

    Attributes
    ----------
    survives
        Why no claim can notice, where it is known that none does.
    """

    paper: str
    id: str
    fault: str
    old: str
    new: str
    claims: list[str]
    survives: str = ""

    def method(self, root: Path) -> Path:
        """Return the file that the fault is in."""
        return root / "suite" / self.paper / "method.py"


@dataclass(frozen=True)
class Outcome:
    """What the gate said of a fault: the gravest state of the claims that should notice."""

    paper: str
    mutant: str
    fault: str
    state: str
    claim: str
    reason: str
    seconds: float
    survives: str


def mutants(folder: Path = MUTANTS) -> list[Mutant]:
    """Read all faults."""
    found = []
    for file in sorted(folder.glob("*.toml")):
        whole = tomllib.loads(file.read_text(encoding="utf-8"))
        found += [Mutant(whole["paper"], **one) for one in whole["mutant"]]
    return found


def examine(
    chosen: Sequence[Mutant], root: Path, accepted: Path | None, *, profile: str = "standard"
) -> Iterator[Outcome]:
    """Yield what the gate says of each fault, paper by paper."""
    with checkout(root, "HEAD") as scratch, tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        _lend(root / "results" / "store", results / "store")
        target = accepted_file(scratch, profile)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        if accepted is not None:
            shutil.copyfile(accepted, target)
        for paper in dict.fromkeys(mutant.paper for mutant in chosen):
            own = [mutant for mutant in chosen if mutant.paper == paper]
            claims = list(dict.fromkeys(claim for mutant in own for claim in mutant.claims))
            sound = replace(own[0], id="(no fault)", fault="none", old="", new="", claims=claims)
            if accepted is None:
                _accept(scratch, results, paper, claims, target)
            yield _outcome(sound, scratch, results)
            for mutant in own:
                method = mutant.method(scratch)
                text = method.read_text(encoding="utf-8")
                method.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
                try:
                    yield _outcome(mutant, scratch, results)
                finally:
                    method.write_text(text, encoding="utf-8")


def _lend(store: Path, to: Path) -> None:
    """Let the checkout find the evidence there is: a fault in a method moves no opponent."""

    def link(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)

    if store.is_dir():
        shutil.copytree(store, to, copy_function=link)


def _run(scratch: Path, results: Path, paper: str, claims: Sequence[str], *words: str) -> Path:
    """Run the claims; return the record.

    Raises
    ------
    RuntimeError
        When there is none, with what pytest said.
    """
    before = set(results.glob("*/*/*.json"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"suite/{paper}"),
            *("--benchmark-only", "-q", "-k", " or ".join(claims), "--results-dir", str(results)),
            *words,
        ],
        cwd=scratch,
        env={k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "GITHUB_"))},
        capture_output=True,
        text=True,
        check=False,
    )
    made = [path for path in results.glob("*/*/*.json") if path not in before]
    records = [path for path in made if ".gate." not in path.name]
    if len(records) != 1:
        raise RuntimeError(f"{paper} left {len(records)} records:\n{done.stdout}{done.stderr}")
    return records[0]


def _accept(scratch: Path, results: Path, paper: str, claims: list[str], target: Path) -> None:
    record = _run(scratch, results, paper, claims)
    known = read_accepted(target) if target.is_file() else None
    write_accepted(accept(read_record(record), record, known)[0], target)


def _outcome(mutant: Mutant, scratch: Path, results: Path) -> Outcome:
    began = clock.now()
    record = _run(scratch, results, mutant.paper, mutant.claims, "--gate")
    gate = record.with_name(f"{record.stem}.gate.json")
    slug = mutant.paper.rpartition("/")[2]
    # A run that is not complete is not gated.
    found = json.loads(gate.read_text())["findings"] if gate.is_file() else []
    names = [f"{slug}/{claim}" for claim in mutant.claims]
    own = sorted((one for one in found if one["name"] in names), key=_grave)
    worst = own[-1] if own else {"state": "no record", "name": "", "reason": ""}
    return Outcome(
        paper=mutant.paper,
        mutant=mutant.id,
        fault=mutant.fault,
        state=worst["state"],
        claim=worst["name"].rpartition("/")[2],
        reason=worst["reason"],
        seconds=round(clock.now() - began, 1),
        survives=mutant.survives,
    )


def _grave(finding: dict[str, str]) -> int:
    """Order findings: what counts here is whether any regressed."""
    return ("ok", "improved", "inconclusive", "error", "regressed").index(finding["state"])


def verdict(outcomes: Sequence[Outcome]) -> tuple[int, int, list[str]]:
    """Return how many faults were called regressed, of how many, and what is wrong with that."""
    faults = [one for one in outcomes if one.fault != "none"]
    loud = [one for one in outcomes if one.fault == "none" and one.state != "ok"]
    called = [one for one in faults if one.state == "regressed"]
    wrong = [f"{one.paper} without a fault is {one.state}: {one.reason}" for one in loud]
    wrong += [
        f"{one.paper}: {one.mutant} survives, and its file does not say why"
        for one in faults
        if one.state != "regressed" and not one.survives
    ]
    if len(called) < SHARE * len(faults):
        wrong.append(f"fewer than {SHARE:.0%} are called regressed")
    return len(called), len(faults), wrong


def say(line: str) -> None:
    """Print a line at once: the next one may take a minute."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(words: Sequence[str] | None = None) -> int:
    """Print a line for each fault, then the share that the gate called regressed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--accepted", type=Path, metavar="FILE", help="of the standard profile")
    parser.add_argument("--paper", action="append", help="<domain>/<slug>; default: all of them")
    parser.add_argument(
        "--afresh", action="store_true", help="accept the run without a fault, whatever is accepted"
    )
    arguments = parser.parse_args(words)
    accepted = arguments.accepted or accepted_file(ROOT, "standard")
    chosen = [one for one in mutants() if one.paper in (arguments.paper or [one.paper])]
    outcomes = []
    known = accepted.is_file() and not arguments.afresh
    for one in examine(chosen, ROOT, accepted if known else None):
        outcomes.append(one)
        where = f" by {one.claim}" if one.claim else ""
        say(f"{one.state}{where}: {one.paper} {one.mutant} ({one.fault}), {one.seconds} s")
        if one.state != "regressed" and one.fault != "none":
            say(f"  {one.reason}")
    called, number, wrong = verdict(outcomes)
    page = ROOT / "build" / "exam" / "mutants.json"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(json.dumps([asdict(one) for one in outcomes], indent=1) + "\n")
    say(f"{called} of {number} faults are called regressed")
    for line in wrong:
        say(f"  {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
