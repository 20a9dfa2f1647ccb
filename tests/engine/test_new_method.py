"""``claimbench new-method``: a file to begin with, that runs and passes the check."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy import edit, imports_of_its_own
from toy_interface import make_walkers

from claimbench.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    make_walkers(tmp_path)
    monkeypatch.chdir(tmp_path)
    with imports_of_its_own():
        yield tmp_path


@pytest.mark.usefixtures("root")
def test_the_file_passes_the_check_that_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The command that is printed is the one that passes."""
    assert main(["new-method", "line/falls", "mine.py"]) == 0

    command = capsys.readouterr().out.splitlines()[-1].split()
    assert command == ["claimbench", "check", "line/falls", "mine.py:solve"]
    assert main(command[1:]) == 0


def test_the_file_says_what_may_be_used_and_what_is_returned(root: Path) -> None:
    """Claim, attributes with shapes, methods and the answer stand in it as comments."""
    assert main(["new-method", "toy/line", "mine.py"]) == 0

    text = (root / "mine.py").read_text()
    for part in (
        "line/falls (rate): The gap falls with T.",
        "claimbench check toy/line:line mine.py:solve",
        "#     problem.start: (n, d) float64",
        "#     problem.step(x: Tensor) -> Tensor: Return half of x; a step.",
        "# What is returned, Tensor:",
        "def solve(problem: Descent) -> Tensor:",
        "from suite.toy.line.problem import Descent",
    ):
        assert part in text


def test_the_file_is_tidy(root: Path) -> None:
    """ruff finds nothing to say, with the project's own settings."""
    main(["new-method", "toy/line", "mine.py"])
    for words in (["check", "--ignore", "INP001"], ["format", "--check"]):
        done = subprocess.run(
            [Path(sys.executable).with_name("ruff"), *words, "--config", ROOT / "pyproject.toml",
             "--no-cache", "mine.py"],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("taken.py", r"there already, and nothing is overwritten: 'taken.py'.*remove taken.py"),
        ("mine.txt", r"a method is a Python file: 'mine.txt'"),
        ("my-method.py", r"a name of letters, digits and underscores that ends in .py"),
        ("nowhere/mine.py", r"the folder does not exist: 'nowhere'; to mend it: mkdir -p nowhere"),
    ],
)
def test_a_place_that_is_taken_or_none_is_refused(
    file: str, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 4, and nothing written."""
    (root / "taken.py").write_text("mine\n")

    assert main(["new-method", "toy/line", file]) == 4
    assert re.search(message, capsys.readouterr().err)
    assert (root / "taken.py").read_text() == "mine\n"
    assert [path.name for path in root.glob("*.py")] == ["taken.py"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("def naive_walker", "def naive_runner", "no naive contender beside it: 'naive_walker'"),
        ("problem: Descent, /", "problem, /", "does not say what a problem is"),
        ("(n, d) float64", "(n, d) double", "says a shape in another form: '(n, d) double'"),
    ],
)  # fmt: skip
def test_an_interface_that_does_not_say_enough_is_refused(
    old: str, new: str, message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what is missing, and nothing is written."""
    edit(root / "suite" / "toy" / "line" / "problem.py", (old, new))

    assert main(["new-method", "toy/line", "mine.py"]) == 2
    assert message in capsys.readouterr().err
    assert not (root / "mine.py").exists()


@pytest.mark.parametrize("place", ["optimization/sparse_ot", "optimization/last_iterate:hard"])
def test_a_paper_with_several_interfaces_asks_for_an_experiment(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the standard profile's claims have one interface the paper is enough, as in a run."""
    monkeypatch.chdir(ROOT)

    assert main(["new-method", place, str(tmp_path / "mine.py")]) == 0
    assert main(["new-method", "last_iterate", str(tmp_path / "other.py")]) == 4
    said = capsys.readouterr().err
    assert "optimization/last_iterate:inequality (ScheduleRunner)" in said
    assert "to mend it: name an experiment, such as optimization/last_iterate:hard" in said
