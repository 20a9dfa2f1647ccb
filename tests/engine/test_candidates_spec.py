"""What ``--candidate`` says, and what is said of one that says it wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from claimbench.candidates.spec import check_papers, parse, parse_all, parse_target
from claimbench.errors import CandidateError

HERE = Path("/home/me")


def test_a_file_is_against_the_folder_of_the_call() -> None:
    """Paper, experiment, file, object; the file's name is the candidate's."""
    spec = parse("optimization/sparse_ot:sweep=mine/my-solver.py:solve", HERE)

    assert (spec.paper, spec.experiment) == ("optimization/sparse_ot", "sweep")
    assert (spec.file, spec.object) == (Path("/home/me/mine/my-solver.py"), "solve")
    assert spec.name == "my_solver"
    assert spec.shown == "my-solver.py:solve"


def test_an_absolute_file_stays_where_it_is_and_an_experiment_may_be_left_out() -> None:
    """As a name of its own may be given."""
    spec = parse("toy/line=/elsewhere/fast.py:solve:quick", HERE)

    assert (spec.experiment, spec.file, spec.name) == (None, Path("/elsewhere/fast.py"), "quick")


def test_what_is_no_file_is_an_entry_point() -> None:
    """Its name is the candidate's, as far as it makes one."""
    spec = parse("toy/line=their-solver", HERE)

    assert (spec.file, spec.entry_point, spec.object) == (None, "their-solver", "")
    assert spec.name == "their_solver"
    assert parse("toy/line=their-solver:mine", HERE).name == "mine"


@pytest.mark.parametrize("text", ["toy/line=a/b.py:solve:mine", "toy/line=their-solver:mine"])
def test_a_worker_reads_the_target_again(text: str) -> None:
    """In whatever folder it stands: nothing but paper and experiment is lost."""
    spec = parse(text, HERE)
    again = parse_target(spec.target, Path("/"), paper=spec.paper)

    assert again == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("my_solver.py:solve", "another form: 'my_solver.py:solve'; allowed: PAPER[:EXPERIMENT]="),
        ("=my_solver.py:solve", "another form"),
        ("toy/line:=my_solver.py:solve", "another form"),
        ("toy/line=my_solver.py", "no object of its file: 'my_solver.py'"),
        ("toy/line=my_solver.py:", "name the function: my_solver.py:solve"),
        ("toy/line=my_solver.py:a.b", "no object of its file"),
        ("toy/line=a:b:c:d", "neither a file nor an entry point: 'a:b:c:d'"),
        ("toy/line=", "neither a file nor an entry point"),
        ("toy/line=2fast.py:solve", "no name for a contender: '2fast'"),
        ("toy/line=fast.py:solve:a/b", "after a colon: fast.py:solve:mine"),
        ("toy/line=fast.py:solve:<b>", "a letter, then letters, digits and underscores"),
    ],
)
def test_another_form_is_refused(text: str, words: str) -> None:
    """With the form that is allowed and an example, as a wrong word (exit 4)."""
    with pytest.raises(CandidateError) as caught:
        parse(text, HERE)

    assert words in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_file_without_its_suffix_is_told(tmp_path: Path) -> None:
    """Else it would be looked for among the entry points."""
    (tmp_path / "fast.py").touch()

    with pytest.raises(CandidateError, match=r"without its \.py.*to mend it: fast\.py:solve"):
        parse("toy/line=fast:solve", tmp_path)


def test_an_unknown_paper_lists_those_there_are_and_the_nearest() -> None:
    """A slip of the pen, and a paper without its domain."""
    papers = ["optimization/sparse_ot", "control/inventory_hdpo"]

    with pytest.raises(CandidateError, match="did you mean 'optimization/sparse_ot'"):
        check_papers([parse("optimisation/sparse_ot=a.py:f", HERE)], papers)
    with pytest.raises(CandidateError, match="to mend it: write control/inventory_hdpo"):
        check_papers([parse("inventory_hdpo=a.py:f", HERE)], papers)
    check_papers([parse("control/inventory_hdpo=a.py:f", HERE)], papers)


def test_a_candidate_is_given_once() -> None:
    """The same words twice would play twice under one name."""
    text = "toy/line=a.py:f"

    with pytest.raises(CandidateError, match="given twice"):
        parse_all([text, "toy/line=b.py:f", text], HERE)
    assert len(parse_all([text, "toy/line:race=a.py:f"], HERE)) == 2
