"""What a Dask worker does with a unit, Dask apart: the same bits, or a refusal that says why."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, METHOD, bound, context, edit, edited, evidence, jobs_of, make

from claimbench.cluster import site
from claimbench.cluster.host import checkout
from claimbench.cluster.task import Answer, Task, differences
from claimbench.data import hash_of
from claimbench.errors import BenchFileError, UsageError
from claimbench.evidence.plan import Plan
from claimbench.evidence.store import read_rows
from claimbench.evidence.unit import Outcome, Unit
from claimbench.fingerprint import fingerprint

HARD = """
@line.baseline
def hangs(problem):
    while True:
        pass

@line.baseline
def crashes(problem):
    import ctypes
    ctypes.string_at(0)

@line.baseline
def prints(problem):
    import os, sys
    print("an answer?")
    os.write(1, b"{}\\n")
    sys.stdin.read()
    return descend(problem, 1.0)

@line.control"""


#: Of a checkout that pins no data.
DATA = hash_of(Path("nowhere"), "toy/line")


@dataclass
class Here:
    """A Dask worker in words."""

    scratch: Path
    address: str = "tcp://127.0.0.1:1"
    cancelled: bool = False

    def unwanted(self) -> bool:
        """Whether the client has cancelled."""
        return self.cancelled


@dataclass
class Site:
    """A checkout, the units of its paper, and a place to run them."""

    root: Path
    here: Here
    units: dict[str, Unit]

    def task(self, contender: str = "steep", **changes: Any) -> Task:
        parts: dict[str, Any] = {
            "unit": self.units[contender],
            "run": "run 1",
            "modules": ("suite.toy.line.bench_line",),
            "budget": 20.0,
            "fingerprint": fingerprint(),
            "data": DATA,
            "revision": "client's",
            "store": str(self.root / "nowhere"),
            "fresh": False,
            "mixed": False,
        }
        return Task(**{**parts, **changes})

    def run(self, contender: str = "steep", **changes: Any) -> tuple[Answer, bytes, bytes]:
        text, rows, exhibit = site.run_at(self.task(contender, **changes).text(), self.here)
        return Answer.of(text), rows, exhibit


def first_units(root: Path, **changes: Any) -> dict[str, Unit]:
    """Return the first unit of each contender, as a client there would hand it over."""
    parts = {"fingerprint": fingerprint(), "data": lambda paper: DATA, **changes}
    plan = Plan(context(root, **parts))
    return {job.contender: plan.units(job)[0] for job in jobs_of(bound(root))}


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = make(
        tmp_path_factory.mktemp("checkout"),
        bench_line__py=edited(BENCH, ("\n@line.control", HARD)),
    )
    yield Site(root, Here(tmp_path_factory.mktemp("scratch")), first_units(root))
    for process in site._idle:
        process.close()
    site._idle.clear()


def test_rows_come_back_as_bytes_equal_to_a_local_run_s(there: Site, tmp_path: Path) -> None:
    """Bit for bit, under the unit's own key; nothing is left there."""
    answer, rows, exhibit = there.run()
    (tmp_path / "rows.parquet").write_bytes(rows)
    found = read_rows(tmp_path / "rows.parquet")
    paper = bound(there.root)
    for name in ("hangs", "crashes", "prints"):
        del paper.experiments["line"].contenders[name]
    local = evidence(there.root, paper)["line", "steep"].units[0]
    expected = read_rows(Path(local.file))

    assert (answer.refused, answer.key) == ("", there.units["steep"].key)
    assert answer.outcome is not None
    assert answer.outcome.status == "ok"
    assert exhibit == b""
    for name in ("gap", "calls"):
        assert found.columns[name].tobytes() == expected.columns[name].tobytes()
    assert not list(there.here.scratch.rglob("rows.*"))
    assert not (there.root / "nowhere").exists()


@pytest.mark.parametrize(
    ("contender", "status", "reason"),
    [
        ("hangs", "over budget", "ended after its budget of 1 s"),
        ("crashes", "failed", "its process died (SIGSEGV)"),
    ],
)
def test_a_hang_or_a_crash_ends_alone(
    there: Site, contender: str, status: str, reason: str
) -> None:
    """With the reason that a local run gives, and the next unit runs in the same process."""
    answer, rows, _ = there.run(contender, budget=1.0)
    (process,) = site._idle

    assert answer.outcome is not None
    assert (answer.outcome.status, answer.outcome.reason, rows) == (status, reason, b"")
    assert there.run()[0].outcome is not None
    assert site._idle == [process]


def test_what_a_contender_prints_is_no_answer(there: Site) -> None:
    """Nor does it read another's task."""
    answer, rows, _ = there.run("prints")

    assert answer.outcome is not None
    assert answer.outcome.status == "ok"
    assert rows


