"""A comparison as a page of its own, in the look of the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from claimbench.compare import words
from claimbench.compare.claims import Change, ClaimChange
from claimbench.compare.compared import Compared, RatioChange
from claimbench.record import ClaimRecord
from claimbench.report import forest
from claimbench.report.rules import Region, region
from claimbench.report.templates import environment, style
from claimbench.report.view import anchors


@dataclass(frozen=True, slots=True)
class Row:
    """One part that moved: both effects on one frame, and the shift on another."""

    name: str
    unit: str
    a: str
    b: str
    frame: forest.Frame
    bars: tuple[tuple[str, forest.Bar], ...]
    shift: str
    shift_frame: forest.Frame | None
    shift_bar: forest.Bar | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A claim that moved."""

    anchor: str
    label: str
    state: str
    before: ClaimRecord
    after: ClaimRecord
    told: tuple[str, ...]
    rows: tuple[Row, ...]


def html(found: Compared) -> str:
    """Return the whole page; equal records give equal bytes."""
    links = anchors("claim-", (one.after.id for one in found.claims))
    return (
        environment()
        .get_template("compare.jinja")
        .render(
            css=style("report.css", "compare.css"),
            title=f"{found.a.revision[:12]} and {found.b.revision[:12]} compared · claimbench",
            headline=words.headline(found),
            found=found,
            sides=words.sides(found),
            method=words.method(found),
            moved=[_moved(claim, links[claim.after.id]) for claim in found.moved],
            apart=[(why, [_apart(one) for one in claims]) for why, claims in found.apart.items()],
            lone=list(_lone(found)),
            ratios=[_ratio(one) for one in found.seconds if one.state in words.SEEN],
            still=[_ratio(one) for one in found.seconds if one.state not in words.SEEN],
            quiet=words.quiet_words(found),
            no_gate=words.NO_GATE,
        )
    )


def _moved(claim: ClaimChange, anchor: str) -> Moved:
    shown, still = words.seen(claim)
    told = [*words.verdict_changes(claim), *claim.lone, *claim.cautions]
    if still and shown:
        told.append(f"{still} further part{'' if still == 1 else 's'} did not move.")
    if not any(not change.role for change in shown):
        told.append(f"Effect: {words.effect_words(claim.after.effect)}, as in A.")
    rows = tuple(_row(claim, change) for change in shown)
    return Moved(
        anchor, words.label(claim), claim.state, claim.before, claim.after, tuple(told), rows
    )


def _row(claim: ClaimChange, change: Change) -> Row:
    effects = {"A": change.shift.before.effect, "B": change.shift.after.effect}
    frame = forest.frame(region(claim.after), list(effects.values()))
    a, b = (words.effect_words(effect, unit=False) for effect in effects.values())
    after = change.shift.after.effect
    shift_frame, shift_bar = _shift(change)
    return Row(
        name=words.name_words(change),
        unit=after.unit if after is not None else "",
        a=a,
        b=b,
        frame=frame,
        bars=tuple(
            (side, _labelled(forest.bar(frame, effect), f"{side}: "))
            for side, effect in effects.items()
            if effect is not None
        ),
        shift=words.shift_words(change, unit=False),
        shift_frame=shift_frame,
        shift_bar=shift_bar,
    )


def _labelled(bar: forest.Bar, before: str) -> forest.Bar:
    return dataclasses.replace(bar, label=f"{before}{bar.label}")


def _shift(change: Change) -> tuple[forest.Frame | None, forest.Bar | None]:
    moved = change.shift.movement
    if not moved.known:
        return None, None
    effect = words.as_effect(moved, change.shift.level)
    allowed = Region(-change.tolerance, change.tolerance, 0.0, (), "within the gate's tolerance")
    frame = forest.frame(allowed, [effect])
    label = f"shift {words.shift_words(change)}"
    return frame, dataclasses.replace(forest.bar(frame, effect), label=label)


def _ratio(one: RatioChange) -> dict[str, str]:
    return {
        "name": one.name,
        "a": f"{one.before:.3g}",
        "b": f"{one.after:.3g}",
        "change": words.ratio_words(one),
    }


def _apart(claim: ClaimChange) -> dict[str, Any]:
    return {
        "after": claim.after,
        "cautions": claim.cautions,
        "sides": [
            (side, one, words.effect_words(one.effect))
            for side, one in (("A", claim.before), ("B", claim.after))
        ],
    }


def _lone(found: Compared) -> Iterator[dict[str, Any]]:
    for one in found.lone:
        yield {
            "name": one.claim.id,
            "candidate": "",
            "side": one.side,
            "verdict": one.claim.verdict,
            "effect": words.effect_words(one.claim.effect),
            "why": one.why,
        }
    for other in found.candidates:
        claim = other.claim
        yield {
            "name": claim.id,
            "candidate": other.candidate.contender,
            "side": other.side,
            "verdict": other.candidate.verdict,
            "effect": words.effect_words(other.candidate.effect),
            "why": f"the method {claim.method}: {claim.verdict},"
            f" {words.effect_words(claim.effect)}",
        }
