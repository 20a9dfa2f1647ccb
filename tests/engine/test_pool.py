"""A contender that raises, hangs or crashes ends alone, in time, and with a reason."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from toy import BENCH, CLAIM_TOML, bound, edited, evidence, make

from claimbench.evidence import pool
from claimbench.evidence.job import ContenderEvidence

BUDGET = 1.5
CONTENDERS = """
import ctypes
import signal
import sys
from pathlib import Path


def began():
    Path("began").touch()


@line.baseline
def raises(problem):
    raise ValueError("too steep")

@line.baseline
def exits(problem):
    sys.exit("enough")

@line.baseline
def interrupts(problem):
    raise KeyboardInterrupt

@line.baseline
def hangs(problem):
    began()
    while True:
        pass

@line.baseline
def hangs_in_c(problem):
    began()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        ctypes.CDLL(None).pause()

@line.baseline
def crashes(problem):
    ctypes.string_at(0)

@line.baseline
def dies(problem):
    import os
    os._exit(7)

@line.baseline
def diverges(problem):
    return descend(problem, 1.0) * float("nan")

@line.baseline
def misshapen(problem):
    return descend(problem, 1.0)[:1]

@line.baseline
def lacks(problem):
    import no_such_package_here.part

@line.baseline
def lacks_ours(problem):
    import suite.no_such_module

@line.baseline
def refuses(problem):
    from claimbench.errors import ContenderError
    raise ContenderError("no plan", value=3, cure="another k")

@line.baseline
def last(problem):
    return descend(problem, 1.0)


def growth"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ContenderEvidence]:
    root = make(
        tmp_path_factory.mktemp("checkout"),
        claim__toml=edited(
            CLAIM_TOML, ("budget = 20", f"budget = {BUDGET}"), ("block = 3", "block = 6")
        ),
        bench_line__py=edited(BENCH, ("\ndef growth", CONTENDERS)),
    )
    return {name: one for (_, name), one in evidence(root).items()}


REASONS = {
    "raises": ("failed", "ValueError: too steep"),
    "exits": ("failed", "SystemExit: enough"),
    "interrupts": ("failed", "KeyboardInterrupt: no message"),
    "hangs": ("over budget", "ended after its budget of 1.5 s"),
    "hangs_in_c": ("over budget", "ended after its budget of 1.5 s"),
    "crashes": ("failed", "its process died (SIGSEGV)"),
    "dies": ("failed", "its process died (exit 7)"),
    "misshapen": (
        "failed",
        (
            "the measure's column 'gap' has the wrong shape: (1,);"
            " allowed: (6,), or (6, points) for a trace"
        ),
    ),
    "lacks": ("unavailable", "the package that provides 'no_such_package_here' is not installed"),
    "lacks_ours": ("failed", "ModuleNotFoundError: No module named 'suite.no_such_module'"),
    "refuses": ("failed", "no plan: 3; to mend it: another k"),
}


@pytest.mark.parametrize("name", REASONS)
def test_what_goes_wrong_is_recorded_with_its_reason(
    found: dict[str, ContenderEvidence], name: str
) -> None:
    """Also inside C code, and where a process dies without a word."""
    assert (found[name].status, found[name].reason) == REASONS[name]


def test_nobody_else_is_touched(found: dict[str, ContenderEvidence]) -> None:
    """Those before and after ran as ever."""
    assert [found[name].status for name in ("steep", "flat", "flatter", "last")] == ["ok"] * 4


def test_divergence_is_evidence(found: dict[str, ContenderEvidence]) -> None:
    """NaN is no failure: the contender answered."""
    assert found["diverges"].status == "ok"


def test_one_block_over_budget_is_enough(found: dict[str, ContenderEvidence]) -> None:
    """The other blocks would cost as much, and are not run."""
    first, *others = found["hangs"].outcomes

    assert first.seconds == BUDGET
    assert [one.status for one in others] == ["over budget"] * 2
    assert all("not run" in (one.reason or "") and one.seconds == 0 for one in others)


def test_a_contender_in_c_code_is_ended_within_two_seconds(tmp_path: Path) -> None:
    """Even one that ignores the polite request to end."""
    only = edited(
        BENCH,
        ("\ndef growth", CONTENDERS.partition("@line.baseline\ndef crashes")[0] + "\ndef growth"),
    )
    root = make(
        tmp_path,
        claim__toml=edited(
            CLAIM_TOML, ("budget = 20", "budget = 1"), ("T = [1, 2, 4]", "T = [2, 4]")
        ),
        bench_line__py=only,
    )
    paper = bound(root)
    for name in ("raises", "exits", "interrupts", "hangs"):
        del paper.experiments["line"].contenders[name]

    outcome = evidence(root, paper)["line", "hangs_in_c"]
    ended = time.time()

    assert outcome.status == "over budget"
    assert ended - (root / "began").stat().st_mtime < 1 + 2


CALM = """
@line.baseline
def flat(problem):
    import ctypes

    ctypes.CDLL(None).usleep(300_000)
    return descend(problem, 0.0)
"""
HANG = "    import ctypes\n\n    ctypes.CDLL(None).usleep(60_000_000)"


@pytest.mark.parametrize("jump", [1e6, -1e6])
def test_budgets_do_not_hang_on_the_time_of_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """A clock that is set, forwards or back, ends nobody early and nobody late."""
    bench = edited(
        BENCH,
        ("\n@line.baseline\ndef flat(problem):\n    return descend(problem, 0.0)\n", CALM),
        ("    return 1.5 * descend(problem, 0.0)", HANG),
    )
    claims = edited(
        CLAIM_TOML,
        ("budget = 20", "budget = 4"),
        ("T = [1, 2, 4]\n", "T = [2]\n"),
        ("where = { T = [2, 4] }\n", ""),
    )
    root = make(tmp_path, bench_line__py=bench, claim__toml=claims)
    real, began = time.time, time.monotonic()
    monkeypatch.setattr(
        time, "time", lambda: real() + (jump if time.monotonic() > began + 0.2 else 0.0)
    )

    found = evidence(root)

    assert found["line", "flat"].status == "ok"
    assert found["line", "flatter"].status == "over budget"
    assert time.monotonic() - began < 50


def test_torch_is_imported_beforehand_where_a_paper_names_it(tmp_path: Path) -> None:
    """It takes seconds, which a checkout without it is spared."""
    root = make(tmp_path)
    assert not pool._name_torch(root / "suite")

    file = root / "suite" / "toy" / "line" / "method.py"
    file.write_text(f"import torch\n{file.read_text()}")
    assert pool._name_torch(root / "suite")


@pytest.mark.parametrize("name", ['"torch"', '"tor" + "ch"'])
def test_whoever_imports_torch_has_one_thread(tmp_path: Path, name: str) -> None:
    """Beforehand or in its own work: the bits must not hang on who was first."""
    asked = f"""
@line.baseline
def threaded(problem):
    threads = __import__({name}).get_num_threads()
    if threads != 1:
        raise RuntimeError(f"{{threads}} threads")
    return steep(problem)
"""
    root = make(tmp_path, bench_line__py=BENCH + asked)

    found = evidence(root)["line", "threaded"]

    assert (found.status, found.reason) == ("ok", None)
