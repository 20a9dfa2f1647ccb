"""Which changed files the gate blames for a result that got worse."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest
from reporting import claim, record, write_run
from toy import edit, make

from claimbench.gate import show
from claimbench.gate.accepted import Accepted
from claimbench.gate.accepting import accept
from claimbench.gate.finding import Finding
from claimbench.gate.gate import Gate
from claimbench.gate.likely import likely, with_likely_files
from claimbench.record import Record

METHOD = "suite/toy/line/method.py"


def git(root: Path, *words: str) -> str:
    own = ("-c", "user.email=a@example.org", "-c", "user.name=A")
    done = subprocess.run(
        ["git", *own, *words], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(root: Path, words: str) -> str:
    git(root, "add", "-A")
    git(root, "commit", "-qm", words)
    return git(root, "rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a checkout whose paper has a helper of its own, one shared, and an opponent."""
    root = make(
        tmp_path / "clone",
        helper__py="from suite.toy.shared import x\n",
        unused__py="",
        method__py="""
from numpy import exp

from . import helper


def descend(problem, rate):
    from baselines import line as pins

    return exp(-rate * problem.T + problem.noise)
""",
    )
    (root / "suite/toy/shared").mkdir()
    (root / "suite/toy/shared/__init__.py").write_text("x = 1\n")
    (root / "baselines/line.py").touch()
    (root / "baselines/other.py").touch()
    git(root, "init", "-q")
    commit(root, "first")
    return root


def held(root: Path, tmp_path: Path, name: str = "line/falls") -> tuple[Record, Accepted]:
    """Return a record of what is checked out, accepted, of one claim of the toy paper."""
    one = dataclasses.replace(claim(), id=name, paper="toy/line", experiment="line")
    paper = dataclasses.replace(record().papers[0], id="toy/line")
    run = record(
        claims=[one],
        contenders=[],
        papers=[paper],
        pins={},
        revision=git(root, "rev-parse", "HEAD"),
    )
    return run, accept(run, write_run(tmp_path, run, {}), None)[0]


def blamed(root: Path, run: Record, accepted: Accepted, **changes: object) -> tuple[str, ...]:
    facts = {"name": "line/falls", "state": "regressed", "reason": "", "paper": "toy/line"}
    found = Gate((Finding(**(facts | {"experiment": "line"} | changes)),), ())
    return with_likely_files(found, run, accepted, root).findings[0].files


def test_the_method_comes_first_and_what_is_not_used_last(clone: Path) -> None:
    """Then what the bench file imports, also inside functions; then the folder, then opponents."""
    changed = [
        "README.md",
        "baselines/accepted/standard.json",
        "baselines/line.py",
        "baselines/other.py",
        "src/claimbench/verdict.py",
        "suite/toy/line/bench_line.py",
        "suite/toy/line/helper.py",
        METHOD,
        "suite/toy/line/unused.py",
        "suite/toy/linear/method.py",
        "suite/toy/shared/__init__.py",
    ]

    assert likely(clone, "toy/line", changed) == (
        METHOD,
        "suite/toy/line/bench_line.py",
        "suite/toy/line/helper.py",
        "baselines/line.py",
        "suite/toy/shared/__init__.py",
        "suite/toy/line/unused.py",
        "baselines/other.py",
        "src/claimbench/verdict.py",
    )


def test_commits_since_the_accepted_one_are_blamed(clone: Path, tmp_path: Path) -> None:
    """Not what was changed before, and not what is not committed when the record says clean."""
    _, accepted = held(clone, tmp_path)
    edit(clone / METHOD, ("-rate", "+rate"))
    commit(clone, "a wrong sign")
    run, _ = held(clone, tmp_path)
    edit(clone / "suite/toy/line/bench_line.py", ("1.5", "1.6"))

    assert blamed(clone, run, accepted) == (METHOD,)
    assert blamed(clone, run, held(clone, tmp_path)[1]) == ()


def test_uncommitted_changes_are_blamed_where_the_record_has_them(
    clone: Path, tmp_path: Path
) -> None:
    """Files that git does not know yet, too."""
    run, accepted = held(clone, tmp_path)
    edit(clone / METHOD, ("-rate", "+rate"))
    (clone / "suite/toy/line/fresh ä.py").touch()
    dirty = dataclasses.replace(run, dirty=True)

    assert blamed(clone, dirty, accepted) == (METHOD, "suite/toy/line/fresh ä.py")


def test_a_ratio_of_seconds_is_blamed_on_its_race(clone: Path, tmp_path: Path) -> None:
    """By the claims of the same experiment, as a ratio was accepted with them."""
    _, accepted = held(clone, tmp_path)
    edit(clone / METHOD, ("-rate", "-1 * rate"))
    commit(clone, "slower")
    run, _ = held(clone, tmp_path)

    assert blamed(clone, run, accepted, name="toy/line/line: a / b") == (METHOD,)
    assert blamed(clone, run, accepted, name="toy/line/x: a / b", experiment="x") == ()


def test_what_did_not_regress_is_not_blamed_on_anybody(clone: Path, tmp_path: Path) -> None:
    """However much has changed."""
    run, accepted = held(clone, tmp_path)
    edit(clone / METHOD, ("-rate", "+rate"))
    dirty = dataclasses.replace(run, dirty=True)

    assert blamed(clone, dirty, accepted, state="inconclusive") == ()


def test_nothing_is_said_when_git_can_not_tell(clone: Path, tmp_path: Path) -> None:
    """An accepted commit that this clone lacks, and a folder that is no clone."""
    run, accepted = held(clone, tmp_path)
    elsewhere = dataclasses.replace(accepted.claims["line/falls"], revision="f" * 40)
    unknown = dataclasses.replace(accepted, claims={"line/falls": elsewhere})
    dirty = dataclasses.replace(run, dirty=True)
    edit(clone / METHOD, ("-rate", "+rate"))

    assert blamed(clone, dirty, accepted) == (METHOD,)
    assert blamed(clone, dirty, unknown) == ()
    assert blamed(tmp_path, dirty, accepted) == ()


def test_text_markdown_and_junit_name_the_files() -> None:
    """The best guess alone, then the others, of which only some are named."""
    one = Finding("p/c", "regressed", "fell.", paper="p", files=("m.py",))
    more = dataclasses.replace(one, files=("m.py", *"abcdef"))

    assert "likely file: m.py\n" in "\n".join(show.lines(Gate((one,), ())))
    assert "fell. likely file: m.py |" in show.markdown(Gate((one,), ()))
    assert "likely file: m.py" in show.junit(Gate((one,), ()))
    assert show.suspects(more) == "likely file: m.py; also changed: a, b, c, d and 2 more"
    assert '"files": [\n    "m.py"\n   ]' in show.to_json(Gate((one,), ()))
