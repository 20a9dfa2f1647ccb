"""A race that became slower, as a user meets it: seen, run again with fresh seeds, confirmed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from toy import BENCH, CLAIM_TOML, bench, edit, edited, make

from claimbench.gate import rerun
from claimbench.gate.accepted import accepted_file, write_accepted
from claimbench.gate.accepting import accept
from claimbench.record import read_record

#: A race beside the experiment, and one whose name ends like the first one's.
RACES = """
from .problem import line as straight

race = Experiment(straight, measure, seconds=True)
arms_race = Experiment(straight, measure, seconds=True)

@race.method
def quick(problem):
    return work(problem, LOOPS)

@race.baseline
def slow(problem):
    return work(problem, 400)

@race.control
def as_slow(problem):
    return work(problem, 400)

@arms_race.method
def alone(problem):
    return work(problem, 1)


def log_seconds(subject, opponent):
    return (log(opponent["seconds"]) - log(subject["seconds"])).mean(axis=1)

def work(problem, loops):
    x = ones((60, 60))
    for _ in range(loops):
        x = x @ x * 1e-3
    return descend(problem, 1.0)
"""
CLAIM = """
[experiment.race]
T = [1]
replicates = 6

[experiment.arms_race]
T = [1]
replicates = 2

[[claim]]
id = "is-quick"
statement = "It is quicker."
source = "Table 2"
kind = "superiority"
experiment = "race"
estimand = "log_seconds"
unit = "nats"
method = "quick"
against = ["slow"]
margin = 0.1
control = "as_slow"
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a committed checkout whose first run was accepted."""
    root = make(
        tmp_path_factory.mktemp("race"),
        bench_line__py=edited(BENCH, ("\nline = ", "\nLOOPS = 100\n\nline = ")) + RACES,
        claim__toml=CLAIM_TOML + CLAIM,
    )
    (root / ".gitignore").write_text("results/\nreports/\n__pycache__/\n")
    own = ("-c", "user.email=a@example.org", "-c", "user.name=A")
    for words in (("init", "-q"), ("add", "-A"), (*own, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=root, check=True)
    assert bench(root).returncode == 0
    [path] = (root / "results/standard").glob("*/*.json")
    write_accepted(accept(read_record(path), path, None)[0], accepted_file(root, "standard"))
    return root


def test_a_slower_race_regresses_after_a_rerun(checkout: Path) -> None:
    """Three times the work: the claim and the ratio, each confirmed at fresh seeds; exit code 1."""
    edit(checkout / "suite/toy/line/bench_line.py", ("LOOPS = 100", "LOOPS = 300"))
    found = bench(checkout, "--gate")
    edit(checkout / "suite/toy/line/bench_line.py", ("LOOPS = 300", "LOOPS = 100"))

    assert found.returncode == 1, found.stdout
    assert "regressed: toy/line/race [T=1]: quick / slow" in found.stdout
    assert "A rerun with fresh seeds confirms it" in found.stdout
    assert "likely file: suite/toy/line/bench_line.py" in found.stdout
    assert "Smallest slowdown that would be seen: " in found.stdout


def test_a_rerun_is_of_that_race_alone(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its contenders by their ids, at other seeds; not of a race whose name ends alike."""
    first = read_record(min((checkout / "results/standard").glob("*/*.json")))
    said: list[str] = []
    monkeypatch.setattr(rerun.subprocess, "run", lambda words, **_: said.extend(words))
    rerun._run(checkout, "toy/line", "race", first, tmp_path)

    bench_file = "suite/toy/line/bench_line.py::race"
    ids = {f"{bench_file}[{name}]" for name in ("quick", "slow", "as_slow")}
    assert {word for word in said if "::" in word} == ids
    assert said[said.index("--root-seed") + 1] == str(first.seed + rerun.FRESH)
