"""``--budget``: when the time is up the run ends in order, and the same command goes on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import BENCH, CLAIM_TOML, bench, bound, context, edited, evidence, jobs_of, judged, make
from toy import records as records_of

from claimbench.errors import UsageError
from claimbench.evidence.deadline import Deadline, in_words, seconds_of
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.run import Run

#: From its second block on, `flatter` waits for leave to go on.
PACE = """
import ctypes
from pathlib import Path


def pause():
    begun = len(list(Path(".").glob("begun-*")))
    Path(f"begun-{begun}").touch()
    while begun and not Path("go-on").exists():
        ctypes.CDLL(None).usleep(20_000)
"""
SLOW = edited(
    BENCH,
    (
        "\n@line.control\ndef flatter(problem):\n",
        "\n@line.control\ndef flatter(problem):\n    from .pace import pause\n\n    pause()\n",
    ),
)
#: Other experiments: a tuned contender after the slow one, and a race.
MORE_TOML = (
    CLAIM_TOML
    + """
[experiment.tuned]
T = [2]
replicates = 6
block = 3

[experiment.tuned.tuning]
trials = 2
replicates = 2
criterion = "gap"

[experiment.race]
T = [2]
replicates = 2
"""
)
MORE = """
tuned = Experiment(problem_of_line, measure)
race = Experiment(problem_of_line, measure, seconds=True)

@tuned.method(grid={"rate": [0.5, 1.0]})
def chosen(problem, *, rate):
    return descend(problem, rate)

@race.method
def runner(problem):
    return descend(problem, 1.0)


def growth"""


WITH_MORE = edited(
    SLOW,
    ("from .problem import line", "from .problem import line\nproblem_of_line = line"),
    ("\ndef growth", MORE),
)
PAUSING = "*, rate):\n    from .pace import pause\n\n    pause()\n"


@pytest.mark.parametrize(
    ("budget", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("1h1m1s", 3661), ("0h5s", 5)],
)
def test_a_budget_is_hours_minutes_and_seconds(budget: str, seconds: int) -> None:
    """In that order, each of them where it is needed."""
    assert seconds_of(budget) == seconds


@pytest.mark.parametrize(
    "budget", ["", "0s", "0h0m", "30", "30 m", "m30", "-5m", "1.5h", "30m1h", "1d", "30min", "∞"]
)
def test_what_is_no_budget_is_refused_with_what_is(budget: str) -> None:
    """The message shows the value, what is allowed, and a command."""
    words = "--budget is no length of time: .*; allowed: hours, minutes and seconds, such as 90s, "
    with pytest.raises(UsageError, match=words) as raised:
        seconds_of(budget)

    assert raised.value.exit_code == 4
    assert raised.value.cure == "pytest suite --benchmark-only --budget 30m"


@given(hours=st.integers(0, 99), minutes=st.integers(0, 59), seconds=st.integers(0, 59))
def test_a_budget_is_told_exactly(hours: int, minutes: int, seconds: int) -> None:
    """The words say the same time as the option."""
    told = in_words(3600 * hours + 60 * minutes + seconds)
    spoken = dict(zip(*[iter(reversed(told.split()))] * 2, strict=True))

    assert {unit: int(n) for unit, n in spoken.items()} == {
        unit: n for unit, n in (("h", hours), ("min", minutes), ("s", seconds)) if n
    }


@dataclass(frozen=True)
class WhenThere(Deadline):
    """A deadline that passes as a file appears: no clock decides what a test sees."""

    file: Path = Path()

    @property
    def passed(self) -> bool:
        return self.file.exists()


def deadline(file: Path) -> WhenThere:
    return WhenThere(1800, 0.0, file)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, dict[Any, ContenderEvidence]]:
    """A run whose time is up as the second block of `flatter` has begun."""
    root = make(
        tmp_path_factory.mktemp("checkout"),
        claim__toml=MORE_TOML,
        bench_line__py=WITH_MORE,
        pace__py=PACE,
    )
    paper = bound(root)
    return root, paper, evidence(root, paper, deadline=deadline(root / "begun-1"))


def test_what_did_not_run_says_so(cut: tuple[Path, Any, Any]) -> None:
    """The contender in whose midst the time was up, and the race after all."""
    _, _, found = cut

    assert found["line", "steep"].status == found["line", "flat"].status == "ok"
    for name in (("line", "flatter"), ("race", "runner")):
        assert (found[name].status, found[name].reason) == (
            "over budget",
            "the run's 30 min were spent",
        )


def test_what_ran_is_kept(cut: tuple[Path, Any, Any]) -> None:
    """Each block that was finished is evidence, also of a contender that was not."""
    root, _, found = cut
    ok = [one.status for one in found["line", "flatter"].outcomes].count("ok")

    assert ok == 1
    kept = root / "results" / "store" / "toy" / "line" / "line" / "flatter"
    assert len(list(kept.glob("*.parquet"))) == ok
    assert not list(kept.glob("*.partial"))


def test_trials_cut_short_choose_nothing(tmp_path: Path) -> None:
    """Evidence at half-tuned parameters would be taken for the tuned contender's."""
    root = make(
        tmp_path,
        claim__toml=MORE_TOML,
        bench_line__py=edited(WITH_MORE, ("*, rate):\n", PAUSING)),
        pace__py=PACE,
    )
    paper = bound(root)
    engine = Run(context(root, deadline=deadline(root / "begun-1")), workers=1)
    (job,) = (one for one in jobs_of(paper) if one.contender == "chosen")
    engine.schedule([job])
    found = engine.finish(job)
    engine.close()

    trials = list((root / "results/store/toy/line/tuned/chosen").glob("*.parquet"))
    assert len(trials) == 1, "the first of two trials was finished"
    assert found.tuned == {}
    assert {outcome.status for outcome in found.outcomes} == {"over budget"}


