"""The key of a piece of evidence: everything that makes it, each in its turn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, METHOD, PROBLEM, bound, edited, make

from claimbench.digest import digest
from claimbench.evidence import key as keys
from claimbench.evidence.source import Sources
from claimbench.evidence.unit import Unit

UNIT = Unit(
    root="/somewhere", domain="toy", slug="line", experiment="line", contender="steep",
    role="method", cells=({"T": 1},), block=0, replicates=(0, 3), device="cpu", seed=0,
)  # fmt: skip
MACHINE = {"cpu": "toy", "torch": "2"}


def key(root: Path, unit: Unit = UNIT, **parts: Any) -> str:
    given = {"fingerprint": MACHINE, "data": "d", "pin": {"POT": "1"}, **parts}
    return keys.unit_key(unit, bound(root).experiments["line"], Sources(root), **given)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path)


def test_the_key_of_the_same_evidence_is_the_same(root: Path) -> None:
    """It does not depend on the process, the checkout's place or the order of mappings."""
    assert key(root) == key(root)
    assert key(root) == key(root, replace(UNIT, root="/elsewhere", role="baseline", file="f"))
    assert key(root) == key(root, fingerprint={"torch": "2", "cpu": "toy"})


@pytest.mark.parametrize(
    "change",
    [
        {"cells": ({"T": 2},)},
        {"cells": ({"T": 1.0},)},
        {"cells": ({"T": 1}, {"T": 2})},
        {"block": 1},
        {"replicates": (0, 2)},
        {"device": "cuda"},
        {"seed": 1},
        {"stage": "tuning"},
        {"parameters": {"rate": 1}},
        {"slug": "curve"},
        {"domain": "game"},
        {"experiment": "curve"},
        {"contender": "flat"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_part_of_the_unit_is_in_the_key(root: Path, change: dict[str, Any]) -> None:
    """Paper, experiment, contender, cells, block, replicates, device, seed, tuned parameters."""
    changed = replace(UNIT, **change)
    plain = {"slug", "experiment"} & set(change)

    if plain:  # names of what this checkout does not hold
        assert digest(changed.identity()) != digest(UNIT.identity())
    else:
        assert key(root, changed) != key(root)


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": {"cpu": "toy", "torch": "3"}},
        {"fingerprint": {"cpu": "other", "torch": "2"}},
        {"data": "e"},
        {"pin": {"POT": "2"}},
    ],
)
def test_machine_versions_data_and_pin_are_in_the_key(root: Path, change: dict[str, Any]) -> None:
    """Another CPU, library, data set or opponent makes other evidence."""
    assert key(root, **change) != key(root)


EDITS = {
    "contender": {
        "bench_line__py": edited(BENCH, ("descend(problem, 1.0)", "descend(problem, 2.0)"))
    },
    "its import": {"method__py": edited(METHOD, ("exp(-rate", "exp(-2 * rate"))},
    "problem": {"problem__py": edited(PROBLEM, ("0.01 *", "0.02 *"))},
    "measure": {"bench_line__py": edited(BENCH, ('{"gap": x}', '{"gap": 2 * x}'))},
    "exhibit": {
        "bench_line__py": edited(
            BENCH,
            ("Experiment(line, measure)", "Experiment(line, measure, exhibit=picture)"),
            ("\n\ndef measure", '\n\ndef picture(problem, x):\n    return {"x": x}\n\ndef measure'),
        )
    },
}


@pytest.mark.parametrize("files", EDITS.values(), ids=EDITS)
def test_an_edit_of_what_makes_evidence_misses(root: Path, files: dict[str, str]) -> None:
    """Contender, problem, measure and exhibit, with their imports."""
    before = key(root)

    assert key(make(root, **files)) != before


JUDGED = {
    "estimand": {"bench_line__py": edited(BENCH, ("mean(axis=1)", "max(axis=1)"))},
    "another contender": {"bench_line__py": edited(BENCH, ("1.5 *", "2.5 *"))},
    "comment": {"method__py": "# new\n" + METHOD},
}


@pytest.mark.parametrize("files", JUDGED.values(), ids=JUDGED)
def test_an_edit_of_what_judges_it_hits(root: Path, files: dict[str, str]) -> None:
    """Estimands, other contenders and comments leave the evidence as it is."""
    before = key(root)

    assert key(make(root, **files)) == before


def test_the_engine_s_own_code_is_in_the_key(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence of an engine that seeded or scored differently is not taken."""
    before = key(root)
    monkeypatch.setattr(keys, "engine_digest", lambda: "another engine")

    assert key(root) != before


def test_the_engine_s_digest_covers_what_makes_evidence() -> None:
    """Streams, worker, store and clock are files that exist and are hashed."""
    folder = Path(keys.__file__).parent

    assert len(keys.engine_digest()) == 64
    assert {"streams.py", "worker.py", "clock.py", "store.py"} <= set(keys._MAKERS)
    assert all((folder / name).is_file() for name in keys._MAKERS)
