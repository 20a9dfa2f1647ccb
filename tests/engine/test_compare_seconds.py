"""Seconds of two records: ratios inside their races, on one machine."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reporting import race, record, sweep, write_run
from scipy import stats

from claimbench.compare.compared import Compared, compare
from claimbench.gate.accepted import Ratio
from claimbench.gate.timing import PRIOR_RUNS, PRIOR_SPREAD, ratio_shift
from claimbench.record import Record, read_record, write_record


def slower(table: pd.DataFrame, contender: str, factor: float) -> pd.DataFrame:
    seconds = table["seconds"].where(table["contender"] != contender, table["seconds"] * factor)
    return table.assign(seconds=seconds)


def pair(folder: Path, after: pd.DataFrame, run: Record | None = None) -> Compared:
    a = write_run(folder / "a", tables={"sweep": sweep(), "race": race()})
    b = write_run(folder / "b", run, {"sweep": sweep(), "race": after})
    return compare(a, b)


def logs(table: pd.DataFrame, ties: str, opponent: str) -> np.ndarray:
    """Return the log-ratio of each round, by hand."""
    cell = table[table["ties"] == ties].set_index(["contender", "replicate"])["seconds"]
    return np.log(cell["semi_dual"].to_numpy() / cell[opponent].to_numpy())


def test_a_slower_method_is_seen_in_its_ratios(tmp_path: Path) -> None:
    """By how much, with the t interval of both runs' rounds and 5% from run to run for each."""
    after = slower(race(), "semi_dual", 1.6)
    found = pair(tmp_path, after)
    level = 1 - 0.01 / len(found.seconds)

    assert len(found.seconds) == 4  # two cells, two opponents
    for one in found.seconds:
        ties = one.name.partition("ties=")[2].partition("]")[0]
        opponent = one.name.rpartition(" / ")[2]
        old, new = logs(race(), ties, opponent), logs(after, ties, opponent)
        rounds = stats.sem(old) ** 2 + stats.sem(new) ** 2
        runs = 2 * PRIOR_SPREAD**2
        freedom = (rounds + runs) ** 2 / (
            rounds**2 / (old.size + new.size - 2) + runs**2 / PRIOR_RUNS
        )
        own = stats.t.interval(level, freedom, old.mean() - new.mean(), math.sqrt(rounds + runs))

        assert one.state == "slower"
        assert one.before == pytest.approx(math.exp(old.mean()))
        assert one.after / one.before == pytest.approx(1.6)
        assert (one.movement.low, one.movement.high) == pytest.approx(own)


def test_a_machine_that_is_slower_as_a_whole_is_not(tmp_path: Path) -> None:
    """What all contenders share cancels."""
    both = race()
    found = pair(tmp_path, both.assign(seconds=both["seconds"] * 3))

    assert {one.state for one in found.seconds} <= {"same", "unchanged"}


def test_swapped_ratios_are_the_opposite() -> None:
    """To the last bit; the same run has not moved."""
    old, new = Ratio(0.1, 0.2, 6, "x"), Ratio(0.4, 0.1, 12, "y")
    there, back = ratio_shift(old, new, level=0.99), ratio_shift(new, old, level=0.99)

    assert (there.value, there.low, there.high) == (-back.value, -back.high, -back.low)
    assert ratio_shift(old, dataclasses.replace(old, created="z"), level=0.99).same


def test_another_machine_s_seconds_are_not_compared(tmp_path: Path) -> None:
    """And the comparison says so."""
    found = pair(tmp_path, race(), record(fingerprint={"cpu": "another"}))

    assert not found.seconds
    assert found.seconds_note == "Seconds are not compared: the machines differ."
    assert "quality is compared and seconds are not" in " ".join(found.notes)


def test_without_evidence_seconds_are_not_compared(tmp_path: Path) -> None:
    """A record that was copied alone."""
    a = write_run(tmp_path)
    b = tmp_path / "alone.json"
    write_record(read_record(a), b)
    found = compare(a, b)

    assert not found.seconds
    assert "does not lie beside the records" in found.seconds_note


def test_without_a_race_there_are_no_seconds(tmp_path: Path) -> None:
    """Nor a claim about them."""
    a = write_run(tmp_path, record(papers=[]))

    assert "there is no race" in compare(a, a).seconds_note
