"""The gate for people and for machines: a table, Markdown, JUnit, JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from claimbench.gate.finding import Finding
from claimbench.gate.gate import Gate, counts
from claimbench.report.markdown import cell


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
            if one.cure:
                yield f"  to mend it: {one.cure}"
    yield from found.notes
    yield headline(found)


def markdown(found: Gate) -> str:
    """Return the gate as Markdown that fits a job's summary."""
    loud = [one for one in found.findings if one.state != "ok" or one.moved]
    rows = [f"### claimbench: {cell(headline(found))}", ""]
    if loud:
        rows += ["| state | claim | accepted | now | why |", "|---|---|---|---|---|"]
        rows += [
            f"| {one.state} | {cell(one.name)} | {cell(one.before)} | {cell(one.after)} |"
            f" {cell(one.reason + (f'. To mend it: {one.cure}' if one.cure else ''))} |"
            for one in loud
        ]
        rows.append("")
    rows += [f"{cell(note)}\n" for note in found.notes]
    return "\n".join(rows).rstrip() + "\n"


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
            told.text = f"was {one.before or 'nothing'}; is {one.after or 'nothing'}\n{one.cure}"
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def to_json(found: Gate) -> str:
    """Return the gate as JSON."""
    whole = {
        "state": found.state,
        "counts": counts(found.findings),
        "findings": [_plain(one) for one in found.findings],
        "notes": list(found.notes),
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
