"""The pages: their links lead somewhere, their commands exist, the schema is described whole."""

from __future__ import annotations

import dataclasses
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from claimbench import record
from claimbench.cli import main

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
)
SCHEMA = [
    record.Record,
    record.PaperRecord,
    record.DeviationRecord,
    record.ClaimRecord,
    record.Comparison,
    record.ConditionRecord,
    record.Effect,
    record.ContenderRecord,
    record.Look,
]


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose(page: str) -> str:
    """Return a page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def commands(page: str) -> list[str]:
    """Return the commands of a page's code: shell blocks, and code spans that look like one."""
    blocks = re.findall(
        r"^```(?:sh|bash|console)?\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL
    )
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`([^`\n]+)`", prose(page))
    return [line for line in lines if re.match(r"(make|claimbench|pytest) \S|make$", line)]


SAMPLES = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """A relative link names a file of the checkout, and its anchor a heading there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        file = (ROOT / page).parent / name if name else ROOT / page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


@pytest.fixture(scope="module")
def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))


@pytest.fixture(scope="module")
def pytest_help() -> str:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def claimbench_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the help of a command; a word that is no command is a failure."""
    command = list(itertools.takewhile(lambda word: re.fullmatch(r"[a-z]+(-[a-z]+)?", word), words))
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    said = capsys.readouterr()
    assert caught.value.code == 0, said.err
    return said.out


@pytest.mark.parametrize(("page", "command"), SAMPLES)
def test_commands_exist(
    page: str,
    command: str,
    make_targets: set[str],
    pytest_help: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every command a page shows is one that can be typed: target, subcommand and options."""
    program, *words = re.split(r"\s{2,}#|\s{3,}", command)[0].split()
    if program == "make":
        assert {word for word in words if re.fullmatch(r"[a-z]+", word)} <= make_targets, page
        return
    helped = pytest_help if program == "pytest" else claimbench_help(words, capsys)
    for option in re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", " ".join(words)):
        assert re.search(rf"{re.escape(option)}\b", helped), (page, option)


def described(kind: type) -> list[str]:
    """Return the keys that docs/record.md describes for one object of the schema."""
    section = re.search(
        rf"^## {kind.__name__}\n(.*?)(?=^## |\Z)", text("docs/record.md"), re.MULTILINE | re.DOTALL
    )
    assert section is not None, kind.__name__
    return re.findall(r"^\| `(\w+)` \|", section[1], re.MULTILINE)


@pytest.mark.parametrize("kind", SCHEMA, ids=lambda kind: kind.__name__)
def test_the_schema_is_described_whole(kind: type) -> None:
    """docs/record.md describes each field of the record, in its order, and no other."""
    assert described(kind) == [field.name for field in dataclasses.fields(kind)]


def test_no_object_of_the_schema_is_left_out() -> None:
    """Every dataclass of the record's module has its section, and the page names the version."""
    kinds = [kind for kind in vars(record).values() if dataclasses.is_dataclass(kind)]

    assert set(kinds) == set(SCHEMA)
    assert f"schema **{record.SCHEMA}**" in text("docs/record.md")
