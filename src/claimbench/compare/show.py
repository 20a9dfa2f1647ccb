"""A comparison for the terminal, for a job's summary and for programs."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from claimbench.compare import words
from claimbench.compare.claims import ClaimChange
from claimbench.compare.compared import Compared, RatioChange
from claimbench.gate.movement import Movement
from claimbench.report.markdown import cell, fitted, line, table
from claimbench.report.numerals import counted
from claimbench.report.summary import effect_facts, provenance
from claimbench.schema import plain

SCHEMA = 1


def text(found: Compared) -> str:
    """Return the comparison for the terminal; what did not move is counted."""
    return "".join(f"{'  ' * depth}{line(words_)}\n" for depth, words_ in _text(found))


def _text(found: Compared) -> Iterator[tuple[int, str]]:
    """Yield lines: (depth, words)."""
    yield 0, f"{words.headline(found)}."
    for name, a, b in words.sides(found):
        yield 1, f"{name}: {a}" if a == b else f"{name}: A {a}; B {b}"
    for note in found.notes:
        yield 0, note
    for claim in found.moved:
        yield 0, f"{words.label(claim)}: {claim.after.id}"
        yield from ((1, one) for one in _claim_lines(claim))
    for why, claims in found.apart.items():
        yield 0, f"not compared, {counted(len(claims), 'claim')}: {why}"
        yield from ((1, f"{one.after.id}: {words.apart_words(one)}") for one in claims)
    for lone in found.lone:
        yield 0, f"only in {lone.side}: {lone.claim.id}"
        yield 1, words.lone_words(lone)
    for one in found.candidates:
        yield 0, f"candidate only in {one.side}: {one.candidate.contender} at {one.claim.id}"
        yield 1, words.candidate_words(one)
    yield from _seconds(found)
    for sentence in found.contenders:
        yield 0, sentence
    if found.quiet:
        yield 0, words.quiet_words(found)
    if found.moved:
        yield 0, words.method(found)
    yield 0, words.NO_GATE


def _seconds(found: Compared) -> Iterator[tuple[int, str]]:
    yield 0, found.seconds_note
    seen = [one for one in found.seconds if one.state in words.SEEN]
    for one in seen:
        yield 1, f"{one.state}: {one.name}"
        yield 2, f"{one.before:.3g} in A, {one.after:.3g} in B: {words.ratio_words(one)}"
    if len(found.seconds) > len(seen):
        others = counted(len(found.seconds) - len(seen), "ratio")
        yield 1, f"{others} without a change that can be seen"


def _claim_lines(claim: ClaimChange) -> Iterator[str]:
    before, after = claim.before, claim.after
    yield from words.verdict_changes(claim)
    shown, still = words.seen(claim)
    if not (words.single(claim) and any(not change.role for change in shown)):
        own = [words.effect_words(one.effect) for one in (before, after)]
        same = own[0] == own[1]
        yield f"effect: {own[0]}" if same else f"effect: {own[0]} in A, {own[1]} in B"
    for change in shown:
        a, b = (
            words.effect_words(part.effect) for part in (change.shift.before, change.shift.after)
        )
        yield f"{words.name_words(change)}: {a} in A, {b} in B; shift {words.shift_words(change)}"
    if still and shown:
        yield f"{counted(still, 'other part')} did not move"
    yield from claim.lone
    yield from claim.cautions


def markdown(found: Compared) -> str:
    """Return the comparison as Markdown that fits a job's summary."""
    return fitted(_markdown(found))


def _markdown(found: Compared) -> Iterator[str]:
    yield f"### claimbench: {cell(words.headline(found))}"
    yield ""
    for note in found.notes:
        yield f"> {cell(note)}"
        yield ""
    yield from table(("", "A", "B"), (tuple(map(cell, row)) for row in words.sides(found)))
    if found.moved:
        yield "#### What moved"
        yield ""
        rows = (row for claim in found.moved for row in _rows(claim))
        yield from table(("state", "claim", "A", "B", "shift"), rows)
        yield words.method(found)
        yield ""
    for why, claims in found.apart.items():
        yield f"#### Not compared: {cell(why)}"
        yield ""
        yield from table(("claim", "A", "B"), (_apart_row(one) for one in claims))
    if found.lone or found.candidates:
        yield "#### In one record only"
        yield ""
        lone = [(one.side, cell(one.claim.id), cell(words.lone_words(one))) for one in found.lone]
        lone += [
            (
                one.side,
                f"{cell(one.claim.id)}, candidate {cell(one.candidate.contender)}",
                cell(words.candidate_words(one)),
            )
            for one in found.candidates
        ]
        yield from table(("only in", "claim", "what it says"), lone)
    yield "#### Seconds"
    yield ""
    if found.seconds:
        yield from table(("ratio of seconds", "A", "B", "change"), map(_ratio_row, found.seconds))
    yield cell(found.seconds_note)
    yield ""
    if found.contenders:
        yield "#### Contenders"
        yield ""
        yield from (f"- {cell(sentence)}" for sentence in found.contenders)
        yield ""
    if found.quiet:
        yield f"<details><summary>{words.quiet_words(found)}</summary>"
        yield ""
        yield ", ".join(cell(one.after.id) for one in found.quiet)
        yield ""
        yield "</details>"
        yield ""
    yield words.NO_GATE


