"""A checkout in miniature: one paper, one experiment, claims of known outcome."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from claimbench.binding import Paper, bind
from claimbench.checkout import PaperFiles
from claimbench.evidence.context import Context
from claimbench.evidence.job import ContenderEvidence, Job
from claimbench.evidence.pool import prepare
from claimbench.evidence.run import Run
from claimbench.judging import judge_claims
from claimbench.record import ClaimRecord
from claimbench.words import Profile

CLAIM_TOML = """
[paper]
title = "A straight line"
authors = ["A. Author"]
year = 2020

[experiment.line]
T = [1, 2, 4]
replicates = 6
block = 3
budget = 20
smoke = { T = [1, 2], replicates = 3 }
full = { T = [1, 2, 4, 8] }

[[claim]]
id = "falls"
statement = "The gap falls with T."
source = "Theorem 1"
kind = "rate"
experiment = "line"
estimand = "growth"
unit = "per T"
method = "steep"
threshold = -0.8
margin = 0.1
control = "flat"
primary = true

[[claim]]
id = "beats-flat"
statement = "The gap is smaller than the flat one's."
source = "Table 1"
kind = "superiority"
experiment = "line"
where = { T = [2, 4] }
estimand = "log_ratio"
unit = "nats"
method = "steep"
against = ["flat"]
margin = 0.1
control = "flatter"
primary = true
"""

BENCH = """
from numpy import exp, log, ones

from claimbench import Experiment, slope

from .method import descend
from .problem import line


def measure(problem, x):
    return {"gap": x}

line = Experiment(line, measure)

@line.method
def steep(problem):
    return descend(problem, 1.0)

@line.baseline
def flat(problem):
    return descend(problem, 0.0)

@line.control
def flatter(problem):
    return 1.5 * descend(problem, 0.0)


def growth(subject):
    return slope(log(subject["gap"]), subject["T"])

def log_ratio(subject, opponent):
    return (log(opponent["gap"]) - log(subject["gap"])).mean(axis=1)
"""

PROBLEM = """
from dataclasses import dataclass

from numpy import ndarray


@dataclass
class Line:
    T: int
    noise: ndarray
    calls: ndarray

def line(T, *, streams, n):
    noise = 0.01 * streams.numpy().standard_normal(n)
    return Line(T, noise, 0 * noise)
"""

METHOD = """
from numpy import exp


def descend(problem, rate):
    problem.calls += problem.T
    return exp(-rate * problem.T + problem.noise)
"""


def make(root: Path, *, slug: str = "line", **files: str) -> Path:
    """Write a checkout with one paper, or add one; `files` replaces files of the paper's folder.

    A file is named with two underscores for the dot: ``claim__toml``, ``bench_line__py``.
    """
    paper = root / "suite" / "toy" / slug
    paper.mkdir(parents=True, exist_ok=True)
    (root / "baselines").mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    (root / "baselines" / "pins.toml").touch()
    contents = {
        "claim.toml": CLAIM_TOML,
        f"bench_{slug}.py": BENCH,
        "problem.py": PROBLEM,
        "method.py": METHOD,
        **{name.replace("__", "."): text for name, text in files.items()},
    }
    for name, text in contents.items():
        (paper / name).write_text(text)
    return root


#: A pin of a package that nobody has.
PIN = """
[absent-peer]
source = "package"
paper = "A. Author, 2019"
call = "absent.solve"
settings = "its defaults"
packages = { no-such-package-here = "1.0" }
extra = "peers"
licence = "MIT"
"""


def edited(text: str, *changes: tuple[str, str]) -> str:
    """Return the text with each change made; a change that finds nothing is an error."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Change a file in place."""
    path.write_text(edited(path.read_text(), *changes))


@contextmanager
def imports_of_its_own() -> Iterator[None]:
    """Forget `suite` and `baselines` of any other checkout, and bring them back afterwards."""

    def forget() -> dict[str, Any]:
        names = [name for name in sys.modules if name.partition(".")[0] in {"suite", "baselines"}]
        return {name: sys.modules.pop(name) for name in names}

    path, modules = list(sys.path), forget()
    importlib.invalidate_caches()
    try:
        yield
    finally:
        forget()
        sys.path[:] = path
        sys.modules.update(modules)


def bound(
    root: Path, slug: str = "line", profile: Profile = "standard", replicates: int | None = None
) -> Paper:
    """Bind a paper in this process."""
    with imports_of_its_own():
        return bind(PaperFiles(root, "toy", slug), profile, replicates)


def context(root: Path, **changes: Any) -> Context:
    """Return what the units of a run there share."""
    parts: dict[str, Any] = {
        "root": root,
        "store": root / "results" / "store",
        "device": "cpu",
        "seed": 0,
        "fingerprint": {"cpu": "toy"},
        "data": lambda paper: "no data",
        "pin_state": lambda pin: ({}, None),
        **changes,
    }
    return Context(**parts)


def jobs_of(paper: Paper) -> list[Job]:
    """Return the job of every contender that plays."""
    return [
        Job(paper, name, contender)
        for name, experiment in paper.experiments.items()
        for contender in experiment.contenders
        if paper.cells_of(name, contender)
    ]


def evidence(
    root: Path, paper: Paper | None = None, *, workers: int = 1, **changes: Any
) -> dict[tuple[str, str], ContenderEvidence]:
    """Make the evidence of a paper with real workers, without pytest."""
    paper = paper or bound(root)
    # One server for all tests of this process, some of which have candidates that use torch.
    prepare(root, candidates=True)
    found: dict[tuple[str, str], ContenderEvidence] = {}
    engine = Run(context(root, **changes), workers=workers)
    try:
        jobs = jobs_of(paper)
        engine.schedule(jobs)
        for job in jobs:
            if not job.is_race:
                found[job.experiment, job.contender] = engine.finish(job)
        for name in dict.fromkeys(job.experiment for job in jobs if job.is_race):
            raced = engine.race([job for job in jobs if job.experiment == name])
            found |= {(name, contender): one for contender, one in raced.items()}
    finally:
        engine.close()
    return found


def judged(paper: Paper, found: dict[tuple[str, str], ContenderEvidence]) -> dict[str, ClaimRecord]:
    """Return the claims' records by id."""
    return {claim.id: claim for claim in judge_claims([paper], {paper.id: found}).claims}


#: Plugins that no run of a toy needs, and that take a second to import.
NEEDLESS = "-p no:hydra_pytest -p no:hypothesispytest"


def bench(root: Path, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run ``pytest suite --benchmark-only`` there as a user would."""
    return run(root, "suite", "--benchmark-only", "--workers", "1", *words, timeout=timeout)


def run(root: Path, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run pytest there with these words."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=root,
        env=environment() | {"PYTEST_ADDOPTS": NEEDLESS},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def environment() -> dict[str, str]:
    """Return the environment without what a surrounding pytest or coverage put there."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "COV_"))}


def records(root: Path, results: str = "results") -> list[dict[str, Any]]:
    """Return the records there, oldest first."""
    paths = sorted((root / results).glob("*/*/*.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text()) for path in paths]
