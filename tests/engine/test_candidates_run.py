"""A candidate beside the pinned contenders: its evidence, its verdicts, and nobody else's."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from test_plugin_run import CLAIMS, RACE
from toy import (
    BENCH,
    CLAIM_TOML,
    bench,
    bound,
    edit,
    edited,
    evidence,
    judged,
    make,
    records,
    run,
)

from claimbench.binding import Paper
from claimbench.candidates.joining import joined
from claimbench.candidates.spec import parse
from claimbench.errors import CandidateError
from claimbench.evidence.job import ContenderEvidence
from claimbench.plugin import options
from claimbench.plugin.options import Options
from claimbench.plugin.session import Session
from claimbench.record import ClaimRecord

#: Falls twice as fast as the method does, and prints nothing of its own.
STEEPER = """
from numpy import exp
from near import RATE

def solve(problem):
    return exp(-RATE * problem.T + problem.noise)
"""
SEEDS = """
import numpy, torch, random
torch.manual_seed(0)

def solve(problem):
    random.seed(0), numpy.random.seed(0), torch.manual_seed(0)
    torch.set_default_dtype(torch.float16)
    return problem.noise**2
"""
TUNED = """
from numpy import exp

def solve(problem, *, rate):
    return exp(-rate * problem.T + problem.noise)

solve.grid = {"rate": [1.0, 2.0]}
"""
#: Bad in one way each -> what is said of it. Those without a sentence are harmless.
BAD = {
    "in_place": ("def solve(p):\n    p.noise += 1\n    return p.noise\n",
                 "it changed its problem in place while it was called: 'problem.noise'"),
    "raises": ("def solve(p):\n    return p.nothing\n", "it raised AttributeError: "),
    "hangs": ("import ctypes\ndef solve(p):\n    while True:\n        ctypes.CDLL(None).pause()\n",
              "ended after its budget of 10 s"),
    "misshapen": ("def solve(p):\n    return p.noise[:1]\n", "its answer can't be measured (the m"),
    "silent": ("def solve(p):\n    pass\n", "it returned None"),
    "threads": ("import torch\ndef solve(p):\n    torch.set_num_threads(3)\n    return p.noise\n",
                "it changed the number of threads of its process: {'torch': 3"),
    "lacks": ("def solve(p):\n    import no_such_package\n", "it raised ModuleNotFoundError: "),
    "crashes": ("def solve(p):\n    import os\n    os.abort()\n", "its process died (SIGABRT)"),
    "lost": ("def solve(p):\n    return p.noise * float('nan')\n", None),
    "seeds": (SEEDS, None),
    "draws": ("import numpy\ndef solve(p):\n    return numpy.random.rand(len(p.noise))\n", None),
}  # fmt: skip


def checkout(root: Path) -> Path:
    make(root)
    (root / "steeper.py").write_text(STEEPER)
    (root / "near.py").write_text("RATE = 2.0\n")
    return root


def with_candidates(root: Path, *names: str) -> Paper:
    return joined(bound(root), [parse(f"toy/line={name}.py:solve", root) for name in names])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="module")
def plain(root: Path) -> dict[tuple[str, str], ContenderEvidence]:
    """The evidence without candidates."""
    return evidence(root)


@pytest.fixture(scope="module")
def beside(root: Path, plain: Any) -> tuple[Paper, dict[tuple[str, str], ContenderEvidence]]:
    """The same with one candidate, in the same store."""
    assert plain
    paper = with_candidates(root, "steeper")
    return paper, evidence(root, paper)


def blocks(found: dict[tuple[str, str], ContenderEvidence]) -> dict[str, int]:
    """Return how many blocks each contender computed, not taken from the store."""
    return {
        name: sum(not outcome.from_store for outcome in one.outcomes)
        for (_, name), one in found.items()
    }


def test_a_candidate_costs_only_its_own_time(plain: Any, beside: Any) -> None:
    """Its six blocks are computed; everybody else's come from the store."""
    assert blocks(plain) == {"steep": 6, "flat": 6, "flatter": 6}
    assert blocks(beside[1]) == {"steep": 0, "flat": 0, "flatter": 0, "steeper": 6}


