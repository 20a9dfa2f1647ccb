"""Which experiments a candidate joins, under which name, with how many trials."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import BENCH, CLAIM_TOML, bound, edited, make

from claimbench.binding import Paper
from claimbench.candidates.joining import joined
from claimbench.candidates.spec import parse
from claimbench.errors import CandidateError
from claimbench.words import Profile

SOLVE = "def solve(problem, *, rate=1.0):\n    return problem.noise\n"
TABLES = """
[experiment.other]
T = 2
replicates = 6
profiles = ["standard"]

[experiment.spare]
T = 2
replicates = 6
"""
THREE = """
def seen(problem, x):
    return measure(problem, x)

other = Experiment(line, MEASURE)
spare = Experiment(line, measure)
line = Experiment(line, measure)
"""
#: A second experiment, judged, of another measure; and a third that no claim is about.
SECOND = edited(
    CLAIM_TOML,
    ('\n[[claim]]\nid = "falls"', f'{TABLES}\n[[claim]]\nid = "falls"'),
    ("where = { T = [2, 4] }\n", ""),
    ('experiment = "line"\nestimand = "log_ratio"', 'experiment = "other"\nestimand = "log_ratio"'),
)
BENCHES = edited(
    BENCH,
    ("line = Experiment(line, measure)\n", THREE),
    ("@line.method\n", "@other.method\n@line.method\n"),
    ("@line.baseline\n", "@other.baseline\n@line.baseline\n"),
    ("@line.control\n", "@other.control\n@line.control\n"),
)
TUNED = edited(
    CLAIM_TOML,
    ("budget = 20", 'budget = 20\ntuning = { trials = 3, replicates = 2, criterion = "gap" }'),
)


def paper(root: Path, measure: str = "measure", profile: Profile = "standard") -> Paper:
    """Return the paper of two experiments that are judged and one that is not."""
    bench = BENCHES.replace("MEASURE", measure)
    make(root, claim__toml=SECOND, bench_line__py=bench)
    (root / "mine.py").write_text(SOLVE)
    return bound(root, profile=profile)


def joins(made: Paper) -> list[str]:
    return [name for name, one in made.experiments.items() if "mine" in one.contenders]


def test_one_interface_needs_no_experiment(tmp_path: Path) -> None:
    """It joins every experiment that a claim is about, and no other."""
    made = paper(tmp_path)
    with_it = joined(made, [parse("toy/line=mine.py:solve", tmp_path)])

    assert joins(with_it) == ["line", "other"]
    assert joins(made) == []  # the bench file's own stay as they are
    candidate = with_it.experiments["line"].contenders["mine"]
    assert (candidate.role, candidate.grid, candidate.wants_streams) == ("candidate", {}, False)


def test_another_paper_s_candidate_is_left_alone(tmp_path: Path) -> None:
    """Each spec finds its own paper."""
    made = paper(tmp_path)

    assert joined(made, [parse("toy/other=nowhere.py:solve", tmp_path)]) is made


def test_several_interfaces_need_an_experiment(tmp_path: Path) -> None:
    """Another measure may want another answer: which are alike is told."""
    made = paper(tmp_path, measure="seen")

    with pytest.raises(CandidateError) as caught:
        joined(made, [parse("toy/line=mine.py:solve", tmp_path)])
    assert "of toy/line have 2 interfaces" in str(caught.value)
    assert "allowed: line; or other; to mend it: --candidate toy/line:line=mine.py:solve" in str(
        caught.value
    )
    named = joined(made, [parse("toy/line:spare=mine.py:solve", tmp_path)])
    assert joins(named) == ["spare"]


def test_a_declared_interface_decides(tmp_path: Path) -> None:
    """Two experiments of one Protocol take one candidate, whatever they measure."""
    make(tmp_path)
    bench = BENCHES.replace("MEASURE", "seen, interface=Solver").replace(
        "Experiment(line, measure)\n\n", "Experiment(line, measure, interface=Solver)\n\n"
    )
    solver = "\nfrom typing import Protocol\n\nclass Solver(Protocol):\n    pass\n\ndef measure"
    bench = bench.replace("\ndef measure", solver, 1)
    make(tmp_path, claim__toml=SECOND, bench_line__py=bench)
    (tmp_path / "mine.py").write_text(SOLVE)
    made = joined(bound(tmp_path), [parse("toy/line=mine.py:solve", tmp_path)])

    assert joins(made) == ["line", "other"]
    alone = bench.replace("seen, interface=Solver", "seen")
    make(tmp_path, claim__toml=SECOND, bench_line__py=alone)
    with pytest.raises(CandidateError, match=r"allowed: line \(Solver\); or other; to mend it"):
        joined(bound(tmp_path), [parse("toy/line=mine.py:solve", tmp_path)])


def test_an_unknown_experiment_is_told_from_one_of_another_profile(tmp_path: Path) -> None:
    """Both list those there are."""
    with pytest.raises(CandidateError, match=r"toy/line has not: 'lime'; allowed: .*'line'"):
        joined(paper(tmp_path), [parse("toy/line:lime=mine.py:solve", tmp_path)])
    made = paper(tmp_path, profile="smoke")
    with pytest.raises(CandidateError, match="has not at profile smoke: 'other'"):
        joined(made, [parse("toy/line:other=mine.py:solve", tmp_path)])


def test_a_name_stands_for_one_contender_of_the_paper(tmp_path: Path) -> None:
    """Neither a contender's of the suite, nor another candidate's; a name can be given."""
    made = paper(tmp_path)
    (tmp_path / "steep.py").write_text(SOLVE)

    with pytest.raises(CandidateError, match=r"'steep'; allowed: a name other than .*:mine$"):
        joined(made, [parse("toy/line=steep.py:solve", tmp_path)])
    twice = [parse(f"toy/line:line=mine.py:solve{name}", tmp_path) for name in ("", ":mine")]
    with pytest.raises(CandidateError, match="two candidates of toy/line line have one name: 'mi"):
        joined(made, twice)
    other = joined(made, [twice[0], parse("toy/line:line=mine.py:solve:again", tmp_path)])
    assert {"mine", "again"} < set(other.experiments["line"].contenders)


def tuned(root: Path, values: str, claims: str = TUNED) -> Paper:
    make(root, claim__toml=claims)
    (root / "mine.py").write_text(f"{SOLVE}solve.grid = {values}\n")
    return joined(bound(root), [parse("toy/line=mine.py:solve", root)])


def test_a_grid_has_no_more_trials_than_everybody(tmp_path: Path) -> None:
    """Fewer are its own affair."""
    made = tuned(tmp_path, "{'rate': [1.0, 2.0]}")

    assert made.experiments["line"].contenders["mine"].grid == {"rate": (1.0, 2.0)}
    with pytest.raises(CandidateError, match=r"more trials .* every contender: 4; allowed: 3 at m"):
        tuned(tmp_path / "more", "{'rate': [1.0, 2.0, 3.0, 4.0]}")


def test_where_nothing_is_tuned_the_defaults_play(tmp_path: Path) -> None:
    """And one without a default can't."""
    made = tuned(tmp_path, "{'rate': [1.0]}", CLAIM_TOML)

    assert made.experiments["line"].contenders["mine"].grid == {}
    (tmp_path / "bare.py").write_text(
        "def solve(problem, *, rate):\n    pass\nsolve.grid = {'rate': [1.0]}\n"
    )
    with pytest.raises(CandidateError, match=r"tunes nothing, .* without a value: 'rate'"):
        joined(bound(tmp_path), [parse("toy/line=bare.py:solve", tmp_path)])


