"""From an experiment's table to a profile's cells, replicates and blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from claimbench.claim import Design
from claimbench.errors import ClaimFileError, UsageError
from claimbench.grid import check_experiment, check_where, design, label, select, with_replicates
from claimbench.words import Profile

PATH = Path("claim.toml")
TABLE: dict[str, Any] = {
    "T": [1, 2],
    "noise": ["normal", "t"],
    "eta": 0.5,
    "replicates": 10,
    "block": 5,
    "smoke": {"T": [1], "replicates": 2},
    "full": {"replicates": 20, "eta": 0.25},
}


def made(profile: Profile = "standard", **changes: Any) -> Design:
    found = design(PATH, "line", {**TABLE, **changes}, profile)
    assert found is not None
    return found


def test_the_cells_are_the_product_of_the_settings() -> None:
    """Every value meets every other, the last setting fastest."""
    assert made().cells == (
        {"T": 1, "noise": "normal", "eta": 0.5},
        {"T": 1, "noise": "t", "eta": 0.5},
        {"T": 2, "noise": "normal", "eta": 0.5},
        {"T": 2, "noise": "t", "eta": 0.5},
    )
    assert made().settings == {"T": (1, 2), "noise": ("normal", "t"), "eta": (0.5,)}


def test_listed_cells_meet_the_product_of_the_rest() -> None:
    """`cells` gives any other grid."""
    found = made(cells=[{"m": 3, "n_": 5}, {"m": 4, "n_": 7}], noise="t")

    assert [(cell["m"], cell["n_"], cell["T"]) for cell in found.cells] == [
        (3, 5, 1), (3, 5, 2), (4, 7, 1), (4, 7, 2),
    ]  # fmt: skip


def test_a_profile_is_written_as_changes_to_standard() -> None:
    """smoke and full change what they name, and nothing else."""
    smoke, full = made("smoke"), made("full")

    assert (smoke.settings["T"], smoke.replicates, smoke.block) == ((1,), 2, 2)
    assert (full.settings["T"], full.replicates, full.block) == ((1, 2), 20, 5)
    assert full.settings["eta"] == (0.25,)


def test_an_experiment_may_stay_away_from_a_profile() -> None:
    """By `profiles`, or by no replicates."""
    assert design(PATH, "line", {**TABLE, "profiles": ["standard"]}, "full") is None
    assert design(PATH, "line", {**TABLE, "smoke": {"replicates": 0}}, "smoke") is None


def test_blocks_cover_the_replicates_in_order() -> None:
    """A block is a fixed number of replicates."""
    assert made().blocks == (range(5), range(5, 10))
    assert made(block=10).blocks == (range(10),)


def test_replicates_of_the_command_line_keep_the_block() -> None:
    """More replicates are more blocks of the same size; fewer than a block are a smaller one."""
    more, fewer = with_replicates(made(), 15), with_replicates(made(), 3)

    assert (more.replicates, more.block) == (15, 5)
    assert (fewer.replicates, fewer.block) == (3, 3)


def test_replicates_that_split_a_block_are_refused() -> None:
    """A block is the unit of bits."""
    with pytest.raises(UsageError, match="whose block is 5: 7; allowed: up to 5, or a multiple"):
        with_replicates(made(), 7)


def test_a_fixed_set_of_instances_keeps_its_number() -> None:
    """--replicates is for random instances."""
    assert with_replicates(made(deterministic=True), 15).replicates == 10


def test_where_selects_cells_by_value_or_values() -> None:
    """A setting may take one value or a list of them; others are free."""
    cells = made().cells

    assert select(cells, {}) == [0, 1, 2, 3]
    assert select(cells, {"T": 2}) == [2, 3]
    assert select(cells, {"T": [1, 2], "noise": "t"}) == [1, 3]


def test_a_where_that_selects_nothing_is_refused() -> None:
    """The message lists what exists: settings, values, or cells."""
    with pytest.raises(
        ClaimFileError, match=r"names no setting of experiment line: .S.; allowed: T"
    ):
        check_where(PATH, "claim x.where", {"S": 1}, made())
    with pytest.raises(ClaimFileError, match=r"where.T is no value .* standard: 3; allowed: 1, 2"):
        check_where(PATH, "claim x.where", {"T": [1, 3]}, made())
    listed = made(T=1, noise="t", cells=[{"m": 1, "k": 1}, {"m": 2, "k": 2}])
    with pytest.raises(ClaimFileError, match=r"selects no cell.*allowed: m=1, k=1, T=1"):
        check_where(PATH, "claim x.where", {"m": 1, "k": 2}, listed)


def test_a_cell_is_labelled_as_people_write_it() -> None:
    """For messages and file names."""
    assert label({"T": 64, "noise": "t"}) == "T=64, noise=t"


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no replicates": (
        {"replicates": None},
        "replicates is missing; allowed: a whole number from 0",
    ),
    "half a replicate": ({"replicates": 2.5}, "replicates: 2.5"),
    "truth for a number": ({"replicates": True}, "replicates: True"),
    "block of nothing": ({"block": 0}, "block: 0; allowed: a whole number from 1"),
    "block that does not fit": ({"block": 4}, "no multiple of its block: 10; allowed: 4, 8, 12"),
    "negative budget": ({"budget": -1}, "budget: -1; allowed: a positive number"),
    "endless budget": ({"budget": float("inf")}, "budget: inf"),
    "empty setting": ({"T": []}, "T: .*allowed: one or more values"),
    "infinite setting": ({"T": [1.0, float("inf")]}, "T: inf; allowed: finite numbers"),
    "setting of the wrong type": ({"T": [{"a": 1}]}, "T: .*allowed: finite numbers, words"),
    "setting of two types": ({"T": [1, "two"]}, "mixes types"),
    "truth among numbers": ({"T": [1, True]}, "mixes types"),
    "a value twice": ({"T": [1, 2, 1.0]}, "has a cell twice: 'T=1, noise=normal"),
    "a reserved name": ({"replicate": [1]}, "a name that the evidence needs for itself"),
    "deterministic in words": ({"deterministic": "no"}, "deterministic: 'no'; allowed: true or"),
    "cells that are no list": ({"cells": {"m": 1}}, "cells: .*allowed: a list of tables"),
    "no cells": ({"cells": []}, "cells: .*allowed: one or more tables"),
    "cells of different keys": ({"cells": [{"m": 1}, {"k": 1}]}, "tables with the same keys"),
    "cells against a setting": ({"cells": [{"T": 1}]}, "none of which is a setting of its own"),
    "a cell twice": ({"cells": [{"m": 1}, {"m": 1}]}, "has a cell twice"),
    "smoke that is no table": ({"smoke": 3}, "smoke: 3; allowed: a table"),
    "unknown profile": ({"profiles": ["standart"]}, "'standart'.*did you mean 'standard'"),
    "tuning without a criterion": ({"tuning": {"trials": 2, "replicates": 2}}, "tuning.criterion"),
    "tuning without trials": (
        {"tuning": {"trials": 0, "replicates": 2, "criterion": "gap"}},
        "tuning.trials: 0; allowed: a whole number from 1",
    ),
}


@pytest.mark.parametrize(("changes", "message"), BROKEN.values(), ids=BROKEN)
def test_an_experiment_that_can_t_run_is_refused(changes: dict[str, Any], message: str) -> None:
    """At reading, whatever the profile asked for, with file, key, value and what is allowed."""
    with pytest.raises(ClaimFileError, match=message) as raised:
        check_experiment(PATH, "line", {**TABLE, **changes})
    assert str(raised.value).startswith("claim.toml: experiment.line")


def test_a_profile_that_does_not_fit_is_found_in_any_run() -> None:
    """A mistake under `full` does not wait for the GPU."""
    with pytest.raises(ClaimFileError, match="at profile full is no multiple"):
        check_experiment(PATH, "line", {**TABLE, "full": {"replicates": 7}})
