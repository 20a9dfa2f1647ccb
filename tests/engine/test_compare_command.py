"""``claimbench compare`` and ``claimbench report --format``, as a user types them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from reporting import record, write_run

from claimbench.cli import main


@pytest.fixture
def pair(tmp_path: Path) -> tuple[str, str]:
    run = record()
    changed = [dataclasses.replace(run.claims[0], verdict="not reproduced"), *run.claims[1:]]
    a = write_run(tmp_path / "a")
    return str(a), str(write_run(tmp_path / "b", record(claims=changed)))


def test_a_comparison_is_text_and_exit_code_zero(
    pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Even when a verdict was lost: it is no gate."""
    assert main(["compare", *pair]) == 0

    out = capsys.readouterr().out
    assert out.startswith("Of 6 claims in both records, 1 changed its verdict")
    assert "verdict changed: sparse_ot/smoother" in out


@pytest.mark.parametrize("form", ["md", "json", "text"])
def test_a_comparison_goes_to_stdout_or_to_a_folder(
    pair: tuple[str, str], form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same either way."""
    assert main(["compare", *pair, "--format", form]) == 0
    printed = capsys.readouterr().out
    assert main(["compare", *pair, "--format", form, "--out", str(tmp_path / "deep" / "er")]) == 0
    file = Path(capsys.readouterr().out.strip())

    assert file.read_text() == printed
    assert file.parent == tmp_path / "deep" / "er"
    assert file.name.count("..") == 1


def test_a_page_goes_to_the_checkout_s_reports(
    pair: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a folder; outside of a checkout one must be given."""
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *pair, "--format", "html"]) == 4
    assert "cd into the checkout" in capsys.readouterr().err
    (tmp_path / "suite").mkdir()
    (tmp_path / "baselines").mkdir()
    (tmp_path / "baselines" / "pins.toml").touch()
    (tmp_path / "pyproject.toml").touch()
    assert main(["compare", *pair, "--format", "html"]) == 0

    file = Path(capsys.readouterr().out.strip())
    assert file.parent == tmp_path / "reports" / "compare"
    assert file.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("text", [None, "{", '{"schema": 99}'])
def test_a_record_that_can_t_be_read_is_exit_code_two(
    pair: tuple[str, str], text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On either side: missing, no JSON, another schema."""
    bad = tmp_path / "bad.json"
    if text is not None:
        bad.write_text(text)

    assert main(["compare", pair[0], str(bad)]) == 2
    assert main(["compare", str(bad), pair[0]]) == 2
    assert capsys.readouterr().err.count("to mend it") == 2


def test_a_folder_that_can_t_be_written_is_exit_code_two(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the name of the file and a cure."""
    (tmp_path / "file").touch()

    assert main(["compare", *pair, "--format", "md", "--out", str(tmp_path / "file")]) == 2
    assert "can't be written" in capsys.readouterr().err


def test_a_report_as_markdown_or_json_goes_to_stdout(
    pair: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or to a folder, where several may go; a badge beside them."""
    assert main(["report", pair[0], "--format", "md"]) == 0
    assert capsys.readouterr().out.startswith("### claimbench: Of 6 claims from 1 paper")
    badge = tmp_path / "badge.svg"
    assert main(["report", pair[0], "--format", "json", "--badge", str(badge)]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["reproduced"] == 3
    assert ET.parse(badge).getroot().attrib["role"] == "img"

    assert main(["report", *pair[:1], "--format", "md", "--out", str(tmp_path), "--json"]) == 0
    [file] = json.loads(capsys.readouterr().out)
    assert file == str(tmp_path / f"{Path(pair[0]).stem}.md")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "md", "--json"], "--json lists files, and none is written"),
        (["SECOND", "--format", "json"], "are of one record"),
        (["SECOND", "--format", "md", "--badge", "badge.svg"], "are of one record"),
    ],
)
def test_what_can_t_be_meant_is_a_usage_error(
    pair: tuple[str, str], words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 4 and a cure."""
    chosen = [pair[1] if word == "SECOND" else word for word in words]

    assert main(["report", pair[0], *chosen]) == 4
    error = capsys.readouterr().err
    assert said in error
    assert "to mend it" in error


@pytest.mark.parametrize(
    "words", [["compare", "A", "B"], ["report", "A", "--format", "md"]], ids=["compare", "report"]
)
def test_nothing_that_draws_is_imported_for_words(pair: tuple[str, str], words: list[str]) -> None:
    """A summary of a job costs no matplotlib, seaborn or torch."""
    names = {"A": pair[0], "B": pair[1]}
    code = (
        "import sys; from claimbench.cli import main; main(sys.argv[1:]);"
        "print(sorted({'matplotlib', 'seaborn', 'torch'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *(names.get(word, word) for word in words)],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.strip() == "[]"
