"""The JSON summary: its schema, written down here once more, and in the documentation."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field
from reporting import claim, effect, record, replace_all

from claimbench.record import fingerprint_of
from claimbench.report.summary import SCHEMA, to_json

DOCS = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
Verdict = Literal["reproduced", "not reproduced", "inconclusive", "void"]


class Strict(BaseModel):
    """An object with these keys and no other, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Effect(Strict):
    value: float | None
    low: float | None
    high: float | None
    level: float
    n: int
    unit: str
    interval: Literal["t", "wilson", "bootstrap", "median", "exact", "none"]
    at_infinity: Literal["", "below", "above"]


class Side(Strict):
    contender: str
    verdict: Verdict
    effect: Effect | None


class Claim(Strict):
    id: str
    paper: str
    statement: str
    source: str
    kind: str
    scale: Literal["exact", "reduced", "proxy"]
    primary: bool
    claim_hash: str
    verdict: Verdict
    holm: bool
    reason: str
    effect: Effect | None
    margin: float
    threshold: float | None
    method: str
    control: Side
    against: list[Side]
    candidates: list[Side]


class Summary(Strict):
    version: Literal[1] = Field(alias="schema")
    profile: str
    device: str
    revision: str
    dirty: bool
    complete: bool
    created: str
    seed: int
    machine: str
    data: dict[str, str]
    counts: dict[Verdict, int]
    claims: list[Claim]
    not_judged: dict[str, str]


def strict(text: str) -> dict[str, Any]:
    """Return JSON as a parser that knows no NaN reads it."""

    def refuse(word: str) -> None:
        raise AssertionError(word)

    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def test_the_summary_has_its_schema() -> None:
    """Every key, every type, and none besides."""
    text = to_json(record(data={"hash": "x", "papers": {"optimization/sparse_ot": "y"}}))
    found = Summary.model_validate_json(text)

    assert found.machine == fingerprint_of(record())
    assert [one.id for one in found.claims] == [one.id for one in record().claims]
    assert sum(found.counts.values()) == len(found.claims)
    assert found.data == {"optimization/sparse_ot": "y"}


def test_numbers_are_the_record_s() -> None:
    """Not one is rounded, and what is infinite is null."""
    run = record(claims=[claim(effect=effect(1 / 3, math.nan, math.inf))])
    [found] = strict(to_json(run))["claims"]

    assert found["effect"]["value"] == 1 / 3
    assert found["effect"]["low"] is None
    assert found["effect"]["high"] is None
    assert found["claim_hash"] == run.claims[0].claim_hash


def test_words_from_outside_stay_as_they_are() -> None:
    """JSON has its own escapes."""
    nasty = '<script>"\u202e\n|'
    assert strict(to_json(replace_all(record(), nasty)))["claims"][0]["statement"] == nasty


def test_the_documentation_names_every_key() -> None:
    """docs/report.md describes the keys of the summary and of its claims, and the version."""
    section = DOCS.partition("### The JSON summary")[2].partition("### ")[0]
    table = {
        name
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    prose = section.partition("Of each claim:")[2].partition("```")[0]

    assert table == {field.alias or name for name, field in Summary.model_fields.items()}
    assert set(re.findall(r"`(\w+)`", prose)) == {
        *Claim.model_fields,
        *Side.model_fields,
        *Effect.model_fields,
    }
    assert f"schema is **{SCHEMA}**" in section


def test_the_documentation_s_code_reads_a_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands."""
    [code] = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    (tmp_path / "summary.json").write_text(to_json(record()))
    monkeypatch.chdir(tmp_path)
    exec(code, {})

    assert capsys.readouterr().out == "3 of 6\n"
