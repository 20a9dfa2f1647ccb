"""What a candidate does to its process and its problem: put back, or refused with a cure."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from claimbench.candidates.isolation import Inputs, apart
from claimbench.candidates.stranger import Stranger, described
from claimbench.errors import CandidateError, ContenderError


def state() -> dict[str, Any]:
    """Return what is expected to stay, read independently of the code under test."""
    return {
        "python": random.getstate()[1][:5],
        "numpy": np.random.get_state()[1][:5].tolist(),  # noqa: NPY002  the stream in question
        "torch": torch.get_rng_state()[:40].tolist(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device().type,
        "grad": torch.is_grad_enabled(),
        "errors": np.geterr(),
        "folder": Path.cwd(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "filters": list(warnings.filters),
        "depth": sys.getrecursionlimit(),
    }


def meddle() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002  the stream in question
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float16)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    np.seterr(all="ignore")
    os.chdir("/")
    os.environ["MEDDLED"] = "1"
    del os.environ["PATH"]
    sys.path.insert(0, "/nowhere")
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(5000)


def test_the_process_is_put_back() -> None:
    """Seeds, type, device, switches, error state, folder, environment, path, filters, depth."""
    before = state()
    with apart(7):
        meddle()
        assert state() != before

    assert state() == before


def test_it_is_put_back_after_an_exception_too() -> None:
    """The exception passes."""
    before = state()

    def fail() -> None:
        meddle()
        raise KeyError

    with pytest.raises(KeyError), apart(7):
        fail()

    assert state() == before


def test_global_streams_repeat_inside() -> None:
    """Who draws from them gets numbers of its own, the same each time: evidence can be repeated."""

    def drawn(entropy: int) -> tuple[float, float, float]:
        with apart(entropy):
            numbers = random.random(), np.random.rand(), torch.rand(())  # noqa: NPY002  the same
        python, numpy, host = (float(number) for number in numbers)
        return python, numpy, host

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_another_number_of_threads_is_refused_and_put_back() -> None:
    """Bits and seconds depend on it, so it is no small matter."""
    before = torch.get_num_threads()

    with (
        pytest.raises(ContenderError, match=r"changed the number of threads.*torch.set_num_thr"),
        apart(7),
    ):
        torch.set_num_threads(before + 1)
    assert torch.get_num_threads() == before
    with apart(7, strict=False):
        torch.set_num_threads(before + 1)
    assert torch.get_num_threads() == before


def test_the_threads_of_linear_algebra_count_too() -> None:
    """As threadpoolctl sets them, in numpy's own library."""
    import threadpoolctl

    before = threadpoolctl.threadpool_info()
    assert before, "no library of linear algebra is known here"

    with pytest.raises(ContenderError, match="number of threads"), apart(7):
        threadpoolctl.threadpool_limits(before[0]["num_threads"] + 1)
    assert threadpoolctl.threadpool_info() == before


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no cores to choose here")
def test_other_cores_are_refused() -> None:
    """A race is held on one core."""
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("one core only")

    with pytest.raises(ContenderError, match="other cores"), apart(7):
        os.sched_setaffinity(0, {min(cores)})
    assert os.sched_getaffinity(0) == cores


@dataclass
class Part:
    y: torch.Tensor
    parts: dict[str, list[np.ndarray]]


@dataclass
class Problem:
    """Shaped as the suite's: inputs, a part, a counter, a memory of its own."""

    x: torch.Tensor = field(default_factory=lambda: torch.arange(6.0).reshape(2, 3))
    zeros: torch.Tensor = field(default_factory=lambda: torch.zeros(2, 3))
    lost: np.ndarray = field(default_factory=lambda: np.array([[np.nan, 1.0]]))
    calls: torch.Tensor = field(default_factory=lambda: torch.zeros(2))
    _memory: torch.Tensor = field(default_factory=lambda: torch.ones(2))
    net: torch.nn.Module = field(default_factory=lambda: torch.nn.Linear(2, 1))
    part: Part = field(
        default_factory=lambda: Part(torch.ones(2), {"a": [np.arange(3.0), np.eye(2)]})
    )


# Only the paper's own classes are looked into.
Problem.__module__ = Part.__module__ = "suite.toy.problem"

CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a tensor": (lambda p: p.x.add_(1), "problem.x"),
    "a view of it": (lambda p: p.x[0].mul_(2), "problem.x"),
    "through numpy": (lambda p: p.x.numpy().fill(3), "problem.x"),
    "a start at zero": (lambda p: p.zeros.add_(1), "problem.zeros"),
    "an array with NaN": (lambda p: p.lost.__setitem__((0, 1), 2.0), "problem.lost"),
    "an array in a list": (lambda p: p.part.parts["a"][1].fill(0), "problem.part.parts['a'][1]"),
    "weights": (lambda p: p.net.weight.data.zero_(), "problem.net.weight"),
    "another in its place": (lambda p: setattr(p, "x", p.x + 1), "problem.x"),
}


