"""What a run will cost is told before it, from what earlier ones did, or instead of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from toy import (
    BENCH,
    CLAIM_TOML,
    bound,
    context,
    edited,
    evidence,
    jobs_of,
    make,
    run,
)

from claimbench.evidence.deadline import Deadline
from claimbench.evidence.load import Load, load
from claimbench.evidence.plan import Plan
from claimbench.plugin.costs import Costs, Estimate, about, estimate
from claimbench.plugin.estimating import told
from claimbench.plugin.options import Options

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


UNKNOWN = "unknown: never measured here"
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
            f"about 2 h: {TEN}; 4 of the blocks by an accepted run of another machine;"
            + EXTRAPOLATED,
        ),
    ],
)
def test_the_line_says_what_is_known_and_what_is_not(made: Estimate, line: str) -> None:
    """An honest "unknown" where there is no history, and where a figure comes from."""
    assert made.line == line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (99.6, "1.7 min"),
        (725, "12 min"),
        (9000, "2.5 h"),
        (1e6, "278 h"),
    ],
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


def options(**changes: Any) -> Options:
    """Return the words of a command line, with `changes`."""
    facts: dict[str, Any] = {
        "profile": "standard",
        "device": "cpu",
        "replicates": None,
        "workers": 2,
        "results": None,
        "seed": 0,
        "fresh": False,
        "runs": False,
        "gate": False,
        "budget": None,
        "until_decided": False,
        "estimates": True,
        "candidates": (),
        "command": "",
    }
    return Options(**facts | changes)


def told_of(root: Path, *, deadline: Deadline | None = None, **changes: Any) -> list[str]:
    """Return what ``--estimate`` prints."""
    asked = options(**changes)
    paper = bound(root, profile=asked.profile)
    return told(jobs_of(paper), Plan(context(root)), asked, root, deadline)


def known(root: Path, **seconds: float) -> None:
    """Let each contender's block at the standard profile have cost so much."""
    remembered = {f"standard/cpu/toy/line/line/{name}": cost for name, cost in seconds.items()}
    written(root, "results/store/costs.json", json.dumps(remembered))


def test_without_history_the_cost_is_unknown(tmp_path: Path) -> None:
    """In the paper's line and in the sum."""
    paper, profile, total = told_of(make(tmp_path))

    assert paper == "toy/line      18 blocks to compute,      0 in the store, " + UNKNOWN
    assert profile == "profile standard on cpu, 2 workers"
    assert total == f"{UNKNOWN}: 1 paper, 18 blocks to compute, 0 in the store"


def test_history_tells_what_each_block_costs(tmp_path: Path) -> None:
    """Six blocks of 20 s and six of 30 s on two workers, and six that nobody knows."""
    root = make(tmp_path)
    known(root, steep=20, flat=30)
    paper, _, total = told_of(root)

    assert paper.endswith("about 2.5 min, and 6 unknown")
    assert total == (
        "about 2.5 min: 1 paper, 18 blocks to compute, 0 in the store;"
        " 6 of the blocks come on top, never measured here"
    )


def test_another_profile_is_extrapolated_and_says_so(tmp_path: Path) -> None:
    """Four cells for three in blocks of the same size: eight blocks at the price of the six."""
    root = make(tmp_path)
    known(root, steep=20, flat=20, flatter=20)
    *_, total = told_of(root, profile="full")

    # 24 blocks of 20 s on two workers.
    assert total == (
        "about 4 min: 1 paper, 24 blocks to compute, 0 in the store; 24 of the blocks"
        " extrapolated from the standard profile by cells and replicates alone: bigger cells cost"
        " more"
    )


def test_a_bigger_block_costs_more(tmp_path: Path) -> None:
    """Blocks of twelve replicates for blocks of three: four times the seconds each."""
    root = make(
        tmp_path,
        claim__toml=edited(
            CLAIM_TOML, ("full = { T = [1, 2, 4, 8] }", "full = { replicates = 24, block = 12 }")
        ),
    )
    known(root, steep=20, flat=20, flatter=20)
    *_, total = told_of(root, profile="full")

    # 3 contenders x 3 cells x 2 blocks of 80 s on two workers: 720 s.
    assert total.startswith("about 12 min: 1 paper, 18 blocks to compute, 0 in the store;")


def test_a_race_is_told_apart(tmp_path: Path) -> None:
    """Its rounds and warm-ups run alone, whatever the workers."""
    root = make(
        tmp_path, bench_line__py=edited(BENCH, ("measure)\n\n@", "measure, seconds=True)\n\n@"))
    )
    known(root, steep=2, flat=2, flatter=2)
    *_, total = told_of(root)

    # 3 contenders x 3 cells x (6 rounds + 1 to warm up) of 2 s.
    assert total == "about 2.1 min: 1 paper, 63 blocks to compute, 0 in the store; races 2.1 min"


def test_a_budget_that_is_too_small_is_warned_of(tmp_path: Path) -> None:
    """In words that say what will happen; one that is enough is not."""
    root = make(tmp_path)
    known(root, steep=20, flat=30, flatter=30)
    *_, warning = told_of(root, deadline=Deadline(200, 0.0))

    assert warning == (
        "that passes the run's budget of 3 min 20 s: what it leaves out will say so, and the same"
        " command goes on there"
    )
    assert len(told_of(root, deadline=Deadline(300, 0.0))) == 3


def test_an_experiment_that_may_end_early_costs_at_most_so_much(tmp_path: Path) -> None:
    """Nobody knows beforehand how many looks it takes."""
    root = make(tmp_path)

    assert told_of(root, until_decided=True)[-1].endswith(
        "; at most, for experiments may end early"
    )


def test_a_session_can_tell_instead_of_running(tmp_path: Path) -> None:
    """Exit code 0, the estimate, and nothing left behind."""
    root = make(tmp_path)
    done = run(root, "suite", "--workers", "1", "--estimate", "--profile", "full")

    assert done.returncode == 0, done.stdout
    assert f"{UNKNOWN}: 1 paper, 24 blocks to compute, 0 in the store" in done.stdout
    assert "profile full on cpu, 1 worker\n" in done.stdout
    assert not (root / "results").exists()
