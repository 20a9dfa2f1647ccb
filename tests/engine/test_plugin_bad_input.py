"""Bad input, end to end: each with a message that mends it and an exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, CLAIM_TOML, PIN, PROBLEM, bench, edited, environment, make, records, run
from toy_data import flip_last_byte

from claimbench import data

#: Paper -> what is wrong with its claim.toml, and what is said about it.
CLAIMS = {
    "kind": (('kind = "rate"', 'kind = "rat"'), "(falls).kind: 'rat'; allowed: superiority,"),
    "estimand": (('estimand = "growth"\n', ""), "(falls).estimand is missing"),
    "lost": (('estimand = "growth"', 'estimand = "grwth"'), "did you mean 'growth'?"),
    "twice": (('id = "beats-flat"', 'id = "falls"'), "two claims have one id: 'falls'"),
    "nobody": (('control = "flatter"', 'control = "flattest"'), "control is no contender of"),
    "itself": (('control = "flatter"', 'control = "flat"'), "control is its claim's own opponent"),
    "arity": (('estimand = "growth"', 'estimand = "log_ratio"'), "log_ratio takes 2 arguments:"),
    "setting": (("budget = 20", "budget = 20\neta = 1"), "the problem line does not take: 'eta'"),
    "where": (("where = { T = [2, 4] }", "where = { T = 3 }"), "beats-flat.where.T is no value of"),
}
FAILING = """
@line.baseline
def raises(problem):
    raise ValueError("too steep")

@line.baseline
def hangs(problem):
    import ctypes
    while True:
        ctypes.CDLL(None).pause()

@line.baseline
def crashes(problem):
    import ctypes
    ctypes.string_at(0)

@line.baseline
def misshapen(problem):
    return descend(problem, 1.0)[:1]

@line.baseline
def diverges(problem):
    return descend(problem, 1.0) * float("nan")


def growth"""
BUILDER = """
import numpy as np

def build(folder):
    np.save(folder / "numbers.npy", np.arange(6.0))
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of one good paper and many bad ones."""
    root = tmp_path_factory.mktemp("checkout")
    for slug, (change, _) in CLAIMS.items():
        make(root, slug=slug, claim__toml=edited(CLAIM_TOML, change))
    make(root, slug="raises", bench_raises__py='raise KeyError("at import")\n')
    make(
        root,
        slug="failing",
        bench_failing__py=edited(BENCH, ("\ndef growth", FAILING)),
        claim__toml=edited(
            CLAIM_TOML,
            ("budget = 20", "budget = 1.5"),
            ("T = [1, 2, 4]\n", "T = [2, 4]\n"),
            ('against = ["flat"]', 'against = ["raises"]'),
            ('method = "steep"\nthreshold', 'method = "diverges"\nthreshold'),
        ),
    )
    make(
        root,
        slug="absent",
        bench_absent__py=edited(BENCH, ("@line.baseline", '@line.baseline(pin="absent-peer")')),
    )
    load = ("    noise =", '    array("toy/damaged/numbers.npy")\n    noise =')
    make(
        root,
        slug="damaged",
        data__py=BUILDER,
        problem__py="from claimbench.data import array\n" + edited(PROBLEM, load),
    )
    make(root)
    (root / "baselines" / "pins.toml").write_text(PIN)
    data.build(root, update=True)
    flip_last_byte(root / "datasets" / "toy" / "damaged" / "numbers.npy")
    return root


@pytest.fixture(scope="module")
def done(root: Path) -> subprocess.CompletedProcess[str]:
    return bench(root)


@pytest.fixture(scope="module")
def record(root: Path, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert "record: " in done.stdout, done.stdout + done.stderr
    return records(root)[-1]


def contender(record: dict[str, Any], paper: str, name: str) -> dict[str, Any]:
    (found,) = [
        c for c in record["contenders"] if (c["paper"], c["name"]) == (f"toy/{paper}", name)
    ]
    return found


def claim(record: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [c for c in record["claims"] if c["id"] == name]
    return found


@pytest.mark.parametrize("slug", CLAIMS)
def test_a_bad_claim_file_fails_alone_with_its_message(
    done: subprocess.CompletedProcess[str], slug: str
) -> None:
    """The message names the file; the other papers run."""
    message = CLAIMS[slug][1]

    assert message in done.stdout
    assert f"FAILED suite/toy/{slug}/bench_{slug}.py::claims" in done.stdout


def test_a_bench_file_that_raises_fails_alone_with_its_traceback(
    done: subprocess.CompletedProcess[str],
) -> None:
    """The traceback shows the paper's own line, and the cure shows it again."""
    assert "bench_raises.py can't be imported (KeyError: 'at import')" in done.stdout
    assert 'raise KeyError("at import")' in done.stdout
    assert "python -c 'import suite.toy.raises.bench_raises'" in done.stdout
    assert "INTERNALERROR" not in done.stdout
    assert "importlib" not in done.stdout


