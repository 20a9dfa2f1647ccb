"""asv over the commits of a repository: each runs its own code, and nothing is installed."""

from __future__ import annotations

import json
import math
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy import METHOD, edit, edited, environment, make

from claimbench.fingerprint import fingerprint_id

ROOT = Path(__file__).parents[2]
KERNEL = "toy/line/line [T=2]: steep"
TIME = "kernels.Kernels.time_kernel"
#: Work whose length does not depend on what else the machine does.
WORK = edited(
    METHOD,
    (
        "from numpy import exp",
        "from time import sleep\n\nfrom numpy import exp\n\nfrom baselines.toy import FACTOR",
    ),
    ("    problem.calls", "    sleep(PAUSE * FACTOR)\n    problem.calls"),
    ("\ndef descend", "\nPAUSE = 0.01\n\ndef descend"),
)


def git(root: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(root: Path, name: str) -> None:
    git(root, "add", "-A")
    git(root, "-c", "user.email=a@example.org", "-c", "user.name=A", "commit", "-qm", name)
    git(root, "tag", name)


def asv(root: Path, *words: str, engine: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run asv there with an empty home, and no index that pip or anything else could reach."""
    nowhere = "http://127.0.0.1:9"
    env = environment() | {
        "HOME": str(root / "home"),
        "PYTHONPATH": str((engine or root) / "src"),
        "PIP_NO_INDEX": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), nowhere),
    }
    return subprocess.run(
        [sys.executable, "-m", "asv", *words],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository of three commits.

    `slow` takes five times as long as `base`; `more` has a second paper.
    """
    root = make(tmp_path_factory.mktemp("asv"), method__py=WORK)
    (root / "baselines/toy.py").write_text("FACTOR = 1\n")
    (root / "home").mkdir()
    (root / ".gitignore").write_text("home\n.asv\nresults\n__pycache__\n")
    shutil.copy(ROOT / "asv.conf.json", root)
    ours = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", root / "src", ignore=ours)
    git(root, "init", "-q")
    commit(root, "base")
    edit(root / "suite/toy/line/method.py", ("PAUSE = 0.01", "PAUSE = 0.05"))
    commit(root, "slow")
    make(root, slug="curve", method__py=WORK)
    commit(root, "more")
    return root


def results(root: Path, revision: str) -> dict[str, Any]:
    """Return what asv kept of a commit, but what is n/a: benchmark -> parameter -> number."""
    short = git(root, "rev-parse", revision)[:8]
    [file] = (root / "results/history").glob(f"*/{short}-*.json")
    found = {}
    for name, row in json.loads(file.read_text())["results"].items():
        numbers, [names] = row[:2]
        pairs = zip((one.strip("'") for one in names), numbers or [], strict=False)
        found[name] = {one: number for one, number in pairs if not math.isnan(number)}
    return found


def keep_record(root: Path, revision: str) -> None:
    """Write as much of a record as is followed, made at that commit."""
    claim = {"id": "line/falls", "kind": "rate", "threshold": -0.8, "margin": 0.1}
    record = {
        "revision": git(root, "rev-parse", revision),
        "complete": True,
        "dirty": False,
        "created": "20260301T000000Z",
        "claims": [{**claim, "effect": {"value": -0.8}}],
    }
    file = root / f"results/standard/machine/{record['created']}-{record['revision'][:8]}.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(record))


def test_commits_are_measured_each_with_its_own_method(clone: Path) -> None:
    """A method that takes five times as long is seen to; what a commit lacks is n/a."""
    keep_record(clone, "slow")
    done = asv(clone, "run", "ALL", "-a", "rounds=1", "--show-stderr")
    assert done.returncode == 0, done.stdout + done.stderr

    before, after = (results(clone, name) for name in ("base", "slow"))
    assert list(before[TIME]) == [KERNEL]
    assert 3 < after[TIME][KERNEL] / before[TIME][KERNEL] < 6
    assert before["kernels.Kernels.peakmem_kernel"][KERNEL] > 50e6
    assert after["claims.Claims.track_shortfall"] == {"line/falls": pytest.approx(1.0)}
    assert set(results(clone, "more")[TIME]) == {KERNEL, KERNEL.replace("/line/", "/curve/", 1)}


def test_nothing_is_installed(clone: Path) -> None:
    """The environment holds one file, and no pip; no machine file is made in the home folder."""
    [packages] = (clone / ".asv/env").glob("*/lib/python*/site-packages")

    assert [path.name for path in packages.iterdir()] == ["borrowed.pth"]
    assert list((clone / "home").iterdir()) == []


def test_results_name_no_host_and_no_path(clone: Path) -> None:
    """What would be committed has the machine's fingerprint, and nothing of the place."""
    history = clone / "results/history"
    files = [path for path in history.rglob("*") if path.is_file()]

    assert len(files) == 5
    assert [path.name for path in history.iterdir() if path.is_dir()] == [fingerprint_id()]
    for path in files:
        text = path.read_text()
        assert f'"{platform.node()}"' not in text
        assert str(clone) not in text
        assert sys.prefix not in text


def test_the_history_can_be_published(clone: Path) -> None:
    """`asv publish` makes its pages and exits 0."""
    done = asv(clone, "publish")

    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / ".asv/html/index.html").is_file()
    pages = list((clone / ".asv/html/graphs").rglob("kernels.Kernels.time_kernel.json"))
    assert 3 in [len(json.loads(page.read_text())) for page in pages]


@pytest.mark.exam
def test_baselines_and_engine_are_the_commits_too(clone: Path) -> None:
    """Other baselines are slower; an engine whose clock says 7 s takes 7 s; other names are n/a."""
    (clone / "baselines/toy.py").write_text("FACTOR = 3\n")
    commit(clone, "baselines")
    clock = clone / "src/claimbench/evidence/clock.py"
    edit(clock, ("seconds = now() - start", "seconds = 7.0"))
    commit(clone, "clock")
    edit(clone / "suite/toy/line/bench_line.py", ("def steep(", "def steeper("))
    edit(clone / "suite/toy/curve/problem.py", ("line(T,", "line(S,"), ("Line(T,", "Line(S,"))
    commit(clone, "names")
    git(clone, "checkout", "-q", "more")
    try:
        done = asv(clone, "run", "more..names", "--bench", "time_")
    finally:
        git(clone, "checkout", "-q", "-f", "slow")
    assert done.returncode == 0, done.stdout + done.stderr

    slow, other, timed = (
        results(clone, name)[TIME][KERNEL] for name in ("slow", "baselines", "clock")
    )
    assert 2 < other / slow < 4
    assert timed == pytest.approx(7.0)
    assert results(clone, "names")[TIME] == {}


@pytest.mark.exam
def test_continuous_fails_on_the_slowdown(clone: Path) -> None:
    """`asv continuous` exits 1 where a method became slower, and 0 where it became faster."""
    worse = asv(clone, "continuous", "base", "slow")
    assert worse.returncode == 1, worse.stdout + worse.stderr
    assert "PERFORMANCE DECREASED" in worse.stdout
    assert "kernels.Kernels.time_kernel" in worse.stdout
    assert KERNEL in worse.stdout

    better = asv(clone, "continuous", "slow", "base")
    assert better.returncode == 0, better.stdout + better.stderr
    assert "PERFORMANCE INCREASED" in better.stdout


def test_an_engine_of_another_checkout_is_refused(clone: Path) -> None:
    """asv measures with the plugin of the tree it runs in, or says how to get it."""
    done = asv(clone, "check", engine=ROOT)

    assert done.returncode == 1
    assert "asv has the engine of another checkout" in done.stderr + done.stdout
    assert "pip install --no-deps -e ." in done.stderr + done.stdout


def test_an_existing_environment_is_refused(clone: Path) -> None:
    """There every commit would run the code of the working tree."""
    done = asv(clone, "run", "--python=same", "--quick")

    assert done.returncode == 1
    assert "each commit runs its own code" in done.stderr + done.stdout
