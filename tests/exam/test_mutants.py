"""The faults that the gate must notice: they still apply, and the harness tells who survives."""

from __future__ import annotations

import subprocess
import tomllib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from mutate import ROOT, Mutant, Outcome, examine, mutants, verdict
from toy import make

ALL = mutants()


@pytest.mark.parametrize("mutant", ALL, ids=lambda one: f"{one.paper}: {one.id}")
def test_a_fault_still_applies(mutant: Mutant) -> None:
    """Its text occurs once in the method, the new text is Python, and its claims exist."""
    text = mutant.method(ROOT).read_text(encoding="utf-8")
    claims = tomllib.loads((ROOT / "suite" / mutant.paper / "claim.toml").read_text())["claim"]

    assert text.count(mutant.old) == 1
    assert mutant.old != mutant.new
    compile(text.replace(mutant.old, mutant.new), mutant.id, "exec")
    assert set(mutant.claims) <= {claim["id"] for claim in claims}


def test_each_paper_has_three_faults_of_its_own() -> None:
    """No paper is left out, and no name is used twice."""
    papers = {
        p.parent.relative_to(ROOT / "suite").as_posix() for p in ROOT.glob("suite/*/*/claim.toml")
    }

    assert {
        paper: n >= 3 for paper, n in Counter(one.paper for one in ALL).items()
    } == dict.fromkeys(papers, True)
    assert max(Counter((one.paper, one.id) for one in ALL).values()) == 1


@pytest.mark.exam
def test_a_fault_in_a_toy_is_called_and_a_change_without_effect_is_not(tmp_path: Path) -> None:
    """The whole way: a checkout apart, the run without a fault accepted, then one by one."""
    root = make(tmp_path / "toy")
    (root / ".gitignore").write_text("results/\nreports/\n__pycache__/\n")
    own = ("-c", "user.email=a@example.org", "-c", "user.name=A")
    for words in (("init", "-q"), ("add", "-A"), (*own, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=root, check=True)
    sign = Mutant("toy/line", "rises", "a wrong sign", "-rate *", "+rate *", ["falls"])
    same = replace(sign, id="same", fault="nothing", new="-1 * rate *")
    found = list(examine([sign, same], root, None))

    assert [(one.mutant, one.state) for one in found] == [
        ("(no fault)", "ok"),
        ("rises", "regressed"),
        ("same", "ok"),
    ]
    assert "-rate *" in sign.method(root).read_text()
    assert (
        subprocess.run(
            ["git", "worktree", "list"], cwd=root, check=True, capture_output=True, text=True
        ).stdout.count("\n")
        == 1
    )


CALLED = Outcome("p/a", "m", "a wrong sign", "regressed", "c", "", 1.0, "")
SURVIVOR = replace(CALLED, state="ok", mutant="s")
SOUND = replace(CALLED, state="ok", fault="none")


@pytest.mark.parametrize(
    ("outcomes", "wrong"),
    [
        ([SOUND, *[CALLED] * 9, replace(SURVIVOR, survives="why")], []),
        ([SOUND, *[CALLED] * 9, SURVIVOR], ["p/a: s survives, and its file does not say why"]),
        (
            [SOUND, *[CALLED] * 8, *[replace(SURVIVOR, survives="why")] * 2],
            ["fewer than 90% are called regressed"],
        ),
        ([replace(SOUND, state="inconclusive"), CALLED], ["p/a without a fault is inconclusive: "]),
    ],
)
def test_nine_of_ten_must_be_called_and_survivors_explained(
    outcomes: list[Outcome], wrong: list[str]
) -> None:
    """And what has no fault must be quiet."""
    assert verdict(outcomes)[2] == wrong