def test_the_engine_s_own_traceback_is_not_shown(done: subprocess.CompletedProcess[str]) -> None:
    """A bad claim.toml is a message, whatever validated it."""
    assert "pydantic" not in done.stdout
    assert "src/claimbench/claim_file.py:" not in done.stdout
    assert "ERROR suite" not in done.stdout


def test_something_that_could_not_run_is_exit_code_two(
    done: subprocess.CompletedProcess[str],
) -> None:
    """Whatever else went well."""
    assert done.returncode == 2


def test_the_good_paper_is_judged(record: dict[str, Any]) -> None:
    """Next to any number of bad ones."""
    assert claim(record, "line/falls")["verdict"] == "reproduced"
    assert claim(record, "line/beats-flat")["verdict"] == "reproduced"
    assert record["complete"]
    assert {one["id"] for one in record["papers"]} == {
        f"toy/{slug}" for slug in ("line", "failing", "absent", "damaged")
    }


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("raises", "failed", "ValueError: too steep"),
        ("hangs", "over budget", "ended after its budget of 1.5 s"),
        ("crashes", "failed", "its process died (SIGSEGV)"),
        ("misshapen", "failed", "the measure's column 'gap' has the wrong shape: (1,)"),
        ("diverges", "ok", ""),
        ("steep", "ok", ""),
    ],
)
def test_a_contender_that_fails_is_recorded(
    record: dict[str, Any],
    done: subprocess.CompletedProcess[str],
    name: str,
    status: str,
    reason: str,
) -> None:
    """With its status and reason, in the record and on the terminal."""
    found = contender(record, "failing", name)

    assert found["status"] == status
    assert (found["reason"] or "").startswith(reason)
    assert (f"{name} {status}: {reason}" in done.stdout) == (status != "ok")


def test_a_claim_against_a_failed_opponent_is_inconclusive(record: dict[str, Any]) -> None:
    """The reason says who failed and why."""
    found = claim(record, "failing/beats-flat")

    assert found["verdict"] == "inconclusive"
    assert found["effect"] is None
    assert "contender raises is failed: ValueError: too steep" in found["reason"]


def test_divergence_is_judged(record: dict[str, Any]) -> None:
    """A method that returns NaN is evidence against the claim, not an error."""
    found = claim(record, "failing/falls")

    assert found["verdict"] in {"not reproduced", "inconclusive"}
    assert "Not judged on evidence" not in found["reason"]
    assert contender(record, "failing", "diverges")["status"] == "ok"


def test_a_flipped_byte_stops_whoever_loads_it(
    record: dict[str, Any], done: subprocess.CompletedProcess[str]
) -> None:
    """The message names file, hashes and the command that builds it anew."""
    found = contender(record, "damaged", "steep")

    assert found["status"] == "failed"
    assert found["reason"].startswith(
        "datasets/toy/damaged/numbers.npy is not the pinned file: 'sha256 "
    )
    assert "to mend it: claimbench data build toy/damaged" in found["reason"]
    assert "datasets/toy/damaged/numbers.npy is not the pinned file" in done.stdout


