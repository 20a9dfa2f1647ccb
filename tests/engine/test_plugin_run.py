"""A run as a user starts it: verdicts, record, report, and pytest-benchmark's own ways."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, CLAIM_TOML, bench, edited, environment, make, records, run

Done = subprocess.CompletedProcess[str]
QUICK_TABLE = """
[experiment.quick]
T = 2
replicates = 3

[[claim]]
id = "falls\""""
#: `falls` can't hold: the method's growth is -1 per T. A second experiment is a race.
CLAIMS = edited(
    CLAIM_TOML,
    ("threshold = -0.8", "threshold = -2.0"),
    ('\n[[claim]]\nid = "falls"', QUICK_TABLE),
)
RACE = edited(
    BENCH,
    (
        "line = Experiment(line, measure)\n",
        "quick = Experiment(line, measure, seconds=True)\nline = Experiment(line, measure)\n",
    ),
    ("@line.method\n", "@quick.method\n@line.method\n"),
    ("@line.baseline\n", "@quick.baseline\n@line.baseline\n"),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("checkout"), claim__toml=CLAIMS, bench_line__py=RACE)


@pytest.fixture(scope="module")
def first(root: Path) -> tuple[Done, dict[str, Any]]:
    done = bench(root, "--benchmark-json=first.json", "--benchmark-autosave", "-v")
    assert "INTERNALERROR" not in done.stdout, done.stdout
    return done, records(root)[-1]


@pytest.fixture(scope="module")
def second(root: Path, first: tuple[Done, dict[str, Any]]) -> tuple[Done, dict[str, Any]]:
    """The same again, compared with the first."""
    assert first[0].returncode == 0
    done = bench(root, "--benchmark-compare", "--benchmark-json=second.json")
    return done, records(root)[-1]


def test_a_verdict_is_no_error(first: tuple[Done, dict[str, Any]]) -> None:
    """ "Not reproduced" is a result: exit 0."""
    done, record = first

    assert done.returncode == 0, done.stdout + done.stderr
    assert {claim["id"]: claim["verdict"] for claim in record["claims"]} == {
        "line/falls": "not reproduced",
        "line/beats-flat": "reproduced",
    }


def test_the_terminal_shows_verdicts_and_files(root: Path, first: tuple[Done, Any]) -> None:
    """Each claim with its effect, and where record and report are."""
    out = first[0].stdout

    assert "line/falls * not reproduced -1 [-1, -1] 6 not reproduced exact" in " ".join(out.split())
    assert "2 claims: 1 reproduced, 1 not reproduced" in out
    (record,) = [line for line in out.splitlines() if line.startswith("record: ")]
    (report,) = [line for line in out.splitlines() if line.startswith("report: ")]
    assert (root / record.removeprefix("record: ")).is_file()
    assert "<html" in (root / report.removeprefix("report: ")).read_text()


def test_a_record_tells_how_it_came_about(first: tuple[Done, dict[str, Any]]) -> None:
    """Provenance, designs, contenders and what they spent."""
    record = first[1]

    assert record["schema"] == 1
    assert record["complete"]
    assert (record["profile"], record["device"], record["workers"], record["seed"]) == (
        "standard",
        "cpu",
        1,
        0,
    )
    assert record["command"].startswith("-p no:cacheprovider suite --benchmark-only")
    assert record["revision"] == "unversioned"
    assert record["fingerprint"]["torch"]
    assert set(record["seconds"]) >= {"total", "contenders", "suite", "engine"}
    (paper,) = record["papers"]
    assert paper["experiments"]["line"]["cells"] == 3
    assert paper["experiments"]["quick"]["race"]
    line = [one for one in record["contenders"] if one["experiment"] == "line"]
    assert [(one["name"], one["role"], one["status"], one["blocks"]) for one in line] == [
        ("steep", "method", "ok", 6),
        ("flat", "baseline", "ok", 6),
        ("flatter", "control", "ok", 6),
    ]
    assert record["seconds"]["contenders"] == pytest.approx(
        sum(one["seconds"] for one in record["contenders"])
    )


def test_evidence_lies_beside_the_record(root: Path, first: tuple[Done, dict[str, Any]]) -> None:
    """One table for each experiment."""
    import pandas as pd

    (path,) = [
        path
        for path in (root / "results").glob("*/*/*.json")
        if json.loads(path.read_text())["created"] == first[1]["created"]
    ]
    rows = pd.read_parquet(path.with_suffix("") / "toy" / "line" / "line.parquet")

    assert len(rows) == 3 * 3 * 6
    assert (path.with_suffix("") / "toy" / "line" / "quick.parquet").is_file()


def test_pytest_benchmark_shows_the_engine_s_seconds(root: Path, first: Any) -> None:
    """One round for each block, together what the record says; and its table is there."""
    done, record = first
    shown = {
        one["name"]: one for one in json.loads((root / "first.json").read_text())["benchmarks"]
    }

    assert "benchmark 'toy/line line': 3 tests" in done.stdout
    assert "benchmark 'toy/line quick': 2 tests" in done.stdout
    assert len(shown) == 5
    for one in record["contenders"]:
        found = shown[f"{one['experiment']}[{one['name']}]"]
        assert found["stats"]["rounds"] == (6 if one["experiment"] == "line" else 3)
        assert sum(found["stats"]["data"]) == pytest.approx(one["seconds"], rel=1e-9)
        assert found["extra_info"] == {"status": "ok", "role": one["role"]}


def test_a_race_comes_after_all_else(first: tuple[Done, Any]) -> None:
    """Though it stands first in the file."""
    lines = [line for line in first[0].stdout.splitlines() if "PASSED" in line]

    assert ["quick" in line for line in lines] == [False] * 3 + [True] * 2


