"""``claimbench check``: what is wrong with a method, said before it runs for an hour."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from toy import imports_of_its_own, make
from toy_interface import make_walkers

from claimbench.authoring.surroundings import surroundings
from claimbench.cli import main

GOOD = """
def solve(problem):
    x = problem.start.clone()
    for _ in range(problem.T):
        x = problem.step(x)
    return x
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    make_walkers(tmp_path)
    monkeypatch.chdir(tmp_path)
    with imports_of_its_own():
        yield tmp_path


def checked(root: Path, text: str, *words: str) -> int:
    (root / "mine.py").write_text(textwrap.dedent(text))
    return main(["check", "toy/line", "mine.py:solve", *words])


def rows(said: str) -> dict[str, tuple[str, str]]:
    """Return the table: what was checked -> outcome and what was found."""
    table = said.partition("CHECKED")[2].partition("\n\n")[0].splitlines()[1:]
    parts = [[cell for cell in line.split("  ") if cell] for line in table]
    return {check: (outcome.strip(), "  ".join(found)) for check, outcome, *found in parts}


def test_a_good_method_passes_and_is_told_how_to_run(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row is ok, the exit code is 0, and the last line is the command."""
    assert checked(root, GOOD) == 0

    said = capsys.readouterr().out
    assert {outcome for outcome, _ in rows(said).values()} == {"ok"}
    assert "mine.py:solve as Walker of toy/line:line" in said
    command = said.splitlines()[-1].strip()
    assert command == (
        "pytest suite/toy/line --benchmark-only --candidate toy/line:line=mine.py:solve"
    )


def test_a_claim_names_its_experiment_and_is_in_the_command(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A claim's id is a place too."""
    (root / "mine.py").write_text(GOOD)

    assert main(["check", "line/falls", "mine.py:solve"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(" -k falls")


def test_findings_for_scripts(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON, with the same exit code."""
    assert checked(root, "def solve(problem):\n    return None\n", "--json") == 2

    found = json.loads(capsys.readouterr().out)
    assert found["interface"] == "Walker"
    assert found["experiment"] == "toy/line:line"
    assert {one["outcome"] for one in found["findings"]} >= {"ok", "wrong"}


WRONG = {
    "raises": (
        """
        def solve(problem):
            return problem.start / {}["a"]
        """,
        "it answers",
        r"raised KeyError: 'a' \(mine.py, line 3\)",
    ),
    "nothing": (
        "def solve(problem):\n    problem.start.sum()\n",
        "shape, dtype, device, finite",
        "returned None; allowed: Tensor",
    ),
    "shape": (
        "def solve(problem):\n    return problem.start[:, 0].clone()\n",
        "shape, dtype, device, finite",
        r"has shape \(3,\); allowed: \(n, d\) = \(3, 3\)",
    ),
    "type": (
        "def solve(problem):\n    return 'here'\n",
        "shape, dtype, device, finite",
        r"of type str; allowed: a tensor or an array of shape \(n, d\)",
    ),
    "dtype": (
        "def solve(problem):\n    return problem.start.float()\n",
        "shape, dtype, device, finite",
        "has dtype float32; allowed: float64",
    ),
    "device": (
        "def solve(problem):\n    return problem.start.to('meta')\n",
        "shape, dtype, device, finite",
        "lies on meta; allowed: cpu",
    ),
    "nan": (
        "def solve(problem):\n    return problem.start / 0\n",
        "shape, dtype, device, finite",
        "has 9 NaN or infinite entries",
    ),
    "in place": (
        """
        def solve(problem):
            x = problem.start
            x *= 0.5
            return x.clone()
        """,
        "leaves the problem as it is",
        r"changed problem.start in place; .*problem.start.clone\(\)",
    ),
    "the measure's own": (
        "def solve(problem):\n    return 0 * problem.start + problem.truth\n",
        "uses what is offered",
        "uses problem.truth, which the interface does not offer",
    ),
    "another budget": (
        "def solve(problem):\n    problem.T = 9\n    return 1 * problem.start\n",
        "uses what is offered",
        "uses problem.T = ..., which",
    ),
    "calls taken back": (
        "def solve(problem):\n    problem.calls -= 1\n    return 1 * problem.start\n",
        "work is counted",
        "calls went down",
    ),
    "torch's stream": (
        """
        import torch

        def solve(problem):
            return torch.rand_like(problem.start)
        """,
        "two runs agree",
        r"differ by up to .*: it draws from torch's global random stream; take the keyword",
    ),
    "numpy's stream": (
        """
        import numpy

        def solve(problem):
            return problem.start + numpy.random.rand()
        """,
        "global random streams",
        "draws from or seeds numpy's global random stream; take the keyword streams",
    ),
    "Python's stream": (
        """
        import random

        def solve(problem):
            return problem.start + random.random()
        """,
        "global random streams",
        "Python's global random stream",
    ),
    "a seed": (
        """
        import torch

        def solve(problem):
            torch.manual_seed(0)
            return torch.rand_like(problem.start)
        """,
        "global random streams",
        "torch's global random stream",
    ),
    "no seed": (
        """
        import numpy

        def solve(problem):
            return problem.start + numpy.random.default_rng().random()
        """,
        "two runs agree",
        "a generator of its own without a seed",
    ),
    "a memory": (
        """
        runs = []

        def solve(problem):
            runs.append(1)
            return problem.start * len(runs)
        """,
        "two runs agree",
        "keeps something from run to run",
    ),
    "threads": (
        """
        import torch

        def solve(problem):
            torch.set_num_threads(2)
            return 1 * problem.start
        """,
        "threads, dtype, process",
        "changed torch's number of threads: 1 before, 2 after",
    ),
    "default dtype": (
        """
        import torch

        def solve(problem):
            torch.set_default_dtype(torch.float64)
            return 1 * problem.start
        """,
        "threads, dtype, process",
        "torch's default dtype: torch.float32 before, torch.float64 after",
    ),
    "import": (
        """
        import torch

        torch.manual_seed(1)

        def solve(problem):
            return 1 * problem.start
        """,
        "it imports",
        "its import changed torch's global random stream",
    ),
    "companions": (
        "def solve(problem):\n    return problem.start - problem.start.mean(dim=0)\n",
        "replicates stand alone",
        r"the answer of replicate 0 moves by .* when it has 5 companions in place of 2",
    ),
    "a fixed block": (
        """
        def solve(problem):
            assert len(problem.start) == 3
            return 1 * problem.start
        """,
        "replicates stand alone",
        "with 6 replicates in place of 3: AssertionError",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each way to break the interface is found in its row, with what would be right."""
    text, check, message = WRONG[name]

    assert checked(root, text) == 2
    outcome, found = rows(capsys.readouterr().out)[check]
    assert outcome == "wrong"
    assert re.search(message, found), found


NOTED = {
    "memory": (
        "def solve(problem):\n    return problem.start\n",
        "owns its answer",
        "the answer and problem.start; return a clone",
    ),
    "no call": (
        "def solve(problem):\n    return 1 * problem.start\n",
        "work is counted",
        "no call of the oracle was counted",
    ),
}


@pytest.mark.parametrize("name", NOTED)
def test_what_may_be_meant_is_noted_and_passes(
    name: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer that is the problem's own tensor, or that asked nothing, may be right."""
    text, check, message = NOTED[name]

    assert checked(root, text) == 0
    outcome, found = rows(capsys.readouterr().out)[check]
    assert outcome == "note"
    assert message in found


def test_streams_are_the_way_to_draw(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A method that draws from its keyword passes."""
    text = """
    import torch

    def solve(problem, *, streams):
        noise = [torch.from_numpy(each.standard_normal(3)) for each in streams.each("noise")]
        return problem.step(problem.start) + torch.stack(noise)
    """
    assert checked(root, text) == 0
    assert {outcome for outcome, _ in rows(capsys.readouterr().out).values()} == {"ok"}


def test_a_check_leaves_the_process_as_it_was(root: Path) -> None:
    """Whatever a method sets, the next one finds the process as this one did."""
    text = """
    import numpy, random, torch

    numpy.random.seed(3)

    def solve(problem):
        torch.set_num_threads(3)
        torch.set_default_dtype(torch.float64)
        torch.manual_seed(1)
        torch.set_grad_enabled(False)
        numpy.seterr(all="ignore")
        random.seed(1)
        return 1 * problem.start
    """
    before = surroundings()

    assert checked(root, text) == 2
    assert surroundings() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["toy/lime", "mine.py:solve"], "claim or paper: 'toy/lime'.*did you mean 'toy/line'"),
        (["lime", "mine.py:solve"], "did you mean 'line'"),
        (["toy/line:lime", "mine.py:solve"], "has no such experiment: 'lime'; allowed: line"),
        (["toy/line", "yours.py:solve"], "the file of a candidate is missing: 'yours.py'"),
        (["toy/line", "mine.py:salve"], "mine.py has no such callable: 'salve'; allowed: solve"),
        (["toy/line", "broken.py:solve"], "broken.py can't be imported"),
        (["toy/line", "two.py:solve"], "can't be called with a problem"),
        (["toy/line", "mine.py:solve", "--device", "gpu"], "unknown device: 'gpu'"),
    ],
)  # fmt: skip
def test_words_that_name_nothing_are_refused(
    words: list[str], message: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what there is, and exit code 4."""
    (root / "mine.py").write_text(GOOD)
    (root / "broken.py").write_text("import no_such_thing\n")
    (root / "two.py").write_text("def solve(problem, other):\n    return other\n")

    assert main(["check", *words]) == 4
    assert re.search(message, capsys.readouterr().err)


def test_an_experiment_without_an_interface_says_how_to_give_it_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bench file need not state one, but nothing can be held against it then."""
    make(tmp_path)
    (tmp_path / "mine.py").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    with imports_of_its_own():
        assert main(["check", "toy/line", "mine.py:solve"]) == 2

    assert "line = Experiment(..., interface=PROTOCOL)" in capsys.readouterr().err
