"""What a run will cost is told before it, from what earlier ones did, or instead of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from toy import (
    BENCH,
    CLAIM_TOML,
    METHOD,
    bench,
    bound,
    context,
    edited,
    evidence,
    jobs_of,
    make,
    run,
)

from claimbench.evidence.load import Load, load
from claimbench.evidence.plan import Plan
from claimbench.plugin.costs import Costs, Estimate, about, estimate

A, B, RACE = ("p/a", "x", "one"), ("p/a", "x", "two"), ("p/b", "clock", "one")


def costs(root: Path, **changes: Any) -> Costs:
    facts = {"profile": "standard", "device": "cpu", "machine": "here", **changes}
    return Costs(root / "results", root / "accepted", **facts)


def test_workers_share_the_blocks_and_races_come_after() -> None:
    """20 blocks of 3 s on two workers, and 10 rounds of 1 s alone."""
    loads = {A: Load(20, 5), B: Load(0, 7), RACE: Load(10, 0, race=True)}
    found = estimate(loads, {A: (3.0, "here"), RACE: (1.0, "here")}.get, workers=2)

    assert (found.seconds, found.races) == (30.0 + 10.0, 10.0)
    assert (found.papers, found.compute, found.stored, found.unknown) == (2, 30, 12, 0)
    assert found.line == ("about 40 s: 2 papers, 30 blocks to compute, 12 in the store; races 10 s")


TEN = "1 paper, 10 blocks to compute, 0 in the store"
EXTRAPOLATED = (
    " 6 of the blocks extrapolated from the standard profile by cells and replicates alone: bigger"
    " cells cost more"
)


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (
            Estimate(8, 3100, 5000, 720.0, 120.0, 0, {"here": 3100}),
            "about 12 min: 8 papers, 3,100 blocks to compute, 5,000 in the store; races 2 min",
        ),
        (
            Estimate(1, 1, 0, 0.0, 0.0, 1),
            "unknown: never measured here: 1 paper, 1 block to compute, 0 in the store",
        ),
        (
            Estimate(1, 10, 0, 9.0, 0.0, 4, {"here": 6}),
            f"about 9 s: {TEN}; 4 of the blocks come on top, never measured here",
        ),
        (
            Estimate(1, 0, 10, 0.0, 0.0, 0),
            "nothing to compute: 1 paper, 0 blocks to compute, 10 in the store",
        ),
        (
            Estimate(1, 10, 0, 7200.0, 0.0, 0, {"elsewhere": 4, "standard": 6}),
            f"about 2.0 h: {TEN}; 4 of the blocks by an accepted run of another machine;"
            + EXTRAPOLATED,
        ),
    ],
)
def test_the_line_says_what_is_known_and_what_is_not(made: Estimate, line: str) -> None:
    """An honest "unknown" where there is no history, and where a figure comes from."""
    assert made.line == line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59, "59 s"), (99.6, "2 min"), (725, "12 min"), (9000, "2.5 h"), (1e5, "28 h")],
)
def test_an_estimate_has_few_digits(seconds: float, words: str) -> None:
    """It is no measurement."""
    assert about(seconds) == words


def test_costs_are_remembered_by_profile_and_device(tmp_path: Path) -> None:
    """A smoke block is no standard block; the latest of a kind counts half."""
    (tmp_path / "results" / "store").mkdir(parents=True)
    first = costs(tmp_path)
    first.learn(A, 4.0)
    first.learn(A, 2.0)
    first.save()
    smoke = costs(tmp_path, profile="smoke")
    assert smoke.of(A) is None
    smoke.learn(A, 0.1)
    smoke.save()

    assert costs(tmp_path).of(A) == (3.0, "here")
    assert costs(tmp_path, profile="smoke").of(A) == (0.1, "here")
    assert costs(tmp_path, device="cuda").of(A) is None
    assert costs(tmp_path).of(B) is None


def record(seconds: float, *, blocks: int, stored: int, **changes: Any) -> str:
    """Return what an estimate reads of a record."""
    one = {"paper": A[0], "experiment": A[1], "name": A[2], "status": "ok", "grid": {}}
    design = {"replicates": 10, "block": 5, "tuning": None, **changes.pop("design", {})}
    one |= {"seconds": seconds, "blocks": blocks, "blocks_from_store": stored, **changes}
    return json.dumps(
        {"papers": [{"id": A[0], "experiments": {A[1]: design}}], "contenders": [one]}
    )


def written(root: Path, place: str, text: str) -> None:
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_where_costs_are_not_remembered_records_tell(tmp_path: Path) -> None:
    """The newest that computed a block, on this machine before another's; damage is passed over."""
    written(tmp_path, "accepted/standard/there/1.json", record(40, blocks=4, stored=0))
    assert costs(tmp_path).of(A) == (10.0, "elsewhere")
    written(tmp_path, "results/standard/here/1.json", record(20, blocks=4, stored=0))
    written(tmp_path, "results/standard/here/2.json", record(12, blocks=4, stored=1))
    written(tmp_path, "results/standard/here/3.json", record(0, blocks=4, stored=4))
    written(
        tmp_path, "results/standard/here/4.json", record(9, blocks=4, stored=0, status="failed")
    )
    for number, text in enumerate(("{", "[]", "{}", '{"papers": 1, "contenders": []}')):
        written(tmp_path, f"results/standard/here/{5 + number}.json", text)

    assert costs(tmp_path).of(A) == (4.0, "here")
    assert costs(tmp_path).of(B) is None


