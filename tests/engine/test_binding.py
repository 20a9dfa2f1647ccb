"""Every name of claim.toml is resolved in the bench file at collection, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from toy import BENCH, CLAIM_TOML, PROBLEM, bound, edited, make

from claimbench.errors import BenchFileError, ClaimbenchError, ClaimFileError, UsageError

Changes = Sequence[tuple[str, str]]
TUNING = """
[experiment.line.tuning]
trials = 2
replicates = 3
criterion = "gap"

[[claim]]
id = "falls\""""


def broken(root: Path, *, claims: Changes = (), bench: Changes = (), problem: Changes = ()) -> None:
    make(
        root,
        claim__toml=edited(CLAIM_TOML, *claims),
        bench_line__py=edited(BENCH, *bench),
        problem__py=edited(PROBLEM, *problem),
    )
    bound(root)


def test_a_paper_that_fits_is_bound(tmp_path: Path) -> None:
    """Experiments, designs and estimands are found by their names."""
    paper = bound(make(tmp_path))

    assert paper.id == "toy/line"
    assert list(paper.experiments["line"].contenders) == ["steep", "flat", "flatter"]
    assert paper.designs["line"].replicates == 6
    assert paper.estimands["falls"].__name__ == "growth"
    assert [claim.id for claim in paper.claims_needing("line", "flat")] == ["falls", "beats-flat"]
    assert [claim.id for claim in paper.claims_needing("line", "flatter")] == ["beats-flat"]


def test_a_profile_and_replicates_choose_the_design(tmp_path: Path) -> None:
    """The profile's cells, and the number of replicates asked for."""
    root = make(tmp_path)

    assert bound(root, profile="smoke").designs["line"].cells == ({"T": 1}, {"T": 2})
    assert bound(root, replicates=9).designs["line"].replicates == 9
    with pytest.raises(UsageError, match="whose block is 3: 4"):
        bound(root, replicates=4)


def test_an_experiment_that_stays_away_takes_its_claims_with_it(tmp_path: Path) -> None:
    """A claim whose experiment does not run at the profile is not of the run."""
    root = make(
        tmp_path,
        claim__toml=edited(CLAIM_TOML, ("budget = 20", 'budget = 20\nprofiles = ["standard"]')),
    )

    assert bound(root, profile="smoke").claims == ()
    assert len(bound(root).claims) == 2


CLAIMS: dict[str, tuple[Changes, str]] = {
    "method": (
        [('method = "steep"', 'method = "stepe"')],
        "method is no contender.*'stepe'; allowed: steep, flat, flatter; did you mean 'steep'",
    ),
    "opponent": (
        [('against = ["flat"]', 'against = ["fat"]')],
        "against is no contender.*'fat'.*did you mean 'flat'",
    ),
    "control": (
        [('control = "flatter"', 'control = "flattest"')],
        "control is no contender.*'flattest'.*did you mean 'flatter'",
    ),
    "estimand": (
        [('estimand = "growth"', 'estimand = "grwth"')],
        "estimand is no function.*'grwth'; allowed: .*did you mean 'growth'",
    ),
    "estimand of two for one": (
        [('estimand = "growth"', 'estimand = "log_ratio"')],
        r"log_ratio takes 2 arguments: .*allowed: \(subject\), as the claim names nobody",
    ),
    "estimand of one for two": (
        [('estimand = "log_ratio"', 'estimand = "growth"')],
        r"growth takes 1 argument: .*allowed: \(subject, opponent\)",
    ),
    "an imported function": ([('estimand = "growth"', 'estimand = "slope"')], "is no function of"),
    "a setting the problem does not take": (
        [("budget = 20", "budget = 20\neta = [1, 2]")],
        "a setting that the problem line does not take: 'eta'; allowed: T",
    ),
    "a setting the problem needs": (
        [
            ("T = [1, 2, 4]\n", ""),
            ("smoke = { T = [1, 2], ", "smoke = { "),
            ("full = { T = [1, 2, 4, 8] }\n", ""),
            ("where = { T = [2, 4] }\n", ""),
        ],
        "lacks a setting that the problem line needs: 'T'; to mend it: add T",
    ),
    "a where that selects nothing": (
        [("where = { T = [2, 4] }", "where = { T = [3] }")],
        "claim beats-flat.where.T is no value .*: 3; allowed: 1, 2, 4",
    ),
    "a where of the control": (
        [('control = "flatter"', 'control = { contender = "flatter", where = { S = 1 } }')],
        "claim beats-flat.control.where names no setting .*: 'S'; allowed: T",
    ),
    "a where that full does not run": (
        [("T = [1, 2, 4, 8]", "T = [1, 2]")],
        "no value of experiment line at profile full: 4",
    ),
    "an experiment without a table": (
        [
            ("[experiment.line]", "[experiment.curve]"),
            ('experiment = "line"', 'experiment = "curve"'),
        ],
        r"\[experiment.curve\] has no Experiment in bench_line.py: 'curve'; allowed: line",
    ),
    "an experiment without code": (
        [
            (
                '[[claim]]\nid = "falls"',
                '[experiment.curve]\nreplicates = 1\n\n[[claim]]\nid = "falls"',
            )
        ],
        r"\[experiment.curve\] has no Experiment",
    ),
}


