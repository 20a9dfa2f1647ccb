"""A run on a real Dask cluster equals a local one, also when a worker is killed in its midst."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import toy
from clusters import Cluster, cluster, wait_for
from toy import BENCH, CLAIM_TOML, METHOD, bound, context, edited, make

from claimbench.cluster.client import DaskPool
from claimbench.data import hash_of
from claimbench.errors import ClusterError, UsageError
from claimbench.evidence.context import Context
from claimbench.evidence.elsewhere import Machines
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.run import Run
from claimbench.evidence.store import read_rows
from claimbench.fingerprint import fingerprint

pytest.importorskip("distributed", reason="pip install -e '.[dask]'")

#: Slow enough to be killed in the midst.
SLOW = edited(
    METHOD,
    ("import exp\n", "import exp\nfrom time import sleep\n"),
    ("    return", "    sleep(0.15)\n    return"),
)
#: With a trace, an exhibit, something to tune, and a race.
BUSY = edited(
    BENCH,
    ("import line\n", "import line as straight\n"),
    ('{"gap": x}', '{"gap": x, "trace": x[:, None] * [[1, 2]]}'),
    (
        "line = Experiment(line, measure)",
        """def exhibit(problem, x):
    return {"x": x[:1]}

line = Experiment(straight, measure, exhibit=exhibit)
race = Experiment(straight, measure, seconds=True)""",
    ),
    (
        "\ndef growth",
        """@line.baseline(grid={"rate": [0.25, 0.5]})
def tuned(problem, *, rate):
    return descend(problem, rate)

race.method(steep)
race.baseline(flat)


def growth""",
    ),
)
DESIGN = edited(
    CLAIM_TOML,
    (
        "smoke = {",
        "tuning = { trials = 2, replicates = 2, criterion = 'gap' }\nsmoke = {",
    ),
    (
        '[[claim]]\nid = "falls"',
        '[experiment.race]\nT = [1]\nreplicates = 5\n\n[[claim]]\nid = "falls"',
    ),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(
        tmp_path_factory.mktemp("checkout"),
        bench_line__py=BUSY,
        method__py=SLOW,
        claim__toml=DESIGN,
    )


@pytest.fixture(scope="module")
def dask(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster(tmp_path_factory.mktemp("dask") / "files", root) as running:
        running.worker("a", "--no-nanny")
        running.worker("b", "--no-nanny")
        wait_for(lambda: running.met("a") and running.met("b"))
        yield running


def machine(root: Path, store: Path, *, mixed: bool = False, **changes: Any) -> Context:
    """Return what the units of a client's run share."""
    parts = {
        "fingerprint": fingerprint(),
        "store": store,
        "machines": Machines(store / "machines") if mixed else Machines(),
        "data": lambda paper: hash_of(root, paper),
        **changes,
    }
    return context(root, **parts)


def found_on(
    dask: Cluster | None, client: Context, *, mixed: bool = False, patience: float = 30
) -> Any:
    """Return the evidence that a cluster makes of all that is no race."""

    def hire(modules: Sequence[str]) -> DaskPool:
        assert dask is not None, "all of it was in the store"
        parts = {"context": client, "modules": modules, "mixed": mixed, "patience": patience}
        return DaskPool(dask.address, **parts)

    engine = Run(client, workers=1, hire=hire)
    try:
        jobs = [job for job in toy.jobs_of(bound(client.root)) if not job.is_race]
        engine.schedule(jobs)
        return {job.key[1:]: engine.finish(job) for job in jobs}
    finally:
        engine.close()


def rows(found: dict[tuple[str, str], ContenderEvidence]) -> dict[Any, bytes]:
    """Return every column of every unit but for the seconds, as bytes."""
    return {
        (contender, repr(unit.cells), unit.block, name): values.tobytes()
        for (_, contender), one in found.items()
        for unit in one.units
        for name, values in read_rows(Path(unit.file)).columns.items()
        if name != "seconds"
    }


def killing(running: Cluster, store: Path, name: str) -> threading.Thread:
    """Kill a worker as soon as some evidence has come back."""

    def kill() -> None:
        wait_for(lambda: len(list(store.rglob("*.parquet"))) >= 4)
        running.kill(name)

    killer = threading.Thread(target=kill)
    killer.start()
    return killer


def test_a_worker_killed_in_the_midst_loses_nothing(
    dask: Cluster, root: Path, tmp_path: Path
) -> None:
    """Rows, traces, what was tuned and verdicts equal a local run's to the last bit."""
    paper = bound(root)
    killer = killing(dask, tmp_path / "cluster", "a")
    found = found_on(dask, machine(root, tmp_path / "cluster"))
    killer.join()
    local = toy.evidence(root, paper, store=tmp_path / "local")
    plain = {key: one for key, one in local.items() if key[0] == "line"}

    assert dask.processes["a"].poll() is not None
    assert len(rows(found)) == 4 * 3 * 2 * 3
    assert rows(found) == rows(plain)
    assert found["line", "tuned"].tuned == plain["line", "tuned"].tuned
    for name, claim in toy.judged(paper, found).items():
        expected = toy.judged(paper, plain)[name]
        assert (claim.verdict, claim.effect) == (expected.verdict, expected.effect)
        assert claim.replicates == expected.replicates
    assert len(list((tmp_path / "cluster").rglob("*.npz"))) == 4 * 3
    assert not list((tmp_path / "cluster").rglob("*partial*"))