def test_a_claim_that_lacks_evidence_is_inconclusive(cut: tuple[Path, Any, Any]) -> None:
    """With the reason; one whose contenders had all ended has its verdict."""
    _, paper, found = cut
    claims = judged(paper, found)

    assert claims["line/falls"].verdict == "reproduced"
    assert claims["line/beats-flat"].verdict == "inconclusive"
    assert claims["line/beats-flat"].reason.endswith(
        "Not judged on evidence: contender flatter is over budget: the run's 30 min were spent."
    )


def test_the_store_is_read_after_the_end(cut: tuple[Path, Any, Any]) -> None:
    """A run without any time left still has what is in the store, and computes nothing."""
    root, paper, _ = cut
    again = evidence(root, paper, deadline=deadline(root))

    assert again["line", "steep"].status == "ok"
    assert all(outcome.from_store for outcome in again["line", "steep"].outcomes)
    assert again["line", "flatter"].status == "over budget"
    assert sum(one.seconds for one in again.values()) == 0


def test_no_worker_outlives_the_budget(tmp_path: Path) -> None:
    """The block that was running is ended, and its process with it."""
    root = make(tmp_path, bench_line__py=SLOW, pace__py=PACE)
    paper = bound(root)
    engine = Run(context(root, deadline=deadline(root / "begun-1")), workers=2)
    jobs = jobs_of(paper)
    engine.schedule(jobs)
    for job in jobs:
        engine.finish(job)

    assert engine._pool is None
    engine.close()


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """A run whose budget is spent, and the same command with more of it."""
    root = make(tmp_path_factory.mktemp("checkout"), bench_line__py=SLOW, pace__py=PACE)
    first = bench(root, "--budget", "6s")
    (root / "go-on").touch()
    return root, first, bench(root, "--budget", "10m")


def test_a_session_over_budget_ends_in_order(sessions: tuple[Path, Any, Any]) -> None:
    """Exit code 2, a record that is not complete, a report, and a line that says why."""
    root, first, _ = sessions
    record = records_of(root)[0]
    status = {one["name"]: (one["status"], one["reason"]) for one in record["contenders"]}

    assert first.returncode == 2, first.stdout
    assert record["complete"] is False
    assert status["flatter"] == ("over budget", "the run's 6 s were spent")
    assert "PARTIAL: the run's 6 s were spent." in first.stdout
    assert "INTERNALERROR" not in first.stdout
    assert re.search(r"\d+ skipped", first.stdout), first.stdout
    assert "report: " in first.stdout


def test_a_second_session_goes_on(sessions: tuple[Path, Any, Any]) -> None:
    """It takes from the store what the first had finished, and is complete."""
    root, _, second = sessions
    first, record = records_of(root)
    kept = {one["name"]: one["blocks"] for one in first["contenders"] if one["status"] == "ok"}

    assert second.returncode == 0, second.stdout
    assert record["complete"] is True
    for one in record["contenders"]:
        if one["name"] in kept:
            assert one["blocks_from_store"] == kept[one["name"]]
