"""What a run cost, where its contenders come from, and pages of records that can't be read."""

from __future__ import annotations

import dataclasses
import json

import pytest
from pages import Page, page
from reporting import PAPER, claim, claims, contenders, design, effect, record, write_run

from claimbench.errors import RecordError
from claimbench.record import DeviationRecord
from claimbench.report import write_report
from claimbench.report.subjects import ratio_words


def test_costs_are_told_by_part_paper_and_contender(tmp_path):
    """Shares add up, a contender's experiments are added, blocks of the store are told."""
    shown = page(tmp_path, tables={})

    assert (
        "Inside contenders methods, opponents, controls and candidates 79.6 s 94.1%" in shown.text
    )
    assert "Engine streams, tables, files, and the session's own process 1.9 s 2.2%" in shown.text
    assert "Wall time 84.2 s with 2 workers. 2 blocks came from the store" in shown.text
    assert f"{PAPER} 90.5 s 100.0% 256 MiB 44, 2 of them from the store" in shown.text
    assert "semi_dual 11.7 s 12.9% 256 MiB 8, 2 of them from the store" in shown.text
    assert "22 in 2 experiments" in shown.text
    assert "comes from the root seed 0 by paper" in shown.text


def test_a_run_of_nothing_costs_nothing(tmp_path):
    """Without contenders and seconds the ledger says so."""
    bare = record(claims=[], contenders=[], papers=[], seconds={})

    assert "No contender ran." in page(tmp_path, bare, {}).text


def test_tuning_is_told_with_grid_and_budget(tmp_path):
    """Over what, how many trials, on how many replicates, by what; others say nothing was."""
    first, *others = contenders()
    plan = {"trials": 6, "replicates": 8, "criterion": "gap"}
    paper = dataclasses.replace(
        record().papers[0], experiments={"sweep": design({"k": [1]}, tuning=plan)}
    )
    tuned = dataclasses.replace(first, grid={"memory": [5, 10, 20], "<b>": [0.5, 1e-7]})

    shown = page(tmp_path, record(contenders=[tuned, *others], papers=[paper]), {})

    assert "memory in {5, 10, 20}; <b> in {0.5, 1×10⁻⁷}" in shown.text
    assert "6 trials a cell, 8 replicates each, by gap" in shown.text
    assert "shuffled_k control own code nothing none" in shown.text


def test_deviations_are_told_with_their_files(tmp_path):
    """A claim points at them; hostile text stays text."""
    told = [
        DeviationRecord("suite/p/method.py", "half as <b>often</b>."),
        DeviationRecord("f", "x"),
    ]
    paper = dataclasses.replace(record().papers[0], deviations=told)

    shown = page(tmp_path, record(papers=[paper]), {})

    assert "2 deviations from the paper, as the code tells them" in shown.text
    assert "half as <b>often</b>. suite/p/method.py" in shown.text
    assert shown.text.count("Deviations 2 of this paper") == len(claims())


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("ln of the ratio", "ratio: 2.72 [1, 7.39]"),
        ("log10 of the error ratio over 10", "error ratio over 10: 10 [1, 100]"),
        ("ln of microseconds a step", ""),
        ("dB", ""),
    ],
)
def test_logarithms_of_ratios_are_told_as_ratios(unit, words):
    """A reader of "2.3 ln" wants "ten times"."""
    assert ratio_words(effect(1.0, 0.0, 2.0), unit) == words


def test_ratios_nobody_can_read_and_missing_limits():
    """An unbounded limit is zero or infinity; beyond 300 there is no number."""
    assert ratio_words(effect(0.0, None, None), "ln of the ratio") == "ratio: 1 [0, ∞]"
    assert ratio_words(effect(1e9, 0.0, 2e9), "ln of the ratio") == ""
    assert ratio_words(None, "ln of the ratio") == ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("suite --replicates 64 -q", "--replicates 64"),
        ("suite --replicates=64", "--replicates 64"),
        ("suite --benchmark-only", ""),
        ("suite 'open", ""),
    ],
)
def test_the_command_to_rerun_asks_for_the_same(tmp_path, command, words):
    """Another number of replicates or another root seed is part of it."""
    shown = page(tmp_path, record(command=command, seed=7, claims=[claim()]), {})
    asked = f"--root-seed 7 {words} -k smoother".replace("  ", " ")

    assert f"pytest suite/{PAPER} --benchmark-only --profile standard {asked}" in shown.text


def test_a_record_of_another_schema_is_a_page_that_says_so(tmp_path):
    """Its schema, what it says of itself, and what to do; none of its verdicts."""
    path = write_run(tmp_path, tables={})
    data = json.loads(path.read_text()) | {"schema": 7, "device": "<script>x</script>"}
    path.write_text(json.dumps(data), encoding="utf-8")

    shown = Page(write_report(path, tmp_path / "out.html").read_text(encoding="utf-8"))

    assert "The record has schema 7; this version of claimbench reads schema 1." in shown.text
    assert record().revision in shown.text
    assert "<script>x</script>" in shown.text
    assert "reproduced" not in shown.text
    assert shown.scripts == []
    assert ("p", "class", "banner alert") in shown.attributes


def test_a_broken_record_of_this_schema_is_still_refused(tmp_path):
    """A wrong value is no foreign schema."""
    path = write_run(tmp_path, tables={})
    path.write_text(json.dumps({"schema": 1}), encoding="utf-8")

    with pytest.raises(RecordError):
        write_report(path, tmp_path / "out.html")
