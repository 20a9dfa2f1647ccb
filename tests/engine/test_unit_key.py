"""The key of a piece of evidence: everything that makes it, each in its turn."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import distributions, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from toy import BENCH, METHOD, PROBLEM, bound, edited, make

from claimbench.digest import digest
from claimbench.evidence import key as keys
from claimbench.evidence import packages
from claimbench.evidence.source import Sources
from claimbench.evidence.unit import THREADS, Unit
from claimbench.fingerprint import fingerprint

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


def test_stacking_is_in_the_key(root: Path) -> None:
    """One value that is stacked reaches the problem as a tuple: other evidence, same cells."""
    before = key(root)
    bench = edited(BENCH, ("Experiment(line, measure)", 'Experiment(line, measure, stack=("T",))'))

    assert key(make(root, bench_line__py=bench)) != before


def test_packages_that_the_source_imports_are_in_the_key(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of one that it reaches is other evidence; of any other package it is not."""
    imports = edited(METHOD, ("from numpy import exp\n", "from numpy import exp\nimport yaml\n"))
    make(root, method__py=imports)
    unused = key(root)
    used = edited(imports, ("    problem.calls", "    yaml.dump\n    problem.calls"))
    make(root, method__py=used)
    before = key(root)
    installed = packages._version

    def other(package: str) -> str | None:
        return "9.9" if package == "PyYAML" else installed(package)

    packages._provided.cache_clear()
    monkeypatch.setattr(packages, "_version", other)
    after = key(root)
    make(root, method__py=imports)
    still = key(root)
    packages._provided.cache_clear()

    assert before != after
    assert unused == still


def test_a_package_is_told_by_what_provides_it() -> None:
    """Its name is often another than its module's; Python's own modules have Python's version."""
    from importlib.metadata import version

    found = packages.package_versions({"yaml", "numpy", "json", "no_such_module"})

    assert found == {
        "yaml": f"PyYAML {version('PyYAML')}",
        "numpy": version("numpy"),
        "no_such_module": "not installed",
    }


@pytest.mark.parametrize("module", ["yaml", "dateutil", "_pytest", "six", "no_such_module"])
def test_who_provides_a_module_is_told_as_by_the_standard_library(module: str) -> None:
    """Declared or not, a folder or a file; only that nothing else is parsed."""
    known = packages_distributions().get(module, [])

    found = {one.metadata["Name"] for one in distributions() if packages._provides(one, module)}

    assert found == set(known)


def test_threads_are_in_the_key_and_are_the_worker_s(root: Path) -> None:
    """One number tells the fingerprint, the libraries and torch."""
    from claimbench.evidence.pool import ONE_THREAD

    assert fingerprint()["threads"] == THREADS
    assert set(ONE_THREAD.values()) == {str(THREADS)}
    assert key(root, fingerprint={**MACHINE, "threads": 1}) != key(
        root, fingerprint={**MACHINE, "threads": 2}
    )


def test_the_engine_s_comments_are_not_in_the_key() -> None:
    """Nor are its docstrings; its code is."""
    code = 'def f(x):\n    """Return x."""\n    return x\n'

    assert keys._code(code) == keys._code(code.replace('"""Return x."""', "# x"))
    assert keys._code(code) == keys._code(code.replace("Return x.", "Return it."))
    assert keys._code(code) != keys._code(code.replace("return x", "return -x"))


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
