"""A run's record and its evidence, kept beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import BENCH, CLAIM_TOML, PIN, bound, edited, evidence, make

from claimbench import comparison
from claimbench.errors import RecordError
from claimbench.judging import judge_claims
from claimbench.pins import read_pins
from claimbench.record import Record, read_record
from claimbench.recording import Circumstances, make_record, save
from claimbench.report.numerals import interval
from claimbench.statistics.interval import median_interval
from claimbench.wording import interval_words

CIRCUMSTANCES = Circumstances(
    profile="standard", device="cpu", command="suite", workers=1, seed=0, complete=True,
    total_seconds=2.0, engine_cpu=0.5,
)  # fmt: skip

TUNING = """
[experiment.line.tuning]
trials = 2
replicates = 2
criterion = "gap"

[[claim]]
id = "falls\""""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Record, dict[str, object]]:
    bench = edited(
        BENCH,
        ("@line.baseline\n", '@line.baseline(pin="absent-peer")\n'),
        ("@line.method\n", '@line.method(grid={"rate": [0.5, 1.0]})\n'),
        ("def steep(problem):", "def steep(problem, *, rate):"),
        ("descend(problem, 1.0)", "descend(problem, rate)"),
        ("Experiment(line, measure)", "Experiment(line, measure, exhibit=picture)"),
        ("\n\ndef measure", "\n\n# Deviation: a line\n# has no noise.\n\ndef measure"),
        ("\n\ndef measure", '\n\ndef picture(problem, x):\n    return {"x": x}\n\ndef measure'),
    )
    claims = edited(CLAIM_TOML, ('\n[[claim]]\nid = "falls"', TUNING))
    root = make(tmp_path_factory.mktemp("checkout"), bench_line__py=bench, claim__toml=claims)
    (root / "baselines" / "pins.toml").write_text(PIN + PIN.replace("absent-peer", "unused-peer"))
    paper = bound(root)
    found = {paper.id: evidence(root, paper)}
    pins = read_pins(root / "baselines" / "pins.toml")
    record = make_record(CIRCUMSTANCES, [paper], found, judge_claims([paper], found), pins)
    return record, found


def test_a_record_adds_up(run: tuple[Record, dict[str, object]]) -> None:
    """Seconds of contenders, of the suite's code and of the engine."""
    record = run[0]

    assert record.seconds["total"] == 2.0
    assert record.seconds["contenders"] == pytest.approx(
        sum(one.seconds for one in record.contenders)
    )
    assert record.seconds["engine"] > 0.5
    assert record.seconds["suite"] > 0


def test_a_record_holds_the_pins_of_its_contenders(run: tuple[Record, dict[str, object]]) -> None:
    """With what is installed; pins of nobody in the run are left out."""
    assert list(run[0].pins) == ["absent-peer"]
    assert run[0].pins["absent-peer"]["match"] is False


def test_a_record_holds_what_was_tuned_over_which_values(
    run: tuple[Record, dict[str, object]],
) -> None:
    """Each contender's grid, as the bench file has it, and the experiment's budget."""
    grids = {one.name: one.grid for one in run[0].contenders}

    assert grids == {"steep": {"rate": [0.5, 1.0]}, "flat": {}, "flatter": {}}
    assert run[0].papers[0].experiments["line"]["tuning"]["trials"] == 2


def test_a_record_tells_the_papers_deviations(run: tuple[Record, dict[str, object]]) -> None:
    """The sentence that a source of the paper marks, with its file."""
    assert [(one.file, one.text) for one in run[0].papers[0].deviations] == [
        ("suite/toy/line/bench_line.py", "a line has no noise.")
    ]


def test_a_saved_run_is_read_back(run: tuple[Record, dict[str, object]], tmp_path: Path) -> None:
    """Record, rows and exhibits, in a folder by profile and fingerprint."""
    record, found = run
    path = save(record, tmp_path, found)  # type: ignore[arg-type]
    folder = path.with_suffix("") / "toy" / "line"

    assert read_record(path) == record
    assert path.parent.parent == tmp_path / "standard"
    assert path.name == f"{record.created}-unversio.json"
    assert len(pd.read_parquet(folder / "line.parquet")) == 3 * 3 * 6
    assert sorted(one.name for one in (folder / "line.exhibits").iterdir()) == sorted(
        f"{name}-T={T}.npz" for name in ("steep", "flat", "flatter") for T in (1, 2, 4)
    )
    with np.load(folder / "line.exhibits" / "steep-T=4.npz") as arrays:
        assert arrays["x"].shape == (3,)


def test_two_runs_of_one_second_do_not_meet(
    run: tuple[Record, dict[str, object]], tmp_path: Path
) -> None:
    """The second has a name of its own."""
    first, second = (save(run[0], tmp_path, {}) for _ in range(2))

    assert first != second
    assert read_record(first) == read_record(second)


def test_another_machine_has_another_folder(
    run: tuple[Record, dict[str, object]], tmp_path: Path
) -> None:
    """Records are compared on one fingerprint."""
    other = replace(run[0], fingerprint={**run[0].fingerprint, "cpu": "another"})

    assert save(run[0], tmp_path, {}).parent != save(other, tmp_path, {}).parent


def test_a_full_disk_is_told(run: tuple[Record, dict[str, object]], tmp_path: Path) -> None:
    """A folder that can't be made is a message with its cure."""
    (tmp_path / "standard").touch()

    with pytest.raises(RecordError, match=r"can't be written.*--results-dir FOLDER"):
        save(run[0], tmp_path, run[1])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("effects", "where", "words"),
    [
        ([-np.inf] * 6, "below", "-∞ [-∞, -∞]"),
        ([np.inf] * 6, "above", "∞ [∞, ∞]"),
        ([-np.inf, -1.0, 0.0, 1.0, 2.0, np.inf], "", "0.5 [-∞, ∞]"),
    ],
)
def test_an_effect_at_infinity_is_no_unbounded_interval(effects, where, words):
    """All effects at one infinity exclude everything else: record and tables say so."""
    effect = comparison.effect(median_interval(np.array(effects)), "nats")

    assert effect is not None
    assert effect.at_infinity == where
    assert interval_words(effect) == words
    assert interval(effect)[1:] == tuple(words.replace("-", "−")[:-1].partition("[")[2].split(", "))
