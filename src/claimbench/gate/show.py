"""The gate for people and for machines: a table, Markdown, JUnit, JSON."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from claimbench.gate.finding import Finding
from claimbench.gate.gate import Gate, counts
from claimbench.report.markdown import cell

#: A timing that could not show this much tells nothing worth knowing.
BLIND = 0.5
_NAMED = 4


def headline(found: Gate) -> str:
    """Return ``Gate: regressed. 2 regressed, 61 ok.``."""
    each = ", ".join(f"{number} {state}" for state, number in counts(found.findings).items())
    return f"Gate: {found.state}. {each or 'nothing was compared'}."


def lines(found: Gate) -> Iterable[str]:
    """Yield the gate as text: what is not quiet, with its reason, then the headline."""
    for one in found.findings:
        if one.state != "ok" or one.moved:
            yield f"{one.state}: {one.name}"
            yield f"  was {one.before or 'nothing'}; is {one.after or 'nothing'}"
            yield f"  {one.reason}"
            if one.files:
                yield f"  {suspects(one)}"
            if one.cure:
                yield f"  to mend it: {one.cure}"
    yield from found.notes
    yield from sight(found)
    yield headline(found)


def suspects(one: Finding) -> str:
    """Return ``likely file: suite/.../method.py; also changed: ...``, empty where none is known."""
    if not one.files:
        return ""
    first, *others = one.files
    more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
    also = f"; also changed: {', '.join(others[:_NAMED])}{more}" if others else ""
    return f"likely file: {first}{also}"


def sight(found: Gate) -> Iterable[str]:
    """Yield what slowdown the timings could have shown with 80% power, if there are timings."""
    seen = sorted(one.visible for one in found.findings if one.visible is not None)
    if not seen:
        return
    words = f"{seen[0]:.0%}"
    if len(seen) > 1:
        middle = statistics.median(seen)
        words += f" in the sharpest of {len(seen)} timings, {middle:.0%} in the median one"
        words += f", {seen[-1]:.0%} in the bluntest"
    blind = sum(visible > BLIND for visible in seen)
    more = f" Blind, as they could not show {BLIND:.0%}: {blind}." if blind else ""
    yield f"Smallest slowdown that would be seen: {words}.{more}"


def markdown(found: Gate) -> str:
    """Return the gate as Markdown that fits a job's summary."""
    loud = [one for one in found.findings if one.state != "ok" or one.moved]
    rows = [f"### claimbench: {cell(headline(found))}", ""]
    if loud:
        rows += ["| state | claim | accepted | now | why |", "|---|---|---|---|---|"]
        rows += [
            f"| {one.state} | {cell(one.name)} | {cell(one.before)} | {cell(one.after)} |"
            f" {cell(_why(one))} |"
            for one in loud
        ]
        rows.append("")
    rows += [f"{cell(note)}\n" for note in (*found.notes, *sight(found))]
    return "\n".join(rows).rstrip() + "\n"


def _why(one: Finding) -> str:
    cure = f"To mend it: {one.cure}" if one.cure else ""
    return ". ".join(
        words for words in (one.reason.removesuffix("."), suspects(one), cure) if words
    )


def junit(found: Gate) -> str:
    """Return the gate as JUnit XML, in which each claim is a test case."""
    number = counts(found.findings)
    suite = ET.Element(
        "testsuite",
        name="claimbench gate",
        tests=str(len(found.findings)),
        failures=str(number.get("regressed", 0)),
        errors=str(number.get("error", 0)),
        skipped=str(number.get("inconclusive", 0)),
    )
    tags = {"regressed": "failure", "error": "error", "inconclusive": "skipped"}
    for one in found.findings:
        case = ET.SubElement(suite, "testcase", classname=one.paper or "claimbench", name=one.name)
        properties = ET.SubElement(case, "properties")
        for name in ("state", "before", "after"):
            ET.SubElement(properties, "property", name=name, value=getattr(one, name))
        if one.state in tags:
            told = ET.SubElement(case, tags[one.state], message=one.reason)
            was_and_is = f"was {one.before or 'nothing'}; is {one.after or 'nothing'}"
            told.text = "\n".join(words for words in (was_and_is, suspects(one), one.cure) if words)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def to_json(found: Gate) -> str:
    """Return the gate as JSON."""
    whole = {
        "state": found.state,
        "counts": counts(found.findings),
        "findings": [_plain(one) for one in found.findings],
        "notes": [*found.notes, *sight(found)],
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def write(found: Gate, record: Path) -> None:
    """Write ``<record>.gate.md``, ``.gate.json`` and ``.gate.xml`` beside a record."""
    stem = record.with_suffix("")
    for ending, text in (
        ("md", markdown(found)),
        ("json", to_json(found)),
        ("xml", junit(found)),
    ):
        stem.with_name(f"{stem.name}.gate.{ending}").write_text(text, encoding="utf-8")


def _plain(one: Finding) -> dict[str, object]:
    return dataclasses.asdict(one)
