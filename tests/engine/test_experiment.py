"""Contenders are functions of a problem, registered under their own names."""

from __future__ import annotations

from typing import Any

import pytest

from claimbench import Experiment
from claimbench.errors import BenchFileError


def experiment() -> Experiment:
    return Experiment(lambda **settings: None, lambda problem, answer: {})


def test_each_decorator_gives_its_role_and_leaves_the_function() -> None:
    """A registered contender is still an ordinary function."""
    x = experiment()

    @x.method
    def steep(problem: Any) -> Any:
        return problem

    @x.baseline(pin="jain-2019")
    def phases(problem: Any) -> Any:
        return problem

    @x.control
    def flat(problem: Any) -> Any:
        return problem

    assert {name: one.role for name, one in x.contenders.items()} == {
        "steep": "method",
        "phases": "baseline",
        "flat": "control",
    }
    assert x.contenders["phases"].pin == "jain-2019"
    assert steep(3) == 3
    assert x.contenders["steep"].function is steep


def test_one_function_may_contend_in_several_experiments() -> None:
    """Decorators stack."""
    x, y = experiment(), experiment()

    @x.method
    @y.baseline
    def steep(problem: Any) -> Any:
        return problem

    assert x.contenders["steep"].role == "method"
    assert y.contenders["steep"].role == "baseline"


def test_a_contender_says_by_its_signature_what_it_wants() -> None:
    """Private streams and the names of its grid, as keywords only."""
    x = experiment()

    @x.method(grid={"gamma": [1, 3]})
    def tuned(problem: Any, *, gamma: float, streams: Any) -> Any:
        return problem, gamma, streams

    @x.baseline
    def plain(problem: Any) -> Any:
        return problem

    assert x.contenders["tuned"].wants_streams
    assert x.contenders["tuned"].grid == {"gamma": (1, 3)}
    assert not x.contenders["plain"].wants_streams


def test_two_contenders_of_one_name_are_refused() -> None:
    """The second would replace the first without a word."""
    x = experiment()

    def register() -> None:
        @x.method
        def steep(problem: Any) -> Any:
            return problem

    register()
    with pytest.raises(BenchFileError, match=r"two contenders of one experiment.*'steep'"):
        register()


def no_argument() -> None: ...
def two_problems(problem: Any, other: Any) -> None: ...
def unknown_keyword(problem: Any, *, eta: float) -> None: ...
def problem_by_keyword(*, problem: Any) -> None: ...


@pytest.mark.parametrize(
    "function", [no_argument, two_problems, unknown_keyword, problem_by_keyword]
)
def test_a_contender_that_can_t_be_called_is_refused(function: Any) -> None:
    """The message shows the signature found and the one allowed."""
    with pytest.raises(BenchFileError, match=r"can't be called: .*allowed: \(problem\)") as raised:
        experiment().method(function)
    assert function.__name__ in str(raised.value)


def test_a_grid_names_keywords_of_the_contender() -> None:
    """A grid of something the contender does not take is refused."""

    def plain(problem: Any) -> None: ...

    with pytest.raises(BenchFileError, match="contender plain can't be called"):
        experiment().method(grid={"gamma": [1]})(plain)