def test_a_tuned_contender_s_seconds_are_its_trials_too(tmp_path: Path) -> None:
    """Two cells of two blocks and three trials each: ten units."""
    tuned = {"design": {"tuning": {"trials": 3}}, "grid": {"rate": [1, 2, 3]}}
    written(tmp_path, "results/standard/here/1.json", record(30, blocks=4, stored=0, **tuned))

    assert costs(tmp_path).of(A) == (3.0, "here")


def test_what_the_store_lacks_is_counted(tmp_path: Path) -> None:
    """Exactly the blocks that a run goes on to compute."""
    root = make(tmp_path)
    paper = bound(root)
    jobs = jobs_of(paper)
    before = {job.contender: load(Plan(context(root)), job) for job in jobs}
    found = evidence(root, paper)
    after = {job.contender: load(Plan(context(root)), job) for job in jobs}
    fresh = {job.contender: load(Plan(context(root, fresh=True)), job) for job in jobs}

    assert set(before.values()) == {Load(6, 0)}
    assert [len(one.units) for one in found.values()] == [6] * 3
    assert set(after.values()) == {Load(0, 6)}
    assert fresh == before


def test_a_tuned_contender_is_known_once_its_trials_are(tmp_path: Path) -> None:
    """Before, all its blocks may have to be computed; after, the store is asked for the chosen."""
    root = make(
        tmp_path,
        claim__toml=CLAIM_TOML
        + '[experiment.line.tuning]\ntrials = 2\nreplicates = 2\ncriterion = "gap"\n',
        bench_line__py=edited(
            BENCH,
            ("@line.method\n", '@line.method(grid={"rate": [0.5, 1.0]})\n'),
            ("steep(problem)", "steep(problem, *, rate)"),
            ("descend(problem, 1.0)", "descend(problem, rate)"),
        ),
    )
    paper = bound(root)
    (job,) = (one for one in jobs_of(paper) if one.contender == "steep")

    assert load(Plan(context(root)), job) == Load(3 * 2 + 6, 0)
    evidence(root, paper)
    assert load(Plan(context(root)), job) == Load(0, 3 * 2 + 6)
    (more,) = (one for one in jobs_of(bound(root, replicates=9)) if one.contender == "steep")
    assert load(Plan(context(root)), more) == Load(3, 3 * 2 + 6)


def test_what_is_not_installed_costs_nothing(tmp_path: Path) -> None:
    """It is neither computed nor in the store."""
    root = make(tmp_path)
    paper = bound(root)
    job = jobs_of(paper)[0]
    object.__setattr__(job.of, "pin", "absent")
    plan = Plan(context(root, pin_state=lambda pin: ({}, "not installed")))

    assert load(plan, job) == Load(0, 0)


SLOW = METHOD.replace("    problem.calls", "    sleep(0.3)\n    problem.calls", 1).replace(
    "from numpy import exp", "from time import sleep\n\nfrom numpy import exp"
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The estimate of a checkout that never ran, of one that did, and of its full profile."""
    root = make(tmp_path_factory.mktemp("checkout"), method__py=SLOW)
    words = ("suite", "--workers", "1", "--estimate")
    first = run(root, *words)
    bench(root, "-k", "falls")
    return {
        "root": root,
        "first": first,
        "again": run(root, *words),
        "full": run(root, *words, "--profile", "full"),
        "fresh": run(root, *words, "--fresh", "--budget", "1s"),
    }


def test_without_history_the_cost_is_unknown(told: dict[str, Any]) -> None:
    """And nothing is run: no record, no store, exit code 0."""
    first = told["first"]

    assert first.returncode == 0, first.stdout
    assert (
        "unknown: never measured here: 1 paper, 18 blocks to compute, 0 in the store"
        in first.stdout
    )
    assert "profile standard on cpu, 1 worker" in first.stdout


def test_history_tells_what_is_left(told: dict[str, Any]) -> None:
    """Two of three contenders are in the store; the third was never measured."""
    assert (
        "unknown: never measured here: 1 paper, 6 blocks to compute, 12 in the store"
        in told["again"].stdout
    )
    assert re.search(
        r"^about [3-9] s: 1 paper, 18 blocks to compute, 0 in the store;"
        r" 6 of the blocks come on top, never measured here$",
        told["fresh"].stdout,
        re.MULTILINE,
    ), told["fresh"].stdout


def test_another_profile_is_extrapolated_and_says_so(told: dict[str, Any]) -> None:
    """Four cells for three: the new cell's blocks at the price of the old ones."""
    assert re.search(
        r"^about [0-9]+ s: 1 paper, \d+ blocks to compute, \d+ in the store;"
        r" \d+ of the blocks come on top, never measured here;"
        r" \d+ of the blocks extrapolated from the standard profile by cells and replicates alone",
        told["full"].stdout,
        re.MULTILINE,
    ), told["full"].stdout


def test_a_budget_that_is_too_small_is_warned_of(told: dict[str, Any]) -> None:
    """Before the run, in words that say what will happen."""
    assert (
        "that passes the run's budget of 1 s: what it leaves out will say so, and the same command"
        " goes on there" in told["fresh"].stdout
    )


def test_nothing_is_run(told: dict[str, Any]) -> None:
    """An estimate leaves no record: the one there is of the run."""
    assert len(list((told["root"] / "results" / "standard").rglob("*.json"))) == 1
    assert not (told["root"] / "results" / "full").exists()
