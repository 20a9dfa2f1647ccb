"""``claimbench list``, ``show``, ``report`` and ``data``, as a user types them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from toy import CLAIM_TOML, edited, environment, make

from claimbench.cli import main

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "import sys; from claimbench.cli import main; sys.exit(main())"]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make(make(tmp_path), slug="curve")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_has_a_line_for_each_claim(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With kind, scale, whether it is primary, and the statement."""
    assert main(["list"]) == 0

    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["CLAIM", "KIND", "SCALE", "PRIMARY", "STATEMENT"]
    assert [line.split()[0] for line in lines] == [
        "curve/falls", "curve/beats-flat", "line/falls", "line/beats-flat",
    ]  # fmt: skip
    assert lines[2].split() == [
        "line/falls",
        "rate",
        "exact",
        "yes",
        *["The", "gap", "falls", "with", "T."],
    ]
    assert root.is_dir()


@pytest.mark.usefixtures("root")
def test_list_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON."""
    assert main(["list", "--json"]) == 0

    first = json.loads(capsys.readouterr().out)[0]
    assert first["id"] == "curve/falls"
    assert first["paper"] == "toy/curve"
    assert first["primary"] is True


@pytest.mark.usefixtures("root")
def test_show_tells_one_claim(capsys: pytest.CaptureFixture[str]) -> None:
    """Statement, source, rule, contenders, cells, and the command that runs it."""
    assert main(["show", "line/beats-flat"]) == 0

    out = capsys.readouterr().out
    for words in (
        "line/beats-flat  (superiority, exact scale, primary)",
        "A. Author: A straight line (2020), Table 1",
        "the 95% interval lies above 0 (worth having from 0.1)",
        "against   flat",
        "control   flatter, which must fail",
        "on        line at T = [2, 4]",
        "pytest suite/toy/line --benchmark-only -k beats-flat",
    ):
        assert words in out


@pytest.mark.usefixtures("root")
def test_show_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    """Paper, claim and experiment as registered."""
    assert main(["show", "line/falls", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)
    assert found["paper"]["id"] == "toy/line"
    assert found["claim"]["threshold"] == -0.8
    assert found["experiment"]["T"] == [1, 2, 4]


@pytest.mark.usefixtures("root")
def test_an_unknown_claim_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 4, and what there is."""
    assert main(["show", "line/fals"]) == 4

    error = capsys.readouterr().err
    assert "unknown claim: 'line/fals'; allowed: curve/falls," in error
    assert "did you mean 'line/falls'?" in error


def test_a_broken_claim_file_is_a_message(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and no traceback."""
    path = root / "suite" / "toy" / "line" / "claim.toml"
    path.write_text(edited(CLAIM_TOML, ('kind = "rate"', 'kind = "rat"')))

    assert main(["list"]) == 2
    assert "did you mean 'rate'?" in capsys.readouterr().err


def test_outside_of_a_checkout_usage_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 4, and where to go."""
    monkeypatch.chdir(tmp_path)

    assert main(["list"]) == 4
    assert "cd into the checkout" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["lst"], ["show"], ["list", "--jsn"], ["data"]])
def test_a_wrong_word_is_exit_code_four(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As pytest's."""
    with pytest.raises(SystemExit) as raised:
        main(words)

    assert raised.value.code == 4
    assert "usage: claimbench" in capsys.readouterr().err


@pytest.mark.usefixtures("root")
def test_a_report_without_a_record_says_what_writes_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2."""
    assert main(["report"]) == 2
    assert "there is no record" in capsys.readouterr().err


def test_a_record_of_another_schema_has_a_page(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a folder of its own: its profile is not to be trusted."""
    record = root / "later.json"
    record.write_text('{"schema": 7, "profile": "standard"}', encoding="utf-8")

    assert main(["report", str(record)]) == 0

    page = Path(capsys.readouterr().out.strip())
    assert page == root / "reports" / "foreign" / "later.html"
    assert "The record has schema 7" in page.read_text(encoding="utf-8")


def test_data_is_verified(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing pinned and nothing there is as it should be; a stranger in the folder is not."""
    assert main(["data", "verify"]) == 0
    (root / "datasets").mkdir()
    (root / "datasets" / "stranger.npy").touch()
    capsys.readouterr()

    assert main(["data", "verify", "--json"]) == 2
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert "datasets/stranger.npy is not pinned" in problem


def test_list_is_quick_and_imports_nothing_heavy() -> None:
    """Under half a second of CPU time, without torch, scipy, numpy or pandas."""
    code = (
        "import sys; from claimbench.cli import main; main(['list'])\n"
        "heavy = {'torch', 'scipy', 'numpy', 'pandas', 'matplotlib', 'pyarrow', 'pytest'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    spent = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment(),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert done.stdout.splitlines()[-1] == "[]"
    assert min(spent) < 0.5


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, unbuffered: str) -> None:
    """`claimbench list | head` ends without a traceback."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "list"], cwd=tmp_path, env=environment() | {"PYTHONUNBUFFERED": unbuffered},
        stdout=write, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    os.close(write)

    assert (done.returncode, done.stderr) == (0, "")
