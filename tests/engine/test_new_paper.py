"""``claimbench new-paper``: the files of a claim, as a sketch that runs and judges nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy
from mutate import mutants
from test_conventions import offences

from claimbench.binding import bind
from claimbench.checkout import PaperFiles
from claimbench.cli import main
from claimbench.pins import read_pins

ROOT = Path(__file__).parents[2]
#: The longest names, so that lines are as long as they get.
DOMAIN, SLUG = "a_domain_of_ours", "a_paper_with_a_long_name"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the project's settings and one new paper."""
    root = tmp_path_factory.mktemp("checkout")
    # ruff takes for the project's own what lies in src/.
    (root / "src").symlink_to(ROOT / "src")
    (root / "suite").mkdir()
    (root / "baselines").mkdir()
    shutil.copy(ROOT / "pyproject.toml", root)
    shutil.copy(ROOT / "baselines" / "pins.toml", root / "baselines")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        assert main(["new-paper", DOMAIN, SLUG]) == 0
    return root


def files(root: Path) -> list[str]:
    names = ("suite", "baselines", "tests")
    return sorted(
        path.relative_to(root).as_posix()
        for name in names
        for path in (root / name).rglob("*")
        if path.suffix in {".py", ".toml"}
    )


def test_the_files_of_a_paper_are_there(checkout: Path) -> None:
    """Four in the suite, an opponent with its pin, a test, and faults for `make mutants`."""
    assert files(checkout) == [
        f"baselines/{DOMAIN}/{SLUG}.py",
        "baselines/pins.toml",
        f"suite/{DOMAIN}/{SLUG}/bench_{SLUG}.py",
        f"suite/{DOMAIN}/{SLUG}/claim.toml",
        f"suite/{DOMAIN}/{SLUG}/method.py",
        f"suite/{DOMAIN}/{SLUG}/problem.py",
        f"tests/exam/mutants/{SLUG}.toml",
        f"tests/suite/{DOMAIN}/{SLUG}/test_bench.py",
    ]


def test_it_is_tidy_and_keeps_the_conventions(checkout: Path) -> None:
    """ruff and codespell find nothing, and no file keeps time or draws from a global stream."""
    for words in (["ruff", "check"], ["ruff", "format", "--check"], ["codespell"]):
        done = subprocess.run(
            [Path(sys.executable).with_name(words[0]), *words[1:], "suite", "baselines", "tests"],
            cwd=checkout, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout
    for name in files(checkout):
        if name.endswith(".py"):
            assert list(offences((checkout / name).read_text())) == []


def test_every_pin_is_read_and_the_new_one_is_used(checkout: Path) -> None:
    """The table that was added is whole, and the baseline says that it is its own."""
    before, after = (read_pins(root / "baselines" / "pins.toml") for root in (ROOT, checkout))
    (new,) = set(after) - set(before)

    assert new in (checkout / "suite" / DOMAIN / SLUG / f"bench_{SLUG}.py").read_text()


def test_its_faults_are_faults_of_its_method(checkout: Path) -> None:
    """There are three, each found once in the method, as tests/exam/test_mutants.py asks."""
    method = (checkout / "suite" / DOMAIN / SLUG / "method.py").read_text()
    faults = mutants(checkout / "tests" / "exam" / "mutants")

    assert len({fault.id for fault in faults}) == 3
    for fault in faults:
        assert (fault.paper, fault.claims) == (f"{DOMAIN}/{SLUG}", ["first-claim"])
        assert method.count(fault.old) == 1
        compile(method.replace(fault.old, fault.new), fault.id, "exec")


def test_its_own_tests_pass(checkout: Path) -> None:
    """As they are written."""
    done = toy.run(checkout, "tests", "-q")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


def test_it_runs_and_its_verdict_is_inconclusive(checkout: Path) -> None:
    """At the standard profile, because there are too few replicates to judge."""
    done = toy.bench(checkout)

    assert done.returncode == 0, done.stdout + done.stderr
    (claim,) = toy.records(checkout)[-1]["claims"]
    assert claim["id"] == f"{SLUG}/first-claim"
    assert claim["verdict"] == "inconclusive"
    assert claim["needed"] >= 5


@pytest.mark.exam
def test_what_the_author_raises_is_judged(checkout: Path) -> None:
    """With five replicates the sketch has a verdict: what held it back is their number alone."""
    path = checkout / "suite" / DOMAIN / SLUG / "claim.toml"
    text = path.read_text()
    path.write_text(toy.edited(text, ("replicates = 2", "replicates = 6")))
    try:
        done = toy.bench(checkout)
    finally:
        path.write_text(text)

    assert done.returncode == 0, done.stdout
    (claim,) = toy.records(checkout)[-1]["claims"]
    assert claim["verdict"] == "reproduced"
    assert claim["control"]["verdict"] == "not reproduced"


def test_its_interface_is_one_that_check_reads(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A method for the new paper is begun and checked like one for any other."""
    monkeypatch.chdir(checkout)
    with toy.imports_of_its_own():
        assert main(["new-method", SLUG, "mine.py"]) == 0
        assert main(["check", f"{SLUG}/first-claim", "mine.py:solve"]) == 0
    assert "Nothing is wrong" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("domain", "slug", "message"),
    [
        ("Optimization", "heavy_ball", "the domain's name is a folder and a module: 'Opt"),
        ("optimization", "heavy-ball", "the paper's name is a folder and a module: 'heavy-ball'"),
        ("optimization", "2fast", "a lower-case letter, then letters, digits and underscores"),
        ("optimization", "lambda", "no word of Python's"),
        ("optimization", "x" * 25, "24 at most"),
        ("../elsewhere", "heavy_ball", "the domain's name is a folder"),
        ("optimization", SLUG, f"there is a paper of this name.*: '{DOMAIN}/{SLUG}'"),
        ("optimization", "shared", r"nothing is overwritten: \['suite/optimization/shared'\]"),
        ("optimization", "tested", r"\['tests/suite/optimization/tested/test_bench.py'\]"),
    ],
)  # fmt: skip
def test_bad_names_are_refused(
    domain: str, slug: str, message: str, checkout: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """With what is allowed, exit code 4, and nothing written."""
    monkeypatch.chdir(checkout)
    (checkout / "suite" / "optimization" / "shared").mkdir(parents=True, exist_ok=True)
    taken = checkout / "tests" / "suite" / "optimization" / "tested" / "test_bench.py"
    taken.parent.mkdir(parents=True, exist_ok=True)
    taken.touch()
    before = files(checkout), (checkout / "baselines" / "pins.toml").read_text()

    assert main(["new-paper", domain, slug]) == 4
    assert re.search(message, capsys.readouterr().err)
    assert (files(checkout), (checkout / "baselines" / "pins.toml").read_text()) == before
    taken.unlink()


def test_the_sketch_fits_the_repository(checkout: Path) -> None:
    """Every name of its claim resolves at every profile, without a run."""
    for profile in ("smoke", "standard", "full"):
        with toy.imports_of_its_own():
            paper = bind(PaperFiles(checkout, DOMAIN, SLUG), profile)  # type: ignore[arg-type]
        assert [claim.id for claim in paper.claims] == ["first-claim"]