@pytest.mark.parametrize(("changes", "message"), CLAIMS.values(), ids=CLAIMS)
def test_a_claim_that_does_not_fit_is_refused(
    tmp_path: Path, changes: Changes, message: str
) -> None:
    """The message lists what exists instead."""
    with pytest.raises(ClaimbenchError, match=message) as raised:
        broken(tmp_path, claims=changes)
    assert isinstance(raised.value, (ClaimFileError, BenchFileError))
    assert str(tmp_path) in str(raised.value)


GRID = ("@line.method\n", '@line.method(grid={"rate": [1.0, 2.0]})\n')
TUNED = ("def steep(problem):", "def steep(problem, *, rate):")
BENCHES: dict[str, tuple[Changes, Changes, str]] = {
    "an experiment without a table": (
        [],
        [("\ndef growth", "\ncurve = Experiment(line.problem, measure)\n\ndef growth")],
        r"no \[experiment.curve\] table for bench_line.py::curve",
    ),
    "a stack of no setting": (
        [],
        [("Experiment(line, measure)", 'Experiment(line, measure, stack=("S",))')],
        "stack names no setting: 'S'; allowed: T",
    ),
    "a grid without tuning": (
        [],
        [GRID, TUNED],
        "tuning is missing, but contender steep has a grid",
    ),
    "a grid of unequal trials": (
        [('\n[[claim]]\nid = "falls"', TUNING.replace("= 2", "= 3", 1))],
        [GRID, TUNED],
        "another number of trials than .* every contender: 2; allowed: 3",
    ),
    "a grid in a race": (
        [('\n[[claim]]\nid = "falls"', TUNING)],
        [GRID, TUNED, ("Experiment(line, measure)", "Experiment(line, measure, seconds=True)")],
        "contender steep of a race has a grid",
    ),
    "a measure without a name": (
        [],
        [("Experiment(line, measure)", 'Experiment(line, lambda p, x: {"gap": x})')],
        "experiment line: measure has no source that can be followed: '<lambda>'",
    ),
    "a closure for a contender": (
        [],
        [
            (
                "@line.method\ndef steep(problem):\n    return descend(problem, 1.0)",
                (
                    "def at(rate):\n    def steep(problem):\n"
                    "        return descend(problem, rate)\n"
                    "    return steep\n\nline.method(at(1.0))"
                ),
            )
        ],
        "experiment line: steep has no source that can be followed: 'at.<locals>.steep'",
    ),
}


@pytest.mark.parametrize(("claims", "bench", "message"), BENCHES.values(), ids=BENCHES)
def test_a_bench_file_that_does_not_fit_is_refused(
    tmp_path: Path, claims: Changes, bench: Changes, message: str
) -> None:
    """What could not be run, tuned fairly or keyed is refused before anything runs."""
    with pytest.raises(ClaimbenchError, match=message):
        broken(tmp_path, claims=claims, bench=bench)


def test_a_problem_takes_streams_and_n(tmp_path: Path) -> None:
    """A factory that can't be called as the engine calls it is refused, not run."""
    with pytest.raises(BenchFileError, match="the problem line does not take streams"):
        broken(tmp_path, problem=[("def line(T, *, streams, n)", "def line(T, *, n)")])


def test_a_bench_file_that_raises_is_refused_with_its_cause(tmp_path: Path) -> None:
    """The cause is chained, and the cure shows its traceback."""
    with pytest.raises(
        BenchFileError, match=r"bench_line.py can't be imported \(KeyError: 'x'\)"
    ) as raised:
        broken(tmp_path, bench=[("\n\ndef measure", '\n\n{}["x"]\n\ndef measure')])
    assert isinstance(raised.value.__cause__, KeyError)
    assert "python -c 'import suite.toy.line.bench_line'" in str(raised.value)


def test_a_bench_file_that_exits_is_refused_too(tmp_path: Path) -> None:
    """sys.exit() in one paper does not end the others."""
    with pytest.raises(BenchFileError, match="SystemExit: 3"):
        broken(tmp_path, bench=[("\n\ndef measure", "\n\nraise SystemExit(3)\n\ndef measure")])
