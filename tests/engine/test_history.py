"""What asv follows: every number so that less is better, and nothing that was not measured."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy import edit, imports_of_its_own, make
from toy_data import BUILDER, NAME, TEXT, built_checkout, write_builder

from claimbench.data import array, build, path
from claimbench.duet.worktrees import lend_data
from claimbench.errors import DataError
from claimbench.history.benchmarks.shortfall import claim_at, shortfall, tracked
from claimbench.history.plan import plan
from claimbench.record import ClaimRecord, Record

ROOT = Path(__file__).parents[2]
HISTORY = ROOT / "results" / "history"
PEAK = "kernels.Kernels.peakmem_kernel"
PAGE = (ROOT / "docs" / "history.md").read_text(encoding="utf-8")


def claim(
    kind: str, value: float | None, threshold: float | None = None, margin: float = 0.1
) -> Any:
    """Return the part of a claim's record that is followed."""
    effect = {"value": value}
    return {"kind": kind, "effect": effect, "threshold": threshold, "margin": margin}


@pytest.mark.parametrize(
    ("kind", "threshold", "worse", "better"),
    [
        ("superiority", None, 0.1, 0.2),
        ("magnitude", None, 2.0, 3.0),
        ("non-inferiority", None, -0.2, 0.1),
        ("success", 0.5, 0.4, 0.9),
        ("rate", 0.0, 0.3, -0.1),
        ("bound", 1.0, 1.5, 0.5),
        ("equivalence", None, -0.5, 0.2),
        ("identity", None, 1e-3, -1e-9),
    ],
)
def test_a_worse_effect_is_the_larger_number(
    kind: str, threshold: float | None, worse: float, better: float
) -> None:
    """asv reads less as better, and compares by ratios: numbers are positive, whatever the kind."""
    first, second = (tracked(claim(kind, value, threshold)) for value in (worse, better))

    assert first > second > 0


def test_the_margin_is_the_unit() -> None:
    """Of a margin of 0.1, an effect of 0.3 is three; without one the threshold, else 1, is."""
    assert shortfall(claim("superiority", 0.3)) == pytest.approx(-3)
    assert shortfall(claim("bound", 6.0, 4.0, margin=0.0)) == pytest.approx(0.5)
    assert shortfall(claim("identity", -2.0, margin=0.0)) == 2


@given(st.floats(-1e9, 1e9))
def test_the_tracked_number_is_the_positive_root(x: float) -> None:
    """y - 1/y = 2x has one positive root, and the page's way back from it gives x."""
    y = tracked(claim("rate", x, 0.0, margin=1.0))

    assert y > 0
    assert y - 1 / y == pytest.approx(2 * x, rel=1e-6, abs=1e-9)
    assert math.sinh(math.log(y)) == pytest.approx(x, rel=1e-6, abs=1e-9)


def test_an_undefined_effect_is_no_number() -> None:
    """An infinite effect is null in the record, and n/a for asv."""
    assert math.isnan(tracked(claim("rate", None, 0.0)))
    assert math.isnan(tracked(claim("rate", 0.0, 0.0) | {"effect": None}))


def test_what_is_read_is_in_the_record() -> None:
    """The benchmarks read records as plain JSON, by names that the schema has."""
    assert {field.name for field in dataclasses.fields(ClaimRecord)} >= {
        "id", "kind", "effect", "threshold", "margin",
    }  # fmt: skip
    assert {field.name for field in dataclasses.fields(Record)} >= {
        "complete", "dirty", "revision", "created", "claims",
    }  # fmt: skip