def test_an_edited_neighbour_misses_the_candidate_s_evidence_alone(root: Path, beside: Any) -> None:
    """And the old source finds the old evidence again."""
    edit(root / "near.py", ("2.0", "3.0"))
    try:
        changed = evidence(root, with_candidates(root, "steeper"))
    finally:
        edit(root / "near.py", ("3.0", "2.0"))
    again = evidence(root, with_candidates(root, "steeper"))

    assert blocks(beside[1])["steeper"] == 6
    assert blocks(changed) == {"steep": 0, "flat": 0, "flatter": 0, "steeper": 6}
    assert blocks(again) == {"steep": 0, "flat": 0, "flatter": 0, "steeper": 0}


def without_candidates(claims: dict[str, ClaimRecord]) -> list[ClaimRecord]:
    """Return the claims' records as they would be without candidates and without the clock."""
    return [
        dataclasses.replace(claim, candidates=[], seconds=0.0, peak_memory_bytes=None)
        for claim in claims.values()
    ]


def test_it_is_one_more_subject_and_changes_nobody_s_verdict(
    root: Path, plain: Any, beside: Any
) -> None:
    """The claims' own results are the same to the last bit; its effects are known beforehand."""
    claims = judged(*beside)

    assert without_candidates(claims) == without_candidates(judged(bound(root), plain))
    [growth], [ratio] = (claims[name].candidates for name in ("line/falls", "line/beats-flat"))
    assert (growth.contender, growth.verdict, growth.against) == ("steeper", "reproduced", [])
    assert growth.effect is not None
    assert growth.effect.value == pytest.approx(-2.0)
    # Mean over T = 2, 4 of ln(flat) - ln(steeper) = 2 T, with the noise in common.
    assert ratio.effect is not None
    assert ratio.effect.value == pytest.approx(6.0)
    assert ratio.verdict == "reproduced"


def test_in_a_comparison_it_also_meets_the_method(beside: Any) -> None:
    """Each meeting on its own; the verdict is about the claim's opponents, as the method's is."""
    [found] = judged(*beside)["line/beats-flat"].candidates

    assert [one.contender for one in found.against] == ["flat", "steep"]
    # Against the method: 2 T - T, whose mean over T = 2, 4 is 3.
    assert found.against[1].effect is not None
    assert found.against[1].effect.value == pytest.approx(3.0)
    assert found.reason.startswith("Against flat: reproduced. ")
    assert "Against the method steep: reproduced. " in found.reason


def test_bad_candidates_fail_alone_with_a_reason(root: Path, plain: Any) -> None:
    """Each in its own words; whoever comes after them in the same process finds it clean."""
    for name, (text, _) in BAD.items():
        (root / f"{name}.py").write_text(text)
    paper = with_candidates(root, *BAD, "steeper")
    short = dataclasses.replace(paper.designs["line"], budget=10.0)
    paper = dataclasses.replace(paper, designs={"line": short})
    found = evidence(root, paper, fresh=True)
    said = {name: (one.status, one.reason) for (_, name), one in found.items()}

    for name, (_, sentence) in BAD.items():
        status, reason = said[name]
        if sentence is None:
            assert (name, status) == (name, "ok"), reason
        else:
            assert status == ("over budget" if name == "hangs" else "failed"), name
            assert sentence in str(reason), (name, reason)
    assert {said[name] for name in ("steep", "flat", "flatter", "steeper")} == {("ok", None)}
    claims = judged(paper, found)
    own = judged(bound(root), plain)
    assert without_candidates(claims) == without_candidates(own)
    verdicts = {one.contender: one.verdict for one in claims["line/falls"].candidates}
    assert verdicts["raises"] == "inconclusive"
    assert verdicts["steeper"] == "reproduced"
    [reason] = [c.reason for c in claims["line/falls"].candidates if c.contender == "raises"]
    assert "Not judged on evidence: contender raises is failed: it raised Attr" in reason