def test_an_unchanged_run_computes_only_the_race(second: tuple[Done, dict[str, Any]]) -> None:
    """Blocks come from the store, with the same verdicts; seconds never do."""
    done, record = second

    assert done.returncode == 0, done.stdout + done.stderr
    assert [(one["experiment"], one["blocks_from_store"]) for one in record["contenders"]] == (
        [("line", 6)] * 3 + [("quick", 0)] * 2
    )
    assert all(one["seconds"] == 0 for one in record["contenders"] if one["experiment"] == "line")


def test_verdicts_do_not_depend_on_the_store(
    first: tuple[Done, dict[str, Any]], second: tuple[Done, dict[str, Any]]
) -> None:
    """A second run judges the same effects, to the last bit."""
    kept = ("id", "verdict", "replicates", "effect", "claim_hash", "control", "p_value")

    for one, other in zip(first[1]["claims"], second[1]["claims"], strict=True):
        assert {name: one[name] for name in kept} == {name: other[name] for name in kept}


def test_compare_finds_the_run_before(second: tuple[Done, Any]) -> None:
    """pytest-benchmark's own compare sees what was measured anew."""
    out = second[0].stdout + second[0].stderr

    assert "Comparing against benchmarks from" in out
    assert "quick[steep] (NOW)" in out
    assert "quick[steep] (0001" in out


SCRIPT = """
import contextlib, io, json, pytest, sys


class Seen:
    def pytest_collection_finish(self, session):
        self.ids = [item.nodeid.partition("::")[2] for item in session.items]


for words in json.loads(sys.argv[1]):
    out, seen = io.StringIO(), Seen()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = pytest.main(["-p", "no:cacheprovider", *words.split()], plugins=[seen])
    print(json.dumps([int(code), getattr(seen, "ids", None), out.getvalue()]))
"""
LINE, QUICK = ["line[steep]", "line[flat]", "line[flatter]"], ["quick[steep]", "quick[flat]"]
BENCH_FILE = "suite/toy/line/bench_line.py"
SELECTIONS: dict[str, tuple[int, list[str] | None, str]] = {
    "suite --collect-only": (0, LINE + QUICK, ""),
    "suite": (0, LINE + QUICK, "5 skipped"),
    "suite/toy -rs": (0, LINE + QUICK, "valid; add --benchmark-only to run it"),
    "suite --benchmark-disable": (0, LINE + QUICK, "5 skipped"),
    BENCH_FILE: (0, LINE + QUICK, "5 skipped"),
    f"suite {BENCH_FILE}": (0, LINE + QUICK, "5 skipped"),
    f"{BENCH_FILE}::line": (0, LINE, "3 skipped"),
    f"{BENCH_FILE}::line[steep]": (0, LINE[:1], "1 skipped"),
    f"{BENCH_FILE}::line[stepe]": (4, [], "not found"),
    "suite -k steep": (0, ["line[steep]", "quick[steep]"], ""),
    "suite -k falls": (0, LINE[:2], ""),
    "suite -k beats-flat": (0, LINE, ""),
    "suite -k nobody": (5, [], "5 deselected"),
    "suite -n 0": (0, LINE + QUICK, "5 skipped"),
    "suite --benchmark-only --benchmark-disable": (4, None, "--benchmark-disable"),
}  # fmt: skip


@pytest.fixture(scope="module")
def selections(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, list[str], str]]:
    """What each selection collects, all asked of one process, and of a checkout of their own."""
    root = make(tmp_path_factory.mktemp("checkout"), claim__toml=CLAIMS, bench_line__py=RACE)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(list(SELECTIONS))],
        cwd=root, env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert len(lines) == len(SELECTIONS), done.stdout + done.stderr
    assert not (root / "results").exists()
    return dict(zip(SELECTIONS, lines, strict=True))


@pytest.mark.parametrize("words", SELECTIONS)
def test_contenders_are_selected_as_pytest_users_expect(
    selections: dict[str, tuple[int, list[str], str]], words: str
) -> None:
    """Folders, files, node ids and -k; without --benchmark-only nothing runs."""
    code, ids, text = selections[words]

    assert (code, ids) == SELECTIONS[words][:2], text
    assert SELECTIONS[words][2] in text


@pytest.mark.usefixtures("first")
def test_a_claim_without_its_control_is_not_judged(root: Path) -> None:
    """It is named on the terminal, and absent from the record."""
    items = [f"{BENCH_FILE}::line[{name}]" for name in ("steep", "flat")]
    done = run(root, *items, "--benchmark-only", "--benchmark-json=none.json")
    record = records(root)[-1]

    assert done.returncode == 0, done.stdout + done.stderr
    assert "not judged: line/beats-flat (no evidence of flatter)" in done.stdout
    assert [claim["id"] for claim in record["claims"]] == ["line/falls"]
    assert record["complete"]
    # All came from the store: to have no seconds to save is said, and is no error.
    assert "Not saving anything" in done.stdout + done.stderr


def test_smoke_judges_nothing_but_calls_the_estimands(tmp_path: Path) -> None:
    """An estimand that raises is an error: exit 2, with its words; no claim is in the record."""
    raising = edited(
        BENCH, ("return (log(opponent", 'raise ValueError("by hand")\n    return (log(opponent')
    )
    root = make(tmp_path, bench_line__py=raising)

    done = bench(root, "--profile", "smoke")
    (record,) = records(root)

    assert done.returncode == 2
    assert "not judged: line/falls (the smoke profile judges nothing)" in done.stdout
    assert "claim beats-flat: the estimand log_ratio raised ValueError: by hand" in done.stdout
    assert "estimand growth" not in done.stdout
    assert (record["profile"], record["claims"]) == ("smoke", [])
