"""Two revisions side by side: a slower kernel is seen, an equal one is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from toy import METHOD, edit, edited, environment, imports_of_its_own, make

from claimbench.duet.kernels import kernels
from claimbench.duet.rounds import Duet, asked
from claimbench.duet.worktrees import checkout
from claimbench.errors import UsageError

#: Work of a length that is known: products, on one core.
PRODUCTS = """    x = ones((120, 120))
    for _ in range(LOOPS):
        x = x @ x * 1e-3
    problem.calls"""
WORK = edited(
    METHOD,
    ("from numpy import exp", "from numpy import exp, ones"),
    ("    problem.calls", PRODUCTS),
    ("\ndef descend", "\nLOOPS = 400\n\ndef descend"),
)


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with three commits: `base`, `same` (a comment), `slow` (twice the work)."""
    root = make(tmp_path_factory.mktemp("duet"), method__py=WORK)
    method = root / "suite/toy/line/method.py"
    git(root, "init", "-q")
    for name in ("base", "same", "slow"):
        if name == "same":
            method.write_text(f"# A comment.\n{method.read_text()}")
        if name == "slow":
            edit(method, ("LOOPS = 400", "LOOPS = 800"))
        git(root, "add", "-A")
        git(root, "-c", "user.email=a@example.org", "-c", "user.name=A", "commit", "-qm", name)
        git(root, "tag", name)
    return root


def duet(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    main = "from claimbench.cli import main; raise SystemExit(main())"
    return subprocess.run(
        [sys.executable, "-c", main, "duet", *words],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_twice_the_work_is_slower(clone: Path) -> None:
    """Each side runs its own method; the exit code is 1, and the line has the seconds of both."""
    found = duet(clone, "base", "slow", "line/falls", "--format", "json")
    whole = json.loads(found.stdout)

    assert found.returncode == 1, found.stdout
    [finding] = whole["findings"]
    assert finding["name"] == "toy/line/line [T=4]: steep"
    assert finding["state"] == "regressed"
    assert "a second look confirms it" in finding["reason"]
    assert git(clone, "worktree", "list").count("\n") == 0


def test_half_the_work_is_an_improvement(clone: Path) -> None:
    """The other way round, with the working tree as head."""
    git(clone, "checkout", "-q", "base")
    found = duet(clone, "slow", ".", "line/falls")
    git(clone, "checkout", "-q", "-")

    assert found.returncode == 0, found.stderr
    assert "improved: toy/line/line [T=4]: steep" in found.stdout


def test_a_comment_is_no_slower(clone: Path) -> None:
    """Quiet, with the slowdown that would have been seen."""
    found = duet(clone, "base", "same", "line/falls")

    assert found.returncode == 0, found.stdout
    assert "would be seen" in found.stdout
    assert "regressed" not in found.stdout


@pytest.mark.parametrize(
    ("spread", "seconds", "fewest", "most"),
    [(0.001, 0.05, 20, 20), (0.1, 0.05, 40, 400), (0.1, 1.0, 30, 30), (0.1, 10.0, 20, 20)],
)
def test_noise_asks_for_more_rounds(
    clone: Path, spread: float, seconds: float, fewest: int, most: int
) -> None:
    """Twice as many where they agree, a minute's at most where they do not; then it is enough."""
    with imports_of_its_own():
        [kernel] = kernels(clone, ["line/falls"], profile="standard")
    ratios = tuple(spread * x for x in (-1.2, 0.3, 0.9, -0.4, 1.4, -0.8, 0.1, 0.6, -1.0, 0.2))

    assert fewest <= asked(Duet(kernel, ratios, (seconds, seconds))) <= most
    if spread < 0.01:
        assert asked(Duet(kernel, 2 * ratios, (seconds, seconds))) == 20


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere", "."), "git can't check that revision out: 'nowhere'"),
        (("base", ".", "line/rises"), "unknown claim: 'line/rises'"),
    ],
)
def test_unknown_revisions_and_claims_are_refused(
    clone: Path, words: tuple[str, ...], message: str
) -> None:
    """With what is allowed, and exit code 4."""
    found = duet(clone, *words)

    assert found.returncode == 4
    assert message in found.stderr


def test_a_kernel_that_only_one_side_has_is_not_timed(clone: Path) -> None:
    """Said, and no failure."""
    bench = clone / "suite/toy/line/bench_line.py"
    text = bench.read_text()
    try:
        edit(bench, ("def steep(problem):", "def steep_new(problem):"))
        edit(clone / "suite/toy/line/claim.toml", ('"steep"', '"steep_new"'))
        found = duet(clone, "base", ".", "line/falls")
    finally:
        git(clone, "checkout", "-q", ".")
    assert bench.read_text() == text
    assert found.returncode == 0
    assert "inconclusive: toy/line/line [T=4]: steep_new" in found.stdout
    assert "not timed: base" in found.stdout


def test_the_working_tree_is_not_copied(clone: Path) -> None:
    """`.` is the checkout itself, with its changes; another revision is a folder apart."""
    with checkout(clone, ".") as here, checkout(clone, "base") as there:
        assert here == clone
        found = (there / "suite/toy/line/method.py").read_text().strip()
        assert found == git(clone, "show", "base:suite/toy/line/method.py")
    assert not there.exists()
    with pytest.raises(UsageError), checkout(clone, "--help"):
        pass