def test_the_record_holds_no_nan(root: Path, record: dict[str, Any]) -> None:
    """JSON has no word for it, and readers other than Python's refuse it."""
    assert record["claims"]
    for path in (root / "results").glob("*/*/*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)


def test_a_missing_opponent_is_skipped_and_said(root: Path) -> None:
    """Exit 0: its item is skipped, its status unavailable, its claims are inconclusive."""
    done = run(
        root,
        "suite/toy/absent",
        "--benchmark-only",
        "--workers",
        "1",
        "-rs",
        "--results-dir",
        "absent",
    )
    record = records(root, "absent")[-1]
    found = contender(record, "absent", "flat")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed, 1 skipped" in done.stdout
    assert found["status"] == "unavailable"
    assert found["pin"] == "absent-peer"
    assert "pip install -e '.[peers]'" in found["reason"]
    assert record["pins"]["absent-peer"]["match"] is False
    assert claim(record, "absent/beats-flat")["verdict"] == "inconclusive"
    assert "flat is unavailable" in claim(record, "absent/beats-flat")["reason"]
    # As the control of the other claim it can't show that the verdict could fail.
    assert claim(record, "absent/falls")["verdict"] == "inconclusive"


#: What is typed after `pytest`, the exit code, and what is said.
WORDS: dict[str, tuple[str, int, str]] = {
    "profile": (
        "suite --profile smok",
        4,
        "unknown profile: 'smok'; allowed: smoke, standard, full; did you mean 'smoke'?",
    ),
    "device": ("suite --device tpu", 4, "unknown device: 'tpu'; allowed: cpu, cuda, cuda:N"),
    "workers": ("suite --workers 0", 4, "--workers: 0; allowed: a whole number from 1"),
    "replicates": ("suite --replicates -3", 4, "--replicates: -3; allowed: a whole number from 1"),
    "replicates of a block": (
        "suite/toy/line --replicates 4",
        4,
        "whose block is 3: 4; allowed: up to 3, or a multiple of it",
    ),
    "xdist": ("suite -n 2", 4, "to mend it: pytest suite --benchmark-only --workers 2"),
    "xdist in one word": ("suite -n3", 4, "pytest suite --benchmark-only --workers 3"),
    "xdist in full": ("suite --numprocesses=auto", 4, "--benchmark-only --workers auto"),
    "results": (
        "suite/toy/line --results-dir /dev/null/x",
        2,
        "the results folder can't be written (Not a directory): '/dev/null/x'; allowed: a folder",
    ),
    "nothing": ("suite -k no_such_contender", 5, "deselected"),
}
SCRIPT = """
import contextlib, io, json, pytest, sys
for words in json.loads(sys.argv[1]):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = pytest.main(["-p", "no:cacheprovider", "--benchmark-only", *words])
    print(json.dumps([int(code), out.getvalue()]))
"""


@pytest.fixture(scope="module")
def answers(root: Path) -> dict[str, tuple[int, str]]:
    """What pytest answers to each of WORDS, all asked of one process."""
    words = [given.split() for given, _, _ in WORDS.values()]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(words)],
        cwd=root, env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(lines) == len(words), done.stdout + done.stderr
    return dict(zip(WORDS, lines, strict=True))


@pytest.mark.parametrize("name", WORDS)
def test_a_wrong_word_is_answered_before_anything_runs(
    answers: dict[str, tuple[int, str]], name: str
) -> None:
    """With what is allowed, and exit code 4; 2 where the folder is to blame; 5 for nothing."""
    code, text = answers[name]

    assert code == WORDS[name][1], text
    assert WORDS[name][2] in text
    assert " passed" not in text