def test_another_fingerprint_is_refused_with_what_differs(
    dask: Cluster, root: Path, tmp_path: Path
) -> None:
    """No evidence comes of it."""
    client = machine(root, tmp_path, fingerprint=fingerprint() | {"cpu": "the client's"})

    with pytest.raises(ClusterError, match=r"no Dask worker may compute.*another fingerprint: cpu"):
        found_on(dask, client, patience=1)

    (reason,) = client.machines.refused.values()
    assert reason.endswith('there, "the client\'s" here')
    assert not list(tmp_path.rglob("*.parquet"))


@pytest.mark.exam
def test_a_cluster_without_workers_is_said(root: Path, tmp_path: Path) -> None:
    """After some patience, with the command that starts one; a scheduler that is none, at once."""
    client = machine(root, tmp_path)
    with (
        cluster(tmp_path / "dask", root) as empty,
        pytest.raises(ClusterError, match=r"no workers after 0.5 s.*dask worker tcp://"),
    ):
        DaskPool(empty.address, context=client, modules=(), mixed=False, patience=0.5)
    with pytest.raises(UsageError, match=r"no Dask scheduler answers.*to mend it: dask scheduler"):
        DaskPool("tcp://127.0.0.1:1", context=client, modules=(), mixed=False, reach=0.5)


@pytest.mark.exam
def test_a_mixed_machine_is_named_and_its_evidence_is_its_own(
    dask: Cluster, root: Path, tmp_path: Path
) -> None:
    """It is served to the next mixed run, and counts for no other."""
    client = {"fingerprint": fingerprint() | {"cpu": "the client's"}}
    first = machine(root, tmp_path, mixed=True, **client)
    found = found_on(dask, first, mixed=True)
    second = machine(root, tmp_path, mixed=True, **client)
    again = found_on(None, second, mixed=True)
    (used,) = first.machines.used()

    assert {one.status for one in found.values()} == {"ok"}
    assert (used["blocks"], used["fingerprint"]) == (4 * 6 + 3 * 2, fingerprint())
    assert all(outcome.from_store for one in again.values() for outcome in one.outcomes)
    assert second.machines.used() == [used]
    assert rows(again) == rows(found)
    with pytest.raises(AssertionError, match="all of it was in the store"):
        found_on(None, machine(root, tmp_path, **client))


def facts(root: Path, results: str) -> dict[str, Any]:
    """Return all of a run but what its clock and its place gave."""
    (path,) = (root / results).glob("standard/*/*.json")
    tables = {
        file.relative_to(path.with_suffix("")).as_posix(): pd.read_parquet(file).drop(
            columns=["seconds", "peak_memory_bytes"], errors="ignore"
        )
        for file in sorted(path.with_suffix("").rglob("*.parquet"))
    }
    exhibits = {file.name: file.read_bytes() for file in path.with_suffix("").rglob("*.npz")}
    record = json.loads(path.read_text())
    for one in (*record["claims"], *record["contenders"]):
        del one["seconds"], one["peak_memory_bytes"]
    for name in ("created", "command", "seconds", "workers", "backend"):
        del record[name]
    return {"record": record, "tables": tables, "exhibits": exhibits}


@pytest.mark.exam
@pytest.mark.parametrize("nanny", ["--nanny", "--no-nanny"])
def test_a_session_on_a_cluster_is_a_local_session(root: Path, tmp_path: Path, nanny: str) -> None:
    """Record, rows, traces and exhibits, bit for bit, with a worker killed; races ran here."""
    local = toy.bench(root, "--results-dir", f"local{nanny}")
    results = f"cluster{nanny}"
    with cluster(tmp_path / "dask", root) as running:
        running.worker("a", nanny)
        running.worker("b", nanny)
        wait_for(lambda: running.met("a") and running.met("b"))
        killer = killing(running, root / results / "store", "a")
        words = ("--backend", "dask", "--scheduler", running.address, "--results-dir", results)
        done = toy.run(root, "suite", "--benchmark-only", *words, timeout=600)
        killer.join()
    (record,) = toy.records(root, results)
    one, two = facts(root, f"local{nanny}"), facts(root, results)
    again = toy.bench(root, "--results-dir", results)

    assert (local.returncode, done.returncode, again.returncode) == (0, 0, 0), done.stdout
    assert one["record"] == two["record"]
    assert one["exhibits"] == two["exhibits"] != {}
    assert list(one["tables"]) == list(two["tables"]) != []
    for name, table in one["tables"].items():
        pd.testing.assert_frame_equal(table, two["tables"][name], check_exact=True)
    assert record["backend"] == {"kind": "dask", "machines": []}
    assert "--scheduler ADDRESS" in record["command"]
    for contender in toy.records(root, results)[-1]["contenders"]:
        own = 0 if contender["experiment"] == "race" else contender["blocks"]
        assert contender["blocks_from_store"] == own