@pytest.mark.parametrize(("change", "name"), CHANGES.values(), ids=CHANGES)
def test_a_change_in_place_is_seen(change: Callable[[Any], object], name: str) -> None:
    """Wherever the paper's own objects lead, and it is named."""
    problem = Problem()
    inputs = Inputs(problem)
    change(problem)

    with pytest.raises(ContenderError) as caught:
        inputs.check("while it was called")

    assert f"changed its problem in place while it was called: '{name}'" in str(
        caught.value
    ).replace('"', "'")
    assert "x.clone()" in str(caught.value)


def test_what_was_changed_is_mended() -> None:
    """Papers share instances between units: the next contender meets them as they were."""
    problem, fresh = Problem(), Problem()
    x = problem.x
    inputs = Inputs(problem)
    problem.x.zero_()
    problem.part.parts["a"][0][:] = 9

    assert inputs.changed() == ["problem.x", "problem.part.parts['a'][0]"]
    assert torch.equal(x, fresh.x)
    assert np.array_equal(problem.part.parts["a"][0], fresh.part.parts["a"][0])


def test_counters_and_memories_may_change() -> None:
    """The problem's oracle does that; nothing else did."""
    problem = Problem()
    inputs = Inputs(problem)
    problem.calls += 3
    problem._memory += 1
    inputs.check("while it was called")


def stranger(folder: Path, text: str) -> Stranger:
    from claimbench.candidates.source import origin
    from claimbench.candidates.spec import parse

    (folder / "mine.py").write_text(text)
    made = origin(parse("toy/line=mine.py:solve", folder), folder)
    return Stranger(made.target, made.digest, folder, 7)


def test_an_exception_is_said_with_its_line(tmp_path: Path) -> None:
    """The last step in the candidate's own file."""
    made = stranger(tmp_path, "def solve(problem):\n    x = 1\n    return problem.nothing\n")

    with (
        pytest.raises(ContenderError, match=r"it raised AttributeError: .*\(mine\.py, line 3\)"),
        made.calling(SimpleNamespace()),
    ):
        made.function(SimpleNamespace())


def test_an_exit_is_an_exception(tmp_path: Path) -> None:
    """It ends the unit, not the worker; and the problem is mended."""
    problem = Problem()
    made = stranger(tmp_path, "def solve(p):\n    p.x.zero_()\n    raise SystemExit(3)\n")

    with pytest.raises(ContenderError, match="it raised SystemExit: 3"), made.calling(problem):
        made.function(problem)
    assert torch.equal(problem.x, Problem().x)


def test_an_answer_that_can_not_be_measured_is_described(tmp_path: Path) -> None:
    """What the measure said, what the answer is, and how to try it in seconds."""
    made = stranger(tmp_path, "def solve(problem):\n    return 1\n")

    with pytest.raises(ContenderError) as caught, made.measuring(torch.ones(2, 1)):
        raise ValueError("operands could not be broadcast")

    assert str(caught.value) == (
        "its answer can't be measured (ValueError: operands could not be broadcast): 'Tensor of"
        " shape (2, 1), torch.float32'; allowed: an answer as the experiment's other contenders"
        " return it; to mend it: claimbench check CLAIM mine.py:solve   (tries it in seconds)"
    )
    with (
        pytest.raises(ContenderError, match=r"it returned None; .*: return the answer"),
        made.measuring(None),
    ):
        pass


def test_an_answer_that_shares_memory_and_changes_it_is_refused(tmp_path: Path) -> None:
    """A policy that the measure calls works on the problem's own arrays."""
    problem = Problem()
    text = "def solve(problem):\n    return lambda: problem.x.add_(1)\n"
    made = stranger(tmp_path, text)
    with made.calling(problem):
        answer = made.function(problem)

    with (
        pytest.raises(ContenderError, match="while its answer was measured: the two share mem"),
        made.measuring(answer),
    ):
        answer()
    assert torch.equal(problem.x, Problem().x)


def test_an_answer_that_raises_when_called_is_said_with_its_line(tmp_path: Path) -> None:
    """It is the candidate's code that runs inside the measure."""
    made = stranger(tmp_path, "def solve(problem):\n    return lambda: 1 / 0\n")
    answer = made.function(None)

    with (
        pytest.raises(ContenderError, match=r"its answer, called by the measure, raised Zero"),
        made.measuring(answer),
    ):
        answer()


def test_a_source_that_changed_since_the_run_was_planned_is_refused(tmp_path: Path) -> None:
    """Its evidence would be kept under the digest of another."""
    text = "def solve(problem):\n    return 1\n"
    target = stranger(tmp_path, text)._spec.target

    with pytest.raises(CandidateError, match=r"changed during the run.*to mend it: run again"):
        Stranger(target, "another digest", tmp_path, 7)


def test_an_answer_is_described_by_its_parts() -> None:
    """Types and shapes, which is what most wrong answers have wrong."""
    from typing import NamedTuple

    class Answer(NamedTuple):
        plan: Any
        steps: int

    assert described(Answer(np.ones((2, 3)), 4)) == (
        "Answer(plan: ndarray of shape (2, 3), float64, steps: int)"
    )
    assert described([1, 2]) == "list of 2"
    assert described("x") == "str"
