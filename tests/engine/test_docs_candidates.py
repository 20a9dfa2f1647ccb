"""docs/candidates.md is run as it stands: each method is written, checked and put beside others."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import toy

from claimbench.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "candidates.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"\*\*`(?P<path>[^`]+)`\*\*\n\n```python\n(?P<text>.*?)```", re.DOTALL)
FILES = {block["path"]: block["text"] for block in BLOCK.finditer(PAGE)}
#: Of the worked examples: each ends with what it prints.
EXAMPLES = re.findall(
    r"```\n(claimbench check .*?)\n(pytest .*?)\n```\n\nends with\n\n```text\n(.*?)```",
    PAGE,
    re.DOTALL,
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the suite with the page's files beside it."""
    root = tmp_path_factory.mktemp("candidates")
    for name in ("suite", "baselines"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "datasets.dvc"):
        shutil.copy(ROOT / name, root)
    (root / "datasets").symlink_to(ROOT / "datasets")
    for name, text in FILES.items():
        (root / name).write_text(text, encoding="utf-8")
    with toy.imports_of_its_own():
        yield root


def test_the_page_has_three_worked_examples() -> None:
    """An optimiser, a solver and a policy: a file, a check, a run and what it prints."""
    assert list(FILES) == ["my_optimiser.py", "my_solver.py", "my_policy.py"]
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(("check", "run", "said"), EXAMPLES, ids=FILES)
def test_an_example_passes_its_check(
    check: str, run: str, said: str, checkout: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Nothing is wrong, and the command that is printed is the page's, but for what is selected."""
    monkeypatch.chdir(checkout)

    assert main(shlex.split(check)[1:]) == 0
    printed = capsys.readouterr().out.splitlines()[-1].strip()
    assert shlex.split(printed)[:-2] == shlex.split(run)[:-2]
    assert said


def test_the_examples_run_at_smoke(checkout: Path) -> None:
    """In one session, each in its experiment: all candidates answer, and nothing is judged."""
    runs = [shlex.split(run)[1:] for _, run, _ in EXAMPLES]
    selected = " or ".join(words.pop() for words in runs)
    assert all(words.pop() == "-k" for words in runs)
    words = list(dict.fromkeys(word for words in runs for word in words if word != "--candidate"))
    places = [word for word in words if "=" in word]
    rest = [word for word in words if "=" not in word]
    done = toy.run(
        checkout, *rest, *(f"--candidate={place}" for place in places), "-k", selected,
        "--profile", "smoke", "--workers", "1",
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    for _, _, said in EXAMPLES:
        assert said.splitlines()[0] in done.stdout
    record = toy.records(checkout)[-1]
    assert {c["name"] for c in record["contenders"] if c["role"] == "candidate"} == {
        name.removesuffix(".py") for name in FILES
    }


@pytest.mark.exam
@pytest.mark.parametrize(("check", "run", "said"), EXAMPLES, ids=FILES)
def test_an_example_ends_as_the_page_says(check: str, run: str, said: str, checkout: Path) -> None:
    """The standard run as written: every candidate's verdict is the page's."""
    done = toy.run(checkout, *shlex.split(run)[1:], timeout=1800)
    verdicts = re.findall(r"^ +(?:against )?([\w/ -]+): ([a-z ]+),", said, re.MULTILINE)

    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts
    assert check
    printed = re.findall(r"^ +(?:against )?([\w/ -]+): ([a-z ]+),", done.stdout, re.MULTILINE)
    assert set(verdicts) <= set(printed)