def test_who_draws_from_a_global_stream_repeats(root: Path) -> None:
    """Its numbers come from its own stream of the block, whatever ran before it in the process."""
    (root / "draws.py").write_text(BAD["draws"][0])
    (root / "other.py").write_text("import numpy\ndef solve(p):\n    return numpy.random.rand(3)\n")
    alone = evidence(root, with_candidates(root, "draws"), fresh=True)
    after = evidence(root, with_candidates(root, "other", "draws"), fresh=True)

    def gaps(found: dict[tuple[str, str], ContenderEvidence], name: str) -> list[Any]:
        from claimbench.evidence.table import subject

        one = found["line", name]
        return subject(one, one.job.paper.designs["line"])["gap"].tolist()

    assert gaps(alone, "draws") == gaps(after, "draws")
    assert gaps(after, "draws") != gaps(after, "other")  # the stream is the candidate's own
    # Cells of a block share their streams, replicates do not.
    assert len({value for row in gaps(alone, "draws") for value in row}) == 6


def test_it_is_tuned_as_everybody_and_plays_where_the_method_does(tmp_path: Path) -> None:
    """By the criterion, on tuning's own replicates; at the method's cells only."""
    tuning = 'budget = 20\ntuning = { trials = 3, replicates = 2, criterion = "gap" }'
    where = 'experiment = "line"\nwhere = { T = [2, 4] }\nestimand = "growth"'
    make(
        tmp_path,
        claim__toml=edited(
            CLAIM_TOML,
            ("budget = 20", tuning),
            ('experiment = "line"\nestimand = "growth"', where),
        ),
        bench_line__py=edited(BENCH, ("@line.method\n", "@line.method(where={'T': (2, 4)})\n")),
    )
    (tmp_path / "tuned.py").write_text(TUNED)
    paper = with_candidates(tmp_path, "tuned")
    found = evidence(tmp_path, paper)
    own = found["line", "tuned"]

    assert set(map(repr, own.tuned.values())) == {"{'rate': 2.0}"}
    assert len(own.tuned) == 2
    assert {unit.cells[0]["T"] for unit in own.units} == {2, 4}
    [growth] = judged(paper, found)["line/falls"].candidates
    assert growth.effect is not None
    assert growth.effect.value == pytest.approx(-2.0)


