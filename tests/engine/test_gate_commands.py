"""The gate as a user meets it: accept a run, change a method, run again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from toy import CLAIM_TOML, bench, edit, environment, make, records

#: The control and its claim draw no noise of their own; a flat line that is steeper regresses.
QUIET = "Gate: ok. 2 ok."


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a committed checkout whose first run was accepted."""
    root = make(tmp_path_factory.mktemp("gate"))
    (root / ".gitignore").write_text("results/\nreports/\n__pycache__/\n")
    for words in (
        ("init", "-q"),
        ("config", "user.email", "a@example.org"),
        ("config", "user.name", "A"),
        ("add", "-A"),
        ("commit", "-qm", "first"),
    ):
        subprocess.run(["git", *words], cwd=root, check=True)
    assert bench(root).returncode == 0
    return root


def claimbench(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from claimbench.cli import main; raise SystemExit(main())", *words],
        cwd=root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def newest(root: Path) -> str:
    found = sorted((root / "results/standard").glob("*/*-*.json"), key=lambda p: p.stat().st_mtime)
    return str([path for path in found if ".gate." not in path.name][-1])


def test_the_life_of_a_gate(checkout: Path) -> None:
    """Nothing accepted, accepted, quiet, regressed, changed goalposts: each with its exit code."""
    nothing = claimbench(checkout, "gate", newest(checkout))
    assert nothing.returncode == 2
    assert 'claimbench accept RECORD --why "the first"' in nothing.stderr
    assert bench(checkout, "--gate").returncode == 2

    assert claimbench(checkout, "accept", newest(checkout), "--why", " ").returncode == 4
    done = claimbench(checkout, "accept", newest(checkout), "--why", "the first")
    assert done.returncode == 0, done.stderr
    assert "2 claims accepted, 2 of them changed" in done.stdout
    log = (checkout / "baselines/accepted/log.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["why"] == "the first"
    assert (checkout / "reports/standard.html").is_file()
    assert len(list((checkout / "results/accepted/standard").glob("*/*.json"))) == 1

    quiet = bench(checkout, "--gate", "--fresh")
    assert quiet.returncode == 0, quiet.stdout
    assert QUIET in quiet.stdout
    again = claimbench(checkout, "gate", newest(checkout), "--strict", "--format", "json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["counts"] == {"ok": 2}

    edit(checkout / "suite/toy/line/method.py", ("-rate *", "-0.7 * rate *"))
    broken = bench(checkout, "--gate")
    assert broken.returncode == 1, broken.stdout
    assert "regressed: line/falls" in broken.stdout
    assert "the verdict was reproduced and is not reproduced" in broken.stdout
    files = {path.name.rpartition(".gate.")[2] for path in checkout.glob("results/**/*.gate.*")}
    assert files == {"md", "json", "xml"}
    markdown = claimbench(checkout, "gate", newest(checkout), "--format", "markdown")
    assert markdown.returncode == 1
    assert "| regressed |" in markdown.stdout

    assert "likely file: suite/toy/line/method.py" in broken.stdout
    some = bench(checkout, "--gate", "-k", "falls")
    assert "it was not judged: no evidence of" in some.stdout
    assert some.returncode == 1
    assert bench(checkout, "--gate", "-k", "nothing-of-the-sort").returncode == 5
    assert bench(checkout, "--gate", "--profile", "slow").returncode == 4

    edit(checkout / "suite/toy/line/method.py", ("-0.7 * rate *", "-rate *"))
    edit(checkout / "suite/toy/line/claim.toml", ("threshold = -0.8", "threshold = -0.7"))
    moved = bench(checkout, "--gate")
    assert moved.returncode == 2
    assert "what was fixed before the run has changed" in moved.stdout
    dirty = claimbench(checkout, "accept", newest(checkout), "--why", "moved")
    assert dirty.returncode == 2
    assert "uncommitted changes" in dirty.stderr
    assert records(checkout)


def test_the_gate_writes_github_s_summary(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Appended to the file that GITHUB_STEP_SUMMARY names, by the run and by the command."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    (checkout / "suite/toy/line/claim.toml").write_text(CLAIM_TOML)
    bench(checkout, "--gate")
    claimbench(checkout, "gate", newest(checkout))

    assert (tmp_path / "summary.md").read_text().count("### claimbench: Gate:") == 2


def test_a_record_that_is_none_is_refused(checkout: Path, tmp_path: Path) -> None:
    """Corrupt, with a number that JSON does not have, and absent."""
    (tmp_path / "x.json").write_text("{")
    (tmp_path / "nan.json").write_text('{"schema": 1, "seed": NaN}')

    for name in ("x.json", "nan.json", "y.json"):
        found = claimbench(checkout, "gate", str(tmp_path / name))
        assert found.returncode == 2
        assert "pytest suite --benchmark-only" in found.stderr