def test_the_newest_usable_record_of_a_commit_is_taken(tmp_path: Path) -> None:
    """Interrupted runs, changed trees, other commits and the gate's files are passed over."""

    def keep(name: str, folder: str = "standard/f", **changes: Any) -> None:
        place = tmp_path / folder
        place.mkdir(parents=True, exist_ok=True)
        whole = {"complete": True, "dirty": False, "revision": "a" * 40, "created": name[0]}
        claims = [{"id": "line/falls", "from": name}]
        (place / f"{name}.json").write_text(json.dumps({"claims": claims} | whole | changes))

    assert claim_at("line/falls", "a" * 40, tmp_path) is None
    keep("1-aaaaaaaa")
    keep("2-aaaaaaaa", folder="accepted/standard/f")
    keep("3-aaaaaaaa", complete=False)
    keep("4-aaaaaaaa", dirty=True)
    keep("5-aaaaaaaa", revision="aaaaaaaa" + "b" * 32)
    (tmp_path / "standard/f/2-aaaaaaaa.gate.json").write_text("{}")

    found = claim_at("line/falls", "a" * 40, tmp_path)
    assert found is not None
    assert found["from"] == "2-aaaaaaaa"
    assert claim_at("line/rises", "a" * 40, tmp_path) is None


def planned(root: Path) -> dict[str, Any]:
    with imports_of_its_own():
        return plan(root)


def test_each_primary_method_is_followed_once_at_its_smallest_cell(tmp_path: Path) -> None:
    """Two primary claims rest on one method; a claim that is not primary is not followed."""
    root = make(tmp_path)
    found = planned(root)
    assert list(found["kernels"]) == ["toy/line/line [T=2]: steep"]
    assert found["claims"] == ["line/falls", "line/beats-flat"]
    assert str(root) not in json.dumps(found)

    edit(root / "suite/toy/line/claim.toml", ("primary = true", "primary = false"))
    assert planned(root) == {"kernels": {}, "claims": []}


def test_data_are_lent_and_refused_where_the_pin_is_another(tmp_path: Path) -> None:
    """A second checkout gets the data of the first; data that are there are left alone."""
    (tmp_path / "here").mkdir()
    here = built_checkout(tmp_path / "here")
    there = shutil.copytree(here, tmp_path / "there")
    write_builder(there, BUILDER.replace("6.0", "8.0").replace("(2, 3)", "(2, 4)"))
    build(there, update=True)
    theirs = shutil.move(there / "datasets", tmp_path / "theirs")

    lend_data(here, there)
    assert path(TEXT, root=there).read_bytes() == b"x\r\n"
    with pytest.raises(DataError, match="is not the pinned file"):
        path(NAME, root=there)

    shutil.rmtree(there / "datasets")
    shutil.move(theirs, there / "datasets")
    lend_data(here, there)
    assert array(NAME, root=there).shape == (2, 4)


def test_the_commands_of_the_page_can_be_typed() -> None:
    """docs/history.md shows commands and options that asv has."""
    from asv.commands import make_argparser

    blocks = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("asv ")]
    parser, _ = make_argparser()
    words = [shlex.split(re.split(r"\s{2,}", line)[0])[1:] for line in lines]

    assert {one[0] for one in words} >= {"run", "continuous", "publish"}
    for one in words:
        assert parser.parse_args(one).func.__self__.__name__.lower() == one[0]


def test_there_is_a_history() -> None:
    """What is committed has several commits of one machine, with memory and effects."""
    found = [json.loads(path.read_text()) for path in HISTORY.glob("*/*-*.json")]

    assert len({one["commit_hash"] for one in found}) >= 9
    for one in found:
        assert set(one["results"]) >= {"claims.Claims.track_shortfall", PEAK}
        assert any(not math.isnan(value) for value in one["results"][PEAK][0])


@pytest.mark.parametrize(
    "file",
    sorted(path.relative_to(HISTORY).as_posix() for path in HISTORY.rglob("*.json")),
)
def test_the_committed_history_names_no_host_and_no_path(file: str) -> None:
    """Machines are fingerprints, interpreters are versions."""
    text = (HISTORY / file).read_text(encoding="utf-8")
    whole = json.loads(text)

    assert not re.search(r'"/|[^\w]/(home|root|tmp|usr|opt|Users|work)/', text)
    assert f'"{platform.node()}"' not in text
    if "/" in file:
        assert re.fullmatch(r"[0-9a-f]{12}/(machine|[0-9a-f]{8}-borrowed-py3\.\d+)\.json", file)
        facts = whole if file.endswith("/machine.json") else whole["params"]
        assert facts["machine"] == file.partition("/")[0]
        assert facts["os"] in {"Linux", "Darwin", "Windows"}
        assert facts["ram"] == ""