def test_it_plays_where_the_methods_do(tmp_path: Path) -> None:
    """Cells that are there for an opponent's sake cost it nothing."""
    few = edited(BENCH, ("@line.method\n", "@line.method(where={'T': (2, 4)})\n"))
    claims = edited(CLAIM_TOML, ('experiment = "line"\nestimand = "growth"',
        'experiment = "line"\nwhere = { T = [2, 4] }\nestimand = "growth"'))  # fmt: skip
    make(tmp_path, bench_line__py=few, claim__toml=claims)
    (tmp_path / "mine.py").write_text(SOLVE)
    made = joined(bound(tmp_path), [parse("toy/line=mine.py:solve", tmp_path)])

    assert made.cells_of("line", "mine") == ({"T": 2}, {"T": 4})
    assert made.cells_of("line", "flat") == ({"T": 1}, {"T": 2}, {"T": 4})


def test_its_item_answers_to_the_ids_of_the_claims_that_judge_it(tmp_path: Path) -> None:
    """So that `-k falls` runs the claim with its candidates."""
    make(tmp_path)
    (tmp_path / "mine.py").write_text(SOLVE)
    made = joined(bound(tmp_path), [parse("toy/line=mine.py:solve", tmp_path)])

    assert [claim.id for claim in made.claims_needing("line", "mine")] == ["falls", "beats-flat"]
    assert [claim.id for claim in made.claims_needing("line", "flatter")] == ["beats-flat"]