@pytest.fixture(scope="module")
def races(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make(tmp_path_factory.mktemp("races"), claim__toml=CLAIMS, bench_line__py=RACE)
    (root / "steeper.py").write_text(STEEPER)
    (root / "near.py").write_text("RATE = 2.0\n")
    return root


@pytest.fixture(scope="module")
def done(races: Path) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """A session with two candidates in one experiment and one in a race, and its record."""
    words = [
        "--candidate", f"toy/line:line={races}/steeper.py:solve",
        "--candidate", "toy/line:line=steeper.py:solve:again",
        "--candidate", "toy/line:quick=steeper.py:solve:racer",
    ]  # fmt: skip
    finished = bench(races, "-v", *words)
    assert "record: " in finished.stdout, finished.stdout + finished.stderr
    return finished, records(races)[-1]


def test_a_session_shows_its_candidates(done: Any) -> None:
    """As items, and with their verdicts at the end."""
    finished, _ = done

    assert finished.returncode == 0, finished.stdout
    assert "::line[steeper] PASSED" in finished.stdout
    assert "::quick[racer] PASSED" in finished.stdout
    assert "candidate steeper (steeper.py:solve) in toy/line line: ok" in finished.stdout
    assert "  line/beats-flat: reproduced, 6 [6, 6]" in finished.stdout
    assert "    against the method steep: reproduced, 3 [3, 3]" in finished.stdout
    assert "candidate racer (steeper.py:solve) in toy/line quick: ok" in finished.stdout


def test_a_record_names_the_source_and_no_folder(races: Path, done: Any) -> None:
    """File, object and digest; the words of the command keep the file's name."""
    _, record = done
    found = {one["name"]: one for one in record["contenders"] if one["role"] == "candidate"}

    assert set(found) == {"steeper", "again", "racer"}
    assert found["steeper"]["source"]["file"] == "steeper.py"
    assert found["steeper"]["source"]["object"] == "solve"
    assert len(found["steeper"]["source"]["digest"]) == 64
    assert "--candidate toy/line:line=steeper.py:solve" in record["command"]
    assert str(races) not in json.dumps(record)
    assert all(one["source"] == {} for one in record["contenders"] if one["name"] not in found)


def test_a_candidate_in_a_race_is_interleaved(done: Any) -> None:
    """One block a round, as everybody's, and never from the store."""
    _, record = done
    quick = {o["name"]: o for o in record["contenders"] if o["experiment"] == "quick"}

    assert {o["blocks"] for o in quick.values()} == {3}
    assert {o["blocks_from_store"] for o in quick.values()} == {0}


def test_its_report_shows_it_as_a_candidate(races: Path, done: Any) -> None:
    """With its meetings, beside the claim's own subjects."""
    [path] = [line for line in done[0].stdout.splitlines() if line.startswith("report: ")]
    page = (races / path.removeprefix("report: ")).read_text()

    assert "candidate, against flat" in page
    assert "candidate steeper against the method" in page


def test_a_wrong_word_stops_the_session(races: Path) -> None:
    """Before anything runs, with exit code 4."""
    word = "toy/line=nowhere.py:solve"
    finished = run(races, "suite", "--benchmark-only", "--candidate", word)

    assert finished.returncode == 4
    assert "is missing: 'nowhere.py'; allowed: near.py, steeper.py" in finished.stderr


def config_of(root: Path, *words: str) -> Any:
    """Return as much of pytest's config as candidates are read from."""
    return SimpleNamespace(
        option=SimpleNamespace(claimbench_candidates=list(words)),
        invocation_params=SimpleNamespace(dir=root),
        rootpath=root,
    )


def test_an_unknown_paper_is_told_before_anything_is_imported(races: Path) -> None:
    """From the folders of the suite alone."""
    with pytest.raises(CandidateError, match="'toy/lime'; allowed: toy/line; did you mean"):
        options._candidates(config_of(races, "toy/lime=steeper.py:solve"))


def test_a_paper_that_is_not_collected_is_told(races: Path) -> None:
    """A candidate that took no part would be missed by nobody."""
    specs = options._candidates(config_of(races, "toy/line=steeper.py:solve"))
    session = Session(cast(Options, SimpleNamespace(candidates=specs, budget=None)))
    session.collected = {"toy/second"}

    with pytest.raises(CandidateError, match="does not collect: 'toy/line'; allowed: toy/second"):
        session.check_candidates()
    session.collected.add("toy/line")
    session.check_candidates()


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("toy/line=/home/me/mine.py:solve", "toy/line=mine.py:solve"),
        ("--candidate=toy/line:quick=/a/b/mine.py:f:g", "--candidate=toy/line:quick=mine.py:f:g"),
        ("toy/line=mine/fast.py:solve", "toy/line=mine/fast.py:solve"),
        ("toy/line=theirs", "toy/line=theirs"),
        ("--results-dir=/a/b/results", "--results-dir=results"),
        ("/scratch", "scratch"),
        ("~/results", "results"),
        ("/home/me/checkout/suite/toy/line", "suite/toy/line"),
        ("-k a/b", "-k a/b"),
    ],
)
def test_a_command_keeps_no_folder_of_the_machine(word: str, kept: str) -> None:
    """A relative path says where in the project the candidate lies; an absolute one says more."""
    root = Path("/home/me/checkout")

    assert list(options._without_folders(["suite", word], root)) == ["suite", kept]