def _rows(claim: ClaimChange) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the claim's own row, then one for each further part that moved."""
    sides = _sides(claim)
    shown, still = words.seen(claim)
    own = [change for change in shown if not change.role] if words.single(claim) else []
    told = [*(words.shift_words(one) for one in own), *words.verdict_changes(claim)]
    told += [*claim.lone, *claim.cautions]
    if still and shown:
        told.append(f"{counted(still, 'part')} did not move")
    yield words.label(claim), f"**{cell(claim.after.id)}**", *sides, cell("; ".join(told))
    for change in shown:
        if change not in own:
            a, b = (
                cell(words.effect_words(part.effect))
                for part in (change.shift.before, change.shift.after)
            )
            yield (
                change.state,
                cell(words.name_words(change)),
                a,
                b,
                cell(words.shift_words(change)),
            )


def _sides(claim: ClaimChange) -> tuple[str, str]:
    a, b = (
        f"**{words.verdict_words(one)}**, {cell(words.effect_words(one.effect))}"
        for one in (claim.before, claim.after)
    )
    return a, b


def _apart_row(claim: ClaimChange) -> tuple[str, str, str]:
    pins = "".join(f"; {cell(one)}" for one in claim.cautions)
    return f"{cell(claim.after.id)}{pins}", *_sides(claim)


def _ratio_row(one: RatioChange) -> tuple[str, str, str, str]:
    return cell(one.name), f"{one.before:.3g}", f"{one.after:.3g}", cell(words.ratio_words(one))


def to_json(found: Compared) -> str:
    """Return the comparison as JSON, whose keys `docs/report.md` describes."""
    whole = {
        "schema": SCHEMA,
        "a": provenance(found.a),
        "b": provenance(found.b),
        "summary": f"{words.headline(found)}.",
        "notes": list(found.notes),
        "claims": [_claim(one) for one in found.claims],
        "only": [
            {"side": one.side, "id": one.claim.id, "verdict": one.claim.verdict, "why": one.why}
            | {"effect": effect_facts(one.claim.effect)}
            for one in found.lone
        ],
        "candidates": [
            {
                "side": one.side,
                "id": one.claim.id,
                "candidate": one.candidate.contender,
                "verdict": one.candidate.verdict,
                "effect": effect_facts(one.candidate.effect),
            }
            for one in found.candidates
        ],
        "seconds": [_ratio(one) for one in found.seconds],
        "seconds_note": found.seconds_note,
        "contenders": list(found.contenders),
    }
    return json.dumps(plain(whole), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _claim(claim: ClaimChange) -> dict[str, Any]:
    return {
        "id": claim.after.id,
        "paper": claim.after.paper,
        "state": claim.state,
        "why_not": claim.why_not,
        "cautions": [*claim.lone, *claim.cautions],
        **{
            side: {
                "verdict": one.verdict,
                "holm": one.holm,
                "control": one.control.verdict,
                "claim_hash": one.claim_hash,
                "effect": effect_facts(one.effect),
            }
            for side, one in (("a", claim.before), ("b", claim.after))
        },
        "parts": [
            {
                "name": change.name,
                "role": change.role,
                "state": change.state,
                "a": effect_facts(change.shift.before.effect),
                "b": effect_facts(change.shift.after.effect),
                "shift": _movement(change.shift.movement, change.shift.level),
                "tolerance": change.tolerance,
            }
            for change in claim.changes
        ],
    }


def _movement(moved: Movement, level: float) -> dict[str, Any]:
    return {**dataclasses.asdict(moved), "level": level}


def _ratio(one: RatioChange) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "a": one.before,
        "b": one.after,
        "shift": _movement(one.movement, one.level),
    }
