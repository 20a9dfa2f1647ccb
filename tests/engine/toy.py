"""A checkout in miniature: one paper, one experiment, claims of known outcome."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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
    """Write a checkout with one paper; `files` replaces or adds files of the paper's folder."""
    paper = root / "suite" / "toy" / slug
    paper.mkdir(parents=True, exist_ok=True)
    (root / "baselines").mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
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


def bench(root: Path, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run ``pytest suite --benchmark-only`` there as a user would."""
    return run(root, "suite", "--benchmark-only", "--workers", "1", *words, timeout=timeout)


def run(root: Path, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run pytest there with these words."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words],
        cwd=root,
        env=environment(),
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
    paths = sorted((root / results).glob("*/*/*.json"))
    return [json.loads(path.read_text()) for path in paths if path.parent.parent.name != "store"]