def test_another_fingerprint_is_refused_and_named(there: Site) -> None:
    """With what differs; the number of cores alone decides no bit."""
    own = fingerprint()
    answer, rows, _ = there.run(fingerprint=own | {"blas": "another"})

    assert answer.outcome is None
    assert f"another fingerprint: blas {own['blas']!r} there, 'another' here" in answer.refused
    assert rows == b""
    assert differences(own, own | {"cores": 999}) == []
    assert differences(own, own | {"gpu": "x"}) == ["gpu 'x' there, None here"]


def test_a_mixed_machine_has_a_key_of_its_own(there: Site) -> None:
    """It computes under the key that a run on that machine has, not under the client's."""
    client = fingerprint() | {"cpu": "the client's"}
    unit = first_units(there.root, fingerprint=client)["steep"]
    answer, rows, _ = there.run(unit=unit, fingerprint=client, mixed=True)

    assert answer.refused == ""
    assert unit.key != answer.key == there.units["steep"].key
    assert answer.fingerprint["cpu"] == fingerprint()["cpu"]
    assert rows


def test_other_source_is_refused(there: Site, tmp_path: Path) -> None:
    """A checkout that would make other evidence makes none, and the revisions are named."""
    other = make(tmp_path, method__py=edited(METHOD, ("exp(-rate", "exp(-1.0 * rate")))
    unit = dataclasses.replace(there.units["steep"], root=str(other))
    answer, rows, _ = there.run(unit=unit)

    assert "other source: revision unversioned with edits there, client's here" in answer.refused
    assert "check out the client's revision there" in answer.refused
    assert rows == b""


def test_other_data_is_refused(there: Site) -> None:
    """By its hash, before anything is computed."""
    unit = dataclasses.replace(there.units["steep"], key="other")
    answer, _, _ = there.run(unit=unit, data="other")

    assert answer.refused == "other data: datasets.dvc there is not the client's"


def test_the_checkout_is_the_client_s_path_or_where_the_worker_was_started(
    there: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither is one the worker is refused, with the command that mends it."""
    monkeypatch.chdir(tmp_path)

    assert checkout(there.root) == there.root
    with pytest.raises(UsageError, match=r"no checkout here: .*cd CHECKOUT && dask"):
        checkout(Path("/no/such"))
    monkeypatch.chdir(there.root / "suite")
    assert checkout(Path("/no/such")) == there.root


@pytest.mark.exam
def test_an_edit_between_two_sessions_is_seen(there: Site, tmp_path: Path) -> None:
    """The next session's process imports anew: no unit is refused for what was imported before."""
    root = make(tmp_path)
    before = there.run(unit=first_units(root)["steep"], run="before")[0]
    edit(root / "suite/toy/line/method.py", ("exp(-rate", "exp(-1.0 * rate"))
    after = there.run(unit=first_units(root)["steep"], run="after")[0]

    assert (before.refused, after.refused) == ("", "")
    assert before.key != after.key


@pytest.mark.exam
def test_a_cancelled_unit_ends_at_once(there: Site) -> None:
    """Its process ends, and all that it runs."""
    there.here.cancelled = True
    began = time.monotonic()
    try:
        answer, _, _ = there.run("hangs", run="cancelled")
    finally:
        there.here.cancelled = False

    assert answer.outcome == Outcome("failed", "cancelled")
    assert time.monotonic() - began < 15
    assert site._idle == []


@pytest.mark.exam
def test_a_process_that_died_between_two_units_is_replaced(there: Site) -> None:
    """The unit runs in a new one."""
    there.run()
    (process,) = site._idle
    process._of.send_signal(signal.SIGKILL)
    process._of.wait()

    assert there.run()[0].outcome is not None
    assert site._idle != [process]


@pytest.mark.exam
def test_the_process_ends_with_whoever_started_it(there: Site) -> None:
    """When the Dask worker is killed its pipe ends, and so does a unit that hangs."""
    process = site._Process("orphan", there.here.scratch)
    assert process._of.stdin is not None
    process._of.stdin.write(there.task("hangs").text() + "\n")
    process._of.stdin.flush()
    time.sleep(4)
    process._of.stdin.close()

    assert process._of.wait(timeout=10) == 0
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(process.folder) not in listed.stdout
    process._folder.cleanup()
    assert process._of.stdout is not None
    process._of.stdout.close()


def test_a_unit_that_would_not_come_back_as_it_went_is_refused(there: Site) -> None:
    """JSON has no tuples: what a tuple would become is another thing for a contender."""
    unit = dataclasses.replace(there.units["steep"], parameters={"steps": (1, 2)})

    with pytest.raises(BenchFileError, match=r"steep can't travel.*on this machine alone"):
        there.task(unit=unit).text()
